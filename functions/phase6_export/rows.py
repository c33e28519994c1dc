"""Rows of a query, kept in columns: as dictionaries all rows of a date take several times the room of its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
# Dictionaries that exist at a time while somebody goes through the rows.
AT_ONCE = 500


class Rows:
    """Rows in the order of their query; a dictionary of one exists while somebody looks at it.

    Parts of it are slices of the same memory.
    """

    def __init__(self, *parts: pa.Table) -> None:
        self._parts = [part for part in parts if part.num_rows]

    def __len__(self) -> int:
        return sum(part.num_rows for part in self._parts)

    def __iter__(self) -> Iterator[Row]:
        for part in self._parts:
            for batch in part.to_batches(max_chunksize=AT_ONCE):
                yield from batch.to_pylist()

    def only(self, *columns: str) -> Rows:
        """The same rows with these columns alone."""
        return Rows(*(part.select(columns) for part in self._parts))

    def groups(self, *columns: str) -> dict[tuple[Any, ...], Rows]:
        """Values of the columns -> the rows that have them, in the order of the first row of each."""
        found: dict[tuple[Any, ...], list[pa.Table]] = {}
        for part in self._parts:
            start = 0
            for key, rows in groupby(Rows(part.select(columns)), lambda row: tuple(row.values())):
                length = sum(1 for _ in rows)
                found.setdefault(key, []).append(part.slice(start, length))
                start += length
        return {key: Rows(*parts) for key, parts in found.items()}

    def where(self, column: str, wanted: Callable[[Any], bool]) -> Rows:
        """The rows whose value of a column is wanted; a copy, unless all are."""
        parts = []
        for part in self._parts:
            mask = [wanted(row[column]) for row in Rows(part.select([column]))]
            parts.append(part if all(mask) else part.filter(mask))
        return Rows(*parts)
