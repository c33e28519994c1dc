"""A date's rows of some tables as they were: compared, and put back.

    preview: a fingerprint of each row now, and then: what would go, what would come
    restore: a copy of then for each table, counted -> one transaction with the counts asserted
      before and after -> counted once more -> the copies dropped

Whatever fails leaves the tables as they are, and the copies for a day.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from google.cloud import bigquery

from shared.core.errors import DataError, Fatal, StoreUnavailable
from shared.stores.gcp.bigquery_jobs import Jobs
from shared.stores.gcp.bigquery_target import check_writable
from shared.stores.gcp.errors import errors
from shared.stores.ports import PastRows
from shared.stores.warehouse import past
from shared.stores.warehouse.past import Swap
from shared.stores.warehouse.schemas import TableSchema, load_schema

PREFIX = "_restored_"


@dataclass(frozen=True)
class Past:
    """A date of tables at a moment. `reference` finds a table in its project and dataset."""

    jobs: Jobs
    reference: Callable[[str], bigquery.TableReference]
    day: date
    moment: datetime

    def compare(self, tables: Sequence[str]) -> dict[str, PastRows]:
        """Two statements a table; nothing is written."""
        return {table: self._compare(load_schema(table)) for table in tables}

    def _compare(self, schema: TableSchema) -> PastRows:
        now, then = (self._fingerprints(schema, moment) for moment in (None, self.moment))
        return PastRows(
            rows_now=now.total(), rows_then=then.total(), removed=(now - then).total(), added=(then - now).total()
        )

    def _fingerprints(self, schema: TableSchema, moment: datetime | None) -> Counter[int]:
        sql = past.fingerprints_sql(str(self.reference(schema.name)), schema, self.day, moment)
        with errors(f"Reading {self.day} of {schema.name} failed"):
            return Counter(row["fingerprint"] for row in self.jobs.rows(sql).to_pylist())

    def restore(self, rows_now: Mapping[str, int]) -> dict[str, int]:
        """Put the tables back together; `rows_now` is what the preview counted of each. Returns the
        rows that each has then.

        Raises DataError where a table had no rows then, Fatal where counts are not as they must be,
        WriteConflict where another writer got in between: in each case nothing has changed.
        """
        schemas = [load_schema(table) for table in rows_now]
        for schema in schemas:
            with errors(f"Restoring {schema.name} failed"):
                target = self.jobs.table(self.reference(schema.name))
            check_writable(target, schema)
        swaps = [self._copy(schema, rows_now[schema.name]) for schema in schemas]
        with errors(f"Restoring {self.day} failed"):
            self.jobs.query(past.swap_all_sql(swaps, self.day))
        found = {swap.schema.name: self._count(swap.table, swap.schema) for swap in swaps}
        wrong = [f"{swap.schema.name} has {found[swap.schema.name]} rows, the copy {swap.copy} has {swap.rows_then}"
                 for swap in swaps if found[swap.schema.name] != swap.rows_then]  # fmt: skip
        if wrong:
            raise Fatal(
                f"{self.day} was restored and is not as it was: {'; '.join(wrong)}.",
                next_step="somebody wrote at the same time; the copies stay for a day.",
            )
        for swap in swaps:
            with suppress(StoreUnavailable), errors(f"Dropping {swap.copy} failed"):  # it expires by itself
                self.jobs.drop(bigquery.TableReference.from_string(swap.copy))
        return found

    def _copy(self, schema: TableSchema, rows_now: int) -> Swap:
        table = str(self.reference(schema.name))
        copy = str(self.reference(f"{schema.dataset}.{PREFIX}{uuid.uuid4().hex}"))
        with errors(f"Copying {self.day} of {schema.name} failed"):
            self.jobs.query(past.copy_sql(copy, table, schema, self.day, self.moment))
        rows_then = self._count(copy, schema)
        if not rows_then:
            raise DataError(
                f"{schema.name} had no rows of {self.day} at {self.moment.isoformat()}.",
                next_step="say an earlier moment; nothing was changed.",
            )
        return Swap(table, copy, schema, rows_now, rows_then)

    def _count(self, table: str, schema: TableSchema) -> int:
        with errors(f"Counting {table} failed"):
            (found,) = self.jobs.rows(past.count_sql(table, schema, self.day)).to_pylist()
        return int(found["n"])
