"""Rows of the run history as tests plant them, and a warehouse that has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.clock import new_york_date
from shared.operations.slowdown.executions import Execution
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.stores import append, open_stores

NOW = datetime(2026, 1, 20, 23, 0, tzinfo=UTC)
FUNCTION = "phase4_precompute"
LEASE = 570.0


def execution(
    seconds: float,
    days_ago: float = 0.0,
    *,
    function: str = FUNCTION,
    mode: str = "same_day",
    status: str = "success",
    rows: int = 300,
    attempts: int = 1,
    before: float = 0.0,
    error_type: str | None = None,
) -> Execution:
    """One that took so many seconds; `before`: seconds from its first take to its last."""
    started = NOW - timedelta(minutes=30, days=days_ago)
    day = new_york_date(started)
    return Execution(
        function=function,
        mode=mode,
        status=status,
        game_date=day,
        run_id=f"{day}-{mode}-{days_ago:.2f}",
        started_at=started,
        finished_at=started + timedelta(seconds=before + seconds),
        seconds=seconds,
        rows=rows,
        attempts=attempts,
        error_type=error_type,
    )


def steady(seconds: float = 40.0, days: int = 14, **fields: object) -> list[Execution]:
    """One a day, all alike, none today."""
    return [execution(seconds, day, **fields) for day in range(days, 0, -1)]  # type: ignore[arg-type]


def noisy(seed: int, days: int, wide: float, per_day: int = 2) -> list[Execution]:
    """Nights of 2 to 15 games whose work grows with them, and a noise of `wide` besides, to
    today.
    """
    random = Random(seed)
    found = []
    for day in range(days, -1, -1):
        games = random.randint(2, 15)
        for run in range(per_day):
            seconds = (20.0 + 2.0 * games) * random.lognormvariate(0.0, wide)
            found.append(execution(seconds, day + run / 4, rows=20 * games))
    return sorted(found, key=lambda each: each.started_at)


def one_a_day(seed: int, wide: float, days: int = 28) -> list[Execution]:
    """One run a day to today, of the same rows, with a noise of `wide`."""
    random = Random(seed)
    return [execution(40.0 * random.lognormvariate(0.0, wide), day) for day in range(days, -1, -1)]


def dead(days_ago: float) -> Execution:
    """Its process died, and batch_sweep ended it: the row's seconds are its lease."""
    return execution(LEASE, days_ago, status="failed", attempts=2, error_type="Abandoned")


def slower(executions: Iterable[Execution], times: float) -> list[Execution]:
    return [replace(each, seconds=times * each.seconds) for each in executions]


def history_rows(executions: Sequence[Execution]) -> list[dict[str, object]]:
    """As rows of nba_reference.processor_run_history."""
    return [
        {
            "game_date": each.game_date,
            "run_id": each.run_id,
            "execution_id": f"{each.function}.{each.run_id}.{number}",
            "processor_name": each.function,
            "phase": each.function.partition("_")[0],
            "mode": each.mode,
            "status": each.status,
            "started_at": each.started_at,
            "finished_at": each.finished_at,
            "duration_seconds": each.seconds,
            "record_count": each.rows,
            "records_failed": 0,
            "attempts": each.attempts,
            "error_type": each.error_type,
            "logged_at": each.finished_at,
        }
        for number, each in enumerate(executions)
    ]


@contextmanager
def stores(folder: Path, executions: Sequence[Execution]) -> Iterator[tuple[Runtime, DuckDbWarehouse]]:
    """Embedded stores at NOW with this run history."""
    with open_stores(folder, ManualClock(NOW)) as runtime:
        assert isinstance(runtime.warehouse, DuckDbWarehouse)
        append(runtime.warehouse, "nba_reference.processor_run_history", history_rows(executions), "planted")
        yield runtime, runtime.warehouse
