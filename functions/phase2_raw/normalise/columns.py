"""Columns of a feed's table read at once: one of the usual kind in one go, value by value only
where one is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from shared.nba import feed_values
from shared.nba.bounds import Bound
from shared.nba.feed_values import ElementRefused

T = TypeVar("T")
_NONE = type(None)


class Columns:
    """`refused` are the rows that are left out, each with its first reason; `missing` what was read
    as missing.
    """

    def __init__(self) -> None:
        self.refused: dict[int, str] = {}
        self.missing: list[tuple[int, str]] = []

    def wholes(self, values: Sequence[Any], what: str, bound: Bound) -> pa.Array:
        """Whole numbers within the bound as INT64."""
        if not _all_within(values, {int, _NONE}, bound):
            values = self._read_each(values, lambda value, notes: feed_values.whole(value, what, bound, notes))
        return pa.array(values, pa.int64())

    def numbers(self, values: Sequence[Any], what: str, bound: Bound) -> pa.Array:
        """Finite numbers within the bound as FLOAT64."""
        if not _all_within(values, {int, float, _NONE}, bound):
            values = self._read_each(values, lambda value, notes: feed_values.number(value, what, bound, notes))
        return pa.array(values, pa.float64())

    def texts(self, values: Sequence[Any], what: str, read: Callable[[Any, str], T]) -> list[T | None]:
        """Texts through their reading, once for each that differs; None where it refuses."""
        if set(map(type, values)) <= {str}:
            known = {value: _attempt(read, value, what) for value in set(values)}
            good = {value: result for value, result in known.items() if not isinstance(result, ElementRefused)}
            if len(good) == len(known):
                return [good[value] for value in values]
            results = [known[value] for value in values]
        else:
            results = [_attempt(read, value, what) for value in values]
        found: list[T | None] = []
        for row, result in enumerate(results):
            if isinstance(result, ElementRefused):
                self.refuse(row, str(result))
                found.append(None)
            else:
                found.append(result)
        return found

    def require(self, column: pa.Array, what: str) -> None:
        """Refuse the rows in which a column that was read is missing."""
        if column.null_count:
            for row in pc.indices_nonzero(pc.is_null(column)).to_pylist():
                self.refuse(row, f"{what} is None")

    def not_above(self, low: pa.Array, high: pa.Array, low_name: str, high_name: str) -> None:
        """Refuse the rows in which one number is above another that it is a part of."""
        for row in pc.indices_nonzero(pc.fill_null(pc.greater(low, high), False)).to_pylist():
            self.refuse(row, f"{low_name} is {low[row]}, above {high_name}, {high[row]}")

    def refuse(self, row: int, why: str) -> None:
        self.refused.setdefault(row, why)

    def _read_each(self, values: Sequence[Any], read: Callable[[Any, list[str]], T | None]) -> list[T | None]:
        found: list[T | None] = []
        for row, value in enumerate(values):
            notes: list[str] = []
            try:
                found.append(read(value, notes))
            except ElementRefused as refused:
                self.refuse(row, str(refused))
                found.append(None)
            self.missing += [(row, note) for note in notes]
        return found


def _attempt(read: Callable[[Any, str], T], value: Any, what: str) -> T | ElementRefused:
    try:
        return read(value, what)
    except ElementRefused as refused:
        return refused


def _all_within(values: Sequence[Any], kinds: set[type], bound: Bound) -> bool:
    """Whether every value is of these kinds exactly (a bool is no int here), not NaN and within the
    bound.
    """
    found = set(map(type, values))
    if not found <= kinds:
        return False
    present = [value for value in values if value is not None] if _NONE in found else values
    if float in found and any(value != value for value in present):
        return False
    return not present or (bound.low <= min(present) and max(present) <= bound.high)
