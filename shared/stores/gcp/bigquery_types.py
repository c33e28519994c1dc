"""Types between the declared tables, Arrow and BigQuery's API, which keeps older names for three of
them.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from google.cloud import bigquery

from shared.core.errors import SchemaMismatch
from shared.stores.warehouse.schemas import arrow_type

_OLD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


def type_of(field: bigquery.SchemaField) -> str:
    """What SQL calls a result column's type."""
    name = _OLD_NAMES.get(field.field_type, field.field_type)
    return f"ARRAY<{name}>" if field.mode == "REPEATED" else name


def fits(found: str, target: str) -> bool:
    """Whether BigQuery would insert an expression of this type into such a column without a
    CAST.
    """
    if target == "FLOAT64":
        return found in ("INT64", "NUMERIC", "FLOAT64")
    return found == target or (target == "NUMERIC" and found == "INT64")


def with_types(table: str, rows: pa.Table) -> tuple[pa.Table, list[bigquery.SchemaField]]:
    """Rows of an undeclared table with the types that come back from a query, and its columns.

    Raises SchemaMismatch for a column whose type no declared table has.
    """
    kinds = {field.name: _sql_type(field.type) for field in rows.schema}
    unknown = [f"{field.name} ({field.type})" for field in rows.schema if not kinds[field.name]]
    if unknown:
        raise SchemaMismatch(
            f"The rows for {table} have columns of no type that BigQuery keeps: {', '.join(unknown)}.",
            next_step="give them one of STRING, INT64, FLOAT64, NUMERIC, BOOL, DATE, TIMESTAMP where they are made.",
        )
    target = pa.schema([(name, arrow_type(kind)) for name, kind in kinds.items()])
    fields = [bigquery.SchemaField(name, kind) for name, kind in kinds.items()]
    try:
        return rows.cast(target), fields
    except pa.ArrowInvalid as error:
        raise SchemaMismatch(
            f"A value of the rows for {table} does not fit: {error}.", next_step="round or correct it."
        ) from error


def _sql_type(arrow: pa.DataType) -> str:
    if pa.types.is_dictionary(arrow):
        return _sql_type(arrow.value_type)
    kinds: Sequence[tuple[str, bool]] = (
        ("STRING", pa.types.is_string(arrow) or pa.types.is_large_string(arrow)),
        ("INT64", pa.types.is_integer(arrow)),
        ("FLOAT64", pa.types.is_floating(arrow)),
        ("NUMERIC", pa.types.is_decimal(arrow)),
        ("BOOL", pa.types.is_boolean(arrow)),
        ("DATE", pa.types.is_date(arrow)),
        ("TIMESTAMP", pa.types.is_timestamp(arrow) and arrow.tz is not None),
    )
    return next((name for name, holds in kinds if holds), "")


def plain(table: pa.Table) -> pa.Table:
    """A result without the client library's notes on its columns."""
    return pa.Table.from_arrays(table.columns, names=table.column_names)
