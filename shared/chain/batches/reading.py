"""What is on record of batches and their units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.chain.batches.records import (
    COLLECTION,
    Batch,
    BatchStatus,
    LatestBatch,
    UnitResult,
    UnitStatus,
    date_path,
    path_of,
    unit_path,
    units_path,
)
from shared.stores.document_rules import MAX_IN_VALUES
from shared.stores.ports import Filter, State


def get_batch(state: State, batch_id: str) -> Batch | None:
    document = state.get(path_of(batch_id))
    return None if document is None else Batch.from_document(document)


def latest_batch(state: State, game_date: date) -> Batch | None:
    """The date's latest batch, whatever its status."""
    pointer = state.get(date_path(game_date))
    return None if pointer is None else get_batch(state, LatestBatch.from_document(pointer).batch_id)


def batches_of(state: State, game_date: date) -> list[Batch]:
    """All batches of a date, by id."""
    found = state.query(COLLECTION, [Filter("game_date", "==", game_date.isoformat())])
    return [Batch.from_document(document) for document in found]


def batches_on(state: State, days: Sequence[date]) -> dict[date, list[Batch]]:
    """All batches of each day, by revision, in one query for every thirty days."""
    found: dict[date, list[Batch]] = {day: [] for day in days}
    for start in range(0, len(days), MAX_IN_VALUES):
        some = [day.isoformat() for day in days[start : start + MAX_IN_VALUES]]
        for document in state.query(COLLECTION, [Filter("game_date", "in", some)]):
            batch = Batch.from_document(document)
            found[batch.game_date].append(batch)
    return {day: sorted(batches, key=lambda each: each.revision) for day, batches in found.items()}


def batches_with(state: State, status: BatchStatus) -> list[Batch]:
    """All batches with a status, by id."""
    found = state.query(COLLECTION, [Filter("status", "==", status.value)])
    return [Batch.from_document(document) for document in found]


def units_of(state: State, batch_id: str) -> list[UnitResult]:
    """Completions of a batch, by unit."""
    return [UnitResult.from_document(document) for document in state.query(units_path(batch_id))]


def count_units(state: State, batch_id: str) -> int:
    """How many units have completed, failed ones and those that were split included."""
    return state.count(units_path(batch_id))


def done_units(state: State, batch: Batch) -> list[UnitResult]:
    """Completions of the batch's units that are done, less those that were split before they
    reported.
    """
    results = units_of(state, batch.batch_id)
    return [each for each in results if each.status == UnitStatus.DONE and batch.has_unit(each.unit)]


def done_result(state: State, batch_id: str, unit: str) -> UnitResult | None:
    """What was recorded of a unit that is done; None where it failed or has not completed."""
    document = state.get(unit_path(batch_id, unit))
    result = None if document is None else UnitResult.from_document(document)
    return None if result is None or result.status != UnitStatus.DONE else result
