"""The SQL of restoring a date by BigQuery's time travel, as text; nothing is run here.

Tables are given with project and dataset. A statement cannot read a table as it is and as it was
(cloud.google.com/bigquery/docs/time-travel), so each reads it at one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from shared.stores.warehouse.schemas import TableSchema

_EXPIRES = "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY)"


@dataclass(frozen=True)
class Swap:
    """A table whose date is replaced by a copy's rows; rows_now: what it has before, rows_then:
    what the copy has.
    """

    table: str
    copy: str
    schema: TableSchema
    rows_now: int
    rows_then: int


def fingerprints_sql(table: str, schema: TableSchema, day: date, moment: datetime | None) -> str:
    """A number for each row of the date, equal for equal rows; at a moment, or as they are."""
    rows = _rows(table, schema, day, moment)
    return f"SELECT FARM_FINGERPRINT(TO_JSON_STRING(kept)) AS fingerprint FROM ({rows}) AS kept"


def copy_sql(copy: str, table: str, schema: TableSchema, day: date, moment: datetime) -> str:
    """The date's rows as they were, in a table of their own, which goes by itself in a day."""
    options = f"OPTIONS (expiration_timestamp = {_EXPIRES})"
    return f"CREATE TABLE `{copy}` {options} AS {_rows(table, schema, day, moment)}"


def count_sql(table: str, schema: TableSchema, day: date) -> str:
    """n: the rows of the date."""
    return f"SELECT COUNT(*) AS n FROM `{table}` WHERE {_of_day(schema, day)}"


def swap_all_sql(swaps: Sequence[Swap], day: date) -> str:
    """One transaction for all tables. Nothing of it stays where a table has other rows before than
    were previewed, or other rows after than the copy has: an ASSERT that fails rolls it back.
    """
    statements = ["BEGIN TRANSACTION;"]
    for swap in swaps:
        where, columns = _of_day(swap.schema, day), _list_columns(swap.schema)
        count = f"SELECT COUNT(*) FROM `{swap.table}` WHERE {where}"
        name = swap.schema.name
        statements += [
            f"ASSERT ({count}) = {swap.rows_now} AS 'the rows of {name} are not those of the preview';",
            f"DELETE FROM `{swap.table}` WHERE {where};",
            f"INSERT INTO `{swap.table}` ({columns}) SELECT {columns} FROM `{swap.copy}`;",
            f"ASSERT ({count}) = {swap.rows_then} AS 'the rows of {name} are not those of the copy';",
        ]
    return "\n".join([*statements, "COMMIT TRANSACTION;"])


def _rows(table: str, schema: TableSchema, day: date, moment: datetime | None) -> str:
    at = (
        "" if moment is None else f" FOR SYSTEM_TIME AS OF TIMESTAMP '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00}'"
    )
    return f"SELECT {_list_columns(schema)} FROM `{table}`{at} WHERE {_of_day(schema, day)}"


def _of_day(schema: TableSchema, day: date) -> str:
    # written out: a script hands its parameters to its statements on BigQuery, and not everywhere
    return f"`{schema.partition_field}` = DATE '{day.isoformat()}'"


def _list_columns(schema: TableSchema) -> str:
    return ", ".join(f"`{name}`" for name in schema.columns)
