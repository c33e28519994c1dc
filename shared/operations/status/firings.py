"""When pipeline.yaml's schedules come round to a date, and which phases of it they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.core.clock import at_new_york
from shared.core.pipeline import GRADING, Pipeline, Schedule

# How far a schedule's day lies from the date that its message names.
_DAYS_BEFORE = {"TODAY": 0, "TOMORROW": 1, "YESTERDAY": -1}
RESULTS = "results"
# A chain takes minutes, and a delivery that fails is tried again for about seven: until then what a
# firing makes is on its way.
CHAIN_TAKES = timedelta(minutes=30)


@dataclass(frozen=True)
class Firing:
    """A schedule's firing for a date."""

    at: datetime
    schedule: str
    topic: str
    phases: tuple[str, ...]
    """What it makes of the date; empty for a recovery function."""
    after_games: bool
    """Whether it makes what follows the games (results, grades, their export)."""


def firings_of(pipeline: Pipeline, day: date) -> list[Firing]:
    """Every firing of a daily schedule about a date, in the order of time.

    Schedules that fire all day long, and on one day of the week, are about no date's rows.
    """
    found = [_firing(pipeline, schedule, day) for schedule in pipeline.schedules.values()]
    return sorted((each for each in found if each is not None), key=lambda each: (each.at, each.schedule))


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
    return next((each for each in firings if each.topic == topic and each.at > now), None)


def _firing(pipeline: Pipeline, schedule: Schedule, day: date) -> Firing | None:
    minute, hour, *days = schedule.cron.split()
    before = _DAYS_BEFORE.get(str(schedule.message.get("game_date")))
    if schedule.repeats or days != ["*", "*", "*"] or before is None:
        return None
    at = at_new_york(day - timedelta(days=before), time(int(hour), int(minute)))
    phases = _phases(pipeline, schedule)
    return Firing(at, schedule.name, schedule.topic, phases, after_games=before < 0)


def _phases(pipeline: Pipeline, schedule: Schedule) -> tuple[str, ...]:
    """The phases of a chain from its first to its mode's last; grading is followed by its
    export.
    """
    (starts,) = {pipeline.functions[name].phase for name in pipeline.function_of_topic(schedule.topic)}
    if starts == GRADING:
        return (GRADING, pipeline.phase_order[-1])
    if starts not in pipeline.phase_order:
        return ()
    order = pipeline.phase_order
    mode = schedule.message.get("mode")
    last = pipeline.modes[mode] if mode is not None else order[-1]
    return order[order.index(starts) : order.index(last) + 1]
