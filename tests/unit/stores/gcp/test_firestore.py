"""Values and versions between the port and Firestore; which failure of a transaction is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1._helpers import decode_dict
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.protobuf.timestamp_pb2 import Timestamp

from shared.core.errors import Fatal, PreconditionFailed, WriteConflict
from shared.stores.gcp.firestore_state import FirestoreState
from shared.stores.gcp.firestore_transaction import _AGAIN, _first_failure
from shared.stores.gcp.firestore_values import document, encode_document, encode_update, unchanged_since
from shared.stores.gcp.limits import Limits
from shared.stores.ports import ArrayUnion, Increment, Transaction

NAME = "projects/p/databases/(default)/documents/a/1"
CLIENT = firestore.Client(project="p", credentials=AnonymousCredentials())
NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)


def snapshot(found: types.Document) -> DocumentSnapshot[Any]:
    """As the client makes it of an answer."""
    data = decode_dict(found._pb.fields, CLIENT)
    return DocumentSnapshot(CLIENT.document("a/1"), data, True, None, found.create_time, found.update_time)


def test_moments_are_stored_in_utc_and_tuples_as_lists() -> None:
    eastern = NOON.astimezone(timezone(timedelta(hours=-5)))
    data = encode_document("a/1", {"at": eastern, "list": ("x", {"at": eastern})})
    assert data == {"at": NOON, "list": ["x", {"at": NOON}]}
    assert data["at"].tzinfo is UTC  # type: ignore[attr-defined]


def test_field_names_of_an_update_are_names_and_no_paths() -> None:
    found = encode_update("a/1", {"plain": 1, "with.dot": 2, "n": Increment(3), "list": ArrayUnion(("a",))})
    assert list(found) == ["plain", "`with.dot`", "n", "list"]
    assert isinstance(found["n"], firestore.Increment)
    assert isinstance(found["list"], firestore.ArrayUnion)


def test_what_a_transform_adds_is_checked_too() -> None:
    with pytest.raises(Fatal, match=r"a/1\.list is object"):
        encode_update("a/1", {"list": ArrayUnion((object(),))})


def test_a_version_keeps_its_nanoseconds() -> None:
    updated = Timestamp(seconds=int(NOON.timestamp()), nanos=123456789)
    found = document(snapshot(types.Document(name=NAME, update_time=updated)))
    assert found is not None
    assert (found.path, found.id, found.data) == ("a/1", "1", {})
    write = types.Write(update=types.Document(name=NAME))
    unchanged_since(found.version, "a/1").modify_write(write)
    assert write._pb.current_document.update_time == updated


def test_what_is_read_is_plain() -> None:
    moment = Timestamp(seconds=int(NOON.timestamp()), nanos=123456789)
    values = {"at": {"timestamp_value": moment}, "list": {"array_value": {"values": [{"timestamp_value": moment}]}}}
    found = document(snapshot(types.Document(name=NAME, fields=values, update_time=moment)))
    assert found is not None
    assert found.data == {"at": NOON.replace(microsecond=123456), "list": [NOON.replace(microsecond=123456)]}
    assert {type(found.data["at"]), type(found.data["list"][0])} == {datetime}
    assert found.data["at"].tzinfo is UTC


def test_an_absent_document_is_none() -> None:
    reference = CLIENT.document("a/1")
    assert document(DocumentSnapshot(reference, None, False, None, None, None)) is None


def test_what_is_no_version_fits_nothing() -> None:
    with pytest.raises(PreconditionFailed, match="a/1 never had the version '7'"):
        unchanged_since("7", "a/1")


def handle_in_turn(*errors: Exception) -> Exception:
    """The last error as it is when each was raised while the one before it was handled."""
    for before, after in pairwise(errors):
        after.__context__ = before
    return errors[-1]


def test_the_first_failure_of_a_transaction_is_told() -> None:
    commit, rollback = google.AlreadyExists("a/1 is there"), google.InvalidArgument("no such transaction")
    assert _first_failure(handle_in_turn(commit, rollback), None) is commit
    assert _first_failure(handle_in_turn(commit), None) is commit


def test_what_the_caller_was_handling_is_not_told() -> None:
    outside, commit = google.NotFound("something else"), google.Aborted("contention")
    assert _first_failure(handle_in_turn(outside, commit), outside) is commit


def test_tries_that_ran_out_are_told_as_the_conflict_they_are() -> None:
    conflict = google.Aborted("contention")
    exhausted = ValueError("Failed to commit transaction in 5 attempts.")
    exhausted.__cause__ = conflict
    assert _first_failure(exhausted, None) is conflict


class Service:
    """Firestore's transactions: what the next commits and reads end with."""

    def __init__(self, commits: list[Exception], reads: list[Exception]) -> None:
        self.commits, self.reads = commits, reads
        self.begun = self.rolled_back = 0
        self.patience: list[tuple[float, float | None]] = []
        """Of each read: its time-out, and the time of its repetitions."""

    def begin_transaction(self, **_: Any) -> Any:
        self.begun += 1
        return SimpleNamespace(transaction=b"%d" % self.begun)

    def commit(self, **_: Any) -> Any:
        if self.commits:
            raise self.commits.pop(0)
        return SimpleNamespace(write_results=[], commit_time=NOON)

    def rollback(self, **_: Any) -> None:
        self.rolled_back += 1

    def batch_get_documents(self, *, timeout: float, retry: Retry, **_: Any) -> Any:
        self.patience.append((timeout, retry._timeout))
        if self.reads:
            raise self.reads.pop(0)
        return iter([types.BatchGetDocumentsResponse(missing=NAME, read_time=NOON)])

    def run_query(self, *, timeout: float, retry: Retry, **_: Any) -> Any:
        self.patience.append((timeout, retry._timeout))
        return iter([])

    def run_aggregation_query(self, *, timeout: float, retry: Retry, **_: Any) -> Any:
        self.patience.append((timeout, retry._timeout))
        result = {"aggregate_fields": {"found": {"integer_value": 7}}}
        return iter([types.RunAggregationQueryResponse(result=result, read_time=NOON)])


