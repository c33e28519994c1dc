"""What checks read: each part once, when the first of them asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from time import perf_counter

from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import COLLECTION as BATCHES
from shared.chain.batches.records import Batch
from shared.chain.execution.records import COLLECTION as EXECUTIONS
from shared.chain.execution.records import Execution, ExecutionStatus
from shared.chain.resilience import deferred, halt_switch, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter
from shared.chain.resilience.deferred import DeferredMessage
from shared.chain.resilience.pause_switch import Pause
from shared.core.clock import new_york_date
from shared.core.pipeline import Pipeline, Schedule
from shared.operations import queues
from shared.operations.checks import probe, rows
from shared.operations.checks.probe import Probe
from shared.operations.checks.rows import BatchRows, Games, HistoryRow, SourceRow
from shared.operations.incidents.outage_markers import Marker, read_markers
from shared.operations.queues import BreakerFailures
from shared.operations.schedules.fired import Fired, read_began, read_fired
from shared.operations.schedules.firings import Firing, firings_about, firings_of
from shared.stores.ports import DateRange, Document, Filter
from shared.stores.runtime import Runtime
from shared.stores.warehouse import staging

# A state document is small; so many are read at most of executions that failed or were cut off.
MOST_EXECUTIONS = 1_000
# A pause of the season is shorter, the All-Star break; the summer is longer.
LONGEST_BREAK = timedelta(days=14)
_SEASON = timedelta(days=200)
_HISTORY = timedelta(days=7)


@dataclass(frozen=True)
class Readings:
    """The stores at a moment, and how far back is looked. Every property may raise
    StoreUnavailable.
    """

    runtime: Runtime
    pipeline: Pipeline
    now: datetime
    window: timedelta = timedelta(hours=24)
    stopwatch: Callable[[], float] = perf_counter
    """Seconds, for what is timed."""

    @property
    def since(self) -> datetime:
        return self.now - self.window

    @property
    def deployed(self) -> bool:
        """Whether this is Google Cloud, where buckets have names and Cloud Scheduler fires every
        schedule.
        """
        return bool(self.runtime.settings.raw_bucket)

    # --- schedules --------------------------------------------------------------------------------

    @cached_property
    def fired(self) -> dict[str, Fired]:
        """Every schedule's newest due firing, by its name."""
        return read_fired(self.runtime, self.pipeline, self.now, deployed=self.deployed, began=self.began)

    @cached_property
    def began(self) -> datetime | None:
        """Since when anything runs here; None: nothing ever ran."""
        return read_began(self.runtime)

    def firings(self, since: datetime, modes: Sequence[str]) -> list[Firing]:
        """Firings of phase 1's schedules in these modes from a moment to now, the oldest first;
        those that nobody fires here left out.
        """
        found = [
            firing
            for schedule in self.pipeline.schedules.values()
            if schedule.message.get("mode") in modes and self._is_fired(schedule)
            for firing in firings_of(self.pipeline, schedule, since, self.now)
        ]
        return sorted(found, key=lambda firing: firing.at)

    def find_following(self, due: Firing) -> Firing | None:
        """The next firing of the same function, mode and date that somebody fires here."""
        later = (
            firing
            for firing in firings_about(self.pipeline, due.day)
            if (firing.function, firing.mode) == (due.function, due.mode) and firing.at > due.at
        )
        return next((firing for firing in later if self._is_fired(firing.schedule)), None)

    @cached_property
    def prediction_firings(self) -> list[Firing]:
        """Of the window, those whose runs go on to the last phase, since anything runs here."""
        last = self.pipeline.phase_order[-1]
        modes = [mode for mode, phase in self.pipeline.modes.items() if phase == last]
        found = self.firings(self.since, modes)
        began = self.began
        return [firing for firing in found if began is None or firing.at >= began]

    def _is_fired(self, schedule: Schedule) -> bool:
        """Deployed, every one is: then the state is not asked, which may be what is down."""
        return self.deployed or self.fired[schedule.name].expected

    # --- the state --------------------------------------------------------------------------------

    @cached_property
    def probe(self) -> Probe:
        """The one thing that checks write."""
        return probe.run_probe(self.runtime, self.now, self.stopwatch)

    @cached_property
    def paused(self) -> Pause | None:
        """The pause switch where it is on."""
        switch = self.switch
        return switch if switch is not None and switch.paused else None

    @cached_property
    def switch(self) -> Pause | None:
        return pause_switch.read(self.runtime.state)

    @cached_property
    def halt_reason(self) -> str | None:
        """Why exports are halted; None where they are not."""
        halt = halt_switch.read(self.runtime.state)
        return halt.why if halt.halted else None

    @cached_property
    def unwritten(self) -> list[Execution]:
        """Executions that are not in the run history yet: at work, tried again or just ended."""
        documents = self.runtime.state.query(EXECUTIONS, [Filter("logged", "==", False)], limit=MOST_EXECUTIONS)
        return self._of_now(documents)

    @cached_property
    def failed(self) -> list[Execution]:
        """Executions whose latest attempt failed in the window, at most MOST_EXECUTIONS."""
        documents = self.runtime.state.query(
            EXECUTIONS,
            [Filter("status", "==", ExecutionStatus.FAILED.value), Filter("finished_at", ">=", self.since)],
            limit=MOST_EXECUTIONS,
        )
        return self._of_now(documents)

    def run(self, run_id: str) -> list[Execution]:
        """Executions of a run, the oldest first."""
        if run_id not in self._runs:
            documents = self.runtime.state.query(EXECUTIONS, [Filter("run_id", "==", run_id)], limit=MOST_EXECUTIONS)
            self._runs[run_id] = sorted(self._of_now(documents), key=lambda each: each.taken_at)
        return self._runs[run_id]

    @cached_property
    def _runs(self) -> dict[str, list[Execution]]:
        """Runs that were read."""
        return {}

    def _of_now(self, documents: Sequence[Document]) -> list[Execution]:
        """Those of this repetition of simulated time (deployed, of this state)."""
        found = [Execution.from_document(document) for document in documents]
        return [each for each in found if each.epoch == self.runtime.epoch and each.taken_at <= self.now]

    @cached_property
    def batches(self) -> list[Batch]:
        """Batches opened in the window."""
        documents = self.runtime.state.query(BATCHES, [Filter("opened_at", ">=", self.since)])
        return [batch for batch in map(Batch.from_document, documents) if batch.opened_at <= self.now]

    def batch(self, batch_id: str) -> Batch | None:
        return get_batch(self.runtime.state, batch_id)

    # --- queues -----------------------------------------------------------------------------------

    @cached_property
    def letters(self) -> list[DeadLetter]:
        return queues.explained_letters(self.runtime, self.pipeline)

    @cached_property
    def outages(self) -> list[Marker]:
        """Looks at which the state store did not answer, of yesterday and today."""
        return read_markers(self.runtime, self.now)

    @cached_property
    def deferred(self) -> list[DeferredMessage]:
        return deferred.waiting(self.runtime.state)

    @cached_property
    def breakers(self) -> list[BreakerFailures]:
        return queues.failing_breakers(self.runtime)

    # --- the warehouse ----------------------------------------------------------------------------

    @cached_property
    def games(self) -> Mapping[date, Games]:
        """Games by day, 200 days back and ahead."""
        today = new_york_date(self.now)
        return rows.read_games(self.runtime.warehouse, DateRange(today - _SEASON, today + _SEASON), self.now)

    def games_of(self, day: date) -> Games:
        return self.games.get(day, Games())

    def describe_no_games(self, day: date) -> str:
        """Why a day has no games: a day off, or the off-season."""
        off = self.games_of(day).called_off_games
        if off:
            return f"none of its {off} games takes place"
        played = sorted(each for each, games in self.games.items() if games.games)
        following = next((each for each in played if each > day), None)
        if any(abs(each - day) <= LONGEST_BREAK for each in played):
            return "no games" + (f"; the next are on {following}" if following else "")
        return "off-season" + (f"; the next games are on {following}" if following else ", no games are scheduled")

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """Dates that a prediction run fell due for in the window, and those of its batches."""
        asked = {firing.day for firing in self.prediction_firings}
        return tuple(sorted(asked | {batch.game_date for batch in self.batches}))

    @cached_property
    def batch_rows(self) -> Mapping[str, BatchRows]:
        """Rows in the predictions table of every batch of the window's dates."""
        if not self.dates:
            return {}
        return rows.read_batch_rows(self.runtime.warehouse, DateRange(self.dates[0], self.dates[-1]))

    @cached_property
    def history(self) -> list[HistoryRow]:
        """What ended in the window, by function and date; of dates of the last week."""
        first, last = new_york_date(self.since) - _HISTORY, new_york_date(self.now) + timedelta(days=2)
        return rows.read_history(self.runtime.warehouse, DateRange(first, last), self.since, self.now)

    @cached_property
    def sources(self) -> Mapping[tuple[str, date | None], SourceRow]:
        today = new_york_date(self.now)
        days = DateRange(today - LONGEST_BREAK, today + timedelta(days=1))
        return rows.read_sources(self.runtime.warehouse, days, self.now)

    @cached_property
    def staging_tables(self) -> Sequence[str]:
        """Staging tables that are there, by name."""
        return sorted(self.runtime.warehouse.tables(staging.DATASET, "_staging_"))
