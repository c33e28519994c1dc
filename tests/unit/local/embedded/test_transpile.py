"""What the transpiler adds to sqlglot.

What its SQL answers is the warehouse contract's; here is its form.
"""

from __future__ import annotations

import pytest

from local.embedded.transpile import MERGE_SOURCE, transpile
from shared.core.errors import Fatal
from shared.stores.warehouse import staging

BATCH = "batch_2025-11-14_r1"


def sql(bigquery: str) -> str:
    return transpile(bigquery).sql


def test_parameters_are_named() -> None:
    statement = transpile("SELECT @a AS a, '@b' AS b -- @c\nFROM nba_raw.t WHERE x IN UNNEST(@d)")
    assert statement.parameters == {"a", "d"}
    assert "$a" in statement.sql
    assert "IN (SELECT UNNEST($d))" in statement.sql


def test_a_dataset_prefix_is_of_the_datasets_alone() -> None:
    assert (
        transpile("SELECT 'nba_raw.t' AS a FROM nba_raw.t", "test_").sql
        == "SELECT 'nba_raw.t' AS a FROM test_nba_raw.t"
    )


@pytest.mark.parametrize(
    ("bigquery", "duckdb"),
    [
        ("SELECT 0.44 * a, 1, 1e-3", "SELECT 0.44e0 * a, 1, 1e-3"),
        ("SELECT NUMERIC '0.5'", "SELECT CAST('0.5' AS DECIMAL(38, 9))"),
        ("SELECT a / 2, a / -0.5", "SELECT a / 2, a / -0.5e0"),
        ("SELECT a / NULLIF(b, 0)", "SELECT a / NULLIF(b, 0)"),
        ("SELECT a / CAST(4 AS FLOAT64)", "SELECT a / CAST(4 AS DOUBLE)"),
        ("SELECT a / b", "SELECT (CASE WHEN b = 0 THEN ERROR('division by zero: a / b') ELSE a / b END)"),
    ],
)
def test_the_form_of_a_mended_expression(bigquery: str, duckdb: str) -> None:
    assert sql(bigquery) == duckdb


def test_nested_expressions_are_mended_inside_and_out() -> None:
    text = sql("SELECT DATE_ADD(DATE_TRUNC(d, MONTH), INTERVAL 1 DAY) AS a, 0.5 / (0.25 * b) AS c")
    assert text.count("AS DATE)") == 2
    assert "WHEN (0.25e0 * b) = 0 THEN" in text
    assert "ELSE 0.5e0 / (0.25e0 * b) END" in text


@pytest.mark.parametrize(
    ("bigquery", "message"),
    [
        ("SELECT FROM WHERE", "no BigQuery SQL"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("  -- nothing\n", "0 statements"),
        ("DROP TABLE nba_raw.t", "neither SELECT nor DML"),
        ("CREATE TABLE nba_raw.t (a INT64)", "neither SELECT nor DML"),
    ],
)
def test_what_is_no_statement_of_ours_is_refused(bigquery: str, message: str) -> None:
    with pytest.raises(Fatal, match=message):
        transpile(bigquery)


# --- the UNION ALL of staging tables --------------------------------------------------------------


def tables(count: int) -> dict[str, list[str]]:
    return {staging.staging_table(BATCH, f"{unit:03}"): staging.staged_columns() for unit in range(count)}


def test_a_long_union_is_the_short_one_written_out() -> None:
    """Branches that are parsed once read the same as branches that are each parsed."""
    branches = [f"SELECT a, 0.5 AS h, 'u{i}' AS u FROM `nba_predictions._staging_b-x__{i}`" for i in range(12)]
    whole = sql("SELECT COUNT(*) AS n FROM (" + " UNION ALL ".join(branches) + ") WHERE a IN ('x', 'y')")
    single = [sql(branch) for branch in branches]
    assert whole == "SELECT COUNT(*) AS n FROM (" + " UNION ALL ".join(single) + ") WHERE a IN ('x', 'y')"


def test_branches_of_unlike_columns_keep_their_own() -> None:
    branches = [
        f"SELECT {'a' if i % 3 else 'NULL AS a'} FROM `nba_predictions._staging_b__{i}` UNION ALL "
        f"SELECT a FROM `nba_predictions._staging_c__{i}`"
        for i in range(5)
    ]
    assert sql(" UNION ALL ".join(branches)) == " UNION ALL ".join(sql(branch) for branch in branches)


@pytest.mark.parametrize("units", [1, 2, 3, 200])
def test_every_staging_table_is_in_the_merge_with_its_unit(units: int) -> None:
    statement = transpile(staging.merge_sql(staging.staged_rows(tables(units), BATCH)))
    assert statement.source is not None
    for unit in range(units):
        branch = f'SELECT *, \'{unit:03}\' AS staged_unit FROM "nba_staging"."_staging_{BATCH}__{unit:03}"'
        assert statement.source.sql.count(branch) == 1
    assert "_staging_run_" not in statement.source.sql


# --- MERGE ----------------------------------------------------------------------------------------


def test_a_merge_that_updates_has_its_source_and_its_guard() -> None:
    statement = transpile(
        "MERGE INTO nba_raw.t AS t USING (SELECT @x AS a, b FROM nba_raw.s) AS s ON t.a = s.a AND t.d = @d"
        " WHEN MATCHED THEN UPDATE SET t.b = s.b, c = @now WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)"
    )
    assert statement.kind == "dml"
    assert statement.parameters == {"d", "now"}
    assert statement.source is not None
    assert statement.source.parameters == {"x"}
    assert statement.guard is not None
    assert statement.guard.parameters == {"d"}
    assert f"USING {MERGE_SOURCE} AS s" in statement.sql
    assert "UPDATE SET b = s.b, c = $now" in statement.sql


def test_a_merge_that_only_inserts_is_one_statement() -> None:
    statement = transpile(
        "MERGE INTO nba_raw.t AS t USING (SELECT a FROM nba_raw.s) AS s ON t.a = s.a"
        " WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)"
    )
    assert statement.source is None
    assert statement.guard is None
