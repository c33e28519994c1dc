"""pipeline.yaml as typed data: functions, subscriptions, modes and schedules."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from shared.core.clock import NEW_YORK, at_new_york
from shared.core.conditions import Condition, read_conditions
from shared.core.cron import Cron
from shared.core.errors import ConfigError

# Functions that others have to know by name; their phases have the same names, but for those of
# phase 1 to 4 and 6.
COORDINATOR, WORKER, CONSOLIDATION = "phase5_coordinator", "phase5_worker", "phase5_consolidation"
GRADING, SELF_HEAL, BATCH_SWEEP, MONITOR = "grading", "self_heal", "batch_sweep", "monitor"
PIPELINE_FILE = Path(__file__).resolve().parents[2] / "pipeline.yaml"


@dataclass(frozen=True)
class Subscription:
    """A push subscription of a function on a topic, with its dead letters."""

    name: str
    topic: str
    function: str
    ack_deadline_seconds: int
    min_backoff_seconds: int
    max_backoff_seconds: int
    max_delivery_attempts: int

    @property
    def dead_letter_topic(self) -> str:
        return f"{self.name}-dead-letter"

    @property
    def dead_letter_subscription(self) -> str:
        return self.dead_letter_topic

    def backoff_seconds(self, attempt: int) -> int:
        """Wait after the attempt-th failed delivery (1 is the first): doubling, bounded."""
        return min(self.max_backoff_seconds, self.min_backoff_seconds << (attempt - 1))


@dataclass(frozen=True)
class FunctionSpec:
    """One function as pipeline.yaml describes it; times in seconds, memory in MiB."""

    name: str
    phase: str
    topics: tuple[str, ...]
    announces: str | None
    """Topic of its completions; None: it announces nothing (a recovery function)."""
    publishes: tuple[str, ...]
    memory_mb: int
    timeout_seconds: int
    concurrency: int
    min_instances: int
    max_instances: int
    lease_seconds: int
    subscriptions: tuple[Subscription, ...]
    datasets: dict[str, str]
    buckets: dict[str, str]
    publishes_any: bool = False
    """Whether it sends what others left unsent, to whatever topic."""
    http: bool = False
    """Whether people ask it by HTTP, and no topic does."""

    @property
    def sends(self) -> frozenset[str]:
        """Topics it publishes to by its own doing."""
        return frozenset((self.announces, *self.publishes) if self.announces else self.publishes)

    @property
    def trigger(self) -> str:
        """The topic that starts it by hand.

        Raises ConfigError where it has none: its only topic is announced to.
        """
        found = [topic for topic in self.topics if topic.endswith("-trigger")]
        if len(found) != 1:
            what = f"{self.name} has {len(found)} topics that end in -trigger."
            raise ConfigError(what, next_step="see pipeline.yaml.")
        return found[0]

    @property
    def max_delivery_attempts(self) -> int:
        return self.subscriptions[0].max_delivery_attempts


@dataclass(frozen=True)
class Schedule:
    """A Cloud Scheduler job: a cron in New York time that publishes a message."""

    name: str
    cron: str
    topic: str
    message: dict[str, Any]

    @property
    def times(self) -> Cron:
        """When it fires. Raises ConfigError for a cron of a form that Cron does not read."""
        return Cron.parse(self.cron)

    @property
    def every_minutes(self) -> int | None:
        """Minutes between two firings of a job that fires all day long (cron */n); None: once a day
        at most.
        """
        return self.times.every_minutes

    @property
    def repeats(self) -> bool:
        return self.every_minutes is not None

    def slot(self, fired_at: datetime) -> str:
        """The firing that a moment belongs to, as New York's HHMM; the hour that an autumn night
        repeats ends in b.
        """
        local = fired_at.astimezone(NEW_YORK)
        minute = local.minute - local.minute % (self.every_minutes or 1)
        return f"{local.hour:02d}{minute:02d}{'b' if local.fold else ''}"


@dataclass(frozen=True)
class Contract:
    """What must exist for a date once a phase has done its work, and the topic that restarts it."""

    check: str
    """Name of the rule in self_heal that says whether it is short."""
    exists: str
    tables: tuple[str, ...]
    """Tables and views that the rule counts rows of."""
    phase: str
    """Phase of the function that reads `restart`, or that made what nobody makes again."""
    restart: str | None
    """None: what is gone cannot be made again; it is named, and an alert says so."""
    mode: str | None = None
    """Mode of the restarted run; None: same_day, or tomorrow for a date to come."""


@dataclass(frozen=True)
class Deadline:
    """By when a phase has to be done with a date: at a time of New York's on the date itself, or so
    many hours after the end of its last game; one of the two is None.
    """

    name: str
    phase: str
    says: str
    """What is then done, for people."""
    by: time | None = None
    within_hours: float | None = None

    def of(self, day: date, last_end: datetime | None) -> datetime | None:
        """The moment for a date whose last game ends at `last_end`; None where that is not known
        and the deadline goes by it.
        """
        if self.by is not None:
            return at_new_york(day, self.by)
        if last_end is None or self.within_hours is None:
            return None
        return last_end + timedelta(hours=self.within_hours)


@dataclass(frozen=True)
class Pipeline:
    """The whole wiring."""

    functions: dict[str, FunctionSpec]
    pull_subscriptions: dict[str, str]
    modes: dict[str, str]
    phase_order: tuple[str, ...]
    schedules: dict[str, Schedule]
    alerts_topic: str
    """Topic of the alerts that functions raise."""
    contracts: dict[str, tuple[Contract, ...]] = field(default_factory=dict)
    """coming: of a date that is still to be played; played: of one that is over.

    In the order of the chain.
    """
    without_contract: dict[str, str] = field(default_factory=dict)
    """Phases of the chain that no contract restarts: why."""
    deadlines: tuple[Deadline, ...] = ()
    conditions: dict[str, Condition] = field(default_factory=dict)
    """By name; of an alert, the name is what its fingerprint begins with."""

    @property
    def subscriptions(self) -> dict[str, Subscription]:
        return {s.name: s for f in self.functions.values() for s in f.subscriptions}

    @property
    def topics(self) -> tuple[str, ...]:
        """Every topic there is, dead-letter topics included, sorted."""
        names = set(self.pull_subscriptions)
        for function in self.functions.values():
            names |= {*function.sends, *function.topics}
            names |= {s.dead_letter_topic for s in function.subscriptions}
        names |= {s.topic for s in self.schedules.values()}
        return tuple(sorted(names))

    @property
    def pullable(self) -> dict[str, str]:
        """Pull subscription -> topic: the operators' and all dead letters'."""
        operators = {subscription: topic for topic, subscription in self.pull_subscriptions.items()}
        return operators | {s.dead_letter_subscription: s.dead_letter_topic for s in self.subscriptions.values()}

    def function_of_topic(self, topic: str) -> list[str]:
        return [f.name for f in self.functions.values() if topic in f.topics]

    def beyond_mode(self, phase: str, mode: str) -> bool:
        """Whether a phase lies beyond the last phase of a mode (phases outside the chain never
        do).
        """
        if phase not in self.phase_order:
            return False
        return self.phase_order.index(phase) > self.phase_order.index(self.modes[mode])


def _function(name: str, raw: dict[str, Any], defaults: dict[str, Any]) -> FunctionSpec:
    merged = {**defaults, **raw}
    subscriptions = tuple(
        Subscription(
            name=f"{name}-{topic}".replace("_", "-"),
            topic=topic,
            function=name,
            ack_deadline_seconds=merged["ack_deadline_seconds"],
            min_backoff_seconds=merged["min_backoff_seconds"],
            max_backoff_seconds=merged["max_backoff_seconds"],
            max_delivery_attempts=merged["max_delivery_attempts"],
        )
        for topic in merged["topics"]
    )
    return FunctionSpec(
        name=name,
        phase=merged["phase"],
        topics=tuple(merged["topics"]),
        announces=merged["announces"],
        publishes=tuple(merged.get("publishes", ())),
        memory_mb=merged["memory_mb"],
        timeout_seconds=merged["timeout_seconds"],
        concurrency=merged["concurrency"],
        min_instances=merged["min_instances"],
        max_instances=merged["max_instances"],
        lease_seconds=merged["timeout_seconds"] + merged["lease_margin_seconds"],
        subscriptions=subscriptions,
        datasets=merged["datasets"],
        buckets=merged["buckets"],
        publishes_any=merged.get("publishes_any", False),
        http=merged.get("http", False),
    )


def _contract(raw: dict[str, Any]) -> Contract:
    return Contract(**{**raw, "tables": tuple(raw["tables"])})


def _deadline(name: str, raw: dict[str, Any]) -> Deadline:
    """Raises KeyError or TypeError for a deadline without a phase, a sentence, or exactly one kind
    of time; ValueError for a time such as 13 o'clock.
    """
    by, hours = raw.get("by"), raw.get("within_hours")
    if (by is None) == (hours is None):
        raise TypeError(f"the deadline {name} needs one of by and within_hours")
    at = None if by is None else time.fromisoformat(by)
    return Deadline(name, raw["phase"], raw["says"], at, None if hours is None else float(hours))


class _UniqueKeysLoader(yaml.SafeLoader):
    """YAML in which no key occurs twice in a map: of two equal ones YAML keeps the last, and says
    nothing.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(problem=f"the key {key!r} occurs a second time in line {line}")
            seen.add(key)
        return super().construct_mapping(node, deep)


