"""The tested days once more with other injury lists: a copy of a world whose feature rows know
them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from local.backtest.listed import SOURCE, lists_of
from local.backtest.world import Spent
from local.backtest.worlds import World
from local.day.day import Day
from local.day.plan import DAYS_NOT_HISTORY
from local.day.screen import Screen
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive
from shared.stores.warehouse.rows import table_of

PLAYERS, TEAMS = "nba_raw.injury_report", "nba_raw.injury_report_teams"
WAREHOUSE = "warehouse.duckdb"


@contextmanager
def open_what_if(
    world: World, folder: Path, origin: Path, archive: Archive, first: date, last: date, screen: Screen, spent: Spent
) -> Iterator[EmbeddedRuntime]:
    """A copy of the world in `origin` (closed) whose feature rows of first to last have the lists
    of another.

    Made anew every time; removed afterwards. Raises PipelineError where a phase fails.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open_runtime(folder, archive=archive.folder):
        pass  # a state of its own: a warehouse without one is taken for damaged
    shutil.copyfile(origin / WAREHOUSE, folder / WAREHOUSE)
    with open_runtime(folder, archive=archive.folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        lists = lists_of(world, embedded.warehouse, archive, first, last)
        for table, rows in ((PLAYERS, lists.players), (TEAMS, lists.teams)):
            job = f"{SOURCE}-{table}-{world.name}-{first}-{last}"
            embedded.warehouse.load(table, table_of(table, rows), mode="append", job_id=job)
        screen.part(f"Features with {world.says}", 1)
        day = Day(embedded, archive, last + timedelta(days=DAYS_NOT_HISTORY), screen.watch)
        record = day.compute_again(first, last)
        spent.note(record)
        screen.step(
            f"Features again with {world.says}: {len(lists.players):,} players of {len(lists.teams):,} lists in"
            f" {record.seconds:.1f} s"
        )
        yield embedded
    shutil.rmtree(folder)
