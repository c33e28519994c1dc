"""What every export file has in common: the header, its place in the order of runs, and numbers as
JSON has them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import chain, repeat
from typing import Any

from functions.phase6_export.schema_check import check, check_element
from shared.core.clock import format_timestamp
from shared.core.errors import SchemaMismatch
from shared.core.printable import is_printable_json, printable_json

SCHEMA_VERSION = 3
ROOT = "v1"
# Seconds a reader may keep a file: pointers change several times a day, a dated file hardly, the
# status at any time.
POINTER_AGE, DATED_AGE, STATUS_AGE = 300, 86_400, 60
# As the schema bounds it: no book pays a tenth of that.
LONGEST_FAIR_PRICE = 1_000_000


def read_json(data: bytes | None) -> Any:
    """What a file holds; None where there is none, or what it holds is not JSON."""
    try:
        return None if data is None else json.loads(data)
    except ValueError:
        return None


@dataclass(frozen=True, order=True)
class Order:
    """Which of two versions of a file is newer, compared field by field.

    The epoch (repetition of simulated time; deployed, of the restored state) goes before any clock;
    then the date the file is about, the newest batch revision in it, and when what it holds was
    last consolidated (or graded). Not the run's as_of: of two exports the one that read more is
    newer, whichever run asked for it.
    """

    epoch: int
    game_date: str
    revision: int
    content_at: str

    @classmethod
    def read(cls, body: Any) -> Order | None:
        """The order a file carries; None where it carries none of our making."""
        match body:
            case {"order": [int(epoch), str(game_date), int(revision), str(content_at)]}:
                return cls(epoch, game_date, revision, content_at)
        return None

    def as_json(self) -> list[Any]:
        return [self.epoch, self.game_date, self.revision, self.content_at]


# Where a file of ours has its order: after fields without an object or a list.
_ORDER = re.compile(rb'\{(?:"\w+":(?:\d+|"[^"\\]*"),){1,5}"order":(\[[^\]\[]{1,200}\])[,}]')


def order_of(data: bytes | None) -> Order | None:
    """The order that the bytes of a file carry; None where they carry none of our making.

    A file as it is written here, of many megabytes, is not read further than that.
    """
    found = None if data is None else _ORDER.match(data)
    return Order.read(read_json(data) if found is None else {"order": read_json(found[1])})


@dataclass(frozen=True)
class Header:
    """Fields at the top of every file.

    `halted` is the operator's switch: a reader then shows no advice.
    """

    game_date: date
    generated_at: datetime
    order: Order
    batches: tuple[str, ...]
    halted: bool
    halt_reason: str | None
    sources: Sequence[dict[str, Any]]
    """What each source had said when the content was predicted (sources.py)."""

    def as_json(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            "game_date": self.game_date.isoformat(),
            "generated_at": format_optional_timestamp(self.generated_at),
            "order": self.order.as_json(),
            "batches": [{"batch_id": batch_id} for batch_id in self.batches],
            "halted": self.halted,
            "halt_reason": self.halt_reason,
            "sources": list(self.sources),
        }


@dataclass(frozen=True)
class Encoded:
    """A value as it was checked and written in another file."""

    data: bytes | memoryview


NOTHING_ENCODED = Encoded(b"{}")


@dataclass(frozen=True)
class Document:
    """One file ready to be written.

    Made by `document` alone, so that none exists that was not checked.
    """

    path: str
    data: bytes
    order: Order
    max_age: int
    kept: Sequence[slice] = ()
    """Where the field that was to be kept stands, of each element of the long list."""

    def elements(self) -> Iterator[Encoded]:
        """The kept field of each element of the long list: the file's own bytes."""
        whole = memoryview(self.data)
        return (Encoded(whole[place]) for place in self.kept)


