"""A batch and its units as their documents hold them: names, paths, statuses and fields.

batches/{batch_id}                one fan-out of a game date; written when it opens, closes and ends
batches/{batch_id}/units/{unit}   the unit's completion, created once
batch_dates/{game_date}           names the date's latest batch
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.chain.messages.messages import Mode
from shared.core.errors import DataError
from shared.core.events import Event
from shared.stores.records import Record, StoredRecord, stored_as

COLLECTION = "batches"
_BATCH_ID = re.compile(r"batch_(\d{4}-\d{2}-\d{2})_r(\d+)")


class BatchStatus(StrEnum):
    """How far a batch is.

    OPEN --all units done or failed--> CLOSED(complete) --> CONSOLIDATED | FAILED
    OPEN --batch_sweep---------------> CLOSED(partial)  --> CONSOLIDATED | FAILED
    any of them --a newer revision consolidated--> SUPERSEDED
    """

    OPEN = "OPEN"
    CLOSED = "CLOSED"
    CONSOLIDATED = "CONSOLIDATED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"


class ClosedAs(StrEnum):
    """Whether every unit was recorded when the batch closed."""

    COMPLETE = "complete"
    PARTIAL = "partial"


class UnitStatus(StrEnum):
    """How a unit ended; a failed one may still become done."""

    DONE = "done"
    FAILED = "failed"


def batch_id_of(game_date: date, revision: int) -> str:
    return f"batch_{game_date.isoformat()}_r{revision}"


def parse_batch_id(batch_id: str) -> tuple[date, int]:
    """Game date and revision.

    Raises DataError for anything else than batch_{game_date}_r{revision}.
    """
    match = _BATCH_ID.fullmatch(batch_id)
    if match is None:
        raise DataError(
            f"batch_id {batch_id!r} is not of the form batch_2025-12-31_r1.",
            next_step="look the batch up in status.json or the run's summary.",
            event=Event.INVALID_BATCH_ID,
        )
    try:
        return date.fromisoformat(match[1]), int(match[2])
    except ValueError as error:
        raise DataError(f"batch_id {batch_id!r}: {error}.", event=Event.INVALID_BATCH_ID) from error


def path_of(batch_id: str) -> str:
    return f"{COLLECTION}/{batch_id}"


def units_path(batch_id: str) -> str:
    """The collection of a batch's units."""
    return f"{path_of(batch_id)}/units"


def unit_path(batch_id: str, unit: str) -> str:
    return f"{units_path(batch_id)}/{unit}"


def date_path(game_date: date) -> str:
    return f"batch_dates/{game_date.isoformat()}"


@dataclass(frozen=True)
class LatestBatch(Record):
    """Which batch of a game date is the latest."""

    batch_id: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class Batch(StoredRecord):
    """A batch as its document says."""

    batch_id: str
    game_date: date
    revision: int
    run_id: str
    execution_id: str
    mode: Mode
    as_of: datetime
    features_as_of: datetime
    """The newest moment of features that its players were chosen by: a retry chooses by the
    same.
    """
    status: BatchStatus
    closed_as: ClosedAs | None
    # One text each: every worker reads this document, and thousands of names take long to decode
    # one by one.
    units_text: str = field(metadata=stored_as("units"))
    unit_count: int
    games_text: str = field(metadata=stored_as("games"))
    opened_at: datetime
    sequence: int
    """How often it was announced."""
    outbox: Sequence[Mapping[str, Any]]
    outbox_pending: bool
    closed_at: datetime | None = None
    missing: Sequence[str] = field(default_factory=list, metadata=stored_as("missing_units"))
    """Units that were not done when the batch closed, less those that came late."""
    late_units: Sequence[str] = field(default_factory=list)
    split: Sequence[str] = field(default_factory=list, metadata=stored_as("split_units"))
    """Units whose place others have taken (split.py); what they still report counts for nothing."""
    merged: Sequence[str] = field(default_factory=list, metadata=stored_as("merged_units"))
    """Units whose rows are verified in the predictions table."""
    rows_in_place: int = 0
    """Keys in the predictions table under this batch when it was last consolidated."""
    frozen_rows: int = 0
    """Rows that came too late, since their games had tipped off."""
    consolidated_at: datetime | None = None
    damaged_systems: Sequence[str] = field(default_factory=list)
    """Whose damaged model was announced, as a unit's `damaged` names it."""
    failure: str | None = None
    """What was expected and found where consolidation failed."""
    failed_at: datetime | None = None
    superseded_by: str | None = None
    reported_at: datetime | None = None
    """When the sweep raised an alert, since nobody consolidated it."""

    @property
    def units(self) -> Sequence[str]:
        return self.units_text.split(" ")

    @property
    def games(self) -> Mapping[str, datetime]:
        """Games covered: game_id -> tip-off."""
        pairs = [pair.split("=") for pair in self.games_text.split()]
        return {game: datetime.fromisoformat(tipoff) for game, tipoff in pairs}

    def has_unit(self, unit: str) -> bool:
        return f" {unit} " in f" {self.units_text} "

    @property
    def last_unit(self) -> str:
        return self.units_text.rpartition(" ")[2]

    @property
    def in_progress(self) -> bool:
        return self.status in (BatchStatus.OPEN, BatchStatus.CLOSED)


def units_as_text(units: Sequence[str]) -> str:
    """Units as a batch's document has them."""
    return " ".join(units)


def games_as_text(games: Mapping[str, datetime]) -> str:
    """Games and their tip-offs as a batch's document has them."""
    return " ".join(f"{game}={tipoff.isoformat()}" for game, tipoff in games.items())


@dataclass(frozen=True)
class UnitResult(Record):
    """What a worker reports of its unit."""

    unit: str
    status: UnitStatus
    rows: int
    staging_table: str | None
    players: int
    error: str | None
    completed_at: datetime
    # left out while empty: a worker of the release before, which a roll-back may bring again, knows
    # no such field
    damaged: Mapping[str, str] = field(default_factory=dict)
    """Left out because its trained model is damaged: "{stat}/{system_id}" -> what is said of it. A
    worker of a release that knew points alone names the system without a statistic.
    """
