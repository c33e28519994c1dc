"""Rows of an answer as dictionaries, the same as Arrow makes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from shared.stores.warehouse.rows import list_rows

AT, LATER = datetime(2025, 11, 14, 16, 30, 0, 123456, tzinfo=UTC), datetime(2025, 11, 15, tzinfo=UTC)
ROWS = pa.table(
    {
        "at": pa.array([AT, None, AT, LATER], pa.timestamp("us", tz="UTC")),
        "day": pa.array([date(2025, 11, 14), date(2025, 11, 14), None, date(2025, 11, 15)], pa.date32()),
        "name": ["a", None, "č", "a"],
        "line": pa.array([Decimal("24.5"), None, Decimal("25.0"), Decimal("24.5")], pa.decimal128(38, 9)),
        "share": [0.5, None, float("inf"), 1.0],
        "count": [1, None, 3, 4],
        "is_main": [True, None, False, True],
    }
)


@pytest.mark.parametrize("rows", [ROWS, ROWS.slice(1, 2), ROWS.slice(0, 0), pa.concat_tables([ROWS, ROWS.slice(2)])])
def test_rows_are_those_of_arrow(rows: pa.Table) -> None:
    assert list_rows(rows) == rows.to_pylist()
    for mine, of_arrow in zip(list_rows(rows), rows.to_pylist(), strict=True):
        assert [type(each) for each in mine.values()] == [type(each) for each in of_arrow.values()]


def test_a_moment_keeps_its_zone() -> None:
    assert list_rows(ROWS)[0]["at"].utcoffset() == AT.utcoffset()
