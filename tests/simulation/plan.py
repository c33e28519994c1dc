"""What a seed holds in store: when faults may strike, which kinds and how often, and what happens
on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from shared.core.clock import at_new_york
from shared.core.pipeline import load_pipeline

# Drawn at the places between two side effects (faults.py says what each does).
KINDS = (
    "duplicate delivery",
    "delayed delivery",
    "delivery past the ack deadline",
    "lost acknowledgement",
    "crash before",
    "crash after",
    "crash at a named point",
    "zombie",
    "slow process",
    "state aborted",
    "state lost before",
    "state lost after",
    "warehouse conflict",
    "warehouse quota",
    "warehouse timed out before",
    "warehouse timed out after",
    "publish failed",
    "publish reported failed",
    "bucket failed before",
    "bucket failed after",
    "source error",
)
SAME_DAY_AT = time(11, 30)


@dataclass(frozen=True)
class Window:
    """A stretch of time; of an outage, `what` is out."""

    start: datetime
    end: datetime
    what: str = ""

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Event:
    """Something that happens on purpose at a moment; `name` is the same in every replay."""

    name: str
    at: datetime
    kind: str  # schedule, trigger, copy, poison, pause, resume, redrive
    topic: str = ""
    message: Mapping[str, Any] = field(default_factory=dict)
    data: bytes = b""


@dataclass(frozen=True)
class Plan:
    """Everything about a seed that does not depend on what happens."""

    seed: int
    game_date: date
    rate: float
    """Chance of a fault at a write of an undisturbed moment within a window; reads and named points
    differ from it.
    """
    kinds: frozenset[str]
    windows: tuple[Window, ...]
    outages: tuple[Window, ...]
    events: tuple[Event, ...]
    second_run: bool

    def within(self, moment: datetime) -> bool:
        """Whether faults may strike now."""
        return any(window.holds(moment) for window in self.windows)

    def out(self, what: str, moment: datetime) -> Window | None:
        """The outage of a thing at a moment, if any."""
        return next((o for o in self.outages if o.what == what and o.holds(moment)), None)


def calm(game_date: date) -> Plan:
    """A day on which nothing goes wrong."""
    events = [_schedule_event(name, game_date) for name in ("same-day-predictions", "phase6-tonight-picks")]
    events += [
        _schedule_event(name, game_date, next_day=True) for name in ("daily-yesterday-analytics", "grading-daily")
    ]
    return Plan(0, game_date, 0.0, frozenset(), (), (), tuple(sorted(events, key=lambda e: e.at)), second_run=False)


def draw(seed: int, game_date: date, first_tipoff: datetime) -> Plan:
    """The plan of a seed."""
    rng = Random(seed)
    begin = at_new_york(game_date, time(11, 29))
    morning = at_new_york(game_date + timedelta(days=1), time(6, 29))
    evening = at_new_york(game_date, time(17, 29))
    second_run = rng.random() < 0.25
    late = rng.random() < 0.12
    first_end = first_tipoff + _minutes(rng, 5, 80) if late else begin + _minutes(rng, 3, 170)
    windows = [Window(begin, first_end)]
    if second_run:
        past = rng.random() < 0.3
        end = first_tipoff + _minutes(rng, 2, 75) if past else evening + _minutes(rng, 3, 60)
        windows.append(Window(evening, max(end, first_end) if late else end))
    if rng.random() < 0.5:
        windows.append(Window(morning, morning + _minutes(rng, 5, 300)))
    kinds = frozenset(kind for kind in KINDS if rng.random() < 0.6) or frozenset(KINDS)
    events = [*_schedule(rng, game_date, windows, second_run), *_people(rng, game_date, windows)]
    return Plan(
        seed=seed,
        game_date=game_date,
        rate=rng.choice((0.001, 0.004, 0.008, 0.015, 0.03)),
        kinds=kinds,
        windows=tuple(windows),
        outages=tuple(_outages(rng, windows)),
        events=tuple(sorted(events, key=lambda event: (event.at, event.name))),
        second_run=second_run,
    )


def _schedule(rng: Random, day: date, windows: list[Window], second_run: bool) -> list[Event]:
    events = [_schedule_event("same-day-predictions", day)]
    # recovery asks and exports too, so these need not be in every seed
    events += [_schedule_event(n, day) for n in ("self-heal-predictions", "phase6-tonight-picks") if rng.random() < 0.5]
    if second_run:
        events.append(_schedule_event("pre-game-predictions", day))
    following = ["daily-yesterday-analytics", "grading-daily"]
    if rng.random() < 0.3:
        following.append("self-heal-results")
    events += [_schedule_event(name, day, next_day=True) for name in following]
    for event in tuple(events):
        if rng.random() < 0.15:
            later = event.at + timedelta(seconds=rng.choice((0, 1, 7, 45)))
            events.append(Event(f"{event.name} fires again", later, event.kind, event.topic, event.message))
    if rng.random() < 0.2:
        # two modes of the same date overlap; right on the second, since as_of is a whole second too
        at = at_new_york(day, time(11, 30)) + timedelta(seconds=rng.choice((0, 1, 1, 2, 30, 200)))
        message = {"game_date": str(day), "mode": "overnight", "run_id": f"{day}-overlap"}
        events.append(Event("overnight run overlaps", at, "trigger", "nba-phase1-trigger", message))
    for window in windows:
        # at first as often as in operation, then at times, so that a seed is over sooner
        minutes = (11, 31, 71, 131)
        events += [_sweep(at) for at in (window.start + timedelta(minutes=m) for m in minutes) if at < window.end]
    return events


def _people(rng: Random, day: date, windows: list[Window]) -> list[Event]:
    """What an operator, or nonsense from outside, adds."""
    topics = sorted({topic for function in load_pipeline().functions.values() for topic in function.topics})
    # training is no matter of a day; the monitor looks on (readers.py)
    topics = [topic for topic in topics if "training" not in topic and "monitor" not in topic]
    events = []
    for number in range(rng.choice((0, 0, 1, 1, 2, 3))):
        at, topic = _random_time(rng, windows), rng.choice(topics)
        if rng.random() < 0.4:
            events.append(Event(f"operator {number}: a copy on {topic}", at, "copy", topic))
            continue
        message: dict[str, Any] = {"game_date": str(day)}
        if topic == "prediction-request":
            continue
        if "phase5" in topic or "phase6" in topic:
            message |= {"batch_id": f"batch_{day}_r1"} if rng.random() < 0.5 else {}
        events.append(Event(f"operator {number}: {topic}", at, "trigger", topic, message))
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        junk = rng.choice((b"not json", b"{}", b'{"game_date": "SOMEDAY"}', b"\xff\xfe", b'{"game_date": 7}', b"[]"))
        events.append(Event(f"poison {number}", _random_time(rng, windows), "poison", rng.choice(topics), data=junk))
    if rng.random() < 0.12:
        at = _random_time(rng, windows)
        events.append(Event("pause", at, "pause"))
        events.append(Event("resume", at + _minutes(rng, 1, 50), "resume"))
    if rng.random() < 0.2:
        events.append(Event("operator redrives", _random_time(rng, windows) + _minutes(rng, 10, 40), "redrive"))
    return events


def _outages(rng: Random, windows: list[Window]) -> list[Window]:
    outages = []
    for what, chance, longest in (("state", 0.12, 12), ("warehouse", 0.05, 12), ("bus", 0.04, 5)):
        if rng.random() < chance:
            start = _random_time(rng, windows)
            outages.append(Window(start, start + _minutes(rng, 1, longest), what))
    for source in ("nba", "odds", "espn", "zones", "official"):
        for what in ("down", "half"):
            if rng.random() < 0.04:
                # where it matters: sources are asked in the first moments of a run
                start = rng.choice(windows).start
                outages.append(Window(start, start + _minutes(rng, 1, 40), f"{source} {what}"))
    return outages


def _random_time(rng: Random, windows: list[Window]) -> datetime:
    """Within a window, more often near its beginning, where the runs are."""
    window = rng.choice(windows)
    share = rng.random() ** 3
    moment = window.start + timedelta(minutes=1) + (window.end - window.start - timedelta(minutes=1)) * share
    return moment.replace(microsecond=0)


def _minutes(rng: Random, least: int, most: int) -> timedelta:
    return timedelta(seconds=rng.randint(least * 60, most * 60))


def _schedule_event(name: str, game_day: date, *, next_day: bool = False) -> Event:
    """One of pipeline.yaml's jobs on the game day or the day after."""
    schedule = load_pipeline().schedules[name]
    minute, hour = schedule.cron.split()[:2]
    at = at_new_york(game_day + timedelta(days=int(next_day)), time(int(hour), int(minute)))
    return Event(name, at, "schedule", schedule.topic, schedule.message)


def _sweep(at: datetime) -> Event:
    schedule = load_pipeline().schedules["batch-sweep"]
    return Event(f"batch-sweep {at:%d %H:%M}", at, "schedule", schedule.topic, schedule.message)


def sweep_at(at: datetime) -> Event:
    """The sweep that Cloud Scheduler would publish at a moment."""
    return _sweep(at)
