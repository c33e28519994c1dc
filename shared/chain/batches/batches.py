"""Batches: the fan-out of phase 5 for one game_date, from opening to consolidation.

    OPEN --all units done or failed--> CLOSED(complete) --> CONSOLIDATED | FAILED
    OPEN --batch_sweep---------------> CLOSED(partial)  --> CONSOLIDATED | FAILED
    any of them --a newer revision consolidated--> SUPERSEDED

batches/{batch_id} is written when a batch opens, closes and is consolidated, never by a unit that merely completes:
units are create-once children batches/{batch_id}/units/{unit}, and what is complete is counted from them. Units of
several players may be split (split.py): others take their place, and what they still report counts for nothing.
batch_dates/{game_date} names the date's latest batch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage
from shared.core import failpoints
from shared.core.errors import AlreadyExists, DataError, PreconditionFailed, WriteConflict
from shared.core.events import Event
from shared.stores.ports import Document, Filter, State, Transaction

OPEN, CLOSED, CONSOLIDATED, FAILED, SUPERSEDED = "OPEN", "CLOSED", "CONSOLIDATED", "FAILED", "SUPERSEDED"
COMPLETE, PARTIAL = "complete", "partial"
DONE, UNIT_FAILED = "done", "failed"

_BATCH_ID = re.compile(r"batch_(\d{4}-\d{2}-\d{2})_r(\d+)")
# Above, a completion looks at one unit before it counts all.
MANY_UNITS = 200
# A closing competes with late completions only, so a handful of tries is plenty.
_TRIES = 20
_REVISIONS_OF_AN_EPOCH = 1_000


def batch_id_of(game_date: date, revision: int) -> str:
    return f"batch_{game_date.isoformat()}_r{revision}"


def parse_batch_id(batch_id: str) -> tuple[date, int]:
    """Game date and revision. Raises DataError for anything else than batch_{game_date}_r{revision}."""
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


@dataclass(frozen=True)
class BatchPlan:
    """What a new batch consists of, besides its revision."""

    game_date: date
    run_id: str
    execution_id: str
    mode: str
    as_of: datetime
    units: tuple[str, ...]
    games: Mapping[str, datetime]
    """Games covered: game_id -> tip-off."""
    features_as_of: datetime
    """The newest moment of features that its players were chosen by: a retry chooses by the same."""
    state_epoch: int = 1
    """Of the deployed state (Settings.state_epoch): a restored state does not give a forgotten batch's id again."""


@dataclass(frozen=True)
class Batch:
    """A batch as its document says."""

    data: Mapping[str, Any]
    version: str

    @property
    def batch_id(self) -> str:
        return str(self.data["batch_id"])

    @property
    def path(self) -> str:
        return path_of(self.batch_id)

    @property
    def status(self) -> str:
        return str(self.data["status"])

    @property
    def revision(self) -> int:
        return int(self.data["revision"])

    @property
    def run_id(self) -> str:
        return str(self.data["run_id"])

    @property
    def units(self) -> Sequence[str]:
        # one text: every worker reads this document, and thousands of names take long to decode one by one
        return str(self.data["units"]).split(" ")

    @property
    def games(self) -> Mapping[str, datetime]:
        """Games covered: game_id -> tip-off; one text for the same reason."""
        pairs = [pair.split("=") for pair in str(self.data["games"]).split()]
        return {game: datetime.fromisoformat(tipoff) for game, tipoff in pairs}

    def has_unit(self, unit: str) -> bool:
        return f" {unit} " in f" {self.data['units']} "

    @property
    def split(self) -> Sequence[str]:
        """Units whose place others have taken (split.py)."""
        return list(self.data.get("split_units", []))

    @property
    def last_unit(self) -> str:
        return str(self.data["units"]).rpartition(" ")[2]

    @property
    def unit_count(self) -> int:
        return int(self.data["unit_count"])

    @property
    def missing(self) -> Sequence[str]:
        """Units that were not done when the batch closed, less those that came late."""
        return list(self.data.get("missing_units", []))

    @property
    def merged(self) -> Sequence[str]:
        """Units whose rows are verified in the predictions table."""
        return list(self.data.get("merged_units", []))

    @property
    def in_progress(self) -> bool:
        return self.status in (OPEN, CLOSED)


