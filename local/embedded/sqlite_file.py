"""One SQLite file with one connection that threads share: state, bus and simulated clock live in it
together.
"""

from __future__ import annotations

import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local.embedded.json_values import Undecodable
from local.embedded.storage_faults import GOES_ON, disk_full, file_errors, storage_damaged, storage_denied
from local.embedded.write_ahead import check_sqlite_log
from shared.core.errors import Fatal, PipelineError, StorageFault, StoreUnavailable

logger = logging.getLogger(__name__)

# Only another process (a tool that reads the file) can hold the lock; ours takes turns on a lock of
# its own.
BUSY_TIMEOUT_MS = 5_000
# A patient write tries so often: for ten minutes, while others' tries in between take their time
# too.
PATIENT_TRIES = 120
GIVE_WAY_SECONDS = 0.05
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_OTHER_TABLES = re.compile(r"no such (table|column)|has no column named|has \d+ columns but \d+ values", re.I)
_DENIED = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


class SqliteFile:
    """A SQLite file in WAL mode.

    synchronous=NORMAL: a commit is in the operating system's hands when the call returns, so kill
    -9 of this process loses nothing. A power cut may lose the last commits (never the file): good
    enough for a rehearsal of the pipeline.

    Opening and every use may raise StorageDamaged (no SQLite file, or pages that do not fit),
    DiskFull, StorageDenied, StorageFault (the disk), StoreUnavailable (another process holds it).
    """

    def __init__(self, path: Path, *, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> None:
        self.path = path
        self.on_wait: Callable[[str], None] = lambda text: None  # called when an outage begins, and ends
        self._turn = threading.RLock()
        self._away = False
        self._way = threading.Event()  # never set: a real pause, which a lock given back and taken at once is not
        with file_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        check_sqlite_log(path)
        with self._errors():
            # Every use is inside self._turn, so the connection may wander between threads.
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute(f"PRAGMA busy_timeout = {busy_timeout_ms}")
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA synchronous = NORMAL")
                # at the default 2 MB a batch of thousands of messages pushes out the pages that
                # every unit reads
                self._connection.execute("PRAGMA cache_size = -65536")
                self._check()
            except (sqlite3.Error, StorageFault):
                self._connection.close()
                raise

    def _check(self) -> None:
        """Raises StorageDamaged where the pages do not fit together: later, a part of them would be
        found missing.
        """
        (found,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise storage_damaged(self.path, str(found).replace("\n", ", "))

    def define(self, script: str) -> None:
        """Run CREATE ... IF NOT EXISTS statements, separated by semicolons."""
        with self.write() as connection:
            for statement in script.split(";"):
                connection.execute(statement)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for SELECTs; what is read is committed (writes happen at the end of write
        blocks).
        """
        with self._turn, self._errors():
            yield self._connection

    @contextmanager
    def write(self, *, patient: bool = False) -> Iterator[sqlite3.Connection]:
        """The connection in a transaction of its own: committed at the end, rolled back on any
        exception.

        `patient` is for who has nobody to try again for him (queue and clock of the simulation): an
        outage is waited for, in the log and through on_wait, up to PATIENT_TRIES times the busy
        time-out.
        Raises StoreUnavailable where another process keeps the file locked, Fatal for a write
        within a write.
        """
        with self._transaction(PATIENT_TRIES if patient else 1) as connection, self._errors():
            try:
                self._report_outage(away=False)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def _transaction(self, tries: int) -> Iterator[sqlite3.Connection]:
        """A transaction begun.

        Between two tries others take their turn: they too find out that the store is away.
        """
        for left in reversed(range(tries)):
            with self._turn:
                if self._begin(must=not left):
                    yield self._connection
                    return
            self._way.wait(GIVE_WAY_SECONDS)

    def _begin(self, *, must: bool) -> bool:
        """Begin a transaction; False where another process holds the file, which is an error if it
        `must` be.
        """
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
                self._report_outage(away=True)
                if must:
                    raise
                return False
        return True

    def _report_outage(self, *, away: bool) -> None:
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
        except Undecodable as error:
            raise storage_damaged(self.path, str(error)) from error
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
                raise  # ours to handle, or a defect
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.DatabaseError) -> PipelineError:
        # the lower byte is the code, the higher ones say more of it; what is no UTF-8 has none
        code, message = getattr(error, "sqlite_errorcode", 0) & 0xFF, str(error)
        if code in _DAMAGED or "Could not decode to UTF-8" in message:
            return storage_damaged(self.path, message)
        if code == sqlite3.SQLITE_ERROR and _OTHER_TABLES.search(message):
            return storage_damaged(self.path, f"it has not the tables of this version: {message}")
        if code == sqlite3.SQLITE_FULL:
            return disk_full(self.path, message)
        if code in _DENIED:
            return storage_denied(self.path, message)
        if code == sqlite3.SQLITE_IOERR:
            return StorageFault(
                f"{self.path} cannot be read or written: {message} ({error.sqlite_errorname}).",
                next_step=f"see that the disk is well and the file may grow (`dmesg`, `df`, `ulimit -f`); {GOES_ON}",
            )
        return StoreUnavailable(
            f"{self.path} did not answer: {message}.", next_step="close other programs that have the file open."
        )

    def close(self) -> None:
        with self._turn:
            self._connection.close()