def document(
    path: str, schema: str, header: Header, content: Mapping[str, Any], max_age: int, *, keep: str = ""
) -> Document:
    """Make the file `v1/{path}` and check it.

    Args:
        path: Under v1/.
        schema: Name of its schema.
        header: What stands at its top.
        content: The other fields, in their order. An iterator stands for a long list of objects:
            they are made, checked and written one at a time, so that no more of the file than its
            bytes is ever held. What is Encoded is an object that was checked in another file, and
            an empty one to this one's schema.
        max_age: Seconds that a reader may keep it.
        keep: A field of the long list's objects that another file has too (see Document.elements).

    Raises:
        SchemaMismatch: Something does not fit; names the file, the place in it and the value.
    """
    full = f"{ROOT}/{path}"
    fields = {**header.as_json(), **content}
    apart = {name: value for name, value in fields.items() if isinstance(value, Iterator | Encoded)}
    # rows of an earlier release may hold names as a feed sent them; a page shows what it is given
    empty: dict[str, Any] = {name: {} if isinstance(value, Encoded) else [] for name, value in apart.items()}
    body = printable_json(fields | empty)
    check(body, schema, full)
    data = BytesIO()
    kept: list[slice] = []
    for before, (name, value) in zip(chain("{", repeat(",")), body.items(), strict=False):
        data.write(before.encode() + encode(name) + b":")
        match apart.get(name):
            case None:
                data.write(encode(value))
            case Encoded(written):
                data.write(written)
            case elements:
                data.write(b"[")
                for index, made in enumerate(elements):
                    try:
                        element, texts = _encode_fields(made)
                    except (TypeError, ValueError):
                        # the schema says where what JSON does not have stands
                        check_element(printable_json(made), schema, name, index, full)
                        raise
                    check_element(element, schema, name, index, full)
                    kept += _write_element(data, texts, keep, is_first=not index)
                data.write(b"]")
    data.write(b"}")
    return Document(full, data.getvalue(), header.order, max_age, kept)


def _encode_fields(made: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """An object with printable texts alone, and each of its fields as it is written."""
    written = {name: _encode_text(value) for name, value in made.items()}
    if all(map(is_printable_json, chain(written, written.values()))):
        return made, written
    element = printable_json(made)
    return element, {name: _encode_text(value) for name, value in element.items()}


def _write_element(data: BytesIO, written: Mapping[str, str], keep: str, *, is_first: bool) -> Iterator[slice]:
    """Write an object of a list, and give the place of its field `keep`."""
    data.write(b"" if is_first else b",")
    for before, (name, value) in zip(chain("{", repeat(",")), written.items(), strict=False):
        data.write(before.encode() + encode(name) + b":")
        start = data.tell()
        data.write(value.encode())
        if name == keep:
            yield slice(start, data.tell())
    data.write(b"}")


def encode(value: Any) -> bytes:
    """The bytes of a file, or of a part of it: compact UTF-8, fields in the order of the exporter.
    NaN is refused."""
    return _encode_text(value).encode()


def _encode_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def half_points(line: Decimal | float | None) -> float | None:
    """A line as a JSON number (halves are exact in binary).

    Raises SchemaMismatch for a line between halves.
    """
    if line is None:
        return None
    if line * 2 != int(line * 2):
        raise SchemaMismatch(f"Line {line} is not in half points.", next_step="correct the rows of this line.")
    return float(line)


def points(value: float | None) -> float | None:
    """Figures of a statistic, and units, to two decimals."""
    return None if value is None else round(float(value), 2)


def fair_price(value: float | None) -> float | None:
    """American odds of a probability; None beyond a million, where one side is as good as
    certain.
    """
    return points(value) if value is not None and abs(value) <= LONGEST_FAIR_PRICE else None


def share(value: float | None) -> float | None:
    """Probabilities, rates and profit per unit staked, to four decimals."""
    return None if value is None else round(float(value), 4)


def format_optional_timestamp(value: datetime | None) -> str | None:
    """Write a moment as 2025-11-14T22:30:00Z; None stays None."""
    return None if value is None else format_timestamp(value)
