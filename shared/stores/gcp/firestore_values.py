"""Values and versions between the state port and Firestore."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from google.cloud import firestore
from google.protobuf.timestamp_pb2 import Timestamp

from shared.core.errors import Fatal, PreconditionFailed
from shared.stores.document_rules import field_name, plain, plain_fields
from shared.stores.ports import ArrayUnion, Document, Increment


def encode_document(path: str, data: Mapping[str, Any]) -> dict[str, object]:
    """A document's data as the client library takes it.

    Raises Fatal for what the port does not carry.
    """
    return plain_fields(path, data, _in_utc)


def encode_update(path: str, fields: Mapping[str, Any]) -> dict[str, object]:
    """Fields of an update as the client library takes them: quoted names, values and transforms.

    Raises Fatal.
    """
    return {
        firestore.Client.field_path(field_name(path, name)): _change(f"{path}.{name}", value)
        for name, value in fields.items()
    }


def _change(where: str, value: object) -> object:
    if isinstance(value, Increment):
        return firestore.Increment(value.by)
    if isinstance(value, ArrayUnion):
        return firestore.ArrayUnion([plain(where, each, _in_utc) for each in value.values])
    return plain(where, value, _in_utc)


def document(snapshot: firestore.DocumentSnapshot[Any]) -> Document | None:
    """The document of a snapshot; None where there is none."""
    data = snapshot.to_dict()
    if data is None:
        return None
    # as text with its nanoseconds: a datetime would cut them off, and the precondition would never
    # hold
    version = str(snapshot.update_time.rfc3339())
    return Document(
        snapshot.reference.path, {name: _without_library_classes(value) for name, value in data.items()}, version
    )


def unchanged_since(version: str, path: str) -> Any:
    """The precondition that a document has this version.

    Raises PreconditionFailed for what no version ever was.
    """
    moment = Timestamp()
    try:
        moment.FromJsonString(version)
    except ValueError as error:
        raise PreconditionFailed(f"{path} never had the version {version!r}.") from error
    return firestore.LastUpdateOption(moment)


def filter_value(field: str, value: object) -> object:
    """A value to compare a field with. Raises Fatal for one that cannot be compared."""
    if isinstance(value, list | tuple | dict):
        raise Fatal(f"{field} cannot be compared with {value!r}.", next_step="use str, number, bool, None or datetime.")
    return plain(field, value, _in_utc)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


def _without_library_classes(value: object) -> object:
    """What was read, without the client library's own classes."""
    if isinstance(value, datetime):
        return datetime(
            *(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond), tzinfo=UTC
        )
    if isinstance(value, dict):
        return {name: _without_library_classes(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_library_classes(each) for each in value]
    return value
