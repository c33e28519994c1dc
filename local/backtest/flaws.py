"""What is known to be wrong with an archive's lines, by statistic and season, as its rows show it;
and which statistics are judged by what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from local.replay import Archive, ArchiveError
from shared.nba.stats import STATS

FILE = "prop_lines.parquet"
# What a flaw does to returns.
SHOWN, HIDDEN = True, False
# Of fewer a usual player has so few that half a point more or less is no median: errors say little.
SMALL_COUNT = 2.0


@dataclass(frozen=True)
class Kind:
    """A flaw that the rows of a statistic's lines may show.

    Attributes:
        measure: a column of _MEASURES.
        least: from so much on the flaw is there.
        what: in words; the measures stand in it by their names.
        effect: what it does to figures.
        returns: SHOWN, or HIDDEN: hit rates and returns at these prices would be false.
    """

    measure: str
    least: float
    what: str
    effect: str
    returns: bool


KINDS = (
    # Of lines of one source a hundredth at most would be, of two sources at different moments a
    # fifth (docs/backtest.md, "The archive's flaws").
    Kind(
        "mixed_share",
        0.05,
        "{mixed_share:.1%} of {player_lines:,} player-lines would win on both sides: sources of different moments"
        " are mixed",
        "no hit rate and no return is shown; the books' log loss is of such prices too",
        HIDDEN,
    ),
    Kind(
        "without_time_share",
        0.5,
        "{without_time_share:.0%} of {lines:,} last lines have no time",
        "they count as known from 06:00 New York on, which nobody can prove",
        SHOWN,
    ),
    Kind(
        "assumed_share",
        0.5,
        "of {assumed_share:.0%} of {lines:,} last lines the time is assumed",
        "a bet may know an absence that came out after its line did",
        SHOWN,
    ),
    Kind(
        "one_snapshot_share",
        0.8,
        "a book has one snapshot a day ({one_snapshot_share:.0%} of a book's days)",
        "the line that is tested may be hours old, and is often the last one too",
        SHOWN,
    ),
    Kind(
        "without_game",
        1,
        "{without_game:,} lines have no game",
        "they are in no figure",
        SHOWN,
    ),
)
_MEASURES = """
WITH lines AS (
  SELECT
    game_date, game_id, player_id, bookmaker, line, is_main, is_last, snapshot_time, snapshot_kind,
    if(over_price > 0, 1 + over_price / 100, 1 - 100 / over_price) AS over_pays,
    if(under_price > 0, 1 + under_price / 100, 1 - 100 / under_price) AS under_pays
  FROM read_parquet($file)
  WHERE market = $stat AND game_date BETWEEN $first AND $last
),
best AS (
  SELECT 1 / max(over_pays) + 1 / max(under_pays) AS stakes
  FROM lines
  WHERE is_last AND is_main AND game_id IS NOT NULL AND player_id IS NOT NULL
  GROUP BY game_id, player_id, line
  HAVING stakes IS NOT NULL
),
book_days AS (
  SELECT count(DISTINCT snapshot_time) AS snapshots
  FROM lines
  WHERE snapshot_time IS NOT NULL AND game_id IS NOT NULL
  GROUP BY game_date, bookmaker
)
SELECT
  count(*) FILTER (is_last) AS lines,
  (SELECT count(*) FROM best) AS player_lines,
  coalesce((SELECT avg(CAST(stakes < 1 AS INTEGER)) FROM best), 0) AS mixed_share,
  coalesce(avg(CAST(snapshot_time IS NULL AS INTEGER)) FILTER (is_last), 0) AS without_time_share,
  coalesce(avg(CAST(snapshot_kind = 'file_name_assumed_utc' AS INTEGER)) FILTER (is_last), 0) AS assumed_share,
  coalesce((SELECT avg(CAST(snapshots = 1 AS INTEGER)) FROM book_days), 0) AS one_snapshot_share,
  count(*) FILTER (game_id IS NULL) AS without_game
FROM lines
"""


@dataclass(frozen=True)
class Flaw:
    """One of them, as it is told wherever figures of the statistic are."""

    stat: str
    season: str
    what: str
    effect: str
    returns: bool

    def row(self) -> dict[str, str]:
        """As backtest.json has it."""
        return {"stat": self.stat, "season": self.season, "what": self.what, "effect": self.effect}


def read_flaws(archive: Archive, first: date, last: date, stats: Iterable[str]) -> list[Flaw]:
    """What the archive's lines of the games from first to last show, in the order of stats, seasons
    and KINDS.

    Raises ArchiveError where the file of lines cannot be read.
    """
    file = archive.folder / FILE
    if not file.is_file():
        return []
    found: list[Flaw] = []
    seasons = _days_by_season(archive, first, last)
    try:
        with duckdb.connect() as db:
            for stat in stats:
                for season, days in seasons.items():
                    measured = _measure(db, {"file": str(file), "stat": stat, **days})
                    found += [
                        Flaw(stat, season, kind.what.format(**measured), kind.effect, kind.returns)
                        for kind in KINDS
                        if measured[kind.measure] >= kind.least
                    ]
    except duckdb.Error as error:
        what = str(error).partition("\n")[0].rstrip(".")
        raise ArchiveError(f"{file} cannot be read: {what}.", next_step="mend or replace that file.") from error
    return found


def _days_by_season(archive: Archive, first: date, last: date) -> dict[str, dict[str, date]]:
    found = {}
    for season in archive.seasons:
        inside = [day for day in archive.game_days(season) if first <= day <= last]
        if inside:
            found[season] = {"first": inside[0], "last": inside[-1]}
    return found


def _measure(db: duckdb.DuckDBPyConnection, parameters: Mapping[str, Any]) -> dict[str, Any]:
    found = db.execute(_MEASURES, parameters)
    names = [column[0] for column in found.description or ()]
    row = found.fetchone()
    assert row is not None  # an aggregate has one row always
    return dict(zip(names, row, strict=True))


def has_returns(stat: str, flaws: Sequence[Flaw]) -> bool:
    """Whether hit rates and returns of a statistic say anything."""
    return all(flaw.returns for flaw in flaws if flaw.stat == stat)


def is_judged_by_error(stat: str) -> bool:
    """Whether the absolute error tells a forecast from a line: not of small counts, whose line of
    half a point is no median. Those are judged by log loss and CRPS. One that this release does
    not know is taken as the others are.
    """
    return stat not in STATS or STATS[stat].usual >= SMALL_COUNT