def path_of(batch_id: str) -> str:
    return f"batches/{batch_id}"


def _pointer(game_date: date) -> str:
    return f"batch_dates/{game_date.isoformat()}"


def get_batch(state: State, batch_id: str) -> Batch | None:
    document = state.get(path_of(batch_id))
    return None if document is None else Batch(document.data, document.version)


def latest_batch(state: State, game_date: date) -> Batch | None:
    """The date's latest batch, whatever its status."""
    pointer = state.get(_pointer(game_date))
    return None if pointer is None else get_batch(state, pointer.data["batch_id"])


def _first_revision(state_epoch: int) -> int:
    """1, 1001, 2001 ...: above all that an earlier epoch of the state may have opened for a date."""
    return (state_epoch - 1) * _REVISIONS_OF_AN_EPOCH + 1


def open_batch(
    state: State, plan: BatchPlan, now: datetime, fence: Callable[[Transaction], None] = lambda transaction: None
) -> Batch:
    """Open revision + 1, unless the date's latest batch is in progress: then that one (the trigger joins it).

    A retry of the execution that opened it gets its own batch again. One at a time: decided in one transaction, in
    which `fence` raises for a process whose execution another has taken over: nobody would send its requests.
    """

    def decide(transaction: Transaction) -> str:
        fence(transaction)
        pointer = transaction.get(_pointer(plan.game_date))
        revision = _first_revision(plan.state_epoch)
        if pointer is not None:
            latest = transaction.get(path_of(pointer.data["batch_id"]))
            if latest is None:
                raise WriteConflict(f"{pointer.data['batch_id']} is named but not there yet.")
            if latest.data["status"] in (OPEN, CLOSED) or latest.data["execution_id"] == plan.execution_id:
                return str(latest.data["batch_id"])
            revision = max(int(latest.data["revision"]) + 1, revision)
        batch_id = batch_id_of(plan.game_date, revision)
        transaction.set(_pointer(plan.game_date), {"batch_id": batch_id, "revision": revision})
        transaction.create(
            path_of(batch_id),
            {
                "batch_id": batch_id,
                "game_date": plan.game_date.isoformat(),
                "revision": revision,
                "run_id": plan.run_id,
                "execution_id": plan.execution_id,
                "mode": plan.mode,
                "as_of": plan.as_of,
                "features_as_of": plan.features_as_of,
                "status": OPEN,
                "closed_as": None,
                "units": " ".join(plan.units),
                "unit_count": len(plan.units),
                "games": " ".join(f"{game}={tipoff.isoformat()}" for game, tipoff in plan.games.items()),
                "opened_at": now,
                "sequence": 0,
                "outbox": [],
                "outbox_pending": False,
            },
        )
        return batch_id

    batch = get_batch(state, state.transaction(decide))
    if batch is None:
        raise WriteConflict(f"The batch of {plan.game_date} vanished between two reads.")
    return batch


@dataclass(frozen=True)
class UnitResult:
    """What a worker reports of its unit."""

    unit: str
    status: str  # DONE or UNIT_FAILED
    rows: int
    staging_table: str | None
    players: int
    error: str | None
    completed_at: datetime
    damaged: Mapping[str, str] = field(default_factory=dict)
    """Systems left out because their trained model is damaged: system_id -> what is said of it."""


def units_of(state: State, batch_id: str) -> list[Document]:
    """Completions of a batch, by unit."""
    return state.query(_units_path(batch_id))


def done_units(state: State, batch: Batch) -> list[Document]:
    """Completions of the batch's units that are done, less those that were split before they reported."""
    return [each for each in units_of(state, batch.batch_id) if each.data["status"] == DONE and batch.has_unit(each.id)]


