"""Who decides that a batch is complete: its last unit, or the sweep; either closes and announces
it.

batches/{batch_id} is never written by a unit that merely completes: units are create-once children,
and what is complete is counted from them. Units of several players may be split (split.py): others
take their place, and what they still report counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.chain.batches.reading import done_result, get_batch, units_of
from shared.chain.batches.records import (
    Batch,
    BatchStatus,
    ClosedAs,
    UnitResult,
    UnitStatus,
    unit_path,
    units_path,
)
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage
from shared.core import failpoints
from shared.core.errors import AlreadyExists, DataError, PreconditionFailed, WriteConflict
from shared.core.events import Event
from shared.stores.ports import Filter, State

# Above, a completion looks at one unit before it counts all.
MANY_UNITS = 200
# A closing competes with late completions only, so a handful of tries is plenty.
_TRIES = 20

Announcement = Callable[[Batch, int], OutboxMessage]
"""Makes the batch's announcement from the batch and its sequence number (1 at the first
announcement).
"""


def complete_unit(state: State, batch_id: str, result: UnitResult, announcement: Announcement) -> Batch:
    """Record a unit's completion; the one that completes the batch closes it, its announcement in
    the same write.

    Repeating a completion changes nothing. A unit that was missing or failed when the batch closed
    and is done now is announced again, unless the batch is superseded. Returns the batch as it is
    after; its outbox may be pending.
    """
    _record_unit(state, batch_id, result)
    failpoints.reach("batch.unit_recorded")
    for _ in range(_TRIES):
        batch = get_batch(state, batch_id)
        if batch is None:
            raise DataError(f"Batch {batch_id} does not exist.", event=Event.UNKNOWN_BATCH)
        if batch.status == BatchStatus.OPEN:
            if not _all_recorded(state, batch):
                return batch
            failed = state.query(units_path(batch_id), [Filter("status", "==", UnitStatus.FAILED.value)])
            missing = [unit.id for unit in failed if batch.has_unit(unit.id)]
            fields = _closing(ClosedAs.COMPLETE, missing, result.completed_at)
        elif _completes_late(batch, result):
            missing = [unit for unit in batch.missing if unit != result.unit]
            fields = Batch.fields(missing=missing, late_units=[*batch.late_units, result.unit])
        else:
            return batch
        try:
            announce(state, batch, fields, announcement)
        except PreconditionFailed:
            continue
        failpoints.reach("batch.closed")
    raise WriteConflict(f"Batch {batch_id} changed {_TRIES} times while unit {result.unit} completed.")


def _completes_late(batch: Batch, result: UnitResult) -> bool:
    """Whether a closed batch names the unit as missing, and it is done now."""
    is_missing = result.status == UnitStatus.DONE and result.unit in batch.missing
    return is_missing and batch.status != BatchStatus.SUPERSEDED


def _record_unit(state: State, batch_id: str, result: UnitResult) -> None:
    """Create the unit's completion once; a failed one may be replaced by a done one."""
    path, document = unit_path(batch_id, result.unit), result.to_document()
    try:
        state.create(path, document)
    except AlreadyExists:
        before = state.get(path)
        if before is None or result.status != UnitStatus.DONE:
            return
        if UnitResult.from_document(before).status == UnitStatus.FAILED:
            state.update(path, document, if_version=before.version)


def _all_recorded(state: State, batch: Batch) -> bool:
    """Whether every unit has completed.

    The one that completes last sees all others, whichever way this looks.

    Units are sent in their order, so in a large batch the last one is usually missing to the end:
    looking at it is cheaper than counting thousands at every completion.
    """
    if batch.unit_count > MANY_UNITS and state.get(unit_path(batch.batch_id, batch.last_unit)) is None:
        return False
    if batch.split:
        # a split unit may have reported all the same, and must not be counted for one that has not
        return _is_each_recorded(batch, units_of(state, batch.batch_id))
    return state.count(units_path(batch.batch_id)) >= batch.unit_count


def _is_each_recorded(batch: Batch, recorded: Sequence[UnitResult]) -> bool:
    return {result.unit for result in recorded}.issuperset(batch.units)


def close_partial(
    state: State,
    batch: Batch,
    now: datetime,
    announcement: Announcement,
    alert: Callable[[Sequence[str]], OutboxMessage | None] = lambda missing: None,
) -> list[str]:
    """Close an open batch with the units it has; returns the missing ones.

    Raises PreconditionFailed if it changed.

    It is complete where every unit was recorded and the last one's process died before closing it.
    `alert` may make a message of the missing units, recorded in the same write. A unit that
    completes at this very moment may find the batch still open and be named as missing: see
    settle_missing.
    """
    recorded = units_of(state, batch.batch_id)
    done = {result.unit for result in recorded if result.status == UnitStatus.DONE}
    missing = [unit for unit in batch.units if unit not in done]
    closed_as = ClosedAs.COMPLETE if _is_each_recorded(batch, recorded) else ClosedAs.PARTIAL
    message = alert(missing)
    also = [] if message is None else [message]
    announce(state, batch, _closing(closed_as, missing, now), announcement, also)
    return missing


def settle_missing(state: State, batch_id: str, announcement: Announcement) -> list[str]:
    """Accept, as late, units that are done and named as missing by a closed batch; returns them.

    Repeatable.
    """
    batch = get_batch(state, batch_id)
    if batch is None or batch.status == BatchStatus.SUPERSEDED:
        return []
    found = [result for unit in batch.missing if (result := done_result(state, batch_id, unit)) is not None]
    for result in found:
        complete_unit(state, batch_id, result, announcement)
    return [result.unit for result in found]


def _closing(closed_as: ClosedAs, missing: list[str], now: datetime) -> dict[str, Any]:
    return Batch.fields(
        status=BatchStatus.CLOSED, closed_as=closed_as, closed_at=now, missing=sorted(missing), late_units=[]
    )


def announce(
    state: State,
    batch: Batch,
    fields: Mapping[str, Any],
    announcement: Announcement,
    also: Sequence[OutboxMessage] = (),
) -> None:
    """Change the batch and put its announcement, and what else is to be said, in the outbox: one
    conditional write.

    Raises PreconditionFailed where the batch changed since it was read.
    """
    sequence = batch.sequence + 1
    entries = outbox.entries(f"{batch.batch_id}-{sequence}", [announcement(batch, sequence), *also])
    announced = Batch.fields(sequence=sequence, outbox=[*batch.outbox, *entries], outbox_pending=True)
    state.update(batch.path, {**fields, **announced}, if_version=batch.version)
