"""What a day is played on: the embedded runtime, or emulators of Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.sqlite_file import SqliteFile
from local.host.dispatcher import Listener
from local.host.folder_lock import OwnedFolder
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.stores.ports import Blobs, PulledMessage
from shared.stores.runtime import Runtime


class HostBus(Protocol):
    """What a day asks of a bus besides the port."""

    def publish(
        self,
        topic: str,
        data: bytes,
        attributes: Mapping[str, str] | None = None,
        *,
        message_id: str | None = None,
    ) -> str: ...

    def counters(self) -> dict[str, int]: ...

    def last_number(self) -> int: ...

    def dead_letters_since(self, number: int) -> list[PulledMessage]: ...

    def is_asked_for(self, message_id: str) -> bool: ...


class HostStores(Protocol):
    """What a day keeps its notes in, and what is shown of it."""

    @property
    def folder(self) -> OwnedFolder: ...

    @property
    def file(self) -> SqliteFile: ...

    @property
    def simulation(self) -> SimulationNotes: ...

    @property
    def clock(self) -> SimClock: ...

    @property
    def exports(self) -> Blobs: ...


class SimulationHost(Protocol):
    """A runtime with its functions, on which simulated days are played."""

    @property
    def stores(self) -> HostStores: ...

    @property
    def clock(self) -> SimClock: ...

    @property
    def bus(self) -> HostBus: ...

    @property
    def warehouse(self) -> DuckDbWarehouse: ...

    @property
    def runtime(self) -> Runtime: ...

    @property
    def folder(self) -> Path: ...

    @property
    def described(self) -> str:
        """What it runs on, in a sentence."""
        ...

    def retrigger(self, game_date: str) -> str:
        """The command with which a person publishes to the export's topic while it is up."""
        ...

    def new_epoch(self) -> int:
        """Begin simulated time once more; functions called from now on see the new epoch."""
        ...

    def run_until_idle(self, on_completed: Listener | None = None) -> None:
        """Deliver until nothing is pending."""
        ...
