"""A statement as BigQuery gets it: its kind, its prefix, its parameters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from shared.core.errors import Fatal
from shared.stores.gcp.bigquery_sql import prepare


def prepare_and_show(sql: str, **params: Any) -> tuple[str, list[dict[str, Any]]]:
    statement = prepare(sql, params, "dev_", "query")
    return statement.sql, [parameter.to_api_repr() for parameter in statement.parameters]


def scalar(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"name": name, "parameterType": {"type": kind}, "parameterValue": {"value": value}}


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("O'Neal", "STRING", "O'Neal"),
        ("", "STRING", ""),
        (2**40, "INT64", str(2**40)),
        (True, "BOOL", "true"),
        (0.1, "FLOAT64", 0.1),
        (Decimal("24.500000001"), "NUMERIC", "24.500000001"),
        (date(2025, 11, 14), "DATE", "2025-11-14"),
        (datetime(2025, 11, 14, 22, 30, tzinfo=UTC), "TIMESTAMP", "2025-11-14 22:30:00+00:00"),
        (
            datetime(2025, 11, 14, 17, 30, tzinfo=timezone(timedelta(hours=-5))),
            "TIMESTAMP",
            "2025-11-14 22:30:00+00:00",
        ),
    ],
)
def test_a_parameter_has_the_type_of_its_value(value: Any, kind: str, text: Any) -> None:
    assert prepare_and_show("SELECT @a AS a", a=value) == ("SELECT @a AS a", [scalar("a", kind, text)])


def test_lists_are_arrays_of_their_elements_type() -> None:
    _, (found,) = prepare_and_show("SELECT 1 IN UNNEST(@ids) AS a", ids=[1, 2])
    assert found["parameterType"] == {"type": "ARRAY", "arrayType": {"type": "INT64"}}
    assert found["parameterValue"] == {"arrayValues": [{"value": "1"}, {"value": "2"}]}
    _, (mixed,) = prepare_and_show("SELECT 1 IN UNNEST(@ids) AS a", ids=(1, 2.5))
    assert mixed["parameterType"]["arrayType"] == {"type": "FLOAT64"}


def test_what_has_no_type_is_written_out() -> None:
    sql = "SELECT @a AS a, '@a' AS b, `@a` FROM UNNEST(@ids) -- @a"
    assert prepare_and_show(sql, a=None, ids=[]) == ("SELECT NULL AS a, '@a' AS b, `@a` FROM UNNEST([]) -- @a", [])


def test_only_parameters_that_the_sql_names_are_sent() -> None:
    sql = "SELECT '@text' AS a, @@time_zone AS b, @real AS c /* @gone */ # @gone"
    assert prepare_and_show(sql, real=1, text=2, gone=3, time_zone=4)[1] == [scalar("real", "INT64", "1")]


def test_missing_parameters_are_named() -> None:
    with pytest.raises(Fatal, match="needs @as_of, @day"):
        prepare("SELECT @day, @as_of, @here", {"here": 1}, "", "query")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (datetime(2025, 11, 14), "without a time zone"),  # noqa: DTZ001
        ([datetime(2025, 11, 14)], "without a time zone"),  # noqa: DTZ001
        ({"a": 1}, "dict"),
        (b"bytes", "bytes"),
        (["a", 1], "a list of INT64, STRING"),
        ([None], "NULL alone"),
    ],
)
def test_values_that_are_no_parameter_are_refused(value: Any, message: str) -> None:
    with pytest.raises(Fatal, match=message):
        prepare_and_show("SELECT @a AS a", a=value)


def test_the_prefix_goes_before_dataset_names_alone() -> None:
    sql = (
        "SELECT x, 'nba_raw.a' AS s FROM nba_raw.a JOIN `nba_staging._staging_batch_2025-11-14_r1__7` USING (x)"
        " -- nba_raw.b"
    )
    found, _ = prepare_and_show(sql)
    assert "FROM dev_nba_raw.a JOIN `dev_nba_staging._staging_batch_2025-11-14_r1__7`" in found
    assert "'nba_raw.a'" in found
    assert found.endswith("-- nba_raw.b")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "  with a AS (SELECT 1) SELECT * FROM a",
        "(SELECT 1) UNION ALL SELECT 2",
        "/* why */ -- ;\nSELECT ';'",
    ],
)
def test_selects_are_queries(sql: str) -> None:
    assert prepare(sql, {}, "", "query").sql == sql
    with pytest.raises(Fatal, match="execute takes MERGE"):
        prepare(sql, {}, "", "dml")


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE INTO a USING b ON TRUE WHEN NOT MATCHED THEN INSERT ROW",
        "\ninsert INTO a VALUES (1)",
        "UPDATE a SET b = 1 WHERE TRUE",
        "DELETE FROM a WHERE TRUE",
        "CREATE OR REPLACE TABLE `nba_staging._staging_x` AS SELECT 1 AS a",
    ],
)
def test_dml_is_executed(sql: str) -> None:
    assert prepare(sql, {}, "", "dml").sql == sql
    with pytest.raises(Fatal, match="query takes a SELECT"):
        prepare(sql, {}, "", "query")


@pytest.mark.parametrize(
    ("sql", "sent"),
    [
        ("SELECT 1;", "SELECT 1"),
        ("SELECT ';' ; -- why;\n", "SELECT ';'  -- why;\n"),
        ("SELECT 'a' /* ; */;", "SELECT 'a' /* ; */"),
        ("SELECT 1 -- ;", "SELECT 1 -- ;"),
        ("SELECT ';'", "SELECT ';'"),
    ],
)
def test_a_closing_semicolon_is_left_out(sql: str, sent: str) -> None:
    """replace_partition puts the SELECT into another."""
    assert prepare(sql, {}, "", "query").sql == sent


@pytest.mark.parametrize(
    "sql",
    [
        "",
        ";",
        "SELECT 1;;",
        "SELEC 1",
        "DROP TABLE a",
        "SELECT 1; SELECT 2",
        "DELETE FROM a WHERE TRUE; DROP TABLE a",
        "CREATE TABLE a (b INT64)",
    ],
)
def test_anything_else_is_refused(sql: str) -> None:
    for kind in ("query", "dml"):
        with pytest.raises(Fatal):
            prepare(sql, {}, "", kind)
