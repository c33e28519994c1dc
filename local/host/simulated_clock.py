"""Simulated time and the epoch (how often time was begun), kept with the state: a restart goes on
from it.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from local.embedded.json_values import format_stored_timestamp
from local.embedded.sqlite_file import SqliteFile
from shared.core.clock import Clock, SystemClock

SCHEMA = "CREATE TABLE IF NOT EXISTS simulation (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


class SimulationNotes:
    """Small named texts kept in the state file: simulated time, epoch, number of starts, archive in
    use.
    """

    def __init__(self, file: SqliteFile) -> None:
        self._file = file
        file.define(SCHEMA)

    def get(self, name: str) -> str | None:
        with self._file.read() as connection:
            row = connection.execute("SELECT value FROM simulation WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str) -> None:
        with self._file.write(patient=True) as connection:
            connection.execute("INSERT OR REPLACE INTO simulation VALUES (?, ?)", (name, value))

    def next(self, name: str) -> int:
        """Count up a number by one (absent counts as 0) and return it."""
        with self._file.write(patient=True) as connection:
            row = connection.execute("SELECT value FROM simulation WHERE name = ?", (name,)).fetchone()
            number = int(row[0] if row else 0) + 1
            connection.execute("INSERT OR REPLACE INTO simulation VALUES (?, ?)", (name, str(number)))
        return number


class SimClock:
    """A clock that stands still unless it is set; every change is kept before it is seen.

    A state folder without a time begins at the moment `first` says (the machine's clock).
    """

    def __init__(self, simulation: SimulationNotes, *, first: Clock | None = None) -> None:
        self._simulation = simulation
        self._turn = threading.Lock()
        kept = simulation.get("now")
        self._now = datetime.fromisoformat(kept) if kept else (first or SystemClock()).now()

    def now(self) -> datetime:
        # without the turn: whoever keeps a change may log meanwhile, and a line of the log has this
        # moment
        return self._now

    def set(self, moment: datetime) -> None:
        """Make it `moment` (aware), earlier or later than now. Raises ValueError if naive."""
        with self._turn:
            self._keep(moment)

    def advance_to(self, moment: datetime) -> None:
        """Make it `moment` unless it is that late already. Raises ValueError if naive."""
        with self._turn:
            if moment > self._now:
                self._keep(moment)

    def _keep(self, moment: datetime) -> None:
        self._simulation.set("now", format_stored_timestamp(moment))
        self._now = moment.astimezone(UTC)

    @property
    def epoch(self) -> int:
        """How many times simulated time was begun; 1 before anybody counted."""
        return int(self._simulation.get("epoch") or 1)

    def new_epoch(self) -> int:
        """Begin time once more: what is written from now on is newer than all before, whatever the
        clock says.
        """
        with self._turn:
            number = self.epoch + 1
            self._simulation.set("epoch", str(number))
            return number
