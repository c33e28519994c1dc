"""Empty warehouses in memory that tests are lent one after the other: opening a file with every
declared table takes a small test longer than all it does.
"""

from __future__ import annotations

import copy
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from local.embedded.duckdb_types import quote
from local.embedded.duckdb_warehouse import DuckDbWarehouse

_NOTED, _JOBS = '"main"."_migrations"', '"main"."_load_jobs"'
_TABLES = "SELECT schema_name, table_name, sql, estimated_size > 0 FROM duckdb_tables() WHERE NOT temporary"
_VIEWS = "SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal"


class _Kept:
    """One database in memory, and what it holds when it is empty."""

    def __init__(self) -> None:
        self.warehouse = DuckDbWarehouse(Path(":memory:"))
        self.root = self.warehouse._root
        # Two workers share two processors, and a test's tables are small.
        self.root.execute("SET GLOBAL threads = 1")
        self._settings = self._read_settings()
        self._views = set(self.root.execute(_VIEWS).fetchall())
        self._tables = {(dataset, name): sql for dataset, name, sql, _ in self.root.execute(_TABLES).fetchall()}
        self._migrations = self.root.execute("FROM main._migrations").fetchall()

    def lend(self, path: Path) -> DuckDbWarehouse:
        """Itself under the path of the borrower, with cursors, locks and counts of its own."""
        lent = copy.copy(self.warehouse)
        lent.path = path
        lent._root = self.root.cursor()
        lent._write_lock, lent._lock = threading.RLock(), threading.Lock()
        lent._cursors, lent._counts = {}, Counter()
        return lent

    def is_emptied(self) -> bool:
        """Take out what a borrower left; False where it changed what cannot be put back."""
        if set(self.root.execute(_VIEWS).fetchall()) != self._views or self._read_settings() != self._settings:
            return False
        found = self.root.execute(_TABLES).fetchall()
        self.root.execute("BEGIN")
        for dataset, name, sql, has_rows in found:
            declared = self._tables.get((dataset, name))
            if has_rows or sql != declared:
                self.root.execute(f"DROP TABLE {quote(dataset)}.{quote(name)}")
                if declared is not None:
                    self.root.execute(declared)
        for dataset, name in self._tables.keys() - {(dataset, name) for dataset, name, _, _ in found}:
            self.root.execute(self._tables[dataset, name])
        self.root.executemany("INSERT INTO main._migrations VALUES (?)", self._migrations)
        self.root.execute("COMMIT")
        return True

    def _read_settings(self) -> list[tuple[str, str]]:
        return self.root.execute("SELECT name, value FROM duckdb_settings() ORDER BY name").fetchall()


# Those that nobody has at the moment: a test may hold several at a time.
_free: list[_Kept] = []


@contextmanager
def lent_warehouse(path: Path, template: Path | None = None) -> Iterator[DuckDbWarehouse]:
    """A warehouse as of a new file, or of a copy of the template's; nothing is written to `path`,
    so it is for one opening. Closed and emptied at the end.
    """
    kept = _free.pop() if _free else _Kept()
    warehouse = kept.lend(path)
    if template is not None:
        _fill(warehouse._root, _read(template))
    try:
        yield warehouse
    finally:
        warehouse.close()
        if kept.is_emptied():
            _free.append(kept)
        else:
            kept.warehouse.close()


class LaidOut:
    """What a fixture puts into a new warehouse: the first test's is kept, and copied for the others
    of its process.

    `if not rows.are_put_into(warehouse):` lay it out, and `rows.keep(warehouse)`. Jobs that loaded
    it are not among them: their ids are free for the test.
    """

    def __init__(self) -> None:
        self._rows: Mapping[str, pa.Table] | None = None

    def are_put_into(self, warehouse: DuckDbWarehouse) -> bool:
        if self._rows is not None:
            _fill(warehouse._root, self._rows)
        return self._rows is not None

    def keep(self, warehouse: DuckDbWarehouse) -> None:
        self._rows = _read_rows(warehouse._root, without=(_NOTED, _JOBS))


@cache
def _read(template: Path) -> Mapping[str, pa.Table]:
    with duckdb.connect(str(template), read_only=True) as file:
        file.execute("SET TimeZone = 'UTC'")
        # what was migrated is noted in a new one too
        return _read_rows(file, without=(_NOTED,))


def _read_rows(root: duckdb.DuckDBPyConnection, without: Sequence[str]) -> Mapping[str, pa.Table]:
    """The tables that have rows, by their names in SQL."""
    names = [f"{quote(dataset)}.{quote(name)}" for dataset, name, _, _ in root.execute(_TABLES).fetchall()]
    read = {name: root.execute(f"FROM {name}").to_arrow_table() for name in names if name not in without}
    return {name: rows for name, rows in read.items() if rows.num_rows}


def _fill(root: duckdb.DuckDBPyConnection, tables: Mapping[str, pa.Table]) -> None:
    for name, rows in tables.items():
        root.register("_rows", rows)
        root.execute(f"INSERT INTO {name} BY NAME SELECT * FROM _rows")
        root.unregister("_rows")
