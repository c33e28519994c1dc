"""Rows kept in columns: order, groups and parts are those of the query."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from functions.phase6_export.rows import AT_ONCE, Rows
from tests.support.prediction_tables import NOW

PAIRS = [("a", 1), ("a", 1), ("b", 1), ("b", 2), ("a", 2)]
TABLE = pa.table({"name": [name for name, _ in PAIRS], "number": [number for _, number in PAIRS], "x": range(5)})
# As a table and as parts of one: a query's answer comes in chunks.
SHAPES = [Rows(TABLE), Rows(TABLE.slice(0, 2), TABLE.slice(2, 0), TABLE.slice(2))]


def xs(rows: Rows) -> list[int]:
    return [row["x"] for row in rows]


@pytest.mark.parametrize("rows", SHAPES)
def test_rows_come_in_their_order_with_the_columns_asked_for(rows: Rows) -> None:
    assert len(rows) == 5
    assert xs(rows) == [0, 1, 2, 3, 4]
    assert list(rows.only("x", "name"))[2] == {"x": 2, "name": "b"}


@pytest.mark.parametrize("rows", SHAPES)
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["name"], {("a",): [0, 1, 4], ("b",): [2, 3]}),
        (["number"], {(1,): [0, 1, 2], (2,): [3, 4]}),
        (["name", "number"], {("a", 1): [0, 1], ("b", 1): [2], ("b", 2): [3], ("a", 2): [4]}),
    ],
)
def test_groups_come_in_the_order_of_their_first_row(
    rows: Rows, columns: list[str], expected: dict[tuple[Any, ...], list[int]]
) -> None:
    found = {key: xs(group) for key, group in rows.groups(*columns).items()}
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize("rows", SHAPES)
@pytest.mark.parametrize(("name", "expected"), [("a", [0, 1, 4]), ("b", [2, 3]), ("c", [])])
def test_rows_of_a_value(rows: Rows, name: str, expected: list[int]) -> None:
    assert xs(rows.where("name", lambda value: value == name)) == expected


@pytest.mark.parametrize("rows", SHAPES)
def test_values_that_rows_have_together_are_there_once_in_their_order(rows: Rows) -> None:
    assert rows.distinct("name", "number") == [
        {"name": name, "number": number} for name, number in (("a", 1), ("b", 1), ("b", 2), ("a", 2))
    ]
    assert rows.distinct("number") == [{"number": 1}, {"number": 2}]


def test_of_each_value_it_is_asked_once_and_nothing_is_copied_where_all_are_wanted() -> None:
    asked: list[Any] = []

    def is_wanted(value: Any) -> bool:
        asked.append(value)
        return value is None or value > 1

    rows = Rows(pa.table({"number": [1, None, 2, 1, None, 3], "x": range(6)}))
    assert xs(rows.where("number", is_wanted)) == [1, 2, 4, 5]
    assert sorted(asked, key=str) == [1, 2, 3, None]
    assert rows.where("x", lambda _: True) is rows


def test_moments_are_those_of_the_query() -> None:
    """Also where a part begins in the midst of a table, and where there is none."""
    moments = [NOW, None, NOW, NOW + timedelta(microseconds=1), None, NOW]
    table = pa.table({"at": pa.array(moments, pa.timestamp("us", tz="UTC")), "x": range(6)})
    for first in range(6):
        assert (
            list(Rows(table.slice(first)))
            == [{"at": moment, "x": number} for number, moment in enumerate(moments)][first:]
        )
    assert [row["at"] for row in Rows(table.slice(1, 1))] == [None]


def test_no_rows_are_falsy_and_have_no_groups() -> None:
    empty = Rows(TABLE.slice(5))
    assert not empty
    assert list(empty) == []
    assert empty.groups("name") == {}
    assert not empty.where("name", bool)
    assert empty.distinct("name") == []


def test_more_rows_than_are_looked_at_at_a_time() -> None:
    many = Rows(pa.table({"x": range(2 * AT_ONCE + 1), "half": [n // (AT_ONCE + 1) for n in range(2 * AT_ONCE + 1)]}))
    assert xs(many) == list(range(2 * AT_ONCE + 1))
    assert [len(group) for group in many.groups("half").values()] == [AT_ONCE + 1, AT_ONCE]
