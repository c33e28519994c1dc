"""The declared tables are sound, SQL is read and prefixed, and rows are made to fit or refused by
name.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from shared.core.errors import NotFound, SchemaMismatch
from shared.stores.warehouse import schemas
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.sql import read_sql, with_prefix

PREDICTIONS = "nba_predictions.player_prop_predictions"
BATCHES = "nba_predictions.prediction_batches"
NOW = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
ROW = {
    "game_date": date(2025, 11, 14), "batch_id": "b", "revision": 1, "run_id": "r", "game_id": "g",
    "rows_expected": 25, "consolidated_at": NOW,
}  # fmt: skip


# --- the declarations -----------------------------------------------------------------------------


def test_every_schema_loads_and_describes_its_columns() -> None:
    loaded = schemas.all_schemas()
    assert len(loaded) >= 18
    for schema in loaded:
        assert schema.dataset in schemas.DATASETS
        assert schema.description, schema.name
        assert all(field.description for field in schema.fields), schema.name


def test_tables_of_game_days_are_partitioned_by_them() -> None:
    for schema in schemas.all_schemas():
        if "game_date" in schema.columns and schema.field("game_date").required:
            assert schema.partition_field == "game_date", schema.name
        if schema.partition_field:
            assert schema.field(schema.partition_field).required, schema.name


def test_no_key_and_no_line_is_a_float() -> None:
    for schema in schemas.all_schemas():
        for name in schema.primary_key:
            assert schema.field(name).type != "FLOAT64", f"{schema.name}.{name}"
        for field in schema.fields:
            # `line` of features is a number to compute with; lines that are stored, tested or keyed
            # are exact.
            if field.name in ("line_value", "main_line") or (field.name == "line" and schema.dataset == "nba_raw"):
                assert field.type == "NUMERIC", f"{schema.name}.{field.name}"


def test_a_schema_is_typed() -> None:
    schema = schemas.load_schema(PREDICTIONS)
    assert schema.dataset == "nba_predictions"
    assert schema.primary_key == ("game_date", "game_id", "player_id", "stat", "system_id", "line_value")
    assert schema.partition_field == "game_date"
    assert schema.clustering == ("player_id", "system_id")
    assert schema.field("line_value") == schemas.Field(
        "line_value", "NUMERIC", False, schema.field("line_value").description
    )
    assert schema.field("game_id").required
    with pytest.raises(SchemaMismatch, match="declares no column 'line'"):
        schema.field("line")


def test_bigquery_is_told_no_key_that_may_hold_null() -> None:
    """It believes a key without enforcing it; MERGE goes by the whole key all the same."""
    keyed = {schema.name: schema.constraint for schema in schemas.all_schemas() if schema.primary_key}
    keyless = {name for name, constraint in keyed.items() if not constraint}
    assert keyless == {
        schema.name
        for schema in schemas.all_schemas()
        if any(not schema.field(name).required for name in schema.primary_key)
    }
    assert PREDICTIONS in keyless
    assert keyed["nba_analytics.player_game_summary"] == ("game_date", "game_id", "player_id")


@pytest.mark.parametrize(
    ("kind", "required", "columns", "keyed"),
    [
        ("STRING", True, 2, True),
        ("STRING", True, schemas.MOST_KEY_COLUMNS, True),
        ("STRING", True, schemas.MOST_KEY_COLUMNS + 1, False),
        ("STRING", False, 1, False),
        ("FLOAT64", True, 1, False),
    ],
)
def test_what_key_bigquery_takes(kind: str, required: bool, columns: int, keyed: bool) -> None:
    names = tuple(f"c{number}" for number in range(columns))
    fields = tuple(schemas.Field(name, kind, required, "") for name in names)
    schema = schemas.TableSchema("nba_raw.x", "", fields, names, None, ())
    assert schema.constraint == (names if keyed else ())


def test_a_table_that_is_not_declared_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"nba_raw\.nowhere"):
        schemas.load_schema("nba_raw.nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tableReference": {"datasetId": "nba_raw", "tableId": "other"}}, "describes nba_raw.other"),
        ({"schema": {"fields": [{"name": "a", "type": "INTEGER"}]}}, "NULLABLE INTEGER"),
        ({"schema": {"fields": [{"name": "a", "type": "STRING", "mode": "REPEATED"}]}}, "REPEATED STRING"),
        ({"schema": {"fields": [{"name": "a", "type": "DATE"}] * 2}}, "names a column twice"),
        ({"clustering": {"fields": ["b"]}}, "declares no column 'b'"),
        ({"timePartitioning": {"field": "b"}}, "declares no column 'b'"),
        ({"tableConstraints": {"primaryKey": {"columns": ["b"]}}}, "declares no column 'b'"),
    ],
)
def test_a_wrong_declaration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict, message: str
) -> None:
    resource = {
        "tableReference": {"datasetId": "nba_raw", "tableId": "t"},
        "schema": {"fields": [{"name": "a", "type": "DATE"}]},
        **change,
    }
    (tmp_path / "nba_raw.t.json").write_text(json.dumps(resource), encoding="utf-8")
    monkeypatch.setattr(schemas, "SCHEMA_FOLDER", tmp_path)
    with pytest.raises(SchemaMismatch, match=message):
        schemas.load_schema("nba_raw.t")


def test_the_arrow_schema_has_the_declared_types() -> None:
    arrow = schemas.arrow_schema(PREDICTIONS)
    assert arrow.names == list(schemas.load_schema(PREDICTIONS).columns)
    assert arrow.field("line_value") == pa.field("line_value", pa.decimal128(38, 9), nullable=True)
    assert arrow.field("tipoff_at") == pa.field("tipoff_at", pa.timestamp("us", tz="UTC"), nullable=False)
    assert arrow.field("player_id").type == pa.int64()


# --- SQL ------------------------------------------------------------------------------------------


def test_sql_is_read_of_a_folder_and_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "one.sql").write_text("SELECT 1", encoding="utf-8")
    assert read_sql(tmp_path, "one") == "SELECT 1"
    assert "@as_of" in read_sql("shared.science.systems", "batch_histories")
    with pytest.raises(NotFound, match=r"nowhere\.sql"):
        read_sql("shared.science.systems", "nowhere")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM nba_raw.t", "SELECT a FROM x_nba_raw.t"),
        ("SELECT a FROM `nba_raw.t`, `nba_raw`.`u`", "SELECT a FROM `x_nba_raw.t`, `x_nba_raw`.`u`"),
        ("SELECT nba_raw.t.a FROM nba_raw . t", "SELECT x_nba_raw.t.a FROM x_nba_raw . t"),
        (
            "SELECT 'nba_raw.t', \"it's nba_raw.t\" FROM nba_raw.t",
            "SELECT 'nba_raw.t', \"it's nba_raw.t\" FROM x_nba_raw.t",
        ),
        ("SELECT 'a\\'b nba_raw.t' FROM nba_raw.t", "SELECT 'a\\'b nba_raw.t' FROM x_nba_raw.t"),
        ("SELECT '''it's nba_raw.t''' FROM nba_raw.t", "SELECT '''it's nba_raw.t''' FROM x_nba_raw.t"),
        ("-- of nba_raw.t\nSELECT a /* nba_raw.t */ FROM nba_raw.t", None),
        ("SELECT nba_raw, nba_raw_lines.a, my_nba_raw.b", "SELECT nba_raw, nba_raw_lines.a, my_nba_raw.b"),
        ("SELECT a FROM other.nba_raw.t", "SELECT a FROM other.nba_raw.t"),
    ],
)  # fmt: skip
def test_datasets_are_prefixed_outside_strings_and_comments(sql: str, expected: str | None) -> None:
    if expected is None:
        expected = "-- of nba_raw.t\nSELECT a /* nba_raw.t */ FROM x_nba_raw.t"
    assert with_prefix(sql, "x_") == expected
    assert with_prefix(sql, "") == sql


# --- rows -----------------------------------------------------------------------------------------


def test_rows_are_ordered_widened_and_filled() -> None:
    schema = schemas.load_schema("nba_raw.odds_api_player_props")
    exact = {
        field.name: {
            "STRING": pa.array(["x"]).dictionary_encode(), "INT64": pa.array([7], pa.int16()), "BOOL": pa.array([True]),
            "NUMERIC": pa.array([Decimal("24.5")], pa.decimal128(5, 1)), "DATE": pa.array([date(2025, 11, 14)]),
            "TIMESTAMP": pa.array([NOW], pa.timestamp("ms", "America/New_York")), "FLOAT64": pa.array([1]),
        }[field.type]
        for field in reversed(schema.fields)
        if field.required or field.name == "line"
    }  # fmt: skip
    rows = conform(pa.table(exact), schema)
    assert rows.schema.names == list(schema.columns)
    assert rows.schema.types == schemas.arrow_schema(schema.name).types
    row = rows.to_pylist()[0]
    assert row["line"] == Decimal("24.5")
    assert row["snapshot_time"] == NOW
    assert {row[field.name] for field in schema.fields if not field.required and field.name != "line"} == {None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"b": 1, "a": 2}, "declares no column a, b"),
        ({"revision": 1.0}, "revision is INT64, the rows have double"),
        ({"revision": "1"}, "revision is INT64, the rows have string"),
        ({"run_id": 7}, "run_id is STRING, the rows have int64"),
        ({"game_date": NOW}, "game_date is DATE, the rows have timestamp"),
        ({"consolidated_at": NOW.replace(tzinfo=None)}, "consolidated_at is TIMESTAMP"),
        ({"run_id": None}, "run_id is REQUIRED; 1 of 1 rows"),
    ],
)
def test_rows_that_do_not_fit_are_named(change: dict, message: str) -> None:
    with pytest.raises(SchemaMismatch, match=message):
        conform(pa.Table.from_pylist([{**ROW, **change}]), schemas.load_schema(BATCHES))


def test_a_required_column_that_is_absent_is_named() -> None:
    row = {name: value for name, value in ROW.items() if name != "game_id"}
    with pytest.raises(SchemaMismatch, match="game_id is REQUIRED"):
        conform(pa.Table.from_pylist([row]), schemas.load_schema(BATCHES))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (pa.array([24.5]), "line_value is NUMERIC, the rows have double"),
        (pa.array([Decimal("0.0000000001")], pa.decimal128(38, 10)), "line_value is NUMERIC; a value does not fit"),
    ],
)
def test_a_line_that_is_not_exact_is_refused(line: pa.Array, message: str) -> None:
    schema = schemas.load_schema(PREDICTIONS)
    usual = {"STRING": "x", "INT64": 1, "FLOAT64": 0.5, "NUMERIC": Decimal(1), "BOOL": True, "DATE": ROW["game_date"]}
    rows = pa.Table.from_pylist([{field.name: usual.get(field.type, NOW) for field in schema.fields}])
    assert conform(rows, schema).num_rows == 1
    rows = rows.set_column(rows.column_names.index("line_value"), "line_value", line)
    with pytest.raises(SchemaMismatch, match=message):
        conform(rows, schema)
