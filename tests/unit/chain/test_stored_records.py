"""Each record decodes what it encodes, reads old documents, and names damaged ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.embedded.json_values import decode, encode
from shared.chain.batches.records import Batch, BatchStatus, LatestBatch, UnitResult, UnitStatus
from shared.chain.execution.records import Execution, ExecutionFacts, ExecutionStatus, Failure, Success
from shared.chain.execution.run_history import HistoryLoad
from shared.chain.resilience.circuit_breaker import Breaker
from shared.chain.resilience.dead_letters import Redrive
from shared.chain.resilience.deferred import DeferredMessage
from shared.chain.resilience.locks import Lease
from shared.chain.resilience.pause_switch import Pause
from shared.core.errors import DataError
from shared.core.storable import MAX_INTEGER
from shared.operations.contracts.restarts import Restart
from shared.stores.ports import Document
from shared.stores.records import Record

NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
PATH = "things/one"

# --- what is encoded is decoded -------------------------------------------------------------------

KINDS: Sequence[type[Record]] = (
    *(Batch, LatestBatch, UnitResult, Execution, ExecutionFacts, Success, Failure, HistoryLoad),
    *(Lease, Breaker, DeferredMessage, Redrive, Pause, Restart),
)
TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
MAPS = st.dictionaries(st.sampled_from(["a", "b_c", "d.e"]), TEXTS | st.integers(-9, 9) | st.none(), max_size=3)
PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(-MAX_INTEGER, MAX_INTEGER),
    bool: st.booleans(),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    Mapping: MAPS,
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a declared type."""
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if isinstance(hint, UnionType):
        return st.none() | values(next(each for each in arguments if each is not NoneType))
    if origin is Literal:
        return st.sampled_from(arguments)
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return st.sampled_from(list(origin))
    if origin is Sequence:
        return st.lists(values(arguments[0]), max_size=3)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=3).map(tuple)
    return PLAIN[origin]


def records_of(kind: type[Record]) -> st.SearchStrategy[Record]:
    hints = get_type_hints(kind)
    chosen = {each.name: values(hints[each.name]) for each in fields(kind)}
    of_the_document = {"path": st.just(PATH), "version": st.just("7")}
    chosen |= {name: strategy for name, strategy in of_the_document.items() if name in chosen}
    return st.builds(kind, **chosen)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=50)
@given(data=st.data())
def test_what_is_encoded_is_decoded(kind: type[Record], data: st.DataObject) -> None:
    record = data.draw(records_of(kind))
    stored = {each.name: getattr(record, each.name) for each in fields(kind) if each.name not in ("path", "version")}
    # the whole document, and an update that names every attribute
    for document in (record.to_document(), kind.fields(**stored)):
        kept = decode(encode(PATH, document))
        assert kind.from_document(Document(PATH, kept, "7")) == record
    assert all(type(value) in (str, int, bool, datetime, dict, list, NoneType) for value in document.values())


# --- documents of the release before --------------------------------------------------------------

