"""Records are decoded with a clear error and encoded as they are declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Literal

import pytest

from shared.core.errors import DataError, Fatal
from shared.stores.ports import Document
from shared.stores.records import ALWAYS_WRITTEN, Record, StoredRecord, present, stored_as

NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Thing(StoredRecord):
    name: str
    count: int
    is_new: bool
    made_at: datetime
    day: date
    colour: Colour
    size: Literal["small", "large"]
    sold_at: datetime | None
    tags: Sequence[str] = field(default_factory=list, metadata=stored_as("labels"))
    notes: Mapping[str, Any] = field(default_factory=dict)
    parts: Sequence[str] = field(default_factory=list, metadata=ALWAYS_WRITTEN)
    price: int | None = None


WHOLE: dict[str, Any] = {
    "name": "kettle",
    "count": 3,
    "is_new": True,
    "made_at": NOON,
    "day": "2025-11-14",
    "colour": "red",
    "size": "small",
    "sold_at": None,
    "parts": [],
}
THING = Thing(
    name="kettle",
    count=3,
    is_new=True,
    made_at=NOON,
    day=date(2025, 11, 14),
    colour=Colour.RED,
    size="small",
    sold_at=None,
    path="things/k1",
    version="7",
)


def read(**changes: Any) -> Thing:
    return Thing.from_document(Document("things/k1", {**WHOLE, **changes}, "7"))


def test_a_document_is_decoded_with_its_path_and_version() -> None:
    assert read() == THING
    assert (THING.id, read(unknown="of a later release")) == ("k1", THING)


def test_optional_fields_are_read_under_their_stored_names() -> None:
    found = read(labels=["a", "b"], notes={"a": 1}, parts=["lid"], price=20, sold_at=NOON)
    assert (found.tags, found.notes, found.parts, found.price, found.sold_at) == (
        ["a", "b"],
        {"a": 1},
        ["lid"],
        20,
        NOON,
    )


def test_a_whole_record_leaves_out_what_has_its_default_but_for_what_is_always_written() -> None:
    assert list(THING.to_document().items()) == list(WHOLE.items())
    changed = read(labels=["a"], price=0).to_document()
    assert list(changed) == [*list(WHOLE)[:-1], "labels", "parts", "price"]
    assert type(changed["colour"]) is str


def test_an_update_has_the_fields_that_are_named_whatever_they_are() -> None:
    fields = Thing.fields(tags=[], colour=Colour.BLUE, price=None, day=date(2025, 1, 2))
    assert list(fields.items()) == [("labels", []), ("colour", "blue"), ("price", None), ("day", "2025-01-02")]
    assert type(fields["colour"]) is str


@pytest.mark.parametrize("name", ["labels", "path", "version", "colours"])
def test_an_update_of_what_is_no_attribute_is_refused(name: str) -> None:
    with pytest.raises(Fatal, match=f"Thing has no stored attribute {name}"):
        Thing.fields(**{name: "x"})


@pytest.mark.parametrize("name", list(WHOLE)[:-1])
def test_a_missing_field_is_named_with_its_document(name: str) -> None:
    data = {key: value for key, value in WHOLE.items() if key != name}
    with pytest.raises(DataError, match=f"things/k1: the field {name} is missing") as refused:
        Thing.from_document(Document("things/k1", data, "7"))
    assert refused.value.event == "bad_document"
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("name", 5, "5, no text"),
        ("name", None, "None, no text"),
        ("count", True, "True, no whole number"),
        ("count", "3", "'3', no whole number"),
        ("is_new", 1, "1, no yes or no"),
        ("made_at", "2025-11-14T17:00:00Z", "'2025-11-14T17:00:00Z', no moment"),
        ("day", "2025-02-30", "'2025-02-30', no day such as 2025-12-31"),
        ("day", 20251114, "20251114, no day such as 2025-12-31"),
        ("colour", "green", "'green', none of red, blue"),
        ("colour", ["red"], "a list of 1, none of red, blue"),
        ("size", "huge", "'huge', none of small, large"),
        ("sold_at", "yesterday", "'yesterday', no moment"),
        ("labels", "a b", "'a b', no list"),
        ("notes", [], "a list of 0, no map"),
        ("price", 1.5, "1.5, no whole number"),
    ],
)
def test_what_is_not_of_its_type_is_named_with_field_and_value(name: str, value: object, why: str) -> None:
    with pytest.raises(DataError) as refused:
        read(**{name: value})
    assert f"things/k1: the field {name} is {why}." in refused.value.message
    assert refused.value.event == "bad_document"


def test_a_value_that_the_status_promises_is_there_or_named() -> None:
    assert present(read(sold_at=NOON).sold_at, THING, "sold_at") == NOON
    with pytest.raises(DataError, match="things/k1: the field sold_at is missing"):
        present(THING.sold_at, THING, "sold_at")


def test_a_type_that_no_document_stores_is_refused_at_once() -> None:
    @dataclass(frozen=True)
    class Odd(Record):
        value: complex

    with pytest.raises(Fatal, match="complex"):
        Odd(1j).to_document()
