"""The SQL of replace_partition on BigQuery, as text; nothing is run here.

Tables are given with project and dataset.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.stores.ports import DateRange
from shared.stores.warehouse.schemas import Field, TableSchema

# How FLOAT64 columns are rounded, on every implementation alike.
FLOAT_DECIMALS = 6
# Sums of floats end in another last bit when the rows come in another order, and a mean of rounded
# figures often lies right between two roundings (20.1382145), where that bit decides. Rounded here
# first, the bit is gone.
NOISE_DECIMALS = 9

_EXPIRES = "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)"


@dataclass(frozen=True)
class Metadata:
    """What a table describes besides its columns' names, types and modes; none of it is enforced.

    Attributes:
        description: the table's.
        columns: each described column's description, by name.
        primary_key: columns of the constraint; empty where there is none.
    """

    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()


def make_sql(made: str, select: str, schema: TableSchema) -> str:
    """A table, gone by itself in an hour, of what a SELECT gives: the declared columns, FLOAT64
    rounded.
    """
    rounded = ", ".join(map(_round_sql, schema.fields))
    return _create_sql(made, "", f"SELECT {rounded} FROM ({select}\n)")


def like_sql(alike: str, made: str, schema: TableSchema, described: Metadata) -> str:
    """The same rows in a table like the target in columns, modes, partitions, clusters,
    descriptions and key.
    """
    parts = [_column(each, described.columns.get(each.name, "")) for each in schema.fields]
    if described.primary_key:
        parts.append(f"PRIMARY KEY ({_list_columns(described.primary_key)}) NOT ENFORCED")
    cluster = f" CLUSTER BY {_list_columns(schema.clustering)}" if schema.clustering else ""
    like = f" ({', '.join(parts)}) PARTITION BY `{schema.partition_field}`{cluster}"
    return _create_sql(alike, like, f"SELECT {_list_columns(schema.columns)} FROM `{made}`", described.description)


def count_sql(made: str, schema: TableSchema) -> str:
    """n: the rows; outside: those of other dates than @first to @last; nulls: those without each
    REQUIRED column.
    """
    nulls = ", ".join(f"COUNTIF(`{field.name}` IS NULL)" for field in schema.fields if field.required)
    outside = f"COUNTIF(`{schema.partition_field}` NOT BETWEEN @first AND @last)"
    return f"SELECT COUNT(*) AS n, {outside} AS outside, [{nulls}] AS nulls FROM `{made}`"


def swap_sql(table: str, made: str, schema: TableSchema, dates: DateRange, by: Sequence[str]) -> str:
    """One transaction: the slices that the made table has rows of are deleted from the table, and
    its rows inserted.

    The dates are written out (a script hands its parameters to its statements on BigQuery, and not
    everywhere).
    """
    keys = [schema.field(name) for name in by]
    same = " AND ".join(
        f"old.`{key.name}` {'=' if key.required else 'IS NOT DISTINCT FROM'} slices.`{key.name}`" for key in keys
    )
    first, last = dates.first.isoformat(), dates.last.isoformat()
    columns = _list_columns(schema.columns)
    return (
        "BEGIN TRANSACTION;\n"
        f"DELETE FROM `{table}` AS old WHERE old.`{schema.partition_field}` BETWEEN DATE '{first}' AND DATE '{last}'"
        f" AND EXISTS (SELECT 1 FROM `{made}` AS slices WHERE {same});\n"
        f"INSERT INTO `{table}` ({columns}) SELECT {columns} FROM `{made}`;\n"
        "COMMIT TRANSACTION;"
    )


def _create_sql(table: str, like: str, select: str, description: str = "") -> str:
    about = f", description = {_quote(description)}" if description else ""
    return f"CREATE TABLE `{table}`{like} OPTIONS (expiration_timestamp = {_EXPIRES}{about}) AS {select}"


def _column(column: Field, description: str) -> str:
    about = f" OPTIONS (description = {_quote(description)})" if description else ""
    return f"`{column.name}` {column.type}{' NOT NULL' if column.required else ''}{about}"


def _quote(text: str) -> str:
    """A string literal: JSON's escapes are GoogleSQL's too, but for the slash, which needs none."""
    return json.dumps(text, ensure_ascii=False)


def _list_columns(columns: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


def _round_sql(field: Field) -> str:
    name = f"`{field.name}`"
    if field.type == "NUMERIC":
        return f"CAST({name} AS NUMERIC) AS {name}"
    if field.type != "FLOAT64":
        return name
    # Adding 0 turns the -0.0 that a tiny negative rounds to into 0.0.
    number = f"CAST({name} AS FLOAT64)"
    rounded = f"ROUND(ROUND({number}, {NOISE_DECIMALS}), {FLOAT_DECIMALS}) + 0.0"
    return f"IF(IS_NAN({number}) OR IS_INF({number}), NULL, {rounded}) AS {name}"
