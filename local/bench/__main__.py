"""`make bench`: measures, prints tables, writes bench.json.

Exit codes: 0 measured, 1 failed: two ways that must agree did not, statements grow with games, or a
part broke.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from local.bench import bus_speed, grid, growth, loader, merge, prepare, report, serving, statistics
from local.bench.league import MOST_GAMES, players_of_season
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED
from local.console.lines import complain
from local.console.plain import open_console, plain
from local.day.screen import Screen
from local.host.folder_lock import lock_folder, state_folder
from shared.core.errors import PipelineError

SIZES = (2, statistics.GAMES, MOST_GAMES)
TABLES = 150
# An upsert takes some 20 ms: those of all 150 tables, twice, would take two minutes and more.
UPSERTED_TABLES = 20
MESSAGES = 1000
# An evening of nine or ten games.
PLAYERS = 150


def measure(folder: Path, screen: Screen) -> dict[str, Any]:
    """All measurements, on what is prepared in `folder`.

    Raises PipelineError for whatever stops one.
    """
    started, load_before = perf_counter(), os.getloadavg()[0]
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    screen.part("Staging MERGE against an upsert a row", 1)  # first, so that its SQL is cold
    merged = merge.measure(work, TABLES, UPSERTED_TABLES, screen.progress)
    screen.step(f"Staging MERGE against an upsert a row: {merged['ratio_merge']} times")
    screen.part("Messages through the bus", 1)
    bus = bus_speed.measure(work / "bus", MESSAGES, screen.progress)
    screen.step(f"Messages through the bus: {bus['delivered_per_second']} a second")
    screen.part("League, history and models (kept)", 1)
    prepared = prepare.find(folder, SIZES, screen.progress)
    screen.step(f"League, history and models: {prepared.history.parent}")
    league = prepared.leagues[MOST_GAMES]
    screen.part("Batch loader against one query a player", 1)
    loaded = loader.measure(
        prepared.history / "warehouse.duckdb", league.last_date, players_of_season(league), screen.progress
    )
    screen.step(f"Batch loader against one query a player: {loaded['ratio']} times")
    screen.part("Chain runs of more and more games", 1)
    sizes = growth.measure(prepared, work, screen.progress)
    screen.step(f"Chain runs of {', '.join(str(size) for size in SIZES)} games: done")
    screen.part("All statistics against points alone", 1)
    compared = statistics.measure(prepared, work / "statistics", screen.progress)
    screen.step(f"All statistics against points alone: a chain run {compared['ratios']['seconds']} times")
    screen.part(f"Five systems for {PLAYERS} players", 1)
    served = serving.measure(work / growth.folder_of(MOST_GAMES), PLAYERS, screen.progress)
    screen.step(f"Five systems for {served['players']} players: {served['with_ms']:.0f} ms")
    screen.part("The dashboard's grid of more and more dates", 1)
    grids = grid.measure(work / growth.folder_of(MOST_GAMES), league.last_date, screen.progress)
    screen.step(f"The dashboard's grid of {grids[-1]['dates']} dates: {grids[-1]['ms']:.0f} ms")
    shutil.rmtree(work)
    return {
        "batch_loader": loaded,
        "staging_merge": merged,
        "chain_run": {"sizes": sizes, "growth": growth.growth(sizes)},
        "statistics": compared,
        "serving": served,
        "grid": grids,
        "bus": bus,
        "machine": {
            "cpus": os.cpu_count(),
            "load_before": round(load_before, 2),
            "load_after": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
            "duckdb": duckdb.__version__,
        },
        "seconds": round(perf_counter() - started, 1),
    }


def main() -> int:
    """Measure in LOCAL_DIR/bench, LOCAL_DIR owned; the reason of a failure is one sentence on
    standard error.
    """
    console = open_console()
    try:
        state = state_folder(os.environ)
        with lock_folder(state), Screen(console) as screen:
            figures = measure(state / "bench", screen)
        report.write(state / "bench.json", figures)
    except (PipelineError, OSError) as error:
        complain(f"Failed: {error}")
        return FAILED
    report.show(console, figures)
    console.print(plain(f"All figures: {state / 'bench.json'}"))
    return DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: run it again."))
