"""One SQLite file with one connection that threads share: state, bus and simulated clock live in it together."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import Fatal, StoreUnavailable

logger = logging.getLogger(__name__)

# Only another process (a tool that reads the file) can hold the lock; ours takes turns on a lock of its own.
BUSY_TIMEOUT_MS = 5_000
# A patient write tries so often: for ten minutes, while others' tries in between take their time too.
PATIENT_TRIES = 120
GIVE_WAY_SECONDS = 0.05


class SqliteFile:
    """A SQLite file in WAL mode.

    synchronous=NORMAL: a commit is in the operating system's hands when the call returns, so kill -9 of this process
    loses nothing. A power cut may lose the last commits (never the file): good enough for a rehearsal of the pipeline.
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.path = path
        self.on_wait: Callable[[str], None] = lambda text: None  # told when an outage begins, and ends
        self._turn = threading.RLock()
        self._away = False
        self._way = threading.Event()  # never set: a real pause, which a lock given back and taken at once is not
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._errors():
            # Every use is inside self._turn, so the connection may wander between threads.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
                # at the default 2 MB a batch of thousands of messages pushes out the pages that every unit reads
                self._connection.execute("PRAGMA cache_size = -65536")
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
    def write(self, *, patient: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction of its own: committed at the end, rolled back on any exception.

        `patient` is for who has nobody to try again for him (queue and clock of the simulation): an outage is waited
        for, in the log and through on_wait, up to PATIENT_TRIES times the busy time-out.
        Raises StoreUnavailable where another process keeps the file locked, Fatal for a write within a write.
        """
        with self._begun(PATIENT_TRIES if patient else 1) as connection, self._errors():
            try:
                self._tell(away=False)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def _begun(self, tries: int) -> Iterator[sqlite3.Connection]:
        """A transaction begun. Between two tries others take their turn: they too find out that the store is away."""
        for left in reversed(range(tries)):
            with self._turn:
                if self._begin(must=not left):
                    yield self._connection
                    return
            self._way.wait(GIVE_WAY_SECONDS)

    def _begin(self, *, must: bool) -> bool:
        """Begin a transaction; False where another process holds the file, which is an error if it `must` be."""
        if self._connection.in_transaction:
            raise Fatal(
                f"A write to {self.path.name} was asked for inside another transaction.",
                next_step="write through the transaction that is open, or after it.",
            )
        with self._errors():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                # the lower byte is the code, the higher ones say more of it
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                self._tell(away=True)
                if must:
                    raise
                return False
        return True

    def _tell(self, *, away: bool) -> None:
        """Say it where an outage begins or ends, whoever found out."""
        if away != self._away:
            self._away = away
            what = "does not answer, another process holds it: waiting" if away else "answers again: going on"
            text = f"the state store {self.path} {what}"
            logger.warning(text)
            self.on_wait(text)

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