OLD_BATCH: dict[str, Any] = {
    "batch_id": "batch_2025-11-14_r1",
    "game_date": "2025-11-14",
    "revision": 1,
    "run_id": "2025-11-14-nightly",
    "execution_id": "phase5_coordinator.2025-11-14-nightly",
    "mode": "same_day",
    "as_of": NOON,
    "features_as_of": NOON,
    "status": "CLOSED",
    "closed_as": "partial",
    "units": "203999 1628369",
    "unit_count": 2,
    "games": "0022500201=2025-11-15T00:30:00+00:00 0022500202=2025-11-15T03:00:00+00:00",
    "opened_at": NOON,
    "sequence": 1,
    "outbox": [],
    "outbox_pending": False,
    "closed_at": NOON,
    "missing_units": ["1628369"],
    "late_units": [],
    "outbox_sent": ['["batch_2025-11-14_r1-1-0", "nba-phase5-batch-complete"]'],
}
OLD_UNIT: dict[str, Any] = {
    "unit": "203999",
    "status": "done",
    "rows": 25,
    "staging_table": "nba_staging._staging_batch_2025-11-14_r1__203999",
    "players": 1,
    "error": None,
    "completed_at": NOON,
}
OLD_EXECUTION: dict[str, Any] = {
    "function": "phase3_analytics",
    "phase": "phase3",
    "run_id": "2025-11-14-nightly",
    "unit": "",
    "mode": "same_day",
    "game_date": "2025-11-14",
    "as_of": NOON,
    "batch_id": None,
    "correlation_id": "c",
    "trigger_source": "scheduler",
    "trigger_message_id": "7",
    "status": "succeeded",
    "owner": "process-1",
    "epoch": 1,
    "lease_expires_at": NOON,
    "taken_at": NOON,
    "generation": 2,
    "attempts": 2,
    "started_at": NOON,
    "outbox": [],
    "outbox_pending": False,
    "logged": True,
    "finished_at": NOON,
    "result": {"status": "success", "record_count": 7},
    "metadata": {},
    "ends_run": True,
}
OLD_LEASE: dict[str, Any] = {"owner": "process-1", "epoch": 1, "token": 3, "expires_at": NOON}
OLD_BREAKER: dict[str, Any] = {
    "kind": "source",
    "failures": 5,
    "opened_at": NOON,
    "trial_until": None,
    "last_error": "StoreUnavailable: no answer",
    "epoch": 1,
    "updated_at": NOON,
}
OLD_DEFERRED: dict[str, Any] = {
    "function": "phase3_analytics",
    "topic": "nba-phase3-trigger",
    "gate": "pause",
    "reason": "paused since 2025-11-14T17:00:00Z by ann: odd odds",
    "held_at": NOON,
    "released_at": None,
    "outbox": [{"id": "s.7-0", "topic": "nba-phase3-trigger", "file": "held/s/7", "attributes": {}}],
    "outbox_pending": False,
}
OLD_REDRIVE: dict[str, Any] = {
    "subscription": "phase3-analytics-nba-phase3-trigger-dead-letter",
    "message_id": "17",
    "origin_topic": "nba-phase3-trigger",
    "origin_message_id": "m8",
    "dead_letter_reason": "not_json",
    "who": "op",
    "reason": "mended",
    "at": NOON,
    "ack_id": "17",
    "acknowledged": False,
    "outbox": [],
    "outbox_pending": False,
}
OLD_PAUSE: dict[str, Any] = {
    "paused": True,
    "since": NOON,
    "resumed_at": None,
    "reason": "odd odds",
    "who": "ann",
    "turns": 1,
}
OLD_LOAD: dict[str, Any] = {
    "run_id": "2025-11-14-nightly",
    "number": 1,
    "pending": False,
    "executions": [],
    "rows": [],
    "batches": ["batch_2025-11-14_r1"],
}
OLD_RESTART: dict[str, Any] = {
    "game_date": "2025-11-14",
    "phase": "phase5_coordinator",
    "n": 1,
    "topic": "nba-phase5-trigger",
    "mode": None,
    "batch_id": None,
    "reason": "current predictions cover 3 of 10 expected players, less than 80%",
    "execution_id": "self_heal.2025-11-14-self-heal-1300",
    "run_id": "2025-11-14-heal-phase5_coordinator-1",
    "epoch": 1,
    "at": NOON,
}
OLD: Mapping[type[Record], dict[str, Any]] = {
    Batch: OLD_BATCH,
    LatestBatch: {"batch_id": "batch_2025-11-14_r1", "revision": 1},
    UnitResult: OLD_UNIT,
    Execution: OLD_EXECUTION,
    Lease: OLD_LEASE,
    Breaker: OLD_BREAKER,
    DeferredMessage: OLD_DEFERRED,
    Redrive: OLD_REDRIVE,
    Pause: OLD_PAUSE,
    HistoryLoad: OLD_LOAD,
    Restart: OLD_RESTART,
}


