"""Rows made to fit a declared table, column by column and by name; what does not fit is named,
never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from shared.core.errors import SchemaMismatch
from shared.stores.warehouse.schemas import Field, TableSchema, arrow_schema, arrow_type


def _fits(source: pa.DataType, target: str) -> bool:
    """Whether BigQuery would take values of this Arrow type in such a column: widening only."""
    if pa.types.is_null(source):
        return True
    if pa.types.is_dictionary(source):
        return _fits(source.value_type, target)
    integer = pa.types.is_integer(source)
    exact = integer or pa.types.is_decimal(source)
    accepted: dict[str, bool] = {
        "STRING": pa.types.is_string(source) or pa.types.is_large_string(source),
        "INT64": integer,
        "FLOAT64": exact or pa.types.is_floating(source),
        "NUMERIC": exact,
        "BOOL": pa.types.is_boolean(source),
        "DATE": pa.types.is_date(source),
        "TIMESTAMP": pa.types.is_timestamp(source) and source.tz is not None,
    }
    return accepted[target]


def _column(rows: pa.Table, field: Field, table: str) -> pa.ChunkedArray:
    target = arrow_type(field.type)
    if field.name not in rows.column_names:
        column = pa.chunked_array([pa.nulls(rows.num_rows, target)])
    else:
        column = rows.column(field.name)
        if not _fits(column.type, field.type):
            raise SchemaMismatch(
                f"{table}.{field.name} is {field.type}, the rows have {column.type}.",
                next_step="give the column its declared type where the rows are made.",
            )
        if column.type != target:
            try:
                column = column.cast(target)
            except pa.ArrowInvalid as error:
                raise SchemaMismatch(
                    f"{table}.{field.name} is {field.type}; a value does not fit: {error}.",
                    next_step="round or correct the value where the rows are made.",
                ) from error
    if field.required and column.null_count:
        raise SchemaMismatch(
            f"{table}.{field.name} is REQUIRED; {column.null_count} of {rows.num_rows} rows have NULL.",
            next_step="fill the column where the rows are made, or leave those rows out with a reason.",
        )
    return column


def table_of(table: str, rows: Sequence[Mapping[str, Any]], columns: Collection[str] | None = None) -> pa.Table:
    """Rows as the declared table (or those of its columns), by name: a column that a row lacks is
    NULL in it.
    """
    declared = arrow_schema(table)
    wanted = declared if columns is None else pa.schema([field for field in declared if field.name in columns])
    return pa.Table.from_pylist([dict(row) for row in rows], schema=wanted)


def table_of_columns(table: str, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns of a declared table, each with its values, as a table of those columns."""
    fields = [field for field in arrow_schema(table) if field.name in columns]
    return pa.table([pa.array(columns[field.name], field.type) for field in fields], schema=pa.schema(fields))


def conform(rows: pa.Table, schema: TableSchema) -> pa.Table:
    """The rows with exactly the declared columns, types and order; absent nullable columns are
    NULL.

    Raises SchemaMismatch for a column that is not declared, a type that is not the declared one
    (integers widen to NUMERIC and FLOAT64, nothing narrows), and NULL in a REQUIRED column.
    """
    unknown = sorted(set(rows.column_names) - set(schema.columns))
    if unknown:
        raise SchemaMismatch(
            f"{schema.name} declares no column {', '.join(unknown)}.",
            next_step=f"drop them from the rows, or add them to shared/stores/warehouse/schemas/{schema.name}.json.",
        )
    repeated = sorted({name for name in rows.column_names if rows.column_names.count(name) > 1})
    if repeated:
        raise SchemaMismatch(
            f"The rows for {schema.name} have the column {', '.join(repeated)} twice.",
            next_step="name each column once.",
        )
    return pa.table({field.name: _column(rows, field, schema.name) for field in schema.fields})


def list_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """The rows as to_pylist has them, in a quarter of the time where moments and dates repeat: each
    distinct one is made once.
    """
    columns = [_list_values(column) for column in rows.columns]
    return [dict(zip(rows.column_names, values, strict=True)) for values in zip(*columns, strict=True)]


def _list_values(column: pa.ChunkedArray) -> list[Any]:
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        values: list[Any] = column.to_pylist()
        return values
    encoded = column.combine_chunks().dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    return [None if index is None else distinct[index] for index in encoded.indices.to_pylist()]
