"""What all normalisers share: where a file's rows go, how unreadable ones are named, how columns become a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from shared.errors import DataError
from shared.ports import DateRange
from shared.raw_files import RawContent
from shared.warehouse.schemas import arrow_schema


@dataclass
class Problems:
    """Rows that could not be read, one sentence each: file, place in it, what is wrong with which value."""

    sentences: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    """What was left out for a good reason, counted by the reason."""

    def row(self, path: str, where: str, why: str) -> None:
        self.sentences.append(f"{path}: {where}: {why}")

    def left_out(self, reason: str) -> None:
        self.notes[reason] = self.notes.get(reason, 0) + 1


class Normaliser(Protocol):
    """Collects the rows of one kind of source over many files, then gives them as tables by name."""

    def add(self, path: str, content: RawContent) -> None:
        """Raises DataError, naming file and place, where the file as a whole has another shape."""
        ...

    def tables(self) -> dict[str, pa.Table]: ...


class MakeNormaliser(Protocol):
    """A normaliser's class: the days the run is about, and where problems go."""

    def __call__(self, dates: DateRange, problems: Problems) -> Normaliser: ...


def make_table(name: str, count: int, columns: Mapping[str, Any], constants: Mapping[str, Any]) -> pa.Table:
    """`count` rows of a declared table; columns are lists or Arrow arrays, constants one value for all rows.

    Declared columns that are in neither are NULL. Raises SchemaMismatch later, at the load, where a REQUIRED one is.
    """
    arrays = []
    schema = arrow_schema(name)
    for column in schema:
        if column.name in columns:
            values = columns[column.name]
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
        elif column.name in constants:
            arrays.append(pa.repeat(pa.scalar(constants[column.name], column.type), count))
        else:
            arrays.append(pa.nulls(count, column.type))
    return pa.table([array.cast(column.type) for array, column in zip(arrays, schema, strict=True)], schema=schema)


def joined(name: str, tables: Iterable[pa.Table]) -> dict[str, pa.Table]:
    """The tables of all files as one under its name; nothing where there are no rows."""
    found = [table for table in tables if table.num_rows]
    return {name: pa.concat_tables(found)} if found else {}


def moment(text: object) -> datetime:
    """A feed's time. Raises ValueError, with the value, for anything but a moment with a time zone."""
    try:
        parsed = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise ValueError(f"{text!r} is not a moment with a time zone")
    return parsed


def wrong_file(path: str, where: str, why: str) -> DataError:
    return DataError(
        f"{path}: {where}: {why}.",
        next_step="run phase 1 for the date again; if it stays, the source changed its format.",
    )


def whole_numbers(values: Sequence[Any]) -> tuple[pa.Array, list[int]]:
    """Values as INT64 (NULL stays NULL) and the positions of those that are no whole number, NULL there."""
    try:
        return pa.array(values).cast(pa.int64()), []
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        whole = [_whole(value) for value in values]
        bad = [position for position, value in enumerate(whole) if value is None and values[position] is not None]
        return pa.array(whole, pa.int64()), bad


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if float(value).is_integer() else None
