"""When pipeline.yaml's schedules fire: between two moments, and about a date; and which phases of
the date a firing makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from shared.chain.execution.records import ExecutionKey
from shared.chain.execution.run_identity import scheduled_run_id
from shared.core.clock import at_new_york, new_york_date, resolve_date
from shared.core.pipeline import GRADING, Pipeline, Schedule

# A chain takes minutes, and a delivery that fails is tried again for about seven: until then what a
# firing makes is on its way.
CHAIN_TAKES = timedelta(minutes=30)


@dataclass(frozen=True)
class Firing:
    """One firing of a schedule."""

    schedule: Schedule
    at: datetime
    function: str
    """The function that it starts."""
    phases: tuple[str, ...] = ()
    """What it makes of its date, in the order of the chain; none of a function outside it."""

    @property
    def day(self) -> date:
        """The date that its message is about."""
        return resolve_date(str(self.schedule.message.get("game_date", "TODAY")), self.at)

    @property
    def mode(self) -> str | None:
        mode = self.schedule.message.get("mode")
        return None if mode is None else str(mode)

    @property
    def after_games(self) -> bool:
        """Whether it makes what follows the games (results, grades, their export)."""
        return self.day < new_york_date(self.at)

    @property
    def key(self) -> ExecutionKey:
        """The execution that it starts."""
        return ExecutionKey(self.function, scheduled_run_id(self.schedule, self.day.isoformat(), self.at))

    @property
    def message(self) -> dict[str, Any]:
        """What to publish in its place, later: of the same date, and of the same run."""
        return {**self.schedule.message, "game_date": self.day.isoformat(), "schedule": self.schedule.name}


def firing_of(pipeline: Pipeline, schedule: Schedule, at: datetime) -> Firing:
    (function,) = pipeline.function_of_topic(schedule.topic)
    return Firing(schedule, at, function, _phases(pipeline, schedule, function))


def firings_of(pipeline: Pipeline, schedule: Schedule, since: datetime, until: datetime) -> list[Firing]:
    """Every firing of a schedule between two moments, the oldest first."""
    return [firing_of(pipeline, schedule, at) for at in schedule.times.firings(since, until)]


def firings_about(pipeline: Pipeline, day: date) -> list[Firing]:
    """Every firing of a daily schedule about a date, in the order of time: the day before begins
    with it, the day after ends it.

    Schedules that fire all day long, and on one day of the week, are about no date's rows.
    """
    since, until = (at_new_york(day + timedelta(days=days), time(0)) for days in (-1, 2))
    daily = [schedule for schedule in pipeline.schedules.values() if schedule.times.is_daily]
    found = [firing for schedule in daily for firing in firings_of(pipeline, schedule, since, until)]
    return sorted((each for each in found if each.day == day), key=lambda each: (each.at, each.schedule.name))


def first_due(firings: Sequence[Firing], phase: str, *, after_games: bool) -> Firing | None:
    """The first firing that makes a phase, of before the games or of after them; None: no schedule
    does.
    """
    making = (each for each in firings if phase in each.phases and each.after_games == after_games)
    return next(making, None)


def under_way(firings: Sequence[Firing], phase: str, now: datetime) -> Firing | None:
    """The firing of a moment ago whose chain may still be on its way to a phase."""
    making = [each for each in firings if phase in each.phases and each.at <= now < each.at + CHAIN_TAKES]
    return making[-1] if making else None


def next_of_topic(firings: Sequence[Firing], topic: str, now: datetime) -> Firing | None:
    """The next firing that publishes to a topic."""
    return next((each for each in firings if each.schedule.topic == topic and each.at > now), None)


def _phases(pipeline: Pipeline, schedule: Schedule, function: str) -> tuple[str, ...]:
    """The phases of a chain from its first to its mode's last; grading is followed by its
    export.
    """
    starts = pipeline.functions[function].phase
    if starts == GRADING:
        return (GRADING, pipeline.phase_order[-1])
    if starts not in pipeline.phase_order:
        return ()
    order = pipeline.phase_order
    mode = schedule.message.get("mode")
    last = pipeline.modes[mode] if mode is not None else order[-1]
    return order[order.index(starts) : order.index(last) + 1]