def done_result(state: State, batch_id: str, unit: str) -> UnitResult | None:
    """What was recorded of a unit that is done; None where it failed or has not completed."""
    document = state.get(f"{_units_path(batch_id)}/{unit}")
    return None if document is None or document.data["status"] != DONE else UnitResult(**document.data)


def _units_path(batch_id: str) -> str:
    return f"{path_of(batch_id)}/units"


Announcement = Callable[[Batch, int], OutboxMessage]
"""Makes the batch's announcement from the batch and its sequence number (1 at the first announcement)."""


def complete_unit(state: State, batch_id: str, result: UnitResult, announcement: Announcement) -> Batch:
    """Record a unit's completion; the one that completes the batch closes it, its announcement in the same write.

    Repeating a completion changes nothing. A unit that was missing or failed when the batch closed and is done now is
    announced again, unless the batch is superseded. Returns the batch as it is after; its outbox may be pending.
    """
    _record_unit(state, batch_id, result)
    failpoints.reach("batch.unit_recorded")
    for _ in range(_TRIES):
        batch = get_batch(state, batch_id)
        if batch is None:
            raise DataError(f"Batch {batch_id} does not exist.", event=Event.UNKNOWN_BATCH)
        if batch.status == OPEN:
            if not _all_recorded(state, batch):
                return batch
            failed = state.query(_units_path(batch_id), [Filter("status", "==", UNIT_FAILED)])
            fields = _closing(COMPLETE, [unit.id for unit in failed if batch.has_unit(unit.id)], result.completed_at)
        elif result.status == DONE and result.unit in batch.missing and batch.status != SUPERSEDED:
            missing = [unit for unit in batch.missing if unit != result.unit]
            fields = {"missing_units": missing, "late_units": [*batch.data["late_units"], result.unit]}
        else:
            return batch
        try:
            announce(state, batch, fields, announcement)
        except PreconditionFailed:
            continue
        failpoints.reach("batch.closed")
    raise WriteConflict(f"Batch {batch_id} changed {_TRIES} times while unit {result.unit} completed.")


def _all_recorded(state: State, batch: Batch) -> bool:
    """Whether every unit has completed. The one that completes last sees all others, whichever way this looks.

    Units are sent in their order, so in a large batch the last one is usually missing to the end: looking at it is
    cheaper than counting thousands at every completion.
    """
    units = _units_path(batch.batch_id)
    if batch.unit_count > MANY_UNITS and state.get(f"{units}/{batch.last_unit}") is None:
        return False
    if batch.split:
        # a split unit may have reported all the same, and must not be counted for one that has not
        return _each_recorded(batch, units_of(state, batch.batch_id))
    return state.count(units) >= batch.unit_count


def _each_recorded(batch: Batch, recorded: Sequence[Document]) -> bool:
    return {unit.id for unit in recorded}.issuperset(batch.units)


def close_partial(
    state: State,
    batch: Batch,
    now: datetime,
    announcement: Announcement,
    alert: Callable[[Sequence[str]], OutboxMessage | None] = lambda missing: None,
) -> list[str]:
    """Close an open batch with the units it has; returns the missing ones. Raises PreconditionFailed if it changed.

    It is complete where every unit was recorded and the last one's process died before closing it. `alert` may make a
    message of the missing units, recorded in the same write. A unit that completes at this very moment may find the
    batch still open and be named as missing: see settle_missing.
    """
    recorded = units_of(state, batch.batch_id)
    done = {unit.id for unit in recorded if unit.data["status"] == DONE}
    missing = [unit for unit in batch.units if unit not in done]
    closed_as = COMPLETE if _each_recorded(batch, recorded) else PARTIAL
    said = alert(missing)
    announce(state, batch, _closing(closed_as, missing, now), announcement, [] if said is None else [said])
    return missing


def settle_missing(state: State, batch_id: str, announcement: Announcement) -> list[str]:
    """Accept, as late, units that are done and named as missing by a closed batch; returns them. Repeatable."""
    batch = get_batch(state, batch_id)
    if batch is None or batch.status == SUPERSEDED:
        return []
    found = [result for unit in batch.missing if (result := done_result(state, batch_id, unit)) is not None]
    for result in found:
        complete_unit(state, batch_id, result, announcement)
    return [result.unit for result in found]


