"""Executions by date and phase: those that ended for good from the run history, the others from the
state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.core.clock import new_york_date
from shared.core.pipeline import GRADING, WORKER, Pipeline
from shared.operations.status.model import Usual
from shared.stores.document_rules import MAX_IN_VALUES
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

PACKAGE = "shared.operations.status"
# Of a phase of a date the latest are enough: a storm of failures must not fill a page.
MOST_OF_A_CELL = 20
# Documents asked for at once: as above.
MOST_OPEN = 500
# Firestore takes 30 combinations of two `in`: so many days by eight phases.
DAYS_AT_ONCE = 3
USUAL_DAYS = timedelta(days=28)
RUNNING, RETRIED, ABANDONED, ENDED = "running", "retried", "abandoned", "ended"
# How an execution may end without having failed.
FINE = ("success", "partial", "no_data", "skipped", "joined", "superseded", "halted")
# How much later than its back-off says a delivery may come.
LATE = timedelta(minutes=1)

Key = tuple[date, str]
"""Date and phase."""


@dataclass(frozen=True)
class Run:
    """One execution of a phase for a date."""

    execution_id: str
    run_id: str
    game_date: date
    phase: str
    function: str
    mode: str
    state: str
    """running; retried: failed, and delivered again by itself; abandoned: its instance is gone;
    ended.
    """
    status: str
    """Of an ended one: success, partial, no_data, failed ...; else running or failed."""
    attempts: int
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    rows: int
    rows_failed: int
    reason: str
    """Why, where the status is not success; the error where it failed."""
    trigger_source: str | None
    trigger_message_id: str | None
    batch_id: str | None

    @property
    def has_failed(self) -> bool:
        """Whether it ended badly, and nobody tries it again."""
        return self.state == ABANDONED or (self.state == ENDED and self.status not in FINE)

    @property
    def is_at_work(self) -> bool:
        return self.state in (RUNNING, RETRIED)


Runs = Mapping[Key, Sequence[Run]]
"""Oldest first; a date and phase without one has no entry."""


def phases_of(pipeline: Pipeline) -> tuple[str, ...]:
    """The phases that the grid has: the chain's, and grading."""
    return (*pipeline.phase_order, GRADING)


def read_runs(runtime: Runtime, pipeline: Pipeline, days: Sequence[date]) -> Runs:
    """The executions of the dates, in one statement and three queries of the state for every thirty
    dates, and one more for three dates on which a run may not have ended.
    """
    found = {each.id: each for each in _open_executions(runtime, days)}
    found |= {each.id: each for each in _unfinished_runs(runtime, pipeline, days, found.values())}
    open_ = [_of_execution(each, runtime, pipeline) for each in found.values()]
    runs: defaultdict[Key, list[Run]] = defaultdict(list)
    wanted, known = set(days), set(phases_of(pipeline))
    # in the history's order where two began at the same time
    for run in sorted([*_history(runtime, pipeline, days), *open_], key=lambda each: each.started_at):
        if run.game_date in wanted and run.phase in known:
            runs[run.game_date, run.phase].append(run)
    return runs


def read_usual(runtime: Runtime, pipeline: Pipeline, today: date) -> dict[str, Usual]:
    """How long each phase takes, of the 28 days up to `today`; a phase without an execution has
    none.
    """
    params = {"first": today - USUAL_DAYS, "last": today, "phases": list(phases_of(pipeline))}
    rows = runtime.warehouse.query(read_sql(PACKAGE, "usual"), params).to_pylist()
    return {row["phase"]: Usual(round(row["p50"], 3), round(row["p95"], 3), int(row["n"])) for row in rows}


def _open_executions(runtime: Runtime, days: Sequence[date]) -> list[Execution]:
    """Executions that run, failed and are not in the history, or have messages to send."""
    found: dict[str, Execution] = {}
    for start in range(0, len(days), MAX_IN_VALUES):
        dates = Filter("game_date", "in", [day.isoformat() for day in days[start : start + MAX_IN_VALUES]])
        state = runtime.state
        running = Filter("status", "==", ExecutionStatus.RUNNING.value)
        failed = Filter("status", "==", ExecutionStatus.FAILED.value)
        unsent = Filter("outbox_pending", "==", True)
        documents = [
            *state.query(COLLECTION, [dates, running], limit=MOST_OPEN),
            *state.query(COLLECTION, [dates, failed], limit=MOST_OPEN),
            *state.query(COLLECTION, [dates, unsent], limit=MOST_OPEN),
        ]
        for execution in map(Execution.from_document, documents):
            if not execution.history_written:
                found[execution.id] = execution
    return list(found.values())


