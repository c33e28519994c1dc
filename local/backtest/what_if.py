"""Days of a world once more with other injury lists: a copy of it whose feature rows know them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from local.backtest.listed import SOURCE, lists_of
from local.backtest.world import Spent, last_loaded_on
from local.backtest.worlds import World
from local.day.day import Day, RunRecord
from local.day.screen import Screen
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive
from shared.core.errors import DataError
from shared.stores.warehouse.rows import table_of

PLAYERS, TEAMS = "nba_raw.injury_report", "nba_raw.injury_report_teams"
WAREHOUSE = "warehouse.duckdb"
# The first and the last.
Days = tuple[date, date]


@contextmanager
def open_what_if(
    world: World, folder: Path, origin: Path, archive: Archive, spans: Sequence[Days], screen: Screen, spent: Spent
) -> Iterator[EmbeddedRuntime]:
    """A copy of the world in `origin` (closed) whose feature rows of the spans, oldest first, have
    the lists of another.

    Made anew every time; removed afterwards. Raises PipelineError where a phase fails, DataError
    where one finds nothing to compute.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open_runtime(folder, archive=archive.folder):
        pass  # a state of its own: a warehouse without one is taken for damaged
    shutil.copyfile(origin / WAREHOUSE, folder / WAREHOUSE)
    with open_runtime(folder, archive=archive.folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        screen.part(f"Features with {world.says}", len(spans))
        # a day on which all that the world has was fetched, also what was loaded for later days
        day = Day(embedded, archive, last_loaded_on(origin), screen.watch)
        for first, last in spans:
            lists = lists_of(world, embedded.warehouse, archive, first, last)
            for table, rows in ((PLAYERS, lists.players), (TEAMS, lists.teams)):
                job = f"{SOURCE}-{table}-{world.name}-{first}-{last}"
                embedded.warehouse.load(table, table_of(table, rows), mode="append", job_id=job)
            record = day.compute_again(first, last)
            _check_computed(record)
            spent.note(record)
            screen.step(
                f"{first} to {last} with {world.says}: {len(lists.players):,} players, {len(lists.teams):,} lists,"
                f" {record.seconds:.1f} s"
            )
        yield embedded
    shutil.rmtree(folder)


def _check_computed(record: RunRecord) -> None:
    """Raises DataError where the rows are still those of the world's own lists."""
    for phase in record.phases:
        if phase["status"] == "no_data":
            raise DataError(
                f"{phase['name']} computed nothing again ({record.run_id}): {phase['reason']}.",
                next_step="a defect: rows with the world's own lists would be taken for those of others.",
            )
