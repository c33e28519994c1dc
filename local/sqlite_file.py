"""One SQLite file with one connection that threads share: state, bus and simulated clock live in it together."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Fatal, StoreUnavailable

# Only another process (a tool that reads the file) can hold the lock; ours takes turns on a lock of its own.
BUSY_TIMEOUT_MS = 5_000


class SqliteFile:
    """A SQLite file in WAL mode.

    synchronous=NORMAL: a commit is in the operating system's hands when the call returns, so kill -9 of this process
    loses nothing. A power cut may lose the last commits (never the file): good enough for a rehearsal of the pipeline.
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.path = path
        self._turn = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            # Every use is inside self._turn, so the connection may wander between threads.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
            except sqlite3.Error:
                self._connection.close()
                raise

    def define(self, script: str) -> None:
        """Run CREATE ... IF NOT EXISTS statements, separated by semicolons."""
        with self.write() as connection:
            for statement in script.split(";"):
                connection.execute(statement)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for SELECTs; what is read is committed (writes happen at the end of write blocks)."""
        with self._turn, self._errors():
            yield self._connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction of its own: committed at the end, rolled back on any exception.

        Raises StoreUnavailable where another process keeps the file locked, Fatal for a write within a write.
        """
        with self._turn, self._errors():
            if self._connection.in_transaction:
                raise Fatal(
                    f"A write to {self.path.name} was asked for inside another transaction.",
                    next_step="write through the transaction that is open, or after it.",
                )
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # ours to handle, or a defect
            raise StoreUnavailable(
                f"{self.path} did not answer: {error}.",
                next_step="close other programs that have the file open, and see that the disk has room.",
            ) from error

    def close(self) -> None:
        with self._turn:
            self._connection.close()