def _unfinished_runs(
    runtime: Runtime, pipeline: Pipeline, days: Sequence[date], open_: Iterable[Execution]
) -> list[Execution]:
    """Executions that ended while their run goes on, or was lost: the history comes when it ends.

    Of the days about today, and of those somebody is at work on; of earlier ones the history
    tells.
    """
    today = new_york_date(runtime.clock.now())
    lively = {day for day in days if abs(day - today) <= timedelta(days=1)}
    lively |= {date.fromisoformat(each.game_date) for each in open_} & set(days)
    phases = Filter("phase", "in", [phase for phase in phases_of(pipeline) if phase != WORKER])
    listed, found = [day.isoformat() for day in sorted(lively)], []
    for start in range(0, len(listed), DAYS_AT_ONCE):
        some = Filter("game_date", "in", listed[start : start + DAYS_AT_ONCE])
        documents = runtime.state.query(COLLECTION, [some, phases], limit=MOST_OPEN)
        found += [each for each in map(Execution.from_document, documents) if not each.history_written]
    return found


def _history(runtime: Runtime, pipeline: Pipeline, days: Sequence[date]) -> list[Run]:
    params = {
        "first": min(days),
        "last": max(days),
        "phases": list(phases_of(pipeline)),
        "most": MOST_OF_A_CELL,
    }
    rows = runtime.warehouse.query(read_sql(PACKAGE, "executions"), params).to_pylist()
    return [_of_row(row, is_simulated=runtime.machine is not None) for row in rows]


def _of_row(row: Mapping[str, Any], *, is_simulated: bool) -> Run:
    """A row of the history, whose times are the machine's where a simulated clock stood still: the
    run's moment then stands for both.
    """
    at = row["as_of"] if is_simulated and row["as_of"] is not None else None
    return Run(
        execution_id=row["execution_id"],
        run_id=row["run_id"],
        game_date=row["game_date"],
        phase=row["phase"],
        function=row["processor_name"],
        mode=row["mode"],
        state=ENDED,
        status=row["status"],
        attempts=int(row["attempts"]),
        started_at=at or row["started_at"],
        finished_at=at or row["finished_at"],
        seconds=float(row["duration_seconds"]),
        rows=int(row["record_count"]),
        rows_failed=int(row["records_failed"]),
        reason=row["error_message"] or row["reason"] or "",
        trigger_source=row["trigger_source"],
        trigger_message_id=row["trigger_message_id"],
        batch_id=row["batch_id"],
    )


def _of_execution(execution: Execution, runtime: Runtime, pipeline: Pipeline) -> Run:
    result = execution.result
    has_ended = execution.status != ExecutionStatus.RUNNING and execution.finished_at is not None
    return Run(
        execution_id=execution.id,
        run_id=execution.run_id,
        game_date=date.fromisoformat(execution.game_date),
        phase=execution.phase,
        function=execution.function,
        mode=execution.mode,
        state=_state(execution, runtime, pipeline),
        status=str(result.get("status", "success"))
        if execution.status == ExecutionStatus.SUCCEEDED
        else execution.status.value,
        attempts=execution.attempts,
        started_at=execution.started_at,
        finished_at=execution.finished_at if has_ended else None,
        seconds=execution.seconds_of_work if has_ended else None,
        rows=int(result.get("record_count") or 0),
        rows_failed=int(result.get("records_failed") or 0),
        reason=(execution.error_message if execution.failure else result.get("reason")) or "",
        trigger_source=execution.trigger_source,
        trigger_message_id=execution.trigger_message_id,
        batch_id=execution.batch_id,
    )


def _state(execution: Execution, runtime: Runtime, pipeline: Pipeline) -> str:
    """A running one is at work while its lease lasts; a failed one is tried again until its
    subscription's back-off has passed.
    """
    now = runtime.clock.now()
    if execution.status == ExecutionStatus.RUNNING:
        is_ours = execution.epoch == runtime.epoch and execution.lease_expires_at > now
        return RUNNING if is_ours else ABANDONED
    function = pipeline.functions.get(execution.function)
    if not execution.is_retried or function is None:
        return ENDED
    wait = max(each.backoff_seconds(execution.attempts) for each in function.subscriptions)
    return RETRIED if execution.ended + timedelta(seconds=wait) + LATE > now else ABANDONED
