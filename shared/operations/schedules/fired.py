"""Schedules of pipeline.yaml as they fired, or did not: known by the executions that they start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.chain.execution.records import COLLECTION, Execution
from shared.core.pipeline import Pipeline, Schedule
from shared.operations.schedules.firings import Firing, firing_of, firings_of
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

# Cloud Scheduler tries a firing again for ten minutes (schedule_defaults), then a function starts.
GRACE = timedelta(minutes=15)
# What repeats all day is behind after so many firings in a row without a run: one that is missed
# costs nothing.
MISSED_IN_A_ROW = 3
# On one machine nobody fires every schedule: what did not run so many times before is none of it.
LOOK_BACK = 7
# Executions of one date that are looked through for a run made by hand.
_MOST = 1_000


@dataclass(frozen=True)
class Fired:
    """The newest firing of a schedule that is due, and what ran for it."""

    due: Firing
    next_at: datetime
    execution: Execution | None
    """Its execution; of a schedule that repeats all day the newest of its last ones."""
    instead: Execution | None
    """Where it has none: a run of the same function and date that somebody began since."""
    expected: bool
    """Whether the schedule is fired here at all."""

    @property
    def ran(self) -> Execution | None:
        return self.execution or self.instead


def read_began(runtime: Runtime) -> datetime | None:
    """When the oldest execution known began: of what was due before, nobody could fire anything."""
    oldest = runtime.state.query(COLLECTION, order_by="started_at", limit=1)
    return Execution.from_document(oldest[0]).started_at if oldest else None


def read_fired(
    runtime: Runtime, pipeline: Pipeline, schedule: Schedule, now: datetime, *, deployed: bool, began: datetime | None
) -> Fired:
    """What ran for the newest due firing: one read where it ran as it should.

    deployed: whether somebody fires every schedule here, as Cloud Scheduler does, and `began` since
    when; None: nothing ever ran.
    """
    times = schedule.times
    due = firing_of(pipeline, schedule, times.last(now - GRACE))
    execution = _read_newest(runtime, pipeline, due, now)
    instead = None if execution or schedule.repeats else _find_another(runtime, due, now)
    expected = execution is not None or instead is not None
    if not expected:
        expected = began is None or due.at >= began if deployed else _fired_before(runtime, pipeline, due, now)
    return Fired(due, times.next(now), execution, instead, expected)


def _read_newest(runtime: Runtime, pipeline: Pipeline, due: Firing, now: datetime) -> Execution | None:
    """The execution of a firing; where it repeats, of any since the last MISSED_IN_A_ROW due
    ones.
    """
    if not due.schedule.repeats:
        return _read(runtime, due, now)
    first = due
    for _ in range(MISSED_IN_A_ROW - 1):
        first = _before(pipeline, first)
    listed = firings_of(pipeline, due.schedule, first.at, now)
    return next((found for each in reversed(listed) if (found := _read(runtime, each, now))), None)


def _fired_before(runtime: Runtime, pipeline: Pipeline, due: Firing, now: datetime) -> bool:
    earlier = due
    for _ in range(LOOK_BACK):
        earlier = _before(pipeline, earlier)
        if _read(runtime, earlier, now):
            return True
    return False


def _before(pipeline: Pipeline, firing: Firing) -> Firing:
    at = firing.schedule.times.last(firing.at - timedelta(microseconds=1))
    return firing_of(pipeline, firing.schedule, at)


def _read(runtime: Runtime, firing: Firing, now: datetime) -> Execution | None:
    document = runtime.state.get(firing.key.path)
    execution = None if document is None else Execution.from_document(document)
    return execution if execution is not None and _is_of_this_time(runtime, execution, now) else None


def _find_another(runtime: Runtime, due: Firing, now: datetime) -> Execution | None:
    """The newest run of the same function, date and mode since the firing, by hand or by
    self-heal.
    """
    documents = runtime.state.query(COLLECTION, [Filter("game_date", "==", due.day.isoformat())], limit=_MOST)
    since = [
        execution
        for execution in map(Execution.from_document, documents)
        if execution.function == due.function
        and due.mode in (None, execution.mode)
        and execution.started_at >= due.at
        and _is_of_this_time(runtime, execution, now)
    ]
    return max(since, key=lambda each: each.started_at, default=None)


def _is_of_this_time(runtime: Runtime, execution: Execution, now: datetime) -> bool:
    """Of an earlier repetition of simulated time, or of a state since restored, nothing counts."""
    return execution.epoch == runtime.epoch and execution.started_at <= now
