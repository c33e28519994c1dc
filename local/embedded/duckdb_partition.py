"""replace_partition: a SELECT's rows checked against the declared table, and swapped in for the
slices they cover.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from local.embedded import duckdb_types as types
from shared.core.errors import Fatal, SchemaMismatch
from shared.stores.ports import DateRange
from shared.stores.warehouse.replacement import FLOAT_DECIMALS, NOISE_DECIMALS
from shared.stores.warehouse.schemas import TableSchema

# The temporary table that holds the SELECT's rows.
REPLACEMENT = "_replacement"


def count_affected(cursor: duckdb.DuckDBPyConnection) -> int:
    """The rows that the DML statement just run has changed."""
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def replace_slices(
    cursor: duckdb.DuckDBPyConnection, name: str, schema: TableSchema, dates: DateRange, by: Sequence[str]
) -> int:
    """Within the cursor's transaction: put the rows of REPLACEMENT in the place of their slices;
    returns the rows.

    `name` is the table's in DuckDB. Raises SchemaMismatch, and Fatal for rows outside the dates.
    """
    if schema.partition_field is None:
        raise Fatal(f"{schema.name} is not partitioned.", next_step="use MERGE, or load with mode replace.")
    _check_columns(cursor, schema)
    _check_rows(cursor, schema, dates)
    keys = [types.quote(schema.field(key).name) for key in by]
    same = " AND ".join(f"old.{key} IS NOT DISTINCT FROM slices.{key}" for key in keys)
    cursor.execute(
        f"DELETE FROM {name} AS old USING (SELECT DISTINCT {', '.join(keys)} FROM {REPLACEMENT}) AS slices"
        f" WHERE old.{types.quote(schema.partition_field)} BETWEEN $first AND $last AND {same}",
        {"first": dates.first, "last": dates.last},
    )
    # In the key's order, so that the same rows lie in the file in the same order.
    order = dict.fromkeys([schema.partition_field, *schema.primary_key, *schema.clustering])
    written = count_affected(
        cursor.execute(
            f"INSERT INTO {name} ({', '.join(map(types.quote, schema.columns))})"
            f" SELECT {', '.join(_round_sql(field.name, field.type) for field in schema.fields)}"
            f" FROM {REPLACEMENT} ORDER BY {', '.join(map(types.quote, order))}"
        )
    )
    cursor.execute(f"DROP TABLE {REPLACEMENT}")
    return written


def _round_sql(name: str, kind: str) -> str:
    column = types.quote(name)
    if kind == "FLOAT64":
        # Adding 0 turns the -0.0 that a tiny negative rounds to into 0.0.
        rounded = f"ROUND(ROUND({column}::DOUBLE, {NOISE_DECIMALS}), {FLOAT_DECIMALS}) + 0.0"
        return f"CASE WHEN isfinite({column}::DOUBLE) THEN {rounded} END"
    return f"{column}::{types.DUCKDB_TYPES[kind]}"


def _check_columns(cursor: duckdb.DuckDBPyConnection, schema: TableSchema) -> None:
    found = {row[0]: str(row[1]) for row in cursor.execute(f"DESCRIBE {REPLACEMENT}").fetchall()}
    wrong = [f"{name} is not declared" for name in found if name not in schema.columns]
    for field in schema.fields:
        if field.name not in found:
            wrong.append(f"{field.name} is missing")
        elif not types.fits(found[field.name], field.type):
            wrong.append(f"{field.name} is {field.type}, the SELECT gives {types.bigquery_type(found[field.name])}")
    if wrong:
        raise SchemaMismatch(
            f"The SELECT does not fit {schema.name}: {'; '.join(wrong)}.",
            next_step="name every declared column and CAST it to its type (an empty one: CAST(NULL AS type)).",
        )


def _check_rows(cursor: duckdb.DuckDBPyConnection, schema: TableSchema, dates: DateRange) -> None:
    required = [field.name for field in schema.fields if field.required]
    day = types.quote(schema.partition_field or "")
    counts = cursor.execute(
        f"SELECT COUNT(*) FILTER ({day} NOT BETWEEN $first AND $last)"
        + "".join(f", COUNT(*) FILTER ({types.quote(name)} IS NULL)" for name in required)
        + f" FROM {REPLACEMENT}",
        {"first": dates.first, "last": dates.last},
    ).fetchone()
    assert counts is not None
    empty = [f"{name} ({count} rows)" for name, count in zip(required, counts[1:], strict=True) if count]
    if empty:
        raise SchemaMismatch(
            f"NULL in REQUIRED columns of {schema.name}: {', '.join(empty)}.",
            next_step="fill the column in the SELECT, or leave those rows out with a reason.",
        )
    if counts[0]:
        raise Fatal(
            f"{counts[0]} rows for {schema.name} lie outside {dates.first} to {dates.last}.",
            next_step="filter the SELECT by the dates it replaces.",
        )
