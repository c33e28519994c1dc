"""A backfill taken as far as it goes now: what ended is judged by its rows, what comes next is
published.

    waiting -- recorded with its message, at most `at_once` of them --> running
    running -- its run came through, or failed for good; then the rows --> done, failed

Repeatable: whoever comes second finds the document changed and looks again, and what a dead process
had recorded is published by whoever comes next. The press of the button calls it, batch_sweep
every ten minutes, and the command in a loop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from shared.chain.execution.ledger import KEPT
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage, send_pending
from shared.chain.resilience import pause_switch
from shared.core import failpoints
from shared.core.errors import PreconditionFailed, WriteConflict
from shared.core.pipeline import Pipeline, trigger_of
from shared.operations.backfill.following import Ended, next_attempt, see_end
from shared.operations.backfill.lacking import DateCheck, Stand, check_dates
from shared.operations.backfill.records import (
    COLLECTION,
    MODE,
    Backfill,
    Progress,
    Unit,
    get_backfill,
    with_all,
)
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

TOPIC = trigger_of("phase1_scrape")
_TRIES = 5
_PROGRESS = {Stand.WHOLE: Progress.DONE, Stand.NO_GAMES: Progress.NOTHING, Stand.NOT_OVER: Progress.NOTHING}


@dataclass(frozen=True)
class Advanced:
    """A backfill as it is now, and how many messages were published just now."""

    backfill: Backfill
    published: int


def open_backfills(runtime: Runtime) -> list[Backfill]:
    """Those of which something waits or runs, oldest first."""
    found = runtime.state.query(COLLECTION, [Filter("is_open", "==", True)])
    return sorted(map(Backfill.from_document, found), key=lambda each: (each.at, each.path))


def advance(runtime: Runtime, pipeline: Pipeline, key: str) -> Advanced:
    """Judge what ended, publish what comes next; of one warehouse statement, where something ended.

    While the pipeline is paused nothing new is published. Raises NotFound, StoreUnavailable,
    WriteConflict where others changed it all the time.
    """
    published = 0
    for _ in range(_TRIES):
        backfill = get_backfill(runtime.state, key)
        if backfill.outbox_pending:
            published += _send_late(runtime, backfill)
            continue
        units = _next_units(runtime, pipeline, backfill)
        if units is None:
            return Advanced(backfill, published)
        try:
            runtime.state.update(backfill.path, _fields(runtime, backfill, units), if_version=backfill.version)
        except PreconditionFailed:
            continue  # somebody else advanced it, or cancelled it: look again
        failpoints.reach("backfill.advanced")
        published += send_pending(backfill.path, runtime.state, runtime.bus, runtime.raw)
        return Advanced(get_backfill(runtime.state, key), published)
    raise WriteConflict(f"The backfill {key} was changed by others {_TRIES} times.", next_step="ask again.")


def _send_late(runtime: Runtime, backfill: Backfill) -> int:
    """Publish what a dead process had recorded; from now on its runs are waited for."""
    published = send_pending(backfill.path, runtime.state, runtime.bus, runtime.raw)
    found = get_backfill(runtime.state, backfill.id)
    now = runtime.clock.now()
    units = [replace(each, published_at=now) if each.progress is Progress.RUNNING else each for each in found.units]
    fields = Backfill.fields(stored_units=[each.to_document() for each in units])
    with suppress(PreconditionFailed):  # somebody else went on with it
        runtime.state.update(found.path, fields, if_version=found.version)
    return published


def _next_units(runtime: Runtime, pipeline: Pipeline, backfill: Backfill) -> list[Unit] | None:
    """The units as they are to be; None where nothing changes."""
    if not backfill.is_open:
        return None
    state, now = runtime.state, runtime.clock.now()
    switch = pause_switch.read(state)
    units, ends = backfill.units, {}
    for index, unit in enumerate(units):
        if unit.progress is Progress.RUNNING:
            ended = see_end(state, pipeline, unit, now, switch)
            if ended is not None:
                ends[index] = ended
    judged = judge_ended(runtime, {index: (units[index], ended) for index, ended in ends.items()})
    found = [judged.get(index, unit) for index, unit in enumerate(units)]
    is_stopped = backfill.cancelled_at is not None or (switch is not None and switch.paused)
    room = 0 if is_stopped else backfill.at_once - sum(each.progress is Progress.RUNNING for each in found)
    for index, unit in enumerate(found):
        if room > 0 and unit.progress is Progress.WAITING:
            found[index] = _begin(next_attempt(state, backfill, unit), now)
            room -= 1
    return found if found != units or _is_over(backfill, found) else None


def _begin(unit: Unit, now: datetime) -> Unit:
    dates = with_all(unit, Progress.RUNNING)
    return replace(unit, progress=Progress.RUNNING, dates=dates, reasons={}, published_at=now, ended_at=None)


def judge_ended(runtime: Runtime, ended: Mapping[int, tuple[Unit, Ended]]) -> dict[int, Unit]:
    """Units whose runs have ended, by what their dates still lack; of one statement for all."""
    days = {date.fromisoformat(day) for unit, _ in ended.values() for day in unit.dates}
    now = runtime.clock.now()
    checks = check_dates(runtime, days, now) if days else {}
    return {index: _judge(unit, end, checks, now) for index, (unit, end) in ended.items()}


def _judge(unit: Unit, end: Ended, checks: Mapping[date, DateCheck], now: datetime) -> Unit:
    dates: dict[str, str] = {}
    reasons: dict[str, str] = {}
    for day in unit.dates:
        check = checks[date.fromisoformat(day)]
        progress = _PROGRESS.get(check.stand, Progress.FAILED)
        dates[day] = progress.value
        if progress is Progress.FAILED:
            reasons[day] = f"{check.says}; {end.failure or f'run {unit.run_id} came through all the same'}"
        elif progress is Progress.NOTHING:
            reasons[day] = check.says
    progress = Progress.FAILED if Progress.FAILED.value in dates.values() else Progress.DONE
    return replace(unit, progress=progress, dates=dates, reasons=reasons, ended_at=now)


def _is_over(backfill: Backfill, units: Sequence[Unit]) -> bool:
    """Whether nothing runs, and nothing waits that may still begin."""
    left = {each.progress for each in units}
    waits = Progress.WAITING in left and backfill.cancelled_at is None
    return Progress.RUNNING not in left and not waits


def _fields(runtime: Runtime, backfill: Backfill, units: Sequence[Unit]) -> dict[str, Any]:
    """What one write changes: the units, and the messages of those that begin."""
    before = backfill.units
    began = [
        unit
        for unit, was in zip(units, before, strict=True)
        if unit.progress is Progress.RUNNING and was.progress is not Progress.RUNNING
    ]
    entries = [
        entry
        for unit in began
        for entry in outbox.entries(f"{unit.run_id}-{backfill.id}", [OutboxMessage(TOPIC, _message(backfill, unit))])
    ]
    over, now = _is_over(backfill, units), runtime.clock.now()
    return Backfill.fields(
        stored_units=[each.to_document() for each in units],
        is_open=not over,
        ended_at=now if over else None,
        expires_at=now + KEPT if over else None,
        outbox=entries,
        outbox_pending=bool(entries),
    )


def _message(backfill: Backfill, unit: Unit) -> str:
    return json.dumps({
        "from_date": unit.first.isoformat(),
        "to_date": unit.last.isoformat(),
        "mode": MODE,
        "run_id": unit.run_id,
        "trigger_source": "manual",
        "use_kept": not backfill.fetch_again,
    })  # fmt: skip
