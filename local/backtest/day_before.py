"""The tested days once more, with nobody known to be missing but who was absent from his team's
game before.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from local.backtest.world import Spent
from local.day.day import Day
from local.day.plan import DAYS_NOT_HISTORY
from local.day.screen import Screen
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive
from shared.core.clock import at_new_york
from shared.stores.ports import Warehouse
from shared.stores.warehouse.rows import table_of

# In force before any list that the world has.
SOURCE = "what_if"
PLAYERS, TEAMS = "nba_raw.injury_report", "nba_raw.injury_report_teams"
# The list of the evening before: absences of that evening's games are known by then.
KNOWN_AT = time(18)
WAREHOUSE = "warehouse.duckdb"

# The rotation players missing from each team's previous game of the season, for the game that
# follows it; a team of which nobody was has one row without a player.
_ABSENT = """
WITH team_games AS (
  SELECT
    game_date, game_id, team, season,
    LAG(game_id) OVER (PARTITION BY team, season ORDER BY tipoff_at, game_id) AS previous_id
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @season_before AND @last_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY features_as_of DESC) = 1
)
SELECT g.game_date, g.team, a.player_id, a.player_name, a.player_lookup, p.player_lookup_base
FROM team_games AS g
LEFT JOIN nba_analytics.player_absences AS a
  ON a.game_id = g.previous_id AND a.team = g.team AND a.game_date BETWEEN @season_before AND @last_date
LEFT JOIN nba_reference.players AS p ON p.player_id = a.player_id
WHERE g.game_date BETWEEN @first_date AND @last_date
ORDER BY g.game_date, g.team, a.player_id
"""
# No season is longer.
_SEASON = timedelta(days=365)


@dataclass(frozen=True)
class Lists:
    """Rows of injury_report, and of injury_report_teams."""

    players: list[dict[str, Any]]
    teams: list[dict[str, Any]]

    def load(self, warehouse: Warehouse, job_id: str) -> None:
        for table, rows in ((PLAYERS, self.players), (TEAMS, self.teams)):
            warehouse.load(table, table_of(table, rows), mode="append", job_id=f"{job_id}-{table}")


def absences_of_the_day_before(warehouse: Warehouse, first: date, last: date) -> Lists:
    """The games' lists from first to last, as the day before would have had them.

    On a day of which nobody is named no team's list is there: on a season's first that nobody is
    missing is not known, and the evening's absences, which are derived from its box scores, must
    not stand in.
    """
    found = warehouse.query(
        _ABSENT, {"first_date": first, "last_date": last, "season_before": first - _SEASON}
    ).to_pylist()
    named = {row["game_date"] for row in found if row["player_id"] is not None}
    teams = sorted({(row["game_date"], row["team"]) for row in found})
    return Lists(
        players=[
            {**row, "status": "OUT", "reason": "absent from the game before", **_source(row["game_date"])}
            for row in found
            if row["player_id"] is not None
        ],
        teams=[{"game_date": day, "team": team, "submitted": day in named, **_source(day)} for day, team in teams],
    )


def _source(day: date) -> dict[str, Any]:
    return {"source": SOURCE, "snapshot_time": at_new_york(day - timedelta(days=1), KNOWN_AT), "run_id": SOURCE}


@contextmanager
def open_day_before(
    folder: Path, world: Path, archive: Archive, first: date, last: date, screen: Screen, spent: Spent
) -> Iterator[EmbeddedRuntime]:
    """A copy of a world (closed) whose feature rows of first to last know only the absences of the
    day before.

    Made anew every time; removed afterwards. Raises PipelineError where a phase fails.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open_runtime(folder, archive=archive.folder):
        pass  # a state of its own: a warehouse without one is taken for damaged
    shutil.copyfile(world / WAREHOUSE, folder / WAREHOUSE)
    with open_runtime(folder, archive=archive.folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        lists = absences_of_the_day_before(embedded.warehouse, first, last)
        lists.load(embedded.warehouse, f"{SOURCE}-{first}-{last}")
        screen.part("Absences of the day before", 1)
        day = Day(embedded, archive, last + timedelta(days=DAYS_NOT_HISTORY), screen.watch)
        record = day.compute_again(first, last)
        spent.note(record)
        screen.step(f"Features again with {len(lists.players):,} absences of the day before: {record.seconds:.1f} s")
        yield embedded
    shutil.rmtree(folder)
