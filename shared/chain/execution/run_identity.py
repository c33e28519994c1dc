"""Which run and which execution a delivered message belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.chain.execution.records import ExecutionKey
from shared.chain.messages.messages import MAX_RUN_ID, Mode, PhaseMessage, PredictionRequest, TriggerSource
from shared.chain.messages.push_envelope import Envelope
from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.events import Event
from shared.core.pipeline import WORKER, FunctionSpec, Schedule, load_pipeline
from shared.stores.runtime import Runtime

# Phase 1 decides what may be used when it ends; every later phase is told.
SETS_AS_OF = "phase1"


@dataclass(frozen=True)
class Delivery:
    """One delivery of a message to a function, and the execution it belongs to."""

    function: FunctionSpec
    envelope: Envelope
    run_id: str
    mode: Mode
    correlation_id: str
    trigger_source: TriggerSource
    key: ExecutionKey

    @classmethod
    def of(cls, function: FunctionSpec, message: PhaseMessage, envelope: Envelope, runtime: Runtime) -> Delivery:
        """Raises DataError where the run's id would be too long for the messages that follow."""
        run_id = _run_id(message, envelope, runtime)
        if len(run_id) > MAX_RUN_ID:
            raise DataError(
                f"Message {envelope.message_id} makes the run {run_id[:80]}... of {len(run_id)} characters; at most "
                f"{MAX_RUN_ID} are accepted.",
                next_step="publish again with a shorter run_id.",
                event=Event.INVALID_MESSAGE,
            )
        unit = f"{message.batch_id}.{message.unit}" if isinstance(message, PredictionRequest) else ""
        if message.sequence > 1:
            unit = f"{unit}#{message.sequence}"
        return cls(
            function=function,
            envelope=envelope,
            run_id=run_id,
            mode=message.mode or _default_mode(function, message, runtime),
            correlation_id=message.correlation_id or envelope.message_id,
            trigger_source=message.trigger_source or _trigger_source(message),
            key=ExecutionKey(function.name, run_id, unit),
        )

    @property
    def one_of_many(self) -> bool:
        """Whether the execution is one of many units of a run (its history is written with the
        batch's).
        """
        return bool(self.key.unit) and self.function.phase == WORKER


def _run_id(message: PhaseMessage, envelope: Envelope, runtime: Runtime) -> str:
    """A redelivery, a scheduler that fires twice, and an operator who means it are three things."""
    # published once more after it was deferred or dead-lettered, it is still the same message
    message_id = message.origin_message_id or envelope.message_id
    label = str(message.game_date) if message.game_date else f"{message.from_date}_{message.to_date}"
    if message.run_id:
        run_id = message.run_id
    elif message.schedule:
        job = load_pipeline().schedules.get(message.schedule)
        run_id = f"{label}-{message.schedule}"
        if job is not None:
            run_id = scheduled_run_id(job, label, envelope.published_at or runtime.clock.now())
    else:
        return f"{label}-manual-{message_id}"
    return f"{run_id}-{message_id}" if message.force else run_id


def scheduled_run_id(schedule: Schedule, label: str, fired_at: datetime) -> str:
    """The run that a schedule's firing starts; `label` is its date, one that repeats adds the
    slot.
    """
    run_id = f"{label}-{schedule.name}"
    return f"{run_id}-{schedule.slot(fired_at)}" if schedule.repeats else run_id


def _default_mode(function: FunctionSpec, message: PhaseMessage, runtime: Runtime) -> Mode:
    """The mode of a message without one: the whole chain, but phase 1 goes by the date asked
    for.
    """
    if message.game_date is None:
        return "backfill"
    if function.phase != SETS_AS_OF:
        return "same_day"
    today = new_york_date(runtime.clock.now())
    if message.game_date < today:
        return "results"
    return "same_day" if message.game_date == today else "tomorrow"


def _trigger_source(message: PhaseMessage) -> TriggerSource:
    if message.schedule:
        return "scheduler"
    return "pubsub" if message.execution_id else "manual"
