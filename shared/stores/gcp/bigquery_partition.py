"""replace_partition on BigQuery: a SELECT's rows in a table of their own, checked there, then put
in place at once.

    dry run: columns -> CREATE TABLE _replacement_... AS SELECT (rounded, expires by itself)
      -> NULLs, dates, rows
      one day, by the partition alone: a table like the target is filled, and its partition copied
        over the day's
      otherwise: DELETE of the slices and INSERT in one transaction, which fails against another
        writer of the table

A copy is a metadata operation, at once or not at all. It demands equal schemas, partitions and
clusters. The table in the project may differ from the declared one: after a rollback of code alone
it has columns of the newer code. Then the transaction is taken, which names its columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from google.cloud import bigquery

from shared.core.errors import Fatal, SchemaMismatch, StoreUnavailable
from shared.stores.gcp.bigquery_jobs import Jobs
from shared.stores.gcp.bigquery_sql import Statement
from shared.stores.gcp.bigquery_target import check_writable, metadata, same_as_declared
from shared.stores.gcp.bigquery_types import fits, type_of
from shared.stores.gcp.errors import errors
from shared.stores.ports import DateRange
from shared.stores.warehouse import replacement
from shared.stores.warehouse.schemas import TableSchema

PREFIX = "_replacement_"


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
        """Returns the rows written.

        Raises SchemaMismatch where the SELECT or the table in the project does not fit the declared
        one, Fatal for rows outside the dates, WriteConflict.
        """
        schema = self.schema
        if schema.partition_field is None:
            raise Fatal(f"{schema.name} is not partitioned.", next_step="use MERGE, or load with mode replace.")
        for name in self.by:
            schema.field(name)
        doing = f"Replacing {self.dates} of {schema.name} failed"
        with errors(doing):
            self._check_columns(self.jobs.columns(self.select.sql, self.select.parameters))
        table = self.reference(schema.name)
        with errors(doing):
            target = self.jobs.table(table)
        check_writable(target, schema)
        made = self.reference(f"{schema.dataset}.{PREFIX}{uuid.uuid4().hex}")
        alike = self.reference(f"{schema.dataset}.{made.table_id}_alike")
        try:
            with errors(doing):
                self.jobs.query(replacement.make_sql(str(made), self.select.sql, schema), self.select.parameters)
                rows = self._check(made)
                if not rows:
                    return 0
                whole_day = list(self.by) == [schema.partition_field] and self.dates.first == self.dates.last
                if whole_day and same_as_declared(target, schema):
                    self.jobs.query(replacement.like_sql(str(alike), str(made), schema, metadata(target)))
                    self.jobs.copy(self._partition(alike), self._partition(table))
                else:
                    self.jobs.query(replacement.swap_sql(str(table), str(made), schema, self.dates, self.by))
        finally:
            for each in (made, alike):
                with suppress(StoreUnavailable):  # it expires by itself
                    self._drop(each)
        return rows

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

    def _check(self, made: bigquery.TableReference) -> int:
        """The number of rows.

        Raises SchemaMismatch for NULL in REQUIRED columns, Fatal for rows of other dates.
        """
        bounds = (("first", self.dates.first), ("last", self.dates.last))
        dates = [bigquery.ScalarQueryParameter(name, "DATE", value) for name, value in bounds]
        (found,) = self.jobs.rows(replacement.count_sql(str(made), self.schema), dates).to_pylist()
        required = [field.name for field in self.schema.fields if field.required]
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

    def _partition(self, table: bigquery.TableReference) -> bigquery.TableReference:
        dataset = bigquery.DatasetReference(table.project, table.dataset_id)
        return dataset.table(f"{table.table_id}${self.dates.first:%Y%m%d}")

    def _drop(self, made: bigquery.TableReference) -> None:
        with errors(f"Dropping {made.table_id} failed"):
            self.jobs.drop(made)
