"""Rows kept in columns: order, groups and parts are those of the query."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from functions.phase6_export.rows import AT_ONCE, Rows

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


def test_no_rows_are_falsy_and_have_no_groups() -> None:
    empty = Rows(TABLE.slice(5))
    assert not empty
    assert list(empty) == []
    assert empty.groups("name") == {}
    assert not empty.where("name", bool)


def test_more_rows_than_are_looked_at_at_a_time() -> None:
    many = Rows(pa.table({"x": range(2 * AT_ONCE + 1), "half": [n // (AT_ONCE + 1) for n in range(2 * AT_ONCE + 1)]}))
    assert xs(many) == list(range(2 * AT_ONCE + 1))
    assert [len(group) for group in many.groups("half").values()] == [AT_ONCE + 1, AT_ONCE]
