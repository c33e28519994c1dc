"""Schedules of pipeline.yaml as they fired, or did not: known by the executions that they start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import chain

from shared.chain.execution.records import COLLECTION, Execution
from shared.core.pipeline import Pipeline
from shared.operations.schedules.firings import Firing, firing_of, firings_of
from shared.stores.document_rules import MAX_IN_VALUES
from shared.stores.ports import Document, Filter
from shared.stores.runtime import Runtime

# Cloud Scheduler tries a firing again for ten minutes (schedule_defaults), then a function starts.
GRACE = timedelta(minutes=15)
# What repeats all day is behind after so many firings in a row without a run: one that is missed
# costs nothing.
MISSED_IN_A_ROW = 3
# On one machine nobody fires every schedule: what did not run so many times before is none of it.
LOOK_BACK = 7
# Executions of one phase and date that are looked through for a run made by hand.
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
    runtime: Runtime, pipeline: Pipeline, now: datetime, *, deployed: bool, began: datetime | None
) -> dict[str, Fired]:
    """What ran for every schedule's newest due firing, by its name: a query of the state for each
    phase that schedules start, and where something did not run another of what ran instead.

    deployed: whether somebody fires every schedule here, as Cloud Scheduler does, and `began` since
    when; None: nothing ever ran.
    """
    due = {
        name: firing_of(pipeline, schedule, schedule.times.last(now - GRACE))
        for name, schedule in pipeline.schedules.items()
    }
    counting = {name: _candidates(pipeline, firing, now) for name, firing in due.items()}
    earlier = {name: [] if deployed else _earlier(pipeline, firing, LOOK_BACK) for name, firing in due.items()}
    reader = _Reader(runtime, pipeline, now)
    found = reader.executions(chain.from_iterable([*counting.values(), *earlier.values()]))
    fired: dict[str, Fired] = {}
    for name, firing in due.items():
        execution = next((found[each.key.id] for each in counting[name] if each.key.id in found), None)
        instead = None if execution or firing.schedule.repeats else reader.another(firing)
        expected = execution is not None or instead is not None
        if not expected and deployed:
            expected = began is None or firing.at >= began
        elif not expected:
            expected = any(each.key.id in found for each in earlier[name])
        fired[name] = Fired(firing, firing.schedule.times.next(now), execution, instead, expected)
    return fired


def _candidates(pipeline: Pipeline, due: Firing, now: datetime) -> list[Firing]:
    """The firings whose execution counts, the newest first: of one that repeats all that fired
    since the last MISSED_IN_A_ROW due ones.
    """
    if not due.schedule.repeats:
        return [due]
    first = _earlier(pipeline, due, MISSED_IN_A_ROW - 1)[-1]
    return firings_of(pipeline, due.schedule, first.at, now)[::-1]


def _earlier(pipeline: Pipeline, firing: Firing, count: int) -> list[Firing]:
    """So many firings before one, the newest first."""
    found: list[Firing] = []
    for _ in range(count):
        at = firing.schedule.times.last(firing.at - timedelta(microseconds=1))
        firing = firing_of(pipeline, firing.schedule, at)
        found.append(firing)
    return found


@dataclass(frozen=True)
class _Reader:
    """Asks for the executions of many firings at once: Firestore answers each query in its own
    time.
    """

    runtime: Runtime
    pipeline: Pipeline
    now: datetime
    others: dict[tuple[str, date], list[Execution]] = field(default_factory=dict)
    """What ran of a phase and date, once it was read."""

    def executions(self, firings: Iterable[Firing]) -> dict[str, Execution]:
        """Those that firings started, by their id."""
        runs: dict[str, set[str]] = {}
        for firing in firings:
            runs.setdefault(self._phase(firing), set()).add(firing.key.run_id)
        return {each.id: each for phase, names in runs.items() for each in self._of_runs(phase, sorted(names))}

    def another(self, due: Firing) -> Execution | None:
        """The newest run of the same function, date and mode since the firing, by hand or by
        self-heal.
        """
        asked = self._phase(due), due.day
        if asked not in self.others:
            day = Filter("game_date", "==", due.day.isoformat())
            of_phase = Filter("phase", "==", self._phase(due))
            documents = self.runtime.state.query(COLLECTION, [day, of_phase], limit=_MOST)
            self.others[asked] = self._of_this_time(documents)
        since = [
            execution
            for execution in self.others[asked]
            if execution.function == due.function
            and due.mode in (None, execution.mode)
            and execution.started_at >= due.at
        ]
        return max(since, key=lambda each: each.started_at, default=None)

    def _phase(self, firing: Firing) -> str:
        return self.pipeline.functions[firing.function].phase

    def _of_runs(self, phase: str, names: Sequence[str]) -> Iterator[Execution]:
        for start in range(0, len(names), MAX_IN_VALUES):
            runs = Filter("run_id", "in", names[start : start + MAX_IN_VALUES])
            found = self.runtime.state.query(COLLECTION, [Filter("phase", "==", phase), runs])
            yield from self._of_this_time(found)

    def _of_this_time(self, documents: Iterable[Document]) -> list[Execution]:
        """Of an earlier repetition of simulated time, or of a state since restored, nothing
        counts.
        """
        found = map(Execution.from_document, documents)
        return [each for each in found if each.epoch == self.runtime.epoch and each.started_at <= self.now]
