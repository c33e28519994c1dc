"""Messages that were recorded and never published: their process died, or they are admitted
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from functions.batch_sweep.report import Report
from shared.chain.batches import records as batch_records
from shared.chain.batches.records import Batch
from shared.chain.execution import records as execution_records
from shared.chain.execution.records import Execution
from shared.chain.messages.outbox import send_pending
from shared.chain.resilience import dead_letters, deferred
from shared.chain.resilience.dead_letters import Redrive
from shared.chain.resilience.deferred import DeferredMessage
from shared.core.errors import PipelineError, Retriable
from shared.core.redaction import what_failed
from shared.operations.actions import record as operator_actions
from shared.operations.actions.record import OperatorAction
from shared.stores.ports import Document, Filter
from shared.stores.runtime import Runtime

# What was recorded a moment ago is left to the process that recorded it.
SENT_BY_ITSELF = timedelta(minutes=2)
# Collection -> when the outbox of one of its documents was written.
OUTBOXES: Mapping[str, Callable[[Document], datetime | None]] = {
    execution_records.COLLECTION: lambda document: Execution.from_document(document).finished_at,
    batch_records.COLLECTION: lambda document: Batch.from_document(document).closed_at,
    deferred.COLLECTION: lambda document: DeferredMessage.from_document(document).released_at,
    operator_actions.COLLECTION: lambda document: OperatorAction.from_document(document).at,
}


def release_deferred_messages(runtime: Runtime, report: Report) -> None:
    """Publish the deferred messages that are admitted now."""
    _attempt(report, "held messages", lambda: report.released.extend(deferred.release_deferred(runtime)))


def send_unsent(runtime: Runtime, report: Report) -> None:
    """Send every outbox that is pending, and finish the redrives that were interrupted.

    An execution's outbox is written with its success alone, so one that is still running has none
    to send.
    """
    now = runtime.clock.now()
    for collection, written_at in OUTBOXES.items():
        for document in runtime.state.query(collection, [Filter("outbox_pending", "==", True)]):
            _attempt(report, document.path, partial(_send, runtime, document, written_at, report))
    for redrive in dead_letters.list_unfinished(runtime.state):
        if _old_enough(redrive.at, now):
            _attempt(report, redrive.path, partial(_finish, runtime, redrive, report))


def _old_enough(written_at: datetime | None, now: datetime) -> bool:
    return written_at is None or now - written_at >= SENT_BY_ITSELF


def _send(
    runtime: Runtime, document: Document, written_at: Callable[[Document], datetime | None], report: Report
) -> None:
    if not _old_enough(written_at(document), runtime.clock.now()):
        return
    if send_pending(document.path, runtime.state, runtime.bus, runtime.raw):
        report.sent.append(document.path)


def _finish(runtime: Runtime, redrive: Redrive, report: Report) -> None:
    dead_letters.finish(runtime, redrive)
    report.redriven.append(redrive.path)


def _attempt(report: Report, what: str, do: Callable[[], None]) -> None:
    """Do it; what a retry cannot mend is kept as a problem, so that one broken outbox does not stop
    all others.
    """
    try:
        do()
    except Retriable:
        raise
    except PipelineError as error:
        report.problems[what] = what_failed(error)
