"""Which player-games a backtest compares figures on: the archive's evaluation_rows.parquet, or its
rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from local.replay import Archive, ArchiveError
from shared.science.evaluation import Days, Floats, Mask, Texts

FILE = "evaluation_rows.parquet"
LINED, ALL = "lined", "all"
KINDS = (LINED, ALL)
# Who is compared: see the archive's README. Minutes count as whole numbers, as they are recorded
# before 2025-26: so the file's rows come out.
GAMES, MINUTES = 10, 15.0
# On a roster (shared/science/features): the latest game is for this team and at most so many days
# back.
ROSTER_DAYS = 30

# Every game of every player with what came before it, and the books' last main lines before tip-off
# as one.
_GAMES = """
CREATE TEMP TABLE games AS
SELECT
  game_id, player_id, game_date::DATE AS day, season, season_type, team_abbr AS team, minutes,
  lag(game_date::DATE) OVER everything AS previous_day, lag(team_abbr) OVER everything AS previous_team
FROM read_parquet($box)
WINDOW everything AS (PARTITION BY player_id ORDER BY game_date, game_id)
"""
_BY_RULE = """
WITH counted AS (
  SELECT
    game_id, player_id, season_type,
    count(*) OVER (earlier ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS games_before,
    avg(round(minutes)) OVER (earlier ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING) AS minutes_before
  FROM games
  WHERE minutes > 0
  WINDOW earlier AS (PARTITION BY player_id ORDER BY day, game_id)
),
by_book AS (
  SELECT game_id, player_id, bookmaker, median(line) AS line
  FROM read_parquet($lines)
  WHERE market = 'points' AND is_last
  GROUP BY ALL
),
lines AS (SELECT game_id, player_id, median(line) AS line FROM by_book GROUP BY ALL)
SELECT g.*, l.line
FROM counted
JOIN games AS g USING (game_id, player_id)
LEFT JOIN lines AS l USING (game_id, player_id)
WHERE counted.season_type = 'regular_season' AND games_before >= $games AND minutes_before >= $minutes
  AND g.season = $season AND g.day BETWEEN $first AND $last
ORDER BY g.day, g.game_id, g.player_id
"""
_FROM_FILE = """
SELECT g.*, e.line
FROM read_parquet($file) AS e
JOIN games AS g USING (game_id, player_id)
WHERE e.row_set = $row_set AND g.day BETWEEN $first AND $last
ORDER BY g.day, g.game_id, g.player_id
"""
_ROW_SETS = "SELECT DISTINCT row_set FROM read_parquet($file)"


@dataclass(frozen=True)
class EvaluationRows:
    """n player-games ordered by day, game and player; line is NaN in the lists without one."""

    game: Texts
    player: NDArray[np.int64]
    day: Days
    line: Floats
    team: Texts
    previous_day: Days
    """Day of the player's game before, NaT for his first."""
    previous_team: Texts
    source: str
    """Where the rows come from, for people."""

    def __len__(self) -> int:
        return len(self.game)

    @property
    def keys(self) -> list[tuple[str, int]]:
        return list(zip(self.game.tolist(), self.player.tolist(), strict=True))

    def why_not_on_a_roster(self, missing: Mask) -> dict[str, int]:
        """How many of the rows of a mask no roster had before the game, by reason."""
        long_ago = self.day - self.previous_day > np.timedelta64(ROSTER_DAYS, "D")
        first = np.isnat(self.previous_day)
        moved = self.team != self.previous_team
        returns = missing & ~first & ~moved
        reasons = {
            "no earlier game of the player": missing & first,
            "first game for another team": missing & ~first & moved,
            f"no line, and no game of the player in the {ROSTER_DAYS} days before": returns & long_ago,
            "no feature row for another reason": returns & ~long_ago,
        }
        return {reason: int(rows.sum()) for reason, rows in reasons.items() if rows.any()}


def read_evaluation_rows(archive: Archive, first: date, last: date) -> dict[str, EvaluationRows]:
    """The lists "lined" and "all" of the games from first to last.

    Of a season that the archive's file has a row set of (lined_2025_26), its rows; of any other,
    the rule's: regular season, players who played, with at least 10 such games before and 15
    minutes a game over the last 10 of them; the line is the median of the books' last main lines
    before tip-off.

    Raises ArchiveError where a file lacks what is needed for that.
    """
    seasons = [name for name in archive.seasons if any(first <= day <= last for day in archive.game_days(name))]
    file = archive.folder / FILE
    places = {name: str(archive.folder / f"{name}.parquet") for name in ("player_box", "prop_lines")}
    try:
        with duckdb.connect() as db:
            db.execute(_GAMES, {"box": places["player_box"]})
            kept: set[str] = set()
            if file.is_file():
                kept = {row[0] for row in db.execute(_ROW_SETS, {"file": str(file)}).fetchall()}
            found: dict[str, list[EvaluationRows]] = {kind: [] for kind in KINDS}
            for season in seasons:
                days = {"first": first, "last": last}
                by_rule = {
                    "season": season, "lines": places["prop_lines"], "games": GAMES, "minutes": MINUTES,
                    **days,
                }  # fmt: skip
                for kind in KINDS:
                    row_set = f"{kind}_{season.replace('-', '_')}"
                    if row_set in kept:
                        rows = db.execute(_FROM_FILE, {"file": str(file), "row_set": row_set, **days})
                        found[kind].append(_rows(rows.fetchnumpy(), f"{row_set} of {FILE}"))
                    else:
                        rows = db.execute(_BY_RULE, by_rule)
                        found[kind].append(_of_kind(kind, _rows(rows.fetchnumpy(), f"the rule, {season}")))
    except duckdb.Error as error:
        what = str(error).partition("\n")[0].rstrip(".")
        raise ArchiveError(
            f"The evaluation rows of {archive.folder} cannot be read: {what}.", next_step="mend or replace that file."
        ) from error
    return {kind: _together(parts) for kind, parts in found.items()}


def _rows(columns: Mapping[str, Any], source: str) -> EvaluationRows:
    def texts(name: str) -> Texts:
        return np.array(np.ma.filled(columns[name].astype(object), ""), dtype=np.str_)

    previous = np.ma.filled(columns["previous_day"].astype("datetime64[D]"), np.datetime64("NaT"))
    return EvaluationRows(
        game=texts("game_id"),
        player=np.asarray(columns["player_id"], dtype=np.int64),
        day=np.asarray(columns["day"]).astype("datetime64[D]"),
        line=np.asarray(np.ma.filled(np.ma.asarray(columns["line"]).astype(np.float64), np.nan)),
        team=texts("team"),
        previous_day=np.asarray(previous),
        previous_team=texts("previous_team"),
        source=source,
    )


def _of_kind(kind: str, rows: EvaluationRows) -> EvaluationRows:
    if kind == ALL:
        return _where(rows, np.ones(len(rows), dtype=np.bool_), np.full(len(rows), np.nan))
    return _where(rows, ~np.isnan(rows.line), rows.line)


def _where(rows: EvaluationRows, use: Mask, line: Floats) -> EvaluationRows:
    return EvaluationRows(
        rows.game[use], rows.player[use], rows.day[use], line[use], rows.team[use], rows.previous_day[use],
        rows.previous_team[use], rows.source,
    )  # fmt: skip


def _together(parts: list[EvaluationRows]) -> EvaluationRows:
    def column(name: str) -> Any:
        return np.concatenate([getattr(part, name) for part in parts])

    return EvaluationRows(
        column("game"), column("player"), column("day"), column("line"), column("team"), column("previous_day"),
        column("previous_team"), "; ".join(part.source for part in parts),
    )  # fmt: skip