def _closing(closed_as: str, missing: list[str], now: datetime) -> dict[str, Any]:
    return {
        "status": CLOSED,
        "closed_as": closed_as,
        "closed_at": now,
        "missing_units": sorted(missing),
        "late_units": [],
    }


def announce(
    state: State,
    batch: Batch,
    fields: Mapping[str, Any],
    announcement: Announcement,
    also: Sequence[OutboxMessage] = (),
) -> None:
    """Change the batch and put its announcement, and what else is to be said, in the outbox: one conditional write.

    Raises PreconditionFailed where the batch changed since it was read.
    """
    sequence = int(batch.data["sequence"]) + 1
    entries = outbox.entries(f"{batch.batch_id}-{sequence}", [announcement(batch, sequence), *also])
    state.update(
        batch.path,
        {**fields, "sequence": sequence, "outbox": [*batch.data["outbox"], *entries], "outbox_pending": True},
        if_version=batch.version,
    )


def _record_unit(state: State, batch_id: str, result: UnitResult) -> None:
    """Create the unit's completion once; a failed one may be replaced by a done one."""
    path = f"{_units_path(batch_id)}/{result.unit}"
    data = asdict(result)
    if not result.damaged:
        # a worker of the release before, which a roll-back may bring again, knows no such field
        del data["damaged"]
    try:
        state.create(path, data)
    except AlreadyExists:
        before = state.get(path)
        if before is not None and before.data["status"] == UNIT_FAILED and result.status == DONE:
            state.update(path, data, if_version=before.version)


def mark_consolidated(
    state: State,
    batch: Batch,
    merged: Sequence[str],
    rows: int,
    now: datetime,
    frozen: int = 0,
    damaged: Mapping[str, OutboxMessage] = MappingProxyType({}),
) -> None:
    """CONSOLIDATED, with the units merged so far and the rows verified in place; older revisions become SUPERSEDED.

    `frozen` rows of these units came too late, since their games had tipped off: the batch counts them, for nothing
    else says why those players have no predictions. `damaged`: system_id -> the alert of its damaged model, put in the
    batch's outbox in the same write, once a system however often the batch is consolidated. Raises PreconditionFailed
    where the batch changed since it was read.
    """
    told = list(batch.data.get("damaged_systems", []))
    untold = sorted(set(damaged) - set(told))
    fields: dict[str, Any] = {
        "status": CONSOLIDATED,
        "merged_units": sorted(merged),
        "rows_in_place": rows,
        "frozen_rows": int(batch.data.get("frozen_rows", 0)) + frozen,
        "consolidated_at": now,
    }
    if untold:
        messages = [damaged[system] for system in untold]
        entries = outbox.entries(f"{batch.batch_id}-damaged", messages, first=len(told))
        fields |= {"outbox": [*batch.data["outbox"], *entries], "outbox_pending": True}
        fields["damaged_systems"] = [*told, *untold]
    state.update(batch.path, fields, if_version=batch.version)
    supersede_older(state, batch)


def supersede_older(state: State, batch: Batch) -> None:
    """Mark the earlier revisions of a consolidated batch's date as SUPERSEDED; repeatable."""
    for document in state.query("batches", [Filter("game_date", "==", batch.data["game_date"])]):
        if int(document.data["revision"]) < batch.revision and document.data["status"] != SUPERSEDED:
            state.update(document.path, {"status": SUPERSEDED, "superseded_by": batch.batch_id})


def mark_failed(state: State, batch: Batch, expected_and_found: str, now: datetime) -> None:
    """FAILED, with what was expected and found. Raises PreconditionFailed where the batch changed since it was read."""
    fields = {"status": FAILED, "failure": expected_and_found, "failed_at": now}
    state.update(batch.path, fields, if_version=batch.version)
