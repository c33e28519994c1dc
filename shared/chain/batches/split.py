"""A unit of several players is split: each of them becomes a unit of his own, in one transaction
with their requests.

    units "7 group-0001" --split--> units "7 11 12 13", split_units [group-0001],
                                    requests in the batch's outbox

From there on each player is requested, tried, completed, failed, dead-lettered and redriven alone.
A batch that named the unit as missing names its players instead, so that each who is done comes
late by himself. What somebody who stood still reports of the split unit counts for nothing; what
was done before the split stands, and nothing is split.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shared.chain.batches.records import (
    Batch,
    BatchStatus,
    UnitResult,
    UnitStatus,
    path_of,
    unit_path,
    units_as_text,
)
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxBlob
from shared.core.errors import DataError
from shared.core.events import Event
from shared.stores.ports import State, Transaction


def split_unit(
    state: State,
    batch_id: str,
    unit: str,
    into: Sequence[str],
    requests: OutboxBlob,
    fence: Callable[[Transaction], None] = lambda transaction: None,
) -> bool:
    """Put the units `into`, whose requests go out with the batch's outbox, in a unit's place;
    whether that was done.

    Not done where the unit is done, was split before or its batch is superseded. Repeatable.
    `fence` raises for a process whose execution another has taken over. Raises DataError where the
    batch does not exist.
    """

    def decide(transaction: Transaction) -> bool:
        fence(transaction)
        document = transaction.get(path_of(batch_id))
        completed = transaction.get(unit_path(batch_id, unit))
        if document is None:
            raise DataError(f"Batch {batch_id} does not exist.", event=Event.UNKNOWN_BATCH)
        batch = Batch.from_document(document)
        done = completed is not None and UnitResult.from_document(completed).status == UnitStatus.DONE
        if done or not batch.has_unit(unit) or batch.status == BatchStatus.SUPERSEDED:
            return False
        # at the end: they are sent last, and completions look at the last unit first
        units = [*(other for other in batch.units if other != unit), *into]
        entries = outbox.entries(f"{batch_id}-split-{unit}", [requests])
        fields = Batch.fields(
            units_text=units_as_text(units),
            unit_count=len(units),
            split=[*batch.split, unit],
            outbox=[*batch.outbox, *entries],
            outbox_pending=True,
        )
        if unit in batch.missing:
            fields |= Batch.fields(missing=sorted([*(other for other in batch.missing if other != unit), *into]))
        transaction.update(batch.path, fields)
        return True

    return state.transaction(decide)
