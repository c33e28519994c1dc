"""The Warehouse port on one DuckDB file: BigQuery SQL transpiled, one writer at a time, readers
free.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from local.embedded import duckdb_types as types
from local.embedded.duckdb_errors import errors, of_opening, storage_fault
from local.embedded.duckdb_partition import REPLACEMENT, count_affected, replace_slices
from local.embedded.storage_faults import file_errors
from local.embedded.transpile import MERGE_SOURCE, Statement, transpile
from local.embedded.write_ahead import check_duckdb_log
from shared.core.errors import Fatal, SchemaMismatch
from shared.stores.ports import DateRange, Params
from shared.stores.warehouse import migration
from shared.stores.warehouse.rows import conform
from shared.stores.warehouse.schemas import DATASETS, all_schemas, all_views, load_schema, table_place
from shared.stores.warehouse.staging import check_staging

logger = logging.getLogger(__name__)

_STAGING = "_staging_"
# A checkpoint writes whole tables: at the default 16 MiB of log one falls into the middle of a
# day's run (3 s of a consolidation's 3.5). The log is as durable, and is folded in when the
# warehouse is closed.
_CHECKPOINT_AT = "256MB"
_LOAD_JOBS = "CREATE TABLE IF NOT EXISTS main._load_jobs (job_id VARCHAR PRIMARY KEY, target VARCHAR, loaded BIGINT)"

_MIGRATIONS = "CREATE TABLE IF NOT EXISTS main._migrations (name VARCHAR PRIMARY KEY)"
_MIGRATED = "SELECT name FROM main._migrations WHERE name = ?"
_NOTE_MIGRATED = "INSERT INTO main._migrations VALUES (?) ON CONFLICT DO NOTHING"
_ANY_TABLE = "SELECT 1 FROM duckdb_tables() WHERE starts_with(schema_name, ? || 'nba_') LIMIT 1"

_NOTE_LOAD_JOB = "INSERT INTO main._load_jobs VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING job_id"
_LOAD_JOB = "SELECT target, loaded FROM main._load_jobs WHERE job_id = ?"


class DuckDbWarehouse:
    """ports.Warehouse on a file. Every method may be called from any thread; close() when done.

    Opening migrates what a release before left (shared/stores/warehouse/migration.py) and creates
    what is declared and missing: tables, NULLABLE columns of a table, and the NULLs
    of a column that was REQUIRED, as BigQuery would allow (columns are always named, so their order
    is free). Commits survive a kill at any moment (write-ahead log, synced). Raises
    StoreUnavailable where another process holds the file, SchemaMismatch where a table has other
    columns. Opening and every use may raise StorageDamaged (blocks, header or log are not those
    written), DiskFull and StorageDenied.
    """

    def __init__(self, path: Path, dataset_prefix: str = "") -> None:
        self.path = path
        self._prefix = dataset_prefix
        self._write_lock = threading.RLock()
        self._lock = threading.Lock()
        self._cursors: dict[threading.Thread, duckdb.DuckDBPyConnection] = {}
        self._counts: Counter[str] = Counter()
        with file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        check_duckdb_log(path)
        try:
            self._root = duckdb.connect(str(path), config={"autoinstall_known_extensions": "false"})
        except duckdb.Error as error:
            raise of_opening(error, path) from error
        try:
            # Named time zones come with the icu extension, which is part of the wheel.
            self._root.execute("LOAD icu")
            self._root.execute("SET GLOBAL TimeZone = 'UTC'")
            self._root.execute(f"SET GLOBAL wal_autocheckpoint = '{_CHECKPOINT_AT}'")
            self._bring_up_to_date()
        except duckdb.Error as error:
            self._root.close()
            raise storage_fault(error, path) or error from error
        except BaseException:
            self._root.close()
            raise

    # --- counting, for statement budgets ---

    @property
    def statement_counts(self) -> dict[str, int]:
        """Calls since it was opened, by kind: query, execute, load, staging_load,
        replace_partition, tables, drop.
        """
        with self._lock:
            return dict(self._counts)

    def _count(self, kind: str) -> None:
        with self._lock:
            self._counts[kind] += 1

    # --- the port ---

    def query(self, sql: str, params: Params | None = None) -> pa.Table:
        statement = self._statement(sql, "query")
        self._count("query")
        with errors("The query failed", self.path):
            return types.result(self._cursor().execute(*_bound(statement, params)).to_arrow_table())

    def execute(self, sql: str, params: Params | None = None) -> int:
        statement = self._statement(sql, "dml")
        self._count("execute")
        with self._transaction("The statement failed") as cursor:
            if statement.source is None or statement.guard is None:
                return count_affected(cursor.execute(*_bound(statement, params)))
            # A MERGE: its source is read once, looked through, and merged.
            cursor.execute(*_bound(statement.source, params))
            if cursor.execute(*_bound(statement.guard, params)).fetchone():
                raise Fatal(
                    "UPDATE/MERGE must match at most one source row for each target row.",
                    next_step="make the source unique by the key of ON.",
                )
            changed = count_affected(cursor.execute(*_bound(statement, params)))
            cursor.execute(f"DROP TABLE {MERGE_SOURCE}")
            return changed

    def load(self, table: str, rows: pa.Table, *, mode: Literal["append", "replace"], job_id: str) -> int:
        self._count("staging_load" if table.partition(".")[2].startswith(_STAGING) else "load")
        if mode == "append":
            rows = conform(rows, load_schema(table))
        else:
            check_staging(table)
        with self._transaction(f"Loading {table} failed") as cursor:
            if mode == "append":
                job = [self._prefix + job_id, table, rows.num_rows]
                if cursor.execute(_NOTE_LOAD_JOB, job).fetchone() is None:
                    return _rows_of_repeat(job_id, table, cursor.execute(_LOAD_JOB, job[:1]).fetchall()[0])
            cursor.register("_rows", rows)
            try:
                if mode == "replace":
                    cursor.execute(f"CREATE OR REPLACE TABLE {self._name(table)} AS SELECT * FROM _rows")
                else:
                    cursor.execute(f"INSERT INTO {self._name(table)} BY NAME SELECT * FROM _rows")
            finally:
                cursor.unregister("_rows")
        return int(rows.num_rows)

    def replace_partition(
        self, table: str, dates: DateRange, select: str, params: Params, *, by: Sequence[str] = ("game_date",)
    ) -> int:
        schema = load_schema(table)
        statement = self._statement(select, "query")
        self._count("replace_partition")
        with self._transaction(f"Replacing {dates.first} to {dates.last} of {table} failed") as cursor:
            sql, bound = _bound(statement, params)
            cursor.execute(f"CREATE TEMP TABLE {REPLACEMENT} AS {sql}", bound)
            return replace_slices(cursor, self._name(table), schema, dates, by)

    def tables(self, dataset: str, prefix: str) -> dict[str, tuple[str, ...]]:
        self._count("tables")
        with errors("Listing tables failed", self.path):
            found = self._cursor().execute(
                "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns()"
                " SEMI JOIN duckdb_tables() USING (table_oid)"  # a view is no table
                " WHERE schema_name = ? AND starts_with(table_name, ?) GROUP BY table_name ORDER BY table_name",
                [self._prefix + dataset, prefix],
            )
            return {f"{dataset}.{name}": tuple(columns) for name, columns in found.fetchall()}

    def drop(self, tables: Sequence[str]) -> None:
        self._count("drop")
        with self._transaction(f"Dropping {len(tables)} tables failed") as cursor:
            for table in tables:
                cursor.execute(f"DROP TABLE IF EXISTS {self._name(table)}")

    def close(self) -> None:
        """Write the log into the file and let go of it; the warehouse cannot be used afterwards."""
        with self._write_lock, self._lock:
            for cursor in self._cursors.values():
                cursor.close()
            self._cursors.clear()
            self._root.close()

    # --- inside ---

    def _statement(self, sql: str, kind: str) -> Statement:
        statement = transpile(sql, self._prefix)
        if statement.kind != kind:
            raise Fatal(
                f"{'query' if kind == 'query' else 'execute'} was given {sql[:200]!r}.",
                next_step="query takes a SELECT, execute takes MERGE, INSERT, UPDATE or DELETE.",
            )
        return statement

    def _name(self, table: str) -> str:
        dataset, name = table_place(table)
        return f"{types.quote(self._prefix + dataset)}.{types.quote(name)}"

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        """This thread's cursor: a DuckDB connection serves one thread at a time."""
        thread = threading.current_thread()
        with self._lock:
            cursor = self._cursors.get(thread)
            if cursor is None:
                for ended in [other for other in self._cursors if not other.is_alive()]:
                    self._cursors.pop(ended).close()
                cursor = self._cursors[thread] = self._root.cursor()
            return cursor

    @contextmanager
    def _transaction(self, doing: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._write_lock, errors(doing, self.path):
            cursor = self._cursor()
            cursor.execute("BEGIN")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                _roll_back(cursor)
                raise

    def _bring_up_to_date(self) -> None:
        """Migrate what a release before left, and create what is declared and missing.

        A table that is declared anew is filled from the old one once it is there: hence both sides.
        """
        cursor, name = self._cursor(), [self._prefix + migration.NAME]
        is_new = cursor.execute(_ANY_TABLE, [self._prefix]).fetchone() is None
        cursor.execute(_MIGRATIONS)
        is_due = not is_new and cursor.execute(_MIGRATED, name).fetchone() is None
        if is_due:
            migration.migrate(self, logger.info)
        self._create_declared()
        if is_due:
            migration.migrate(self, logger.info)
        if is_due or is_new:
            cursor.execute(_NOTE_MIGRATED, name)
        with self._lock:
            self._counts.clear()

    def _create_declared(self) -> None:
        with self._transaction(f"Creating the declared tables in {self.path} failed") as cursor:
            cursor.execute(_LOAD_JOBS)
            for dataset in DATASETS:
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {types.quote(self._prefix + dataset)}")
            there: dict[tuple[str, str], list[tuple[str, str, bool]]] = {}
            for dataset, name, column, kind, nullable in cursor.execute(
                "SELECT schema_name, table_name, column_name, data_type, is_nullable FROM duckdb_columns()"
                " WHERE NOT internal ORDER BY schema_name, table_name, column_index"
            ).fetchall():
                there.setdefault((dataset, name), []).append((column, kind, nullable))
            for schema in all_schemas():
                key = (self._prefix + schema.dataset, schema.name.partition(".")[2])
                if key not in there:
                    cursor.execute(f"CREATE TABLE {self._name(schema.name)} ({types.column_definitions(schema)})")
                    continue
                changes = types.changes(schema, there[key])
                if changes is None:
                    declared = {(f.name, types.DUCKDB_TYPES[f.type], not f.required) for f in schema.fields}
                    different = sorted({name for name, _, _ in set(there[key]) ^ declared})
                    raise SchemaMismatch(
                        f"{schema.name} in {self.path} has other columns than declared: {', '.join(different)}.",
                        next_step="forget the local state with `make clean-local` and run again.",
                    )
                for change in changes:
                    cursor.execute(f"ALTER TABLE {self._name(schema.name)} {change}")
            for view, sql in all_views():
                cursor.execute(f"CREATE OR REPLACE VIEW {self._name(view)} AS {self._statement(sql, 'query').sql}")


# --- helpers --------------------------------------------------------------------------------------


def _roll_back(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        # A failed COMMIT has ended the transaction already, a fatal error the whole database: that
        # one is raised on.
        return


def _bound(statement: Statement, params: Params | None) -> tuple[str, dict[str, Any]]:
    """The SQL with the parameters it names; BigQuery too ignores those it does not."""
    given: Mapping[str, Any] = params or {}
    missing = sorted(statement.parameters - set(given))
    if missing:
        names = ", ".join(f"@{name}" for name in missing)
        raise Fatal(f"The SQL needs {names}; it begins {statement.sql[:200]!r}.", next_step="pass it in params.")
    used = {name: given[name] for name in sorted(statement.parameters)}
    for name, value in used.items():
        if isinstance(value, datetime) and value.tzinfo is None:
            raise Fatal(f"@{name} is {value!r}, without a time zone.", next_step="pass an aware datetime.")
    return statement.sql, used


def _rows_of_repeat(job_id: str, table: str, job: tuple[str, int]) -> int:
    target, loaded = job
    if target != table:
        raise Fatal(
            f"The load job {job_id!r} for {table} has been used for {target}.",
            next_step="put the table's name into the job_id.",
        )
    return loaded
