"""Batches that do not come to their end: closed with what they have, late units accepted, forgotten
ones reported.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.batch_sweep.report import MOST_NAMES, Report
from shared.chain.batches import completion
from shared.chain.batches.announcement import batch_complete
from shared.chain.batches.completion import Announcement
from shared.chain.batches.reading import batches_with, get_batch, units_of
from shared.chain.batches.records import COLLECTION, Batch, BatchStatus
from shared.chain.execution.alerts import batch_alert
from shared.chain.execution.context import Context
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage, send_pending
from shared.core import failpoints
from shared.core.errors import PreconditionFailed
from shared.core.events import Event
from shared.core.severity import Severity
from shared.stores.ports import Filter
from shared.stores.records import present

logger = logging.getLogger(__name__)

# A batch this old is closed whatever it has; one that has ALMOST_ALL when nothing came for so long.
OLD = timedelta(minutes=30)
QUIET = timedelta(minutes=10)
ALMOST_ALL = 90  # per cent
FORGOTTEN = timedelta(minutes=30)
# A unit may be late for as long as anybody would redrive it.
LATE = timedelta(hours=24)
_TRIES = 3


def close_stalled(context: Context, report: Report, resumed_at: datetime | None) -> None:
    """Close the open batches that stalled and send their announcements."""
    state, now = context.runtime.state, context.runtime.clock.now()
    for open_ in batches_with(state, BatchStatus.OPEN):
        for _ in range(_TRIES):
            batch = get_batch(state, open_.batch_id)
            if batch is None or batch.status != BatchStatus.OPEN:
                break  # somebody completed it meanwhile
            why = _why_stalled(context, batch, now, resumed_at)
            if not why:
                break
            try:
                _close(context, batch, why, report)
            except PreconditionFailed:
                continue  # it changed since it was read: look again
            break


def _why_stalled(context: Context, batch: Batch, now: datetime, resumed_at: datetime | None) -> str:
    """Why a batch counts as stalled; empty where it does not.

    What stood still while paused begins anew.
    """
    since: datetime = max(filter(None, [batch.opened_at, resumed_at]))
    recorded = units_of(context.runtime.state, batch.batch_id)
    have = f"{len(recorded)} of {batch.unit_count} units recorded"
    if now - since >= OLD:
        return f"open for {_minutes(now - since)} min, {have}"
    last: datetime = max([since, *(unit.completed_at for unit in recorded)])
    if 100 * len(recorded) >= ALMOST_ALL * batch.unit_count and now - last >= QUIET:
        return f"no completion for {_minutes(now - last)} min, {have}"
    return ""


def _minutes(duration: timedelta) -> int:
    return int(duration.total_seconds() // 60)


def _close(context: Context, batch: Batch, why: str, report: Report) -> None:
    runtime = context.runtime
    now = runtime.clock.now()

    def partial_alert(missing: Sequence[str]) -> OutboxMessage | None:
        if not missing:
            return None
        names = ", ".join(missing[:MOST_NAMES])
        return batch_alert(
            batch,
            f"batch-partial-{batch.batch_id}",
            Severity.WARNING,
            f"{batch.batch_id} was closed without {len(missing)} of {batch.unit_count} units",
            f"{why}; missing or failed: {names}{' ...' if len(missing) > MOST_NAMES else ''}.",
            now,
            event=Event.BATCH_PARTIAL,
        )

    missing = completion.close_partial(runtime.state, batch, now, _announcement(context, now), partial_alert)
    report.closed.append({"batch_id": batch.batch_id, "why": why, "missing": missing})
    failpoints.reach("sweep.closed")
    logger.warning(
        "closed %s: %s; missing %s",
        batch.batch_id,
        why,
        ", ".join(missing[:MOST_NAMES]) or "none",
        extra={"fields": {"batch_id": batch.batch_id, "missing": len(missing)}},
    )
    send_pending(batch.path, runtime.state, runtime.bus, runtime.raw)


def _announcement(context: Context, closed_at: datetime) -> Announcement:
    """The batch's announcement by the sweep; partial where units are missing."""

    def announcement(batch: Batch, sequence: int) -> OutboxMessage:
        return batch_complete(
            batch,
            sequence,
            processor_name=context.function.name,
            execution_id=context.execution_id,
            correlation_id=context.correlation_id,
            closed_at=closed_at,
            status="partial",
        )

    return announcement


def settle_late_units(context: Context, report: Report) -> None:
    """Announce again batches that name units as missing which are done: their worker died before it
    could say so.
    """
    runtime = context.runtime
    now = runtime.clock.now()
    for document in runtime.state.query(COLLECTION, [Filter("closed_at", ">", now - LATE)]):
        batch = Batch.from_document(document)
        if batch.missing:
            late = completion.settle_missing(runtime.state, batch.batch_id, _announcement(context, now))
            if late:
                report.late[batch.batch_id] = late
                send_pending(batch.path, runtime.state, runtime.bus, runtime.raw)


def report_unconsolidated(context: Context, report: Report, resumed_at: datetime | None) -> None:
    """Raise an alert, once, for every batch that was announced and that nobody consolidated."""
    runtime = context.runtime
    now = runtime.clock.now()
    for batch in batches_with(runtime.state, BatchStatus.CLOSED):
        closed_at = present(batch.closed_at, batch, "closed_at")
        since: datetime = max(filter(None, [closed_at, resumed_at]))
        if batch.outbox_pending or batch.reported_at or now - since < FORGOTTEN:
            continue
        message = batch_alert(
            batch,
            f"batch-unconsolidated-{batch.batch_id}",
            Severity.CRITICAL,
            f"{batch.batch_id} was closed and never consolidated",
            f"closed at {closed_at.isoformat()} and announced; look at the dead letters, or publish "
            f'{{"game_date": "{batch.game_date}", "batch_id": "{batch.batch_id}"}} to nba-phase5-batch-complete.',
            now,
            event=Event.BATCH_FORGOTTEN,
        )
        entry = outbox.entries(f"{batch.batch_id}-unconsolidated", [message])
        fields = Batch.fields(reported_at=now, outbox=[*batch.outbox, *entry], outbox_pending=True)
        try:
            runtime.state.update(batch.path, fields, if_version=batch.version)
        except PreconditionFailed:
            continue  # somebody is at work on it
        report.unconsolidated.append(batch.batch_id)
        send_pending(batch.path, runtime.state, runtime.bus, runtime.raw)
