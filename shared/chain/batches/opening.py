"""Opening a batch: one at a time for a game date, decided in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import (
    Batch,
    BatchStatus,
    LatestBatch,
    batch_id_of,
    date_path,
    games_as_text,
    path_of,
    units_as_text,
)
from shared.chain.messages.messages import Mode
from shared.core.errors import WriteConflict
from shared.stores.ports import State, Transaction

_REVISIONS_OF_AN_EPOCH = 1_000


@dataclass(frozen=True)
class BatchPlan:
    """What a new batch consists of, besides its revision."""

    game_date: date
    run_id: str
    execution_id: str
    mode: Mode
    as_of: datetime
    units: tuple[str, ...]
    games: Mapping[str, datetime]
    """Games covered: game_id -> tip-off."""
    features_as_of: datetime
    """The newest moment of features that its players were chosen by: a retry chooses by the
    same.
    """
    state_epoch: int = 1
    """Of the deployed state (Settings.state_epoch): a restored state does not give a forgotten
    batch's id again.
    """


def open_batch(
    state: State, plan: BatchPlan, now: datetime, fence: Callable[[Transaction], None] = lambda transaction: None
) -> Batch:
    """Open revision + 1, unless the date's latest batch is in progress: then that one (the trigger
    joins it).

    A retry of the execution that opened it gets its own batch again. One at a time: decided in one
    transaction, in which `fence` raises for a process whose execution another has taken over:
    nobody would send its requests.
    """

    def decide(transaction: Transaction) -> str:
        fence(transaction)
        pointer = transaction.get(date_path(plan.game_date))
        revision = _first_revision(plan.state_epoch)
        if pointer is not None:
            latest_id = LatestBatch.from_document(pointer).batch_id
            document = transaction.get(path_of(latest_id))
            if document is None:
                raise WriteConflict(f"{latest_id} is named but not there yet.")
            latest = Batch.from_document(document)
            if latest.in_progress or latest.execution_id == plan.execution_id:
                return latest.batch_id
            revision = max(latest.revision + 1, revision)
        batch_id = batch_id_of(plan.game_date, revision)
        transaction.set(date_path(plan.game_date), LatestBatch(batch_id, revision).to_document())
        transaction.create(path_of(batch_id), _new_batch(plan, batch_id, revision, now).to_document())
        return batch_id

    batch = get_batch(state, state.transaction(decide))
    if batch is None:
        raise WriteConflict(f"The batch of {plan.game_date} vanished between two reads.")
    return batch


def _first_revision(state_epoch: int) -> int:
    """1, 1001, 2001 ...: above all that an earlier epoch of the state may have opened for a
    date.
    """
    return (state_epoch - 1) * _REVISIONS_OF_AN_EPOCH + 1


def _new_batch(plan: BatchPlan, batch_id: str, revision: int, now: datetime) -> Batch:
    return Batch(
        batch_id=batch_id,
        game_date=plan.game_date,
        revision=revision,
        run_id=plan.run_id,
        execution_id=plan.execution_id,
        mode=plan.mode,
        as_of=plan.as_of,
        features_as_of=plan.features_as_of,
        status=BatchStatus.OPEN,
        closed_as=None,
        units_text=units_as_text(plan.units),
        unit_count=len(plan.units),
        games_text=games_as_text(plan.games),
        opened_at=now,
        sequence=0,
        outbox=[],
        outbox_pending=False,
    )
