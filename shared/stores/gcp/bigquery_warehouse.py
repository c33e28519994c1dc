"""The Warehouse port on BigQuery: parameterised SQL, load jobs of Parquet, partitions replaced at
once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

import pyarrow as pa
from google.cloud import bigquery

from shared.core import concurrency
from shared.stores.gcp.bigquery_jobs import Jobs, fresh_id
from shared.stores.gcp.bigquery_load import append, job_name
from shared.stores.gcp.bigquery_partition import Replacement
from shared.stores.gcp.bigquery_past import Past
from shared.stores.gcp.bigquery_sql import Kind, Statement, prepare
from shared.stores.gcp.bigquery_types import plain, with_types
from shared.stores.gcp.errors import errors
from shared.stores.gcp.limits import Limits
from shared.stores.ports import DateRange, Params, PastRows
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.schemas import load_schema, table_place
from shared.stores.warehouse.staging import check_staging, tables_sql

# A batch leaves up to 200 staging tables, and a delete is one request of a tenth of a second.
_DROPS_AT_ONCE = 8
_LIMITS = Limits()


class BigQueryWarehouse:
    """ports.Warehouse on the datasets of one project; safe to use from many threads.

    Args:
        dataset_prefix: stands before every dataset's name in the project (DATASET_PREFIX).
        epoch: of the state; a project never forgets a job's id, so those of another epoch are
            others (STATE_EPOCH).
        max_bytes_billed: a query that would read more fails before it costs anything.
        limits: how long jobs and requests may take.
    """

    def __init__(
        self,
        client: bigquery.Client,
        *,
        dataset_prefix: str,
        max_bytes_billed: int,
        epoch: int = 1,
        limits: Limits = _LIMITS,
    ) -> None:
        self._client = client
        self._prefix = dataset_prefix
        self._jobs_prefix = dataset_prefix if epoch == 1 else f"{dataset_prefix}e{epoch}-"
        self._jobs = Jobs(client, max_bytes_billed=max_bytes_billed, limits=limits)

    def query(self, sql: str, params: Params | None = None) -> pa.Table:
        statement = self._prepare(sql, params, "query")
        with errors("The query failed"):
            return plain(self._jobs.rows(statement.sql, statement.parameters))

    def execute(self, sql: str, params: Params | None = None) -> int:
        statement = self._prepare(sql, params, "dml")
        with errors("The statement failed"):
            return int(self._jobs.query(statement.sql, statement.parameters).num_dml_affected_rows or 0)

    def load(self, table: str, rows: pa.Table, *, mode: Literal["append", "replace"], job_id: str) -> int:
        """See the port.

        A replacing load has a job of its own each time: it comes to the same however often it is
        done, and a staging table that was dropped since has to be written again.
        """
        reference = self._reference(table)
        if mode == "append":
            schema = load_schema(table)
            fitting = conform(rows, schema)
            with errors(f"Loading {table} failed"):
                return append(self._jobs, reference, schema, fitting, job_name(self._jobs_prefix, job_id), job_id)
        check_staging(table)
        return self._replace(reference, table, rows)

    def replace_partition(
        self, table: str, dates: DateRange, select: str, params: Params, *, by: Sequence[str] = ("game_date",)
    ) -> int:
        statement = self._prepare(select, params, "query")
        return Replacement(self._jobs, self._reference, load_schema(table), dates, statement, by).run()

    def tables(self, dataset: str, prefix: str) -> dict[str, tuple[str, ...]]:
        found = self.query(tables_sql(dataset), {"prefix": prefix}).to_pylist()
        return {f"{dataset}.{row['table_name']}": tuple(row["columns"]) for row in found}

    def drop(self, tables: Sequence[str]) -> None:
        def drop(table: str) -> None:
            with errors(f"Dropping {table} failed"):
                self._jobs.drop(self._reference(table))

        tasks = {table: (lambda table=table: drop(table)) for table in tables}
        concurrency.all_of(tasks, _DROPS_AT_ONCE, name="drop")

    def compare_with_past(self, tables: Sequence[str], day: date, moment: datetime) -> dict[str, PastRows]:
        return Past(self._jobs, self._reference, day, moment).compare(tables)

    def restore_past(self, rows_now: Mapping[str, int], day: date, moment: datetime) -> dict[str, int]:
        return Past(self._jobs, self._reference, day, moment).restore(rows_now)

    # --- inside -----------------------------------------------------------------------------------

    def _prepare(self, sql: str, params: Params | None, kind: Kind) -> Statement:
        return prepare(sql, params, self._prefix, kind)

    def _replace(self, reference: bigquery.TableReference, table: str, rows: pa.Table) -> int:
        rows, fields = with_types(table, rows)
        job_id = fresh_id("load")
        with errors(f"Loading {table} failed"):
            job = self._jobs.begin_job(
                job_id,
                lambda: self._jobs.load(reference, rows, fields, job_id=job_id, replace=True),
            )
            self._jobs.wait_for_result(job)
            return int(job.output_rows or 0)

    def _reference(self, table: str) -> bigquery.TableReference:
        dataset, name = table_place(table)
        return bigquery.DatasetReference(self._client.project, self._prefix + dataset).table(name)
