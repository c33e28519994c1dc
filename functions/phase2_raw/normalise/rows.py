"""What all normalisers share: where a file's rows go, how unreadable ones are named, how columns
become a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

import pyarrow as pa

from shared.core.errors import DataError
from shared.nba.feed_values import ElementRefused
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent
from shared.stores.warehouse.schemas import arrow_schema

_REASONS = 100  # of what was left out are listed one by one


@dataclass
class Problems:
    """Rows that could not be read, one sentence each: file, place in it, what is wrong with which
    value.
    """

    sentences: list[str] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)
    """What was left out for a good reason, counted by the reason."""
    refused: int = 0
    """The elements that were left out; the other sentences are of elements that count, but for a
    missing value.
    """

    def row(self, path: str, where: str, why: str) -> None:
        """An element that is left out."""
        self.refused += 1
        self.sentences.append(f"{path}: {where}: {why}")

    def missing(self, path: str, where: str, why: str) -> None:
        """An element that counts, of which something that stood there was read as missing."""
        self.sentences.append(f"{path}: {where}: {why}")

    @contextmanager
    def element(self, path: str, where: str) -> Iterator[list[str]]:
        """Around the reading of one element of a feed: what it refuses is named, and the rest goes
        on.

        Gives the list for what was read as missing; that is named too, though the element counts.
        """
        notes: list[str] = []
        try:
            yield notes
        except ElementRefused as refused:
            self.row(path, where, str(refused))
        for note in notes:
            self.missing(path, where, note)

    def leave_out(self, reason: str) -> None:
        if reason not in self.notes and len(self.notes) >= _REASONS:
            reason = "for further reasons"
        self.notes[reason] = self.notes.get(reason, 0) + 1


class Normaliser(Protocol):
    """Collects the rows of one kind of source over many files, then gives them as tables by
    name.
    """

    def add(self, path: str, content: RawContent) -> None:
        """Raises DataError, naming file and place, where the file as a whole has another shape."""
        ...

    def tables(self) -> dict[str, pa.Table]: ...


class MakeNormaliser(Protocol):
    """A normaliser's class: the days the run is about, and where problems go."""

    def __call__(self, dates: DateRange, problems: Problems) -> Normaliser: ...


def make_table(name: str, count: int, columns: Mapping[str, Any], constants: Mapping[str, Any]) -> pa.Table:
    """`count` rows of a declared table; columns are lists or Arrow arrays, constants one value for
    all rows.

    Declared columns that are in neither are NULL. Raises SchemaMismatch later, at the load, where a
    REQUIRED one is.
    """
    arrays = []
    schema = _declared(name)
    for column in schema:
        if column.name in columns:
            values = columns[column.name]
            arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
        elif column.name in constants:
            arrays.append(pa.repeat(pa.scalar(constants[column.name], column.type), count))
        else:
            arrays.append(pa.nulls(count, column.type))
    fitting = [
        array if array.type == column.type else array.cast(column.type)
        for array, column in zip(arrays, schema, strict=True)
    ]
    return pa.table(fitting, schema=schema)


_declared = cache(arrow_schema)


def join_tables(name: str, tables: Iterable[pa.Table]) -> dict[str, pa.Table]:
    """The tables of all files as one under its name; nothing where there are no rows."""
    found = [table for table in tables if table.num_rows]
    return {name: pa.concat_tables(found)} if found else {}


def wrong_file(path: str, where: str, why: str) -> DataError:
    return DataError(
        f"{path}: {where}: {why}.",
        next_step="run phase 1 for the date again; if it stays, the source changed its format.",
    )


def each_answer(
    path: str, answers: Sequence[RawAnswer], problems: Problems, read: Callable[[RawAnswer], None], where: str
) -> None:
    """Read the answers of a file one by one: one of another shape is named and costs no other.

    `read` raises ElementRefused for such an answer. Raises DataError where the file has answers and
    every one is so.
    """
    refused: list[tuple[int, str]] = []
    for number, answer in enumerate(answers):
        try:
            read(answer)
        except ElementRefused as error:
            refused.append((number, str(error)))
    if refused and len(refused) == len(answers):
        raise wrong_file(path, where, refused[0][1])
    for number, why in refused:
        problems.row(path, f"answer {number}", why)
