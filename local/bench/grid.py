"""The grid of a few dates and of many, read from a state folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from local.bench.measure import BenchFailed, Progress, milliseconds, ratio, time_work
from local.host.ports import ANY_PORT
from local.host.runtime import open_runtime
from shared.core.pipeline import load_pipeline
from shared.operations.status.grid import read_grid

DATES = (1, 14, 40)
REPEATS = 7


def measure(state: Path, last: date, progress: Progress) -> list[dict[str, Any]]:
    """Milliseconds and statements of the grid up to a date with games, by how many dates it has;
    what the dashboard's page writes of it is not counted.

    They take turns, so that a busy moment does not fall on one alone; the fastest of each counts.
    Raises BenchFailed where the statements grow with the dates.
    """
    seconds: dict[int, list[float]] = {dates: [] for dates in DATES}
    statements: dict[int, int] = {}
    pipeline = load_pipeline()
    with open_runtime(state, port=ANY_PORT) as embedded:
        for done in range(REPEATS):
            for dates in DATES:
                days = [last - timedelta(days=back) for back in reversed(range(dates))]
                before = sum(embedded.warehouse.statement_counts.values())
                took, _ = time_work(partial(read_grid, embedded.runtime, pipeline, days))
                seconds[dates].append(took)
                statements[dates] = sum(embedded.warehouse.statement_counts.values()) - before
            progress(done + 1, REPEATS)
    expect_same_statements(statements)
    return make_rows(seconds, statements)


def make_rows(seconds: Mapping[int, Sequence[float]], statements: Mapping[int, int]) -> list[dict[str, Any]]:
    """A row for each number of dates, with its time in proportion to that of the fewest."""
    fewest = min(seconds[min(seconds)])
    return [
        {
            "dates": dates,
            "ms": milliseconds(min(seconds[dates])),
            "times": ratio(min(seconds[dates]), fewest),
            "warehouse_statements": statements[dates],
        }
        for dates in sorted(seconds)
    ]


def expect_same_statements(statements: Mapping[int, int]) -> None:
    """However many dates, as many statements, or BenchFailed."""
    if len(set(statements.values())) > 1:
        listed = ", ".join(f"{dates}: {count}" for dates, count in statements.items())
        raise BenchFailed(
            f"The grid's statements grow with its dates ({listed}).",
            next_step="look at shared/operations/status/grid.py.",
        )
