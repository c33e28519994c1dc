"""Restarts on record: heals/{game_date}.{phase}.{n}, which self-heal creates once before it
publishes the trigger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shared.stores.ports import Filter
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

COLLECTION = "heals"


@dataclass(frozen=True, kw_only=True)
class Restart(StoredRecord):
    """A phase of a date that was started again."""

    game_date: date
    phase: str
    n: int
    """How many restarts of the phase are on record for the date, this one included."""
    topic: str
    mode: str | None
    """None: the run's mode goes by the day of the restart."""
    batch_id: str | None
    """The batch that is to be consolidated, where that is what was short."""
    reason: str
    execution_id: str
    """The execution of self_heal that decided it."""
    run_id: str
    epoch: int
    at: datetime


def of_date(runtime: Runtime, day: date) -> list[Restart]:
    """All restarts of a date in this repetition of simulated time, oldest first."""
    ours = [restart for restart in of_every_epoch(runtime, day) if restart.epoch == runtime.epoch]
    return sorted(ours, key=lambda restart: (restart.at, restart.run_id))


def of_every_epoch(runtime: Runtime, day: date) -> list[Restart]:
    """All restarts of a date, those of earlier repetitions of simulated time included."""
    found = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())])
    return [Restart.from_document(document) for document in found]


def of_execution(runtime: Runtime, execution_id: str) -> Restart | None:
    """What an earlier attempt of this execution recorded."""
    found = runtime.state.query(COLLECTION, [Filter("execution_id", "==", execution_id)])
    return Restart.from_document(found[0]) if found else None
