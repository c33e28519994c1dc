"""Executions whose process died: reported, made final when no delivery can follow, and their runs'
history written.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from functions.batch_sweep.report import Report
from shared.chain.execution.abandonment import abandoned_after, stopped_at
from shared.chain.execution.context import Context
from shared.chain.execution.ledger import KEPT
from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.chain.execution.run_history import write_run_history
from shared.core import failpoints
from shared.core.clock import LONG_AGO
from shared.core.errors import PreconditionFailed
from shared.stores.ports import Filter


def end_executions(context: Context, report: Report, resumed_at: datetime | None, *, only_report: bool = False) -> None:
    """Look at every execution that is not in the run history yet; those of runs that came to rest
    get there.
    """
    runtime = context.runtime
    now = runtime.clock.now()
    rested = now - abandoned_after()
    moved: dict[str, list[datetime]] = defaultdict(list)
    for document in runtime.state.query(COLLECTION, [Filter("logged", "==", False)]):
        execution = Execution.from_document(document)
        if execution.id == context.execution_id:
            continue
        if _lease_expired(execution, now):
            report.expired.append(execution.id)
        if only_report:
            continue
        stopped = stopped_at(execution)
        waits_since = stopped if resumed_at is None else max(stopped, resumed_at)
        if _is_abandoned(execution, waits_since, rested):
            if _make_final(context, execution, stopped):
                report.abandoned.append(execution.id)
            else:
                waits_since = now  # somebody took it a moment ago
        moved[execution.run_id].append(waits_since)
    for run_id, moments in sorted(moved.items()):
        if _came_to_rest(moments, rested) and write_run_history(runtime, run_id):
            report.flushed.append(run_id)


def _lease_expired(execution: Execution, now: datetime) -> bool:
    """Whether it says that it runs, and its lease has ended: the next delivery takes it over."""
    return execution.status == ExecutionStatus.RUNNING and execution.lease_expires_at <= now


def _is_abandoned(execution: Execution, waits_since: datetime, rested: datetime) -> bool:
    """Whether a further delivery is expected to go on with it, and none can come any more."""
    return execution.is_open and waits_since <= rested


def _came_to_rest(moments: list[datetime], rested: datetime) -> bool:
    """Whether none of a run's executions has moved for so long that none will."""
    return max(moments) <= rested


def _make_final(context: Context, execution: Execution, stopped: datetime) -> bool:
    """End it for good, unless it changed since it was read; whether that was done."""
    fields = Execution.fields(final=True, expires_at=stopped + KEPT)
    if execution.status == ExecutionStatus.RUNNING:
        fields |= Execution.fields(
            status=ExecutionStatus.FAILED,
            lease_expires_at=LONG_AGO,
            finished_at=stopped,
            error_type="Abandoned",
            error_message=f"its process died or was cut off at attempt {execution.attempts}; no delivery followed",
        )
    try:
        context.runtime.state.update(execution.path, fields, if_version=execution.version)
    except PreconditionFailed:
        return False
    failpoints.reach("sweep.abandoned")
    return True