def _parse(text: str) -> Any:
    loader = _UniqueKeysLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


@lru_cache(maxsize=4)
def load_pipeline(path: Path = PIPELINE_FILE) -> Pipeline:
    """Read pipeline.yaml.

    Raises ConfigError naming the file and the key that is missing, wrong or there twice.
    """
    try:
        raw = _parse(path.read_text(encoding="utf-8"))
        functions = {n: _function(n, f, raw["defaults"]) for n, f in raw["functions"].items()}
        schedules = {n: Schedule(n, s["cron"], s["topic"], s["message"]) for n, s in raw["schedules"].items()}
        return Pipeline(
            functions=functions,
            pull_subscriptions=raw["pull_subscriptions"],
            modes=raw["modes"],
            phase_order=tuple(raw["phase_order"]),
            schedules=schedules,
            alerts_topic=raw["alerts_topic"],
            contracts={group: tuple(_contract(c) for c in listed) for group, listed in raw["contracts"].items()},
            without_contract=raw["without_contract"],
            deadlines=tuple(_deadline(name, each) for name, each in raw["deadlines"].items()),
            conditions=read_conditions(raw["conditions"], raw["alerts"]),
        )
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not a pipeline description: {error}.", next_step="correct the file.") from error
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{path} is not a pipeline description: {error!r}.", next_step="correct the file.") from error


def trigger_of(function: str) -> str:
    """The topic that starts a function by hand."""
    return load_pipeline().functions[function].trigger
