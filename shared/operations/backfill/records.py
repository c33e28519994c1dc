"""A backfill as its document backfills/{key} holds it: the dates, in units of one message each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.core.errors import NotFound
from shared.stores.ports import Document, State
from shared.stores.records import ALWAYS_WRITTEN, Record, StoredRecord

COLLECTION = "backfills"
MODE = "backfill"


class Which(StrEnum):
    """Which of the dates are filled."""

    MISSING = "missing"  # that lack rows
    FAILED = "failed"  # that lack rows after something failed for them
    ALL = "all"  # each of them, whatever is there


class Order(StrEnum):
    """Which dates come first."""

    OLDEST = "oldest first"
    NEWEST = "newest first"


class Progress(StrEnum):
    """How far a date is, or a unit."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NOTHING = "nothing to do"


@dataclass(frozen=True, kw_only=True)
class Unit(Record):
    """The dates of one message: of one calendar month, from the first of them to the last."""

    first: date
    last: date
    progress: Progress = Progress.WAITING
    attempt: int = 1
    """Each has a run of its own name."""
    run_id: str = ""
    """Of the attempt that was published last."""
    dates: Mapping[str, Any]
    """Progress of each date, by its ISO text."""
    reasons: Mapping[str, Any] = field(default_factory=dict)
    """Why a date failed, or has nothing to do."""
    published_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Backfill(StoredRecord):
    """What somebody asked for, and how far it is."""

    first: date
    last: date
    which: Which
    order: Order
    at_once: int
    """So many units at a time."""
    who: str
    why: str
    at: datetime
    stored_units: Sequence[Mapping[str, Any]]
    """In the order in which they are published."""
    name: str = ""
    """What its runs' names end with; empty: as one that is followed (--follow) names them."""
    fetch_again: bool = False
    """Whether sources are asked for what the raw bucket has."""
    is_open: bool = field(default=True, metadata=ALWAYS_WRITTEN)
    """Whether something of it waits or runs; it is asked for by this."""
    ended_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: str = ""
    cancelled_why: str = ""
    outbox: Sequence[Mapping[str, Any]] = field(default_factory=list)
    outbox_pending: bool = False
    expires_at: datetime | None = None
    """When the deployed store deletes it; None while it is open."""

    @property
    def units(self) -> list[Unit]:
        """Raises DataError where one cannot be decoded."""
        where = f"{self.path}, one of its units"
        return [Unit.from_document(Document(where, dict(each), "")) for each in self.stored_units]


def path_of(key: str) -> str:
    return f"{COLLECTION}/{key}"


def get_backfill(state: State, key: str) -> Backfill:
    """Raises NotFound."""
    document = state.get(path_of(key))
    if document is None:
        raise NotFound(f"There is no backfill {key[:80]!r}.", next_step="the page Backfill lists them.")
    return Backfill.from_document(document)


def with_all(unit: Unit, progress: Progress) -> dict[str, Any]:
    """The unit's dates, those with a certain end left as they are."""
    ended = (Progress.DONE, Progress.NOTHING)
    return {day: found if found in ended else progress.value for day, found in unit.dates.items()}
