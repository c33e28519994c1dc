"""Backfills as pages and the command show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.chain.resilience import pause_switch
from shared.operations.backfill.records import COLLECTION, Backfill, Progress, Unit, get_backfill
from shared.stores.runtime import Runtime


@dataclass(frozen=True)
class DateView:
    """A date of a backfill: how far, and why it failed or has nothing to do."""

    game_date: date
    progress: Progress
    reason: str


@dataclass(frozen=True)
class UnitView:
    """The dates of one message."""

    first: date
    last: date
    progress: Progress
    attempt: int
    run_id: str
    published_at: datetime | None
    ended_at: datetime | None
    dates: tuple[DateView, ...]


@dataclass(frozen=True)
class BackfillView:
    """A backfill, how far it is, and what it waits for."""

    key: str
    first: date
    last: date
    which: str
    order: str
    at_once: int
    who: str
    why: str
    at: datetime
    says: str
    is_open: bool
    is_cancelled: bool
    can_resume: bool
    ended_at: datetime | None
    counts: Mapping[str, int]
    """Dates by progress; those that are 0 left out."""
    units: tuple[UnitView, ...]


def read_backfills(runtime: Runtime, limit: int) -> tuple[BackfillView, ...]:
    """The newest, newest first. Raises StoreUnavailable."""
    switch = pause_switch.read(runtime.state)
    is_paused = switch is not None and switch.paused
    found = [Backfill.from_document(each) for each in runtime.state.query(COLLECTION, order_by="at")]
    newest = sorted(found, key=lambda each: (each.at, each.path), reverse=True)[:limit]
    return tuple(_view(each, is_paused=is_paused) for each in newest)


def read_backfill(runtime: Runtime, key: str) -> BackfillView:
    """Raises NotFound, StoreUnavailable."""
    switch = pause_switch.read(runtime.state)
    return _view(get_backfill(runtime.state, key), is_paused=switch is not None and switch.paused)


def _view(backfill: Backfill, *, is_paused: bool) -> BackfillView:
    units = tuple(map(_unit, backfill.units))
    dates = [each.progress for unit in units for each in unit.dates]
    counts = {progress.value: dates.count(progress) for progress in Progress if progress in dates}
    left = {unit.progress for unit in units}
    is_cancelled = backfill.cancelled_at is not None
    return BackfillView(
        key=backfill.id,
        first=backfill.first,
        last=backfill.last,
        which=backfill.which.value,
        order=backfill.order.value,
        at_once=backfill.at_once,
        who=backfill.who,
        why=backfill.why,
        at=backfill.at,
        says=_sentence(backfill, counts, is_paused=is_paused),
        is_open=backfill.is_open,
        is_cancelled=is_cancelled,
        can_resume=Progress.FAILED in left or (is_cancelled and Progress.WAITING in left),
        ended_at=backfill.ended_at,
        counts=counts,
        units=units,
    )


def _sentence(backfill: Backfill, counts: Mapping[str, int], *, is_paused: bool) -> str:
    listed = ", ".join(f"{count} {progress}" for progress, count in counts.items())
    if backfill.cancelled_at is not None:
        return f"cancelled by {backfill.cancelled_by}: {backfill.cancelled_why}; {listed}"
    if not backfill.is_open:
        return f"ended; {listed}"
    return f"waits until the pipeline is resumed; {listed}" if is_paused else f"under way; {listed}"


def _unit(unit: Unit) -> UnitView:
    dates = tuple(
        DateView(date.fromisoformat(day), Progress(found), unit.reasons.get(day, ""))
        for day, found in sorted(unit.dates.items())
    )
    return UnitView(
        first=unit.first,
        last=unit.last,
        progress=unit.progress,
        attempt=unit.attempt,
        run_id=unit.run_id,
        published_at=unit.published_at,
        ended_at=unit.ended_at,
        dates=dates,
    )
