"""Values and versions between the port and Firestore; which failure of a transaction is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from google.api_core import exceptions as google
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1._helpers import decode_dict
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import Fatal, PreconditionFailed
from shared.gcp.firestore_transaction import _first_failure
from shared.gcp.firestore_values import changed, document, stored, unchanged_since
from shared.ports import ArrayUnion, Increment

NAME = "projects/p/databases/(default)/documents/a/1"
CLIENT = firestore.Client(project="p", credentials=AnonymousCredentials())
NOON = datetime(2025, 11, 14, 12, tzinfo=UTC)


def snapshot(found: types.Document) -> DocumentSnapshot[Any]:
    """As the client makes it of an answer."""
    data = decode_dict(found._pb.fields, CLIENT)
    return DocumentSnapshot(CLIENT.document("a/1"), data, True, None, found.create_time, found.update_time)


def test_moments_are_stored_in_utc_and_tuples_as_lists() -> None:
    eastern = NOON.astimezone(timezone(timedelta(hours=-5)))
    data = stored("a/1", {"at": eastern, "list": ("x", {"at": eastern})})
    assert data == {"at": NOON, "list": ["x", {"at": NOON}]}
    assert data["at"].tzinfo is UTC  # type: ignore[attr-defined]


def test_field_names_of_an_update_are_names_and_no_paths() -> None:
    found = changed("a/1", {"plain": 1, "with.dot": 2, "n": Increment(3), "list": ArrayUnion(("a",))})
    assert list(found) == ["plain", "`with.dot`", "n", "list"]
    assert isinstance(found["n"], firestore.Increment)
    assert isinstance(found["list"], firestore.ArrayUnion)


def test_what_a_transform_adds_is_checked_too() -> None:
    with pytest.raises(Fatal, match=r"a/1\.list is object"):
        changed("a/1", {"list": ArrayUnion((object(),))})


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


def handled(*errors: Exception) -> Exception:
    """The last error as it is when each was raised while the one before it was handled."""
    for before, after in pairwise(errors):
        after.__context__ = before
    return errors[-1]


def test_the_first_failure_of_a_transaction_is_told() -> None:
    commit, rollback = google.AlreadyExists("a/1 is there"), google.InvalidArgument("no such transaction")
    assert _first_failure(handled(commit, rollback), None) is commit
    assert _first_failure(handled(commit), None) is commit


def test_what_the_caller_was_handling_is_not_told() -> None:
    outside, commit = google.NotFound("something else"), google.Aborted("contention")
    assert _first_failure(handled(outside, commit), outside) is commit


def test_tries_that_ran_out_are_told_as_the_conflict_they_are() -> None:
    conflict = google.Aborted("contention")
    exhausted = ValueError("Failed to commit transaction in 5 attempts.")
    exhausted.__cause__ = conflict
    assert _first_failure(exhausted, None) is conflict
