"""The executions of the last days from the run history, and those that run now from the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.core.clock import new_york_date
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.stores.ports import Filter, State
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

MAX_DAYS = 90
# The same rule as of the slowdown check: twice the usual is worth a look, of three runs at least.
SLOW_TIMES = 2.0
_LEAST_RUNS = 3
# Runs of the days before are what the first shown is compared with.
_COMPARED = timedelta(days=28)
# A run of the tomorrow mode is of the next day.
_AHEAD = timedelta(days=1)


@dataclass(frozen=True)
class RunRow:
    """One execution of a function; of the workers of a batch one row, once the run has ended.

    `usual_seconds` is the mean of up to 20 successful ones of the same function and mode before it,
    of which there were `usual_runs`.
    """

    game_date: date
    run_id: str
    function: str
    mode: str
    status: str
    reason: str
    started_at: datetime
    seconds: float | None
    """None while it runs."""
    record_count: int | None
    attempts: int
    trigger: str
    usual_seconds: float | None
    usual_runs: int
    slow: bool


@dataclass(frozen=True)
class Runs:
    """The latest first, those that run now before all others; at most 500 that have ended."""

    first: date
    last: date
    runs: tuple[RunRow, ...]


def read_runs(runtime: Runtime, pipeline: Pipeline, *, days: int = 2, function: str = "", slow: bool = False) -> Runs:
    """Read the executions for the dates of the last `days` days, of one function where it is named,
    only the slow ones where asked for. One warehouse statement, one query of the state.

    Raises DataError for days out of range, NotFound for a function that is not there.
    """
    if not 1 <= days <= MAX_DAYS:
        raise DataError(f"days is {days}.", next_step=f"ask for 1 to {MAX_DAYS} days.")
    if function and function not in pipeline.functions:
        raise NotFound(f"There is no function {function!r}; there are: {', '.join(pipeline.functions)}.")
    last = new_york_date(runtime.clock.now()) + _AHEAD
    first = last - timedelta(days=days)
    params = {
        **{"first": first, "last": last, "compared_from": first - _COMPARED, "function": function, "slow": slow},
        **{"least_runs": _LEAST_RUNS, "slow_times": SLOW_TIMES},
    }
    found = runtime.warehouse.query(read_sql("shared.operations.runs", "runs"), params).to_pylist()
    ended = tuple(_make_row(row) for row in found)
    running = () if slow else _running(runtime.state, function)
    return Runs(first, last, running + ended)


def _make_row(row: Mapping[str, Any]) -> RunRow:
    comparable = row["usual_runs"] >= _LEAST_RUNS
    return RunRow(
        game_date=row["game_date"],
        run_id=row["run_id"],
        function=row["processor_name"],
        mode=row["mode"],
        status=row["status"],
        reason=row["reason"] or "",
        started_at=row["started_at"],
        seconds=row["duration_seconds"],
        record_count=row["record_count"],
        attempts=row["attempts"],
        trigger=row["trigger_source"] or "",
        usual_seconds=row["usual_seconds"],
        usual_runs=row["usual_runs"],
        slow=comparable and row["duration_seconds"] > SLOW_TIMES * row["usual_seconds"],
    )


def _running(state: State, function: str) -> tuple[RunRow, ...]:
    """Executions that run now, the latest first. Workers have one each: a batch may have 20."""
    asked = [Filter("status", "==", ExecutionStatus.RUNNING)]
    found = [Execution.from_document(each) for each in state.query(COLLECTION, asked)]
    chosen = [each for each in found if not function or each.function == function]
    return tuple(
        RunRow(
            game_date=date.fromisoformat(each.game_date),
            run_id=each.run_id,
            function=each.function,
            mode=each.mode,
            status=each.status,
            reason=each.unit,
            started_at=each.machine_started_at or each.started_at,
            seconds=None,
            record_count=None,
            attempts=each.attempts,
            trigger=each.trigger_source,
            usual_seconds=None,
            usual_runs=0,
            slow=False,
        )
        for each in sorted(chosen, key=lambda each: (each.started_at, each.id), reverse=True)
    )
