"""Executions whose process died: reported, made final when no delivery can follow, and their runs' history written."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from functools import lru_cache

from functions.batch_sweep.report import Report
from shared.chain.execution.context import Context
from shared.chain.execution.ledger import COLLECTION, FAILED, KEPT, RUNNING
from shared.chain.execution.run_history import flush_run
from shared.core import failpoints
from shared.core.clock import LONG_AGO
from shared.core.errors import PreconditionFailed
from shared.core.pipeline import load_pipeline
from shared.stores.ports import Document, Filter

_LEAST_WAIT = timedelta(minutes=30)


@lru_cache(maxsize=1)
def abandoned_after() -> timedelta:
    """How long after a lease's end no delivery can follow: the longest ack deadline with all of its back-offs."""
    waits = [
        each.ack_deadline_seconds + sum(map(each.backoff_seconds, range(1, each.max_delivery_attempts)))
        for each in load_pipeline().subscriptions.values()
    ]
    return max(_LEAST_WAIT, timedelta(seconds=max(waits)))


def end_executions(context: Context, report: Report, resumed_at: datetime | None, *, only_report: bool = False) -> None:
    """Look at every execution that is not in the run history yet; those of runs that came to rest get there."""
    runtime = context.runtime
    now = runtime.clock.now()
    rested = now - abandoned_after()
    moved: dict[str, list[datetime]] = defaultdict(list)
    for document in runtime.state.query(COLLECTION, [Filter("logged", "==", False)]):
        if document.id == context.execution_id:
            continue
        data = document.data
        if data["status"] == RUNNING and data["lease_expires_at"] <= now:
            report.expired.append(document.id)
        stopped = _stopped_at(document)
        if only_report:
            continue
        waiting = stopped if resumed_at is None else max(stopped, resumed_at)
        if _is_open(document) and waiting <= rested and not _make_final(context, document, stopped):
            waiting = now  # somebody took it a moment ago
        elif _is_open(document) and waiting <= rested:
            report.abandoned.append(document.id)
        moved[data["run_id"]].append(waiting)
    for run_id, moments in sorted(moved.items()):
        if max(moments) <= rested and flush_run(runtime, run_id):
            report.flushed.append(run_id)


def _is_open(document: Document) -> bool:
    """Whether a further delivery is expected to go on with the execution."""
    data = document.data
    return data["status"] == RUNNING or (data["status"] == FAILED and not data.get("final"))


def _stopped_at(document: Document) -> datetime:
    """When it last did something. A lease that was voided (its owner had died) counts until its natural end."""
    data = document.data
    if data["status"] != RUNNING:
        finished: datetime = data["finished_at"]
        return finished
    function = load_pipeline().functions.get(data["function"])
    natural = timedelta(seconds=function.lease_seconds if function is not None else 0)
    end: datetime = max(data["lease_expires_at"], data["taken_at"] + natural)
    return end


def _make_final(context: Context, document: Document, stopped: datetime) -> bool:
    """End it for good, unless it changed since it was read; whether that was done."""
    data = document.data
    fields: dict[str, object] = {"final": True, "expires_at": stopped + KEPT}
    if data["status"] == RUNNING:
        fields |= {
            "status": FAILED,
            "lease_expires_at": LONG_AGO,
            "finished_at": stopped,
            "error_type": "Abandoned",
            "error_message": f"its process died or was cut off at attempt {data['attempts']}; no delivery followed",
        }
    try:
        context.runtime.state.update(document.path, fields, if_version=document.version)
    except PreconditionFailed:
        return False
    failpoints.reached("sweep.abandoned")
    return True