def read(kind: type[Any], **changes: Any) -> Any:
    return kind.from_document(Document(PATH, {**OLD[kind], **changes}, "7"))


@pytest.mark.parametrize("kind", OLD, ids=lambda kind: kind.__name__)
def test_a_document_of_the_release_before_is_read_whole(kind: type[Record]) -> None:
    written = read(kind).to_document()
    assert {name: written[name] for name in OLD[kind] if name in written} == {
        name: value for name, value in OLD[kind].items() if name in written
    }
    # an outbox's record of what was sent is the outbox's own; what has its default is left out
    left_out = OLD[kind].keys() - written.keys()
    assert left_out <= {"outbox_sent", "late_units", "metadata"}


def test_what_an_old_batch_does_not_say_is_nothing_yet() -> None:
    batch = read(Batch)
    assert (batch.status, batch.units, batch.missing) == (BatchStatus.CLOSED, ["203999", "1628369"], ["1628369"])
    assert batch.games["0022500202"] == datetime(2025, 11, 15, 3, tzinfo=UTC)
    assert (batch.merged, batch.rows_in_place, batch.frozen_rows, batch.damaged_systems) == ([], 0, 0, [])
    assert (batch.consolidated_at, batch.failure, batch.superseded_by, batch.reported_at) == (None, None, None, None)


def test_what_an_old_unit_execution_breaker_or_redrive_does_not_say_is_nothing_yet() -> None:
    assert (read(UnitResult).status, read(UnitResult).damaged) == (UnitStatus.DONE, {})
    execution = read(Execution)
    assert (execution.status, execution.history_written, execution.is_last_of_run) == ("succeeded", True, True)
    assert (execution.expires_at, execution.event, execution.final) == (None, None, False)
    assert (execution.machine_started_at, execution.linked_outboxes) == (None, [])
    assert read(Breaker).executions == ()
    assert read(Redrive).missed_at is None
    assert read(DeferredMessage).deferred_at == NOON


# --- damaged documents ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name", "known"),
    [
        (Batch, "status", [each.value for each in BatchStatus]),
        (Batch, "closed_as", ["complete", "partial"]),
        (UnitResult, "status", [each.value for each in UnitStatus]),
        (Execution, "status", [each.value for each in ExecutionStatus]),
    ],
)
def test_an_unknown_status_is_named(kind: type[Record], name: str, known: list[str]) -> None:
    with pytest.raises(DataError) as refused:
        read(kind, **{name: "DONE_SOMEHOW"})
    expected = f"{PATH}: the field {name} is 'DONE_SOMEHOW', none of {', '.join(known)}."
    assert (refused.value.message, refused.value.event) == (expected, "bad_document")


# What a document may lack: it is written later, or was not written by the release before.
MAY_LACK: Mapping[type[Record], set[str]] = {
    Batch: {"closed_at", "missing_units", "late_units", "outbox_sent"},
    Execution: {"batch_id", "finished_at", "result", "metadata", "ends_run"},
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in OLD for name in OLD[kind]])
def test_a_missing_field_is_named_unless_a_document_may_lack_it(kind: type[Record], name: str) -> None:
    document = Document(PATH, {key: value for key, value in OLD[kind].items() if key != name}, "7")
    if name in MAY_LACK.get(kind, ()):
        kind.from_document(document)
        return
    with pytest.raises(DataError) as refused:
        kind.from_document(document)
    assert refused.value.message == f"{PATH}: the field {name} is missing."


def test_an_end_that_the_status_promises_is_there_or_named() -> None:
    assert read(Execution).ended == NOON
    with pytest.raises(DataError, match=f"{PATH}: the field finished_at is missing"):
        _ = read(Execution, finished_at=None).ended
