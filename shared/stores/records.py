"""Records: documents of one kind as a frozen dataclass, decoded and encoded by its declaration.

A subclass declares each stored field once, with its type. A field without a default is in every
document. One with a default may be absent, as in a document of the release before, and is left out
of a whole document while it has that default (unless it is ALWAYS_WRITTEN). `stored_as` gives the
stored name where it is another than the attribute's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import date, datetime
from enum import Enum, StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from shared.core.errors import DataError, Fatal
from shared.core.events import Event
from shared.core.storable import brief
from shared.stores.ports import Document, T

ALWAYS_WRITTEN: Mapping[str, Any] = MappingProxyType({"always": True})
_OF_THE_DOCUMENT: Mapping[str, Any] = MappingProxyType({"of the document": True})


def stored_as(name: str) -> Mapping[str, Any]:
    """Metadata of a dataclass field: the name that documents have it under."""
    return {"name": name}


@dataclass(frozen=True)
class Record:
    """A document's content, or a part of it."""

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """Decode a document; fields that the record does not declare are left alone.

        Raises:
            DataError: a field is missing or is not of its type, or a status is unknown. It names
                path, field and value.
        """
        data, values = document.data, cls._identity(document)
        for each in _layout(cls):
            if each.name in data:
                values[each.attribute] = each.decode(document.path, data[each.name])
            elif each.default is MISSING:
                raise _undecodable(document.path, each.name, "is missing")
        return cls(**values)

    @classmethod
    def _identity(cls, document: Document) -> dict[str, Any]:
        """What a record knows of its document besides the fields."""
        return {}

    def to_document(self) -> dict[str, Any]:
        """Encode the whole record, in the order of its declaration."""
        found = [(each, getattr(self, each.attribute)) for each in _layout(type(self))]
        return {each.name: _encode(value) for each, value in found if each.always or value != each.default}

    @classmethod
    def fields(cls, **attributes: Any) -> dict[str, Any]:
        """Encode the attributes given, whatever their values: the fields of an update.

        Raises Fatal for what is no stored attribute.
        """
        names = {each.attribute: each.name for each in _layout(cls)}
        unknown = sorted(attributes.keys() - names.keys())
        if unknown:
            raise Fatal(
                f"{cls.__name__} has no stored attribute {', '.join(unknown)}.",
                next_step=f"declare it in {cls.__module__}.",
            )
        return {names[attribute]: _encode(value) for attribute, value in attributes.items()}


@dataclass(frozen=True)
class StoredRecord(Record):
    """A record that knows the document it was read from.

    path, version: the document's; empty in a record that was made and not read.
    """

    path: str = field(default="", kw_only=True, metadata=_OF_THE_DOCUMENT)
    version: str = field(default="", kw_only=True, metadata=_OF_THE_DOCUMENT)

    @classmethod
    def _identity(cls, document: Document) -> dict[str, Any]:
        return {"path": document.path, "version": document.version}

    @property
    def id(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


def present(value: T | None, record: StoredRecord, name: str) -> T:
    """A value that a document has by its status, though not every document does.

    Raises DataError naming path and field where it is missing all the same.
    """
    if value is None:
        raise _undecodable(record.path, name, "is missing")
    return value


@dataclass(frozen=True)
class _StoredField:
    """One stored field. `read` makes the attribute of the stored value, or raises ValueError."""

    attribute: str
    name: str
    default: Any
    """MISSING where every document has the field."""
    always: bool
    read: Callable[[Any], Any]

    def decode(self, path: str, value: Any) -> Any:
        try:
            return self.read(value)
        except ValueError as error:
            raise _undecodable(path, self.name, f"is {brief(value)}, {error}") from error


_LAYOUTS: dict[type[Record], tuple[_StoredField, ...]] = {}


def _layout(kind: type[Record]) -> tuple[_StoredField, ...]:
    """The stored fields of a record class, in the order of their declaration; made once."""
    if kind not in _LAYOUTS:
        hints = get_type_hints(kind)
        stored = (each for each in fields(kind) if "of the document" not in each.metadata)
        _LAYOUTS[kind] = tuple(_stored_field(each, hints[each.name]) for each in stored)
    return _LAYOUTS[kind]


def _stored_field(declared: Field[Any], hint: Any) -> _StoredField:
    default = declared.default
    if declared.default_factory is not MISSING:
        default = declared.default_factory()
    return _StoredField(
        attribute=declared.name,
        name=declared.metadata.get("name", declared.name),
        default=default,
        always=default is MISSING or declared.metadata.get("always", False),
        read=_reader(hint),
    )


def _undecodable(path: str, name: str, what: str) -> DataError:
    return DataError(
        f"{path}: the field {name} {what}.",
        next_step="correct the document, or deploy the release that wrote it.",
        event=Event.BAD_DOCUMENT,
    )


def _encode(value: Any) -> Any:
    """The stored value of an attribute: a status and a day as text, a tuple as a list."""
    if isinstance(value, Enum):
        return value.value
    # a datetime is a date, too, and is stored as a moment
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _reader(hint: Any) -> Callable[[Any], Any]:
    """What decodes a value of a type. Raises Fatal for a type that no record may declare."""
    if isinstance(hint, UnionType):
        (inner,) = (each for each in get_args(hint) if each is not NoneType)
        read = _reader(inner)
        return lambda value: None if value is None else read(value)
    if get_origin(hint) is Literal:
        return _choice(get_args(hint))
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, StrEnum):
        return _member(origin)
    if origin in _READERS:
        return _READERS[origin]
    raise Fatal(f"No record may have a field of the type {hint}.", next_step="use one of shared/stores/records.py.")


def _choice(choices: Sequence[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"none of {', '.join(choices)}")
        return str(value)

    return read


def _member(kind: type[StrEnum]) -> Callable[[Any], StrEnum]:
    members = {each.value: each for each in kind}

    def read(value: Any) -> StrEnum:
        found = members.get(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"none of {', '.join(members)}")
        return found

    return read


def _exactly(kind: type, called: str) -> Callable[[Any], Any]:
    """Values of a type alone: a bool is no number, and what a list holds is not looked at."""

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"no {called}")
        return value

    return read


def _tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError("no list")
    return tuple(value)


def _decode_timestamp(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError("no moment")
    return value


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("no day such as 2025-12-31") from None


_READERS: Mapping[Any, Callable[[Any], Any]] = {
    str: _exactly(str, "text"),
    int: _exactly(int, "whole number"),
    bool: _exactly(bool, "yes or no"),
    datetime: _decode_timestamp,
    date: _day,
    Sequence: _exactly(list, "list"),
    tuple: _tuple,
    Mapping: _exactly(dict, "map"),
}