def run_transaction(service: Service, monkeypatch: pytest.MonkeyPatch, body: Any) -> Any:
    """What `run` gives, without waiting between tries."""
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return state_of(service).transaction(body)


def state_of(service: Service, limits: Limits | None = None) -> FirestoreState:
    client = firestore.Client(project="p", credentials=AnonymousCredentials())
    client._firestore_api_internal = service
    return FirestoreState(client, limits or Limits())


EXPIRED = "The referenced transaction has expired or is no longer valid."


@pytest.mark.parametrize("at", ["commits", "reads"])
def test_a_transaction_that_expired_runs_again(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firestore says so of a commit, too, that the library repeated after its answer was lost."""
    service = Service([], [])
    getattr(service, at).append(google.InvalidArgument(EXPIRED))

    def body(transaction: Transaction) -> str:
        found = transaction.get("a/1")
        transaction.set("a/1", {"n": 1})
        return f"found {found}"

    assert run_transaction(service, monkeypatch, body) == "found None"
    assert (service.begun, service.rolled_back) == (2, 1)


def test_a_write_that_firestore_refuses_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service([google.InvalidArgument("exceeds the maximum allowed size of 1,048,576 bytes.")], [])
    with pytest.raises(Fatal, match="maximum allowed size"):
        run_transaction(service, monkeypatch, lambda transaction: transaction.set("a/1", {}))
    assert service.begun == 1


def test_a_transaction_that_keeps_expiring_is_a_conflict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retriable, so that what a failure is recorded by may fail itself."""
    service = Service([google.InvalidArgument(EXPIRED)] * 1_000, [])
    monkeypatch.setattr("shared.stores.gcp.firestore_transaction._AGAIN", _AGAIN.with_timeout(0.05))
    with pytest.raises(WriteConflict, match="has expired"):
        run_transaction(service, monkeypatch, lambda transaction: transaction.set("a/1", {}))


@pytest.mark.parametrize(("function", "seconds"), [(60.0, 15.0), (540.0, 60.0)])
def test_reads_know_how_long_the_function_lives(function: float, seconds: float) -> None:
    """The library's five minutes are longer than a worker has."""
    service = Service([], [])
    state = state_of(service, Limits(function))
    assert state.get("a/1") is None
    assert state.query("a") == []
    assert state.count("a") == 7
    assert state.transaction(lambda transaction: transaction.get("a/1")) is None
    assert service.patience == [(seconds, seconds)] * 4
