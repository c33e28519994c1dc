"""The SQL of replace_partition on BigQuery, as text; nothing is run here. Tables are given with project and dataset."""

from __future__ import annotations

from collections.abc import Sequence

from shared.ports import DateRange
from shared.warehouse.rounding import FLOAT_DECIMALS, NOISE_DECIMALS
from shared.warehouse.schemas import Field, TableSchema

_EXPIRES = "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)"


def make_sql(made: str, select: str, schema: TableSchema) -> str:
    """A table, gone by itself in an hour, of what a SELECT gives: the declared columns, FLOAT64 rounded."""
    rounded = ", ".join(map(_rounded, schema.fields))
    return _created(made, "", f"SELECT {rounded} FROM ({select}\n)")


def like_sql(alike: str, made: str, schema: TableSchema) -> str:
    """The same rows in a table like the declared one in columns, modes, partitions and clusters."""
    columns = ", ".join(
        f"`{field.name}` {field.type}{' NOT NULL' if field.required else ''}" for field in schema.fields
    )
    cluster = f" CLUSTER BY {_listed(schema.clustering)}" if schema.clustering else ""
    like = f" ({columns}) PARTITION BY `{schema.partition_field}`{cluster}"
    return _created(alike, like, f"SELECT {_listed(schema.columns)} FROM `{made}`")


def count_sql(made: str, schema: TableSchema) -> str:
    """n: the rows; outside: those of other dates than @first to @last; nulls: those without each REQUIRED column."""
    nulls = ", ".join(f"COUNTIF(`{field.name}` IS NULL)" for field in schema.fields if field.required)
    outside = f"COUNTIF(`{schema.partition_field}` NOT BETWEEN @first AND @last)"
    return f"SELECT COUNT(*) AS n, {outside} AS outside, [{nulls}] AS nulls FROM `{made}`"


def swap_sql(table: str, made: str, schema: TableSchema, dates: DateRange, by: Sequence[str]) -> str:
    """One transaction: the slices that the made table has rows of are deleted from the table, and its rows inserted.

    The dates are written out (a script hands its parameters to its statements on BigQuery, and not everywhere).
    """
    keys = [schema.field(name) for name in by]
    same = " AND ".join(
        f"old.`{key.name}` {'=' if key.required else 'IS NOT DISTINCT FROM'} slices.`{key.name}`" for key in keys
    )
    first, last = dates.first.isoformat(), dates.last.isoformat()
    columns = _listed(schema.columns)
    return (
        "BEGIN TRANSACTION;\n"
        f"DELETE FROM `{table}` AS old WHERE old.`{schema.partition_field}` BETWEEN DATE '{first}' AND DATE '{last}'"
        f" AND EXISTS (SELECT 1 FROM `{made}` AS slices WHERE {same});\n"
        f"INSERT INTO `{table}` ({columns}) SELECT {columns} FROM `{made}`;\n"
        "COMMIT TRANSACTION;"
    )


def _created(table: str, like: str, select: str) -> str:
    return f"CREATE TABLE `{table}`{like} OPTIONS (expiration_timestamp = {_EXPIRES}) AS {select}"


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _rounded(field: Field) -> str:
    name = f"`{field.name}`"
    if field.type == "NUMERIC":
        return f"CAST({name} AS NUMERIC) AS {name}"
    if field.type != "FLOAT64":
        return name
    # Adding 0 turns the -0.0 that a tiny negative rounds to into 0.0.
    number = f"CAST({name} AS FLOAT64)"
    rounded = f"ROUND(ROUND({number}, {NOISE_DECIMALS}), {FLOAT_DECIMALS}) + 0.0"
    return f"IF(IS_NAN({number}) OR IS_INF({number}), NULL, {rounded}) AS {name}"
