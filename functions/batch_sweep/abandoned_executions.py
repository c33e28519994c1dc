"""Executions whose process died: reported, made final when no delivery can follow, and their runs' history written."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from functools import lru_cache

from functions.batch_sweep.report import Report
from shared.chain.execution.context import Context
from shared.chain.execution.ledger import COLLECTION, FAILED, KEPT, RUNNING
from shared.chain.execution.run_history import write_run_history
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
        if _lease_expired(document, now):
            report.expired.append(document.id)
        if only_report:
            continue
        stopped = _stopped_at(document)
        waits_since = stopped if resumed_at is None else max(stopped, resumed_at)
        if _is_abandoned(document, waits_since, rested):
            if _make_final(context, document, stopped):
                report.abandoned.append(document.id)
            else:
                waits_since = now  # somebody took it a moment ago
        moved[document.data["run_id"]].append(waits_since)
    for run_id, moments in sorted(moved.items()):
        if _came_to_rest(moments, rested) and write_run_history(runtime, run_id):
            report.flushed.append(run_id)


def _lease_expired(document: Document, now: datetime) -> bool:
    """Whether it says that it runs, and its lease has ended: the next delivery takes it over."""
    return bool(document.data["status"] == RUNNING and document.data["lease_expires_at"] <= now)


def _is_abandoned(document: Document, waits_since: datetime, rested: datetime) -> bool:
    """Whether a further delivery is expected to go on with it, and none can come any more."""
    return _is_open(document) and waits_since <= rested


def _came_to_rest(moments: list[datetime], rested: datetime) -> bool:
    """Whether none of a run's executions has moved for so long that none will."""
    return max(moments) <= rested


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
    failpoints.reach("sweep.abandoned")
    return True
