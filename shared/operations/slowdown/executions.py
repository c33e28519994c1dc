"""Rows of the run history as work: what they measured, and which of them measured nothing.

Which rows are work, and how long it took:

| row | its seconds | work |
|---|---|---|
| success, partial, halted | from the last take to the end | yes |
| the same, taken more than once | the same; the attempts before are not in them | yes |
| a batch's workers, a unit taken twice | first start to last finish, the wait included | no |
| failed | until it failed, often at once | no |
| failed, Abandoned | its lease: when the process died nobody knows | no |
| no_data, skipped, joined, superseded | of finding that there is nothing to do | no |
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.pipeline import WORKER, Pipeline
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.slowdown"
DID_WORK = ("success", "partial", "halted")
FAILED, ABANDONED = "failed", "Abandoned"
# A dead letter can be redriven for 31 days: so old can the date be that a run of today is about.
OLDEST_DATE = timedelta(days=35)
# The mode tomorrow runs ahead of its date, and New York's day behind UTC's.
AHEAD = timedelta(days=2)


@dataclass(frozen=True)
class Execution:
    """One row of the run history: an execution, or the workers of a batch together."""

    function: str
    mode: str
    status: str
    game_date: date
    run_id: str
    started_at: datetime
    """When it was first taken."""
    finished_at: datetime
    seconds: float
    """From its last take to its end."""
    rows: int
    """Rows or files written."""
    attempts: int
    """Times it was taken."""
    error_type: str | None = None

    @property
    def is_work(self) -> bool:
        """Whether its seconds are work and nothing else.

        A repetition of simulated time sets the clock back, so that they may be negative: no work.
        """
        waited_within = self.function == WORKER and self.attempts > 1
        return self.status in DID_WORK and not waited_within and self.seconds > 0

    @property
    def died(self) -> bool:
        """Whether its process died or was cut off and no delivery followed."""
        return self.error_type == ABANDONED

    @property
    def seconds_before(self) -> float:
        """Seconds from its first take to its last: attempts that came to nothing, and the waits
        between.
        """
        return max(0.0, (self.finished_at - self.started_at).total_seconds() - self.seconds)


def read_executions(runtime: Runtime, days: float, function: str = "") -> list[Execution]:
    """Executions that began in the last so many days, oldest first; one statement.

    Those of backfills of dates more than 35 days before are not among them: the table is
    partitioned by the date they are about.
    """
    today = new_york_date(runtime.clock.now())
    span = timedelta(days=days)
    rows = runtime.warehouse.query(
        read_sql(PACKAGE, "executions"),
        {
            "first_date": today - span - OLDEST_DATE,
            "last_date": today + AHEAD,
            "since": history_now(runtime) - span,
            "function": function,
        },
    )
    return [
        Execution(
            function=row["processor_name"],
            mode=row["mode"],
            status=row["status"],
            game_date=row["game_date"],
            run_id=row["run_id"],
            started_at=row["started_at"],
            finished_at=row["finished_at"],
            seconds=row["duration_seconds"],
            rows=row["record_count"],
            attempts=row["attempts"],
            error_type=row["error_type"],
        )
        for row in rows.to_pylist()
    ]


def history_now(runtime: Runtime) -> datetime:
    """The present moment as the run history counts: by the machine's clock, where the other is a
    simulated one.
    """
    return (runtime.machine or runtime.clock).now()


def check_function(pipeline: Pipeline, function: str) -> None:
    """Raises DataError for a function that pipeline.yaml does not have."""
    if function not in pipeline.functions:
        raise DataError(
            f"There is no function {function[:80]!r}.",
            next_step=f"name one of {', '.join(sorted(pipeline.functions))}.",
        )
