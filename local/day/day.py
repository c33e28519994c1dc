"""Plays days on an embedded runtime: history first, models, then the day's schedule in simulated
time.

Every step is published under a message id of its own and noted when it is done: the same command
after a crash goes on where it was, and what was published is not published again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from time import perf_counter
from typing import Any

from local.day.plan import HISTORY_AT, RETRAIN_AFTER, TRAINING_AT, DateSpan, Event, events_of, history_before
from local.host.dispatcher import Completed
from local.host.simulation_host import SimulationHost
from local.replay import Archive
from shared.chain.batches.reading import latest_batch
from shared.chain.batches.records import Batch
from shared.chain.execution.ledger import executions_of
from shared.core.clock import at_new_york
from shared.core.errors import PipelineError
from shared.core.pipeline import load_pipeline, trigger_of

# The note of every stretch that was loaded.
HISTORY_NOTE = "history"
FINAL = ("success", "partial", "no_data", "joined", "superseded", "skipped", "halted")


class DayFailed(PipelineError):
    """A phase of the day did not succeed."""


@dataclass
class RunRecord:
    """One scheduled run as the summary tells it; seconds are real ones."""

    schedule: str
    run_id: str
    game_date: str
    batch_id: str | None = None
    seconds: float = 0.0
    phases: list[dict[str, Any]] = field(default_factory=list)
    warehouse_statements: int = 0
    messages: dict[str, int] = field(default_factory=dict)

    @property
    def failed(self) -> list[dict[str, Any]]:
        return [phase for phase in self.phases if phase["status"] not in FINAL]


Watcher = Callable[[str, Completed | None], None]
"""Told of every completed delivery, with the label of the step it belongs to; None when a step
begins.
"""


class Day:
    """One game day on one state folder."""

    def __init__(self, embedded: SimulationHost, archive: Archive, game_date: date, watch: Watcher) -> None:
        self._embedded = embedded
        self._archive = archive
        self._notes = embedded.stores.simulation
        self._watch = watch
        self._pipeline = load_pipeline()
        self.game_date = game_date
        self.epoch = self._begin()

    def _begin(self) -> int:
        """Go on with an unfinished play of the date, else begin: in a new epoch where time would
        run backwards.
        """
        unfinished = json.loads(self._notes.get("playing") or "null")
        if unfinished == [self.game_date.isoformat(), self._embedded.clock.epoch]:
            return self._embedded.clock.epoch
        first = at_new_york(self.game_date, HISTORY_AT)
        if self._notes.get("played") and first < self._embedded.clock.now():
            self._embedded.new_epoch()
        else:
            self._notes.set("played", "yes")
        self._notes.set("playing", json.dumps([self.game_date.isoformat(), self._embedded.clock.epoch]))
        self._embedded.clock.set(first)
        return self._embedded.clock.epoch

    def finish(self) -> None:
        """The day is played: the next run of the date is a re-run."""
        self._notes.set("playing", "null")

    # --- before the day ---------------------------------------------------------------------------

    def missing_history(self, seasons: int) -> list[DateSpan]:
        """What is still to be backfilled for this day."""
        return history_before(self.game_date, self._archive, seasons, self._known_spans())

    def _known_spans(self) -> list[DateSpan]:
        """What this day knows: a stretch loaded for a later day was fetched after this day's as_of,
        so it is not.
        """
        known = [s for s in self._history() if s["loaded_on"] <= self.game_date.isoformat()]
        return [DateSpan(s["season"], date.fromisoformat(s["first"]), date.fromisoformat(s["last"])) for s in known]

    @property
    def loaded(self) -> list[DateSpan]:
        """Every stretch of this state, also what was fetched after this day's as_of: for days long
        past.
        """
        return [
            DateSpan(s["season"], date.fromisoformat(s["first"]), date.fromisoformat(s["last"]))
            for s in self._history()
        ]

    def _history(self) -> list[dict[str, str]]:
        """Every stretch that was loaded into this state, in the order of loading."""
        return list(json.loads(self._notes.get(HISTORY_NOTE) or "[]"))

    def load_history(self, stretch: DateSpan) -> RunRecord:
        """Backfill one stretch through phases 1 to 4."""
        run_id = f"{stretch.first}_{stretch.last}-history-e{self.epoch}"
        message = {
            "from_date": stretch.first.isoformat(),
            "to_date": stretch.last.isoformat(),
            "mode": "backfill",
            "run_id": run_id,
        }
        record = self._play(f"history {stretch.season}", trigger_of("phase1_scrape"), message, {}, run_id)
        loaded = {**asdict(stretch), "loaded_on": self.game_date}
        self._notes.set(HISTORY_NOTE, json.dumps([*self._history(), loaded], default=str))
        return record

    def compute_again(self, first: date, last: date) -> RunRecord:
        """Phases 3 and 4 of a backfill once more, on the raw rows that are there."""
        run_id = f"{first}_{last}-again-e{self.epoch}"
        message = {"from_date": str(first), "to_date": str(last), "mode": "backfill", "run_id": run_id}
        return self._play("computed again", trigger_of("phase3_analytics"), message, {}, run_id)

    def needs_training(self) -> bool:
        """No models yet, older than a week, or trained on days that are still to come."""
        last = self._notes.get("trained_on")
        return last is None or not timedelta(0) <= self.game_date - date.fromisoformat(last) < RETRAIN_AFTER

    def train(self) -> RunRecord:
        """Train the models as of this day's morning."""
        self._embedded.clock.advance_to(at_new_york(self.game_date, TRAINING_AT))
        run_id = f"{self.game_date}-training-e{self.epoch}"
        message = {"game_date": self.game_date.isoformat(), "run_id": run_id}
        record = self._play("training", trigger_of("train_model"), message, {}, run_id)
        self._notes.set("trained_on", self.game_date.isoformat())
        return record

    # --- the day ----------------------------------------------------------------------------------

    @property
    def events(self) -> list[Event]:
        return events_of(self.game_date, self._pipeline)

    def play(self, event: Event) -> RunRecord:
        """Publish one scheduled message as Cloud Scheduler would, and see it through."""
        note = f"event-{self.epoch}-{self.game_date}-{event.label}"
        kept = self._notes.get(note)
        if kept is not None:
            return RunRecord(**json.loads(kept))
        self._embedded.clock.advance_to(event.at)
        schedule = self._pipeline.schedules[event.schedule]
        message = dict(schedule.message)
        day = event.day - timedelta(days=1) if message["game_date"] == "YESTERDAY" else event.day
        message_id = f"e{self.epoch}-{self.game_date}-{event.label}"
        run_id = f"{day}-{event.schedule}"
        if self.epoch > 1:
            # the same job on the same day was run before: this time it is meant
            message["force"] = True
            run_id = f"{run_id}-{message_id}"
        record = self._play(event.schedule, schedule.topic, message, {"schedule": event.schedule}, run_id, message_id)
        record.game_date = day.isoformat()
        self._notes.set(note, json.dumps(asdict(record)))
        return record

    def _play(
        self,
        label: str,
        topic: str,
        message: Mapping[str, Any],
        attributes: Mapping[str, str],
        run_id: str,
        message_id: str | None = None,
    ) -> RunRecord:
        """Publish, deliver until idle, and read back what the ledger says.

        Raises DayFailed where a phase failed.
        """
        bus, warehouse = self._embedded.bus, self._embedded.warehouse
        record = RunRecord(label, run_id, str(message.get("game_date", message.get("to_date"))))
        phases = _Stopwatch()

        def on_completed(one: Completed) -> None:
            phases.note(one)
            self._watch(label, one)

        self._watch(label, None)
        mark, before = bus.last_number(), bus.counters()
        statements = _statements(warehouse.statement_counts)
        started = perf_counter()
        bus.publish(topic, json.dumps(message).encode(), attributes, message_id=message_id or f"{run_id}-trigger")
        self._embedded.run_until_idle(on_completed)
        record.seconds = round(perf_counter() - started, 3)
        record.messages = {name: count - before[name] for name, count in bus.counters().items()}
        record.warehouse_statements = _statements(warehouse.statement_counts) - statements
        self._read_back(record, phases)
        self._check(record, mark)
        return record

    def _read_back(self, record: RunRecord, seconds: _Stopwatch) -> None:
        by_function: dict[str, dict[str, Any]] = {}
        executions = sorted(
            executions_of(self._embedded.runtime.state, record.run_id), key=lambda each: (each.started_at, each.id)
        )
        for execution in executions:
            result = execution.result
            phase = by_function.setdefault(
                execution.function,
                {
                    "name": execution.function,
                    "status": "success",
                    "seconds": seconds.of(execution.function),
                    "record_count": 0,
                    "reason": None,
                    "event": None,
                },
            )
            phase["event"] = result.get("event") or execution.event
            status = result.get("status", execution.status.value)
            if status != "success":
                phase["status"] = status
                phase["reason"] = result.get("reason") or execution.error_message
            phase["record_count"] += int(result.get("record_count") or 0)
            record.batch_id = record.batch_id or execution.batch_id
        order = list(self._pipeline.functions)
        record.phases = sorted(by_function.values(), key=lambda phase: order.index(phase["name"]))

    def _check(self, record: RunRecord, mark: int) -> None:
        """Raises DayFailed where a message of this step ended in the dead letters, or the run has a
        failed phase.

        FolderGone where the state folder was removed meanwhile.
        """
        self._embedded.stores.folder.check()
        bus = self._embedded.bus
        # what a person published meanwhile is no failure of the day
        dead = [letter for letter in bus.dead_letters_since(mark) if not bus.is_asked_for(letter.message_id)]
        if dead:
            letter = dead[0].attributes
            reason = letter.get("dead_letter_error") or letter.get("reason") or "no reason given"
            raise DayFailed(
                f"{record.schedule} ({record.run_id}): {len(dead)} messages ended in the dead letters; first: {reason}",
                next_step=f"see {self._embedded.folder}/logs/functions.jsonl, mend the cause, run the same command.",
            )
        if not record.phases:
            raise DayFailed(
                f"{record.schedule}: nothing was executed for run {record.run_id}.",
                next_step=f"see {self._embedded.folder}/logs/functions.jsonl.",
            )
        if record.failed:
            phase = record.failed[0]
            raise DayFailed(
                f"{record.schedule} ({record.run_id}): {phase['name']} is {phase['status']}: {phase['reason']}",
                next_step=f"see {self._embedded.folder}/logs/functions.jsonl.",
            )

    def last_batch(self) -> Batch | None:
        """The date's last consolidated batch, if any."""
        return latest_batch(self._embedded.runtime.state, self.game_date)


class _Stopwatch:
    """Real seconds per function from its first push's begin to its last push's end."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[float, float]] = {}

    def note(self, one: Completed) -> None:
        end = perf_counter()
        begin, last = self._spans.get(one.function, (end - one.seconds, end))
        self._spans[one.function] = (min(begin, end - one.seconds), max(last, end))

    def of(self, function: str) -> float:
        begin, end = self._spans.get(function, (0.0, 0.0))
        return round(end - begin, 3)


def _statements(counts: Mapping[str, int]) -> int:
    """Warehouse statements, staging loads aside."""
    return sum(count for kind, count in counts.items() if kind != "staging_load")
