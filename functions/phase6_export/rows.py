"""Rows of a query, kept in columns: as dictionaries all rows of a date take several times the room
of its files."""

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
                names = batch.schema.names
                for values in zip(*map(_list_values, batch.columns), strict=True):
                    yield dict(zip(names, values, strict=True))

    def only(self, *columns: str) -> Rows:
        """The same rows with these columns alone."""
        return Rows(*(part.select(columns) for part in self._parts))

    def distinct(self, *columns: str) -> list[Row]:
        """Each combination of the columns' values once, in the order of the first rows: a day's
        many thousand rows have few of them."""
        import pyarrow as pa

        if not self._parts:
            return []
        table = pa.concat_tables([part.select(columns) for part in self._parts])
        found: list[Row] = table.group_by(list(columns), use_threads=False).aggregate([]).to_pylist()
        return found

    def groups(self, *columns: str) -> dict[tuple[Any, ...], Rows]:
        """Values of the columns -> the rows that have them, in the order of the first row of
        each."""
        found: dict[tuple[Any, ...], list[pa.Table]] = {}
        for part in self._parts:
            start = 0
            for key, rows in groupby(Rows(part.select(columns)), lambda row: tuple(row.values())):
                length = sum(1 for _ in rows)
                found.setdefault(key, []).append(part.slice(start, length))
                start += length
        return {key: Rows(*parts) for key, parts in found.items()}

    def where(self, column: str, wanted: Callable[[Any], bool]) -> Rows:
        """The rows whose value of a column is wanted, which is asked once a value; a copy, unless
        all are."""
        import pyarrow as pa
        import pyarrow.compute as pc

        values = [row[column] for row in self.distinct(column)]
        kept = [value for value in values if wanted(value)]
        if len(kept) == len(values):
            return self
        return Rows(
            *(
                part.filter(pc.is_in(part[column], value_set=pa.array(kept, type=part.schema.field(column).type)))
                for part in self._parts
            )
        )


def _list_values(column: pa.Array) -> list[Any]:
    """A moment takes a hundred times as long to become Python's as a number, and rows of a day have
    few different ones: each is made once."""
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type):
        return list(column.to_pylist())
    encoded = column.dictionary_encode()
    moments = encoded.dictionary.to_pylist()
    return [None if place is None else moments[place] for place in encoded.indices.to_pylist()]
