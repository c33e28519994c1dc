"""One chain run, from phase 1's trigger to the export's end, on days that differ only in their
number of games.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.bench.measure import BenchFailed, Progress
from local.bench.prepare import Prepared
from local.day.day import Day, RunRecord
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.replay import Archive
from shared.core.pipeline import CONSOLIDATION, COORDINATOR

SCHEDULE = "same-day-predictions"
# The sizes take turns, so that a busy minute of the machine does not fall on one of them alone. The
# first run after opening warms up (archive read, SQL translated, models loaded) and is not counted.
ROUNDS = 2
RUNS = 2
MOST_STATEMENTS = 40


def measure(prepared: Prepared, folder: Path, progress: Progress) -> list[dict[str, Any]]:
    """Per size, smallest first: the faster of ROUNDS chain runs.

    Raises BenchFailed where statements grow with games.

    Each size plays on its own copy of the prepared state. Each run is a re-run in a new epoch: a
    revision of its own, whose MERGE nobody has seen before.
    """
    sizes = sorted(prepared.leagues)
    folders = {games: folder / folder_of(games) for games in sizes}
    leagues = {games: prepared.copy_to(folders[games], games) for games in sizes}
    counted: dict[int, list[RunRecord]] = {games: [] for games in sizes}
    done, steps = 0, ROUNDS * len(sizes) * RUNS
    for _ in range(ROUNDS):
        for games in sizes:
            with open_runtime(folders[games], archive=leagues[games].folder, deliver_twice=False) as embedded:
                for _ in range(RUNS):
                    run = chain_run(embedded, leagues[games])
                    done += 1
                    progress(done, steps)
            counted[games].append(run)
    found = [figures(games, counted[games]) for games in sizes]
    expect_same_statements(found)
    return found


def folder_of(games: int) -> str:
    """The state folder, within the one given, that a size was played in."""
    return f"games-{games}"


def chain_run(embedded: EmbeddedRuntime, league: Archive) -> RunRecord:
    """Play the last day's same-day predictions once.

    Raises DayFailed where a phase does not succeed.
    """
    day = Day(embedded, league, league.last_date, lambda label, completed: None)
    event = next(event for event in day.events if event.schedule == SCHEDULE)
    run = day.play(event)
    day.finish()
    return run


def figures(games: int, runs: Sequence[RunRecord]) -> dict[str, Any]:
    """The figures of the fastest run; rows are predictions, seconds per game the whole divided by
    the games.
    """
    run = min(runs, key=lambda run: run.seconds)
    phases = {phase["name"]: phase for phase in run.phases}
    return {
        "games": games,
        "seconds": run.seconds,
        "seconds_of_all": [each.seconds for each in runs],
        "seconds_per_game": round(run.seconds / games, 3),
        "players": phases[COORDINATOR]["record_count"],
        "rows": phases[CONSOLIDATION]["record_count"],
        "warehouse_statements": run.warehouse_statements,
        "deliveries": run.messages["delivered"],
        "seconds_by_phase": {name: phase["seconds"] for name, phase in phases.items()},
    }


def growth(sizes: Sequence[dict[str, Any]]) -> dict[str, float]:
    """From the smallest day to the largest: how many times games and seconds grow, and what a
    further game takes.
    """
    small, large = sizes[0], sizes[-1]
    further = (large["seconds"] - small["seconds"]) / (large["games"] - small["games"])
    return {
        "games_times": round(large["games"] / small["games"], 1),
        "seconds_times": round(large["seconds"] / small["seconds"], 2),
        "seconds_per_further_game": round(further, 3),
    }


def expect_same_statements(sizes: Sequence[dict[str, Any]]) -> None:
    """Raises BenchFailed where a day's number of warehouse statements depends on its games, or is
    above the budget.
    """
    counts = {size["games"]: size["warehouse_statements"] for size in sizes}
    if len(set(counts.values())) > 1 or max(counts.values()) > MOST_STATEMENTS:
        raise BenchFailed(
            f"Warehouse statements of a chain run by number of games: {counts}; at most {MOST_STATEMENTS} are allowed, "
            "the same for all.",
            next_step="look for a query in a loop over games, players or books.",
        )
