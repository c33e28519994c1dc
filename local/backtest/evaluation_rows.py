"""Which player-games a backtest compares figures on, by statistic: the archive's
evaluation_rows.parquet, or its rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from local.replay import Archive, ArchiveError
from shared.nba.stats import POINTS
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

# Every game of every player with what came before it, and who is compared by the rule.
_GAMES = """
CREATE TEMP TABLE games AS
SELECT
  game_id, player_id, game_date::DATE AS day, season, season_type, team_abbr AS team, minutes,
  lag(game_date::DATE) OVER everything AS previous_day, lag(team_abbr) OVER everything AS previous_team
FROM read_parquet($box)
WINDOW everything AS (PARTITION BY player_id ORDER BY game_date, game_id)
"""
_COMPARED = """
CREATE TEMP TABLE compared AS
SELECT game_id, player_id
FROM (
  SELECT
    game_id, player_id, season_type,
    count(*) OVER (earlier ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS games_before,
    avg(round(minutes)) OVER (earlier ROWS BETWEEN 10 PRECEDING AND 1 PRECEDING) AS minutes_before
  FROM games
  WHERE minutes > 0
  WINDOW earlier AS (PARTITION BY player_id ORDER BY day, game_id)
)
WHERE season_type = 'regular_season' AND games_before >= $games AND minutes_before >= $minutes
"""
# The books' last main lines before tip-off as one.
_BY_RULE = """
WITH by_book AS (
  SELECT game_id, player_id, bookmaker, median(line) AS line
  FROM read_parquet($lines)
  WHERE market = $stat AND is_last
  GROUP BY ALL
),
lines AS (SELECT game_id, player_id, median(line) AS line FROM by_book GROUP BY ALL)
SELECT g.*, l.line
FROM compared
JOIN games AS g USING (game_id, player_id)
LEFT JOIN lines AS l USING (game_id, player_id)
WHERE g.season = $season AND g.day BETWEEN $first AND $last
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


def read_evaluation_rows(
    archive: Archive, first: date, last: date, stats: Iterable[str]
) -> dict[str, dict[str, EvaluationRows]]:
    """By statistic the lists "lined" and "all" of the games from first to last.

    Of a season that the archive's file has a row set of (lined_2025_26), its rows, which are those
    of points; of any other, and of every other statistic, the rule's: regular season, players who
    played, with at least 10 such games before and 15 minutes a game over the last 10 of them; the
    line is the median of the books' last main lines of the statistic before tip-off. "all" are the
    same player-games whatever the statistic. A list may be empty.

    Raises ArchiveError where a file lacks what is needed for that.
    """
    seasons = [name for name in archive.seasons if any(first <= day <= last for day in archive.game_days(name))]
    try:
        with duckdb.connect() as db:
            db.execute(_GAMES, {"box": str(archive.folder / "player_box.parquet")})
            db.execute(_COMPARED, {"games": GAMES, "minutes": MINUTES})
            source = _Source(db, archive, first, last)
            everyone = _together([source.read(POINTS.name, ALL, season) for season in seasons])
            return {
                stat: {LINED: _together([source.read(stat, LINED, season) for season in seasons]), ALL: everyone}
                for stat in stats
            }
    except duckdb.Error as error:
        what = str(error).partition("\n")[0].rstrip(".")
        raise ArchiveError(
            f"The evaluation rows of {archive.folder} cannot be read: {what}.", next_step="mend or replace that file."
        ) from error


class _Source:
    """The lists of one season each, from the archive's file or by the rule."""

    def __init__(self, db: duckdb.DuckDBPyConnection, archive: Archive, first: date, last: date) -> None:
        self._db, self._days = db, {"first": first, "last": last}
        self._file, self._lines = archive.folder / FILE, str(archive.folder / "prop_lines.parquet")
        kept = db.execute(_ROW_SETS, {"file": str(self._file)}).fetchall() if self._file.is_file() else []
        self._kept = {row[0] for row in kept}

    def read(self, stat: str, kind: str, season: str) -> EvaluationRows:
        """A statistic's list of a season. Raises duckdb.Error."""
        row_set = f"{kind}_{season.replace('-', '_')}"
        if stat == POINTS.name and row_set in self._kept:
            found = self._db.execute(_FROM_FILE, {"file": str(self._file), "row_set": row_set, **self._days})
            return _rows(found.fetchnumpy(), f"{row_set} of {FILE}")
        found = self._db.execute(_BY_RULE, {"season": season, "lines": self._lines, "stat": stat, **self._days})
        return _of_kind(kind, _rows(found.fetchnumpy(), f"the rule, {season}"))


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
