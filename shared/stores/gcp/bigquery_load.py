"""Appends exactly once: the load job's id is made from the caller's, so that a retry finds the job
of the first try.
"""

from __future__ import annotations

import hashlib
import re

import pyarrow as pa
from google.api_core import exceptions as google
from google.cloud import bigquery

from shared.core.errors import Fatal
from shared.stores.gcp.bigquery_jobs import Jobs
from shared.stores.gcp.bigquery_target import check_writable, load_fields
from shared.stores.warehouse.schemas import TableSchema

# An id is used up by a job that failed, and then its retry takes the next: more failures than this
# are no accident.
_TRIES = 20
_LONGEST_NAME = 200
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_-]")


def job_name(prefix: str, job_id: str) -> str:
    """A caller's job id in the alphabet of BigQuery's, told apart by its hash; environments have
    jobs of their own.
    """
    whole = f"{prefix}{job_id}"
    digest = hashlib.sha256(f"{prefix}/{job_id}".encode()).hexdigest()[:24]
    return f"{_NOT_IN_AN_ID.sub('-', whole)[:_LONGEST_NAME]}-{digest}"


def append(
    jobs: Jobs, table: bigquery.TableReference, schema: TableSchema, rows: pa.Table, name: str, job_id: str
) -> int:
    """Append the rows by the first job of that name that succeeds, whoever began it; returns the
    rows that it loaded.

    Raises Google's errors of a job begun here, Fatal where the name has been used for another
    table, SchemaMismatch where the table in the project does not take the declared columns.
    """
    target = jobs.table(table)
    check_writable(target, schema)
    fields = load_fields(target, schema)
    for number in range(1, _TRIES + 1):
        numbered = f"{name}-{number}"
        try:
            job = jobs.load(table, rows, fields, job_id=numbered, replace=False)
        except google.Conflict:
            found = _rows_of_earlier_job(jobs, numbered, table, schema.name, job_id)
            if found is None:
                continue
            return found
        jobs.wait_for_result(job)
        return int(job.output_rows or 0)
    raise Fatal(
        f"The load job {job_id!r} for {schema.name} has failed {_TRIES} times.",
        next_step=f"look at the jobs {name}-* in BigQuery, mend the cause, and begin the run anew.",
    )


def _rows_of_earlier_job(
    jobs: Jobs, numbered: str, table: bigquery.TableReference, name: str, job_id: str
) -> int | None:
    """The rows that an earlier job of this id loaded; None where it failed."""
    job = jobs.find_job(numbered)
    if not isinstance(job, bigquery.LoadJob) or _place(job.destination) != _place(table):
        raise Fatal(
            f"The load job {job_id!r} for {name} has been used for {getattr(job, 'destination', 'another job')}.",
            next_step="put the table's name into the job_id.",
        )
    try:
        jobs.wait_for_result(job)
    except google.GoogleAPICallError:
        if job.error_result is None:
            raise  # not the job's failure: it could not be asked
        return None
    return int(job.output_rows or 0)


def _place(table: bigquery.TableReference) -> tuple[str, str]:
    return table.dataset_id, table.table_id
