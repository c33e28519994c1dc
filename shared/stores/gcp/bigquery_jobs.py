"""BigQuery jobs: each with labels, a limit on the bytes billed and a time-out, waited for to its
end.
"""

from __future__ import annotations

import io
import os
import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from google.api_core import exceptions as google
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY

from shared.core.errors import StoreUnavailable
from shared.core.logs import bound
from shared.stores.gcp.bigquery_sql import Parameter
from shared.stores.gcp.limits import Limits

# The library would begin an upload six times more: three times a quarter of a function's time are
# all there is.
_UPLOAD_RETRIES = 2
_NOT_IN_A_LABEL = re.compile(r"[^a-z0-9_-]")
_LONGEST_LABEL = 63


class Jobs:
    """Runs jobs for one project and location.

    Raises Google's errors; the caller says what it was doing.
    """

    def __init__(self, client: bigquery.Client, *, max_bytes_billed: int, limits: Limits) -> None:
        self.client = client
        self._max_bytes_billed = max_bytes_billed
        self._limits = limits
        self._retry = DEFAULT_RETRY.with_timeout(limits.retry)
        self._job_retry = DEFAULT_JOB_RETRY.with_timeout(limits.job_retry)

    def query(self, sql: str, parameters: Sequence[Parameter] = ()) -> bigquery.QueryJob:
        """Run SQL to its end: a SELECT, DML, DDL or a script."""
        job = self._begin(sql, self._query_config(parameters))
        self.wait_for_result(job)
        return job

    def columns(self, sql: str, parameters: Sequence[Parameter] = ()) -> list[bigquery.SchemaField]:
        """The columns a SELECT would give, without running it (a dry run, free of charge)."""
        config = self._query_config(parameters)
        config.dry_run = True
        config.use_query_cache = False
        return list(self._begin(sql, config).schema or [])

    def rows(self, sql: str, parameters: Sequence[Parameter] = ()) -> pa.Table:
        """The rows of a SELECT, read over REST: the results are small, and the Storage API is one
        more dependency.
        """
        job = self._begin(sql, self._query_config(parameters))
        return self.wait_for_result(job).to_arrow(create_bqstorage_client=False)

    def load(
        self,
        table: bigquery.TableReference,
        rows: pa.Table,
        fields: Sequence[bigquery.SchemaField],
        *,
        job_id: str,
        replace: bool,
    ) -> bigquery.LoadJob:
        """Begin a load job from Parquet made in memory.

        Raises Conflict where a job of that id exists.
        """
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            schema=list(fields),
            create_disposition="CREATE_IF_NEEDED" if replace else "CREATE_NEVER",
            write_disposition="WRITE_TRUNCATE" if replace else "WRITE_APPEND",
            labels=labels(),
        )
        config.job_timeout_ms = int(self._limits.job * 1000)
        file = io.BytesIO()
        parquet.write_table(rows, file)
        size = file.tell()
        file.seek(0)
        return self.client.load_table_from_file(
            file,
            table,
            size=size,
            job_id=job_id,
            job_config=config,
            num_retries=_UPLOAD_RETRIES,
            timeout=self._limits.request,
        )

    def copy(self, source: bigquery.TableReference, destination: bigquery.TableReference) -> None:
        """Put a table, or a partition of one, in the place of another: at once, or not at all."""
        config = bigquery.CopyJobConfig(
            create_disposition="CREATE_NEVER", write_disposition="WRITE_TRUNCATE", labels=labels()
        )
        config.job_timeout_ms = int(self._limits.job * 1000)
        job_id = fresh_id("copy")
        job = self.begin_job(
            job_id,
            lambda: self.client.copy_table(
                source, destination, job_id=job_id, job_config=config, timeout=self._limits.request, retry=self._retry
            ),
        )
        self.wait_for_result(job)

    def wait_for_result(self, job: Any) -> Any:
        """The job's result.

        Raises TimeoutError where it does not come in the job's time: the library would wait for
        ever, also for an answer that gets lost on its way.
        """
        return job.result(retry=self._retry, timeout=self._limits.job)

    def table(self, table: bigquery.TableReference) -> bigquery.Table:
        """What the project knows of a table: its columns, partitions, clusters, key and
        descriptions. Costs nothing.
        """
        return self.client.get_table(table, retry=self._retry, timeout=self._limits.request)

    def drop(self, table: bigquery.TableReference) -> None:
        """Drop a table; one that is not there is no error."""
        self.client.delete_table(table, retry=self._retry, timeout=self._limits.request, not_found_ok=True)

    def begin_job(self, job_id: str, begin: Callable[[], Any]) -> Any:
        """The job that `begin` begins under an id of its own; found, where the answer to the first
        try was lost.
        """
        try:
            return begin()
        except google.Conflict:
            return self.find_job(job_id)

    def find_job(self, job_id: str) -> Any:
        """The job of an id that is used.

        Raises StoreUnavailable where it cannot be read yet: BigQuery knows of an id a moment before
        it shows the job.
        """
        try:
            return self.client.get_job(job_id, retry=self._retry, timeout=self._limits.request)
        except google.NotFound as error:
            raise StoreUnavailable(
                f"The job {job_id} exists and cannot be read yet.", next_step="try again."
            ) from error

    def _begin(self, sql: str, config: bigquery.QueryJobConfig) -> bigquery.QueryJob:
        return self.client.query(
            sql, job_config=config, timeout=self._limits.request, retry=self._retry, job_retry=self._job_retry
        )

    def _query_config(self, parameters: Sequence[Parameter]) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(
            query_parameters=list(parameters), maximum_bytes_billed=self._max_bytes_billed, labels=labels()
        )
        config.job_timeout_ms = int(self._limits.job * 1000)
        return config


def fresh_id(purpose: str) -> str:
    """A job id that no other job has."""
    return f"props-{purpose}-{uuid.uuid4().hex}"


def labels() -> dict[str, str]:
    """What bills and job lists show of a job: the pipeline, the function and, where known, the
    run.
    """
    found = {
        "pipeline": "nba_props",
        "function": bound("function") or os.environ.get("K_SERVICE", ""),
        "run": bound("run_id"),
    }
    return {name: _NOT_IN_A_LABEL.sub("-", text.lower())[:_LONGEST_LABEL] for name, text in found.items() if text}
