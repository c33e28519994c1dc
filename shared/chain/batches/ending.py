"""How a closed batch ends: consolidated, failed, or superseded by a later one of its date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from shared.chain.batches.reading import batches_of
from shared.chain.batches.records import Batch, BatchStatus
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage
from shared.stores.ports import State


def mark_consolidated(
    state: State,
    batch: Batch,
    merged: Sequence[str],
    rows: int,
    now: datetime,
    frozen: int = 0,
    damaged: Mapping[str, OutboxMessage] = MappingProxyType({}),
) -> None:
    """CONSOLIDATED, with the units merged so far and the rows verified in place; older revisions
    become SUPERSEDED.

    `frozen` rows of these units came too late, since their games had tipped off: the batch counts
    them, for nothing else says why those players have no predictions. `damaged`: by the keys of
    units' `damaged` the alert of that model, put in the batch's outbox in the same write, once a
    model however often the batch is consolidated. Raises PreconditionFailed where the batch changed
    since it was read.
    """
    announced = batch.damaged_systems
    new = sorted(set(damaged) - set(announced))
    fields = Batch.fields(
        status=BatchStatus.CONSOLIDATED,
        merged=sorted(merged),
        rows_in_place=rows,
        frozen_rows=batch.frozen_rows + frozen,
        consolidated_at=now,
    )
    if new:
        messages = [damaged[system] for system in new]
        entries = outbox.entries(f"{batch.batch_id}-damaged", messages, first=len(announced))
        fields |= Batch.fields(
            outbox=[*batch.outbox, *entries], outbox_pending=True, damaged_systems=[*announced, *new]
        )
    state.update(batch.path, fields, if_version=batch.version)
    supersede_older(state, batch)


def supersede_older(state: State, batch: Batch) -> None:
    """Mark the earlier revisions of a consolidated batch's date as SUPERSEDED; repeatable."""
    superseded = Batch.fields(status=BatchStatus.SUPERSEDED, superseded_by=batch.batch_id)
    for other in batches_of(state, batch.game_date):
        if other.revision < batch.revision and other.status != BatchStatus.SUPERSEDED:
            state.update(other.path, superseded)


def mark_failed(state: State, batch: Batch, expected_and_found: str, now: datetime) -> None:
    """FAILED, with what was expected and found.

    Raises PreconditionFailed where the batch changed since it was read.
    """
    fields = Batch.fields(status=BatchStatus.FAILED, failure=expected_and_found, failed_at=now)
    state.update(batch.path, fields, if_version=batch.version)
