"""Messages that were recorded and never published: their process died in between, or their gate is open again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from functions.batch_sweep.report import Report
from shared.chain.messages.outbox import send_pending
from shared.chain.resilience import dead_letters, deferred
from shared.core.errors import PipelineError, Retriable
from shared.core.redaction import what_failed
from shared.stores.ports import Document, Filter
from shared.stores.runtime import Runtime

# What was recorded a moment ago is left to the process that recorded it.
SENT_BY_ITSELF = timedelta(minutes=2)
# Collection -> the field that says when its outbox was written.
OUTBOXES = {"executions": "finished_at", "batches": "closed_at", deferred.COLLECTION: "released_at"}


def release_deferred_messages(runtime: Runtime, report: Report) -> None:
    """Publish the held messages whose gate lets them through now."""
    _attempt(report, "held messages", lambda: report.released.extend(deferred.release_deferred(runtime)))


def send_unsent(runtime: Runtime, report: Report) -> None:
    """Send every outbox that is pending, and finish the redrives that were interrupted.

    An execution's outbox is written with its success alone, so one that is still running has none to send.
    """
    now = runtime.clock.now()
    for collection, written in OUTBOXES.items():
        for document in runtime.state.query(collection, [Filter("outbox_pending", "==", True)]):
            if _old_enough(document, written, now):
                _attempt(report, document.path, partial(_send, runtime, document.path, report))
    for document in dead_letters.unfinished(runtime.state):
        if _old_enough(document, "at", now):
            _attempt(report, document.path, partial(_finish, runtime, document, report))


def _old_enough(document: Document, written: str, now: datetime) -> bool:
    moment = document.data.get(written)
    return moment is None or now - moment >= SENT_BY_ITSELF


def _send(runtime: Runtime, path: str, report: Report) -> None:
    if send_pending(path, runtime.state, runtime.bus, runtime.raw):
        report.sent.append(path)


def _finish(runtime: Runtime, document: Document, report: Report) -> None:
    dead_letters.finish(runtime, document)
    report.redriven.append(document.path)


def _attempt(report: Report, what: str, do: Callable[[], None]) -> None:
    """Do it; what a retry cannot mend is kept as a problem, so that one broken outbox does not stop all others."""
    try:
        do()
    except Retriable:
        raise
    except PipelineError as error:
        report.problems[what] = what_failed(error)
