"""replace_partition on BigQuery: a SELECT's rows in a table of their own, checked there, then put in place at once.

    dry run: columns -> CREATE TABLE _replacement_... AS SELECT (rounded, expires by itself) -> NULLs, dates, rows
      one day, by the partition alone: a table like the target is filled, and its partition copied over the day's
      otherwise: DELETE of the slices and INSERT in one transaction, which fails against another writer of the table

A copy is a metadata operation, at once or not at all; it wants both tables alike in modes, partitions and clusters.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from google.cloud import bigquery

from shared.errors import Fatal, SchemaMismatch, StoreUnavailable
from shared.gcp.bigquery_jobs import RETRY, Jobs
from shared.gcp.bigquery_sql import Statement, column_list
from shared.gcp.bigquery_types import fits, type_of
from shared.gcp.errors import errors
from shared.ports import DateRange
from shared.warehouse.rounding import FLOAT_DECIMALS, NOISE_DECIMALS
from shared.warehouse.schemas import Field, TableSchema

PREFIX = "_replacement_"
_EXPIRES = "TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)"


@dataclass(frozen=True)
class Replacement:
    """One call of replace_partition. `reference` finds a table in its project and dataset."""

    jobs: Jobs
    reference: Callable[[str], bigquery.TableReference]
    schema: TableSchema
    dates: DateRange
    select: Statement
    by: Sequence[str]

    def run(self) -> int:
        """Returns the rows written. Raises SchemaMismatch, Fatal for rows outside the dates, WriteConflict."""
        day = self.schema.partition_field
        if day is None:
            raise Fatal(f"{self.schema.name} is not partitioned.", next_step="use MERGE, or load with mode replace.")
        keys = [self.schema.field(name) for name in self.by]
        doing = f"Replacing {self.dates} of {self.schema.name} failed"
        with errors(doing):
            self._check_columns(self.jobs.columns(self.select.sql, self.select.parameters))
        table = self.reference(self.schema.name)
        made = self.reference(f"{self.schema.dataset}.{PREFIX}{uuid.uuid4().hex}")
        alike = self.reference(f"{self.schema.dataset}.{made.table_id}_alike")
        try:
            with errors(doing):
                self.jobs.query(
                    _created(made, f"SELECT {self._rounded()} FROM ({self.select.sql}\n)"), self.select.parameters
                )
                rows = self._checked(made, day)
                if not rows:
                    return 0
                if list(self.by) == [day] and self.dates.first == self.dates.last:
                    self.jobs.query(_created(alike, f"SELECT {self._columns()} FROM {_named(made)}", self._like(day)))
                    self.jobs.copy(self._partition(alike), self._partition(table))
                else:
                    self.jobs.query(self._transaction(table, made, keys, day))
        finally:
            for each in (made, alike):
                with suppress(StoreUnavailable):  # it expires by itself
                    self._drop(each)
        return rows

    # --- the SELECT ----------------------------------------------------------------------------------------------

    def _check_columns(self, given: Sequence[bigquery.SchemaField]) -> None:
        found = {field.name: type_of(field) for field in given}
        wrong = [f"{name} is not declared" for name in found if name not in self.schema.columns]
        for field in self.schema.fields:
            if field.name not in found:
                wrong.append(f"{field.name} is missing")
            elif not fits(found[field.name], field.type):
                wrong.append(f"{field.name} is {field.type}, the SELECT gives {found[field.name]}")
        if wrong:
            raise SchemaMismatch(
                f"The SELECT does not fit {self.schema.name}: {'; '.join(wrong)}.",
                next_step="name every declared column and CAST it to its type (an empty one: CAST(NULL AS type)).",
            )

    def _checked(self, made: bigquery.TableReference, day: str) -> int:
        """The number of rows. Raises SchemaMismatch for NULL in REQUIRED columns, Fatal for rows of other dates."""
        required = [field.name for field in self.schema.fields if field.required]
        nulls = ", ".join(f"COUNTIF(`{name}` IS NULL)" for name in required)
        sql = (
            f"SELECT COUNT(*) AS n, COUNTIF(`{day}` NOT BETWEEN @first AND @last) AS outside, [{nulls}] AS nulls"
            f" FROM {_named(made)}"
        )
        bounds = (("first", self.dates.first), ("last", self.dates.last))
        dates = [bigquery.ScalarQueryParameter(name, "DATE", value) for name, value in bounds]
        (found,) = self.jobs.rows(sql, dates).to_pylist()
        empty = [f"{name} ({int(count)} rows)" for name, count in zip(required, found["nulls"], strict=True) if count]
        if empty:
            raise SchemaMismatch(
                f"NULL in REQUIRED columns of {self.schema.name}: {', '.join(empty)}.",
                next_step="fill the column in the SELECT, or leave those rows out with a reason.",
            )
        if found["outside"]:
            raise Fatal(
                f"{found['outside']} rows for {self.schema.name} lie outside {self.dates.first} to {self.dates.last}.",
                next_step="filter the SELECT by the dates it replaces.",
            )
        return int(found["n"])

    def _rounded(self) -> str:
        return ", ".join(map(_rounded, self.schema.fields))

    def _columns(self) -> str:
        return column_list(self.schema.columns)

    def _like(self, day: str) -> str:
        """What makes a table like the declared one."""
        columns = ", ".join(
            f"`{field.name}` {field.type}{' NOT NULL' if field.required else ''}" for field in self.schema.fields
        )
        cluster = f" CLUSTER BY {column_list(self.schema.clustering)}" if self.schema.clustering else ""
        return f" ({columns}) PARTITION BY `{day}`{cluster}"

    # --- putting it in place -------------------------------------------------------------------------------------

    def _partition(self, table: bigquery.TableReference) -> bigquery.TableReference:
        return bigquery.TableReference(
            bigquery.DatasetReference(table.project, table.dataset_id), f"{table.table_id}${self.dates.first:%Y%m%d}"
        )

    def _transaction(
        self, table: bigquery.TableReference, made: bigquery.TableReference, keys: Sequence[Field], day: str
    ) -> str:
        same = " AND ".join(
            f"old.`{key.name}` {'=' if key.required else 'IS NOT DISTINCT FROM'} slices.`{key.name}`" for key in keys
        )
        columns = self._columns()
        return (
            f"BEGIN TRANSACTION;\n"
            f"DELETE FROM {_named(table)} AS old WHERE old.`{day}`"
            # dates, so that the text is theirs alone: a script shares no parameters with its statements everywhere
            f" BETWEEN DATE '{self.dates.first.isoformat()}' AND DATE '{self.dates.last.isoformat()}'"
            f" AND EXISTS (SELECT 1 FROM {_named(made)} AS slices WHERE {same});\n"
            f"INSERT INTO {_named(table)} ({columns}) SELECT {columns} FROM {_named(made)};\n"
            f"COMMIT TRANSACTION;"
        )

    def _drop(self, made: bigquery.TableReference) -> None:
        with errors(f"Dropping {made.table_id} failed"):
            self.jobs.client.delete_table(made, retry=RETRY, not_found_ok=True)


def _created(table: bigquery.TableReference, select: str, like: str = "") -> str:
    return f"CREATE TABLE {_named(table)}{like} OPTIONS (expiration_timestamp = {_EXPIRES}) AS {select}"


def _named(table: bigquery.TableReference) -> str:
    return f"`{table.project}.{table.dataset_id}.{table.table_id}`"


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
