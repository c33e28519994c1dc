"""Types between BigQuery and DuckDB: columns of declared tables, and results as BigQuery would give
them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from shared.core.errors import SchemaMismatch
from shared.stores.warehouse.schemas import NUMERIC_PRECISION, NUMERIC_SCALE, TableSchema, arrow_type

NUMERIC = f"DECIMAL({NUMERIC_PRECISION},{NUMERIC_SCALE})"
DUCKDB_TYPES = {
    "STRING": "VARCHAR",
    "INT64": "BIGINT",
    "FLOAT64": "DOUBLE",
    "NUMERIC": NUMERIC,
    "BOOL": "BOOLEAN",
    "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
}
_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}


def column_definitions(schema: TableSchema) -> str:
    """The columns of CREATE TABLE.

    No primary key: BigQuery enforces none, so nothing may lean on one here.
    """
    return ", ".join(
        f"{quote(field.name)} {DUCKDB_TYPES[field.type]}{' NOT NULL' if field.required else ''}"
        for field in schema.fields
    )


def changes(schema: TableSchema, there: Sequence[tuple[str, str, bool]]) -> list[str] | None:
    """What ALTER TABLE must do so that a table made by an older declaration fits; None where no
    change may.

    `there` has name, DuckDB's type and whether NULL is allowed of each column. As in BigQuery a
    NULLABLE column is added and a REQUIRED one relaxed; nothing is dropped, retyped or made
    REQUIRED, for rows may be there.
    """
    found = {name: (kind, nullable) for name, kind, nullable in there}
    if found.keys() - set(schema.columns):
        return None
    needed = []
    for field in schema.fields:
        column = quote(field.name)
        if field.name not in found:
            if field.required:
                return None
            needed.append(f"ADD COLUMN {column} {DUCKDB_TYPES[field.type]}")
            continue
        kind, nullable = found[field.name]
        if kind != DUCKDB_TYPES[field.type] or (field.required and nullable):
            return None
        if nullable == field.required:
            needed.append(f"ALTER {column} DROP NOT NULL")
    return needed


def quote(name: str) -> str:
    """A name as DuckDB's identifier."""
    return '"' + name.replace('"', '""') + '"'


def fits(duckdb_type: str, target: str) -> bool:
    """Whether BigQuery would insert an expression of this type into such a column without a
    CAST.
    """
    integer = duckdb_type in _INTEGERS
    exact = integer or duckdb_type.startswith("DECIMAL")
    if target == "INT64":
        return integer
    if target == "NUMERIC":
        return exact
    if target == "FLOAT64":
        return exact or duckdb_type in ("DOUBLE", "FLOAT")
    return duckdb_type == DUCKDB_TYPES[target]


def bigquery_type(duckdb_type: str) -> str:
    """What a person who writes BigQuery SQL calls the type."""
    if duckdb_type in _INTEGERS:
        return "INT64"
    if duckdb_type.startswith("DECIMAL"):
        return "NUMERIC"
    return {duckdb: name for name, duckdb in DUCKDB_TYPES.items()}.get(duckdb_type, duckdb_type)


def _result_type(source: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(source):
        return pa.int64()
    if pa.types.is_floating(source):
        return pa.float64()
    if pa.types.is_decimal(source):
        # A sum of INT64 is a HUGEINT in DuckDB, which Arrow shows as decimal(38, 0).
        hugeint = source.precision == NUMERIC_PRECISION and source.scale == 0
        return pa.int64() if hugeint else arrow_type("NUMERIC")
    if pa.types.is_timestamp(source):
        return pa.timestamp("us", tz="UTC" if source.tz else None)
    if pa.types.is_large_string(source):
        return pa.string()
    if pa.types.is_list(source):
        return pa.list_(_result_type(source.value_type))
    if pa.types.is_struct(source):
        return pa.struct([(field.name, _result_type(field.type)) for field in source])
    return source


def result(table: pa.Table) -> pa.Table:
    """A result with BigQuery's types: INT64, FLOAT64, NUMERIC with nine decimals, TIMESTAMP in UTC
    microseconds.

    Raises SchemaMismatch for a value that the type cannot hold (an INT64 sum that overflows, a
    tenth decimal).
    """
    target = pa.schema([(field.name, _result_type(field.type)) for field in table.schema])
    if target.equals(table.schema):
        return table
    try:
        return table.cast(target)
    except pa.ArrowInvalid as error:
        raise SchemaMismatch(
            f"A value of the result does not fit BigQuery's type: {error}.",
            next_step="round NUMERIC products to nine decimals, or compute in FLOAT64.",
        ) from error
