"""How a unit's run stands, by the ledger of executions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.chain.execution.abandonment import abandoned_after, stopped_at
from shared.chain.execution.ledger import executions_of
from shared.chain.execution.records import Execution, ExecutionStatus
from shared.chain.resilience import deferred
from shared.chain.resilience.pause_switch import Pause
from shared.core.pipeline import Pipeline
from shared.operations.backfill.records import MODE, Backfill, Unit
from shared.stores.ports import State

_LONGEST_REASON = 300


@dataclass(frozen=True)
class Ended:
    """How a run ended; `failure` is empty where it came through its last phase."""

    failure: str = ""


def run_name(backfill: Backfill, unit: Unit) -> str:
    """The run of a unit's attempt: the same message published twice is the same run."""
    parts = [f"{unit.first}_{unit.last}-{MODE}", backfill.name, f"a{unit.attempt}" if unit.attempt > 1 else ""]
    return "-".join(part for part in parts if part)


def next_attempt(state: State, backfill: Backfill, unit: Unit) -> Unit:
    """The unit with a run that has not failed for good: what failed behind the first phase would
    not be begun again by the same name.
    """
    while _failure(executions_of(state, run_name(backfill, unit))):
        unit = replace(unit, attempt=unit.attempt + 1)
    return replace(unit, run_id=run_name(backfill, unit))


def see_end(state: State, pipeline: Pipeline, unit: Unit, now: datetime, switch: Pause | None) -> Ended | None:
    """How a unit's run ended; None while it is under way."""
    executions = executions_of(state, unit.run_id)
    last = pipeline.modes[MODE]
    if any(each.phase == last and each.status == ExecutionStatus.SUCCEEDED for each in executions):
        return Ended()
    failure = _failure(executions)
    if failure:
        return Ended(failure)
    return _see_silence(state, unit, executions, now, switch)


def _failure(executions: list[Execution]) -> str:
    """The execution after which no delivery follows, and why; empty where there is none."""
    for each in executions:
        if each.status == ExecutionStatus.FAILED and each.final:
            message = f"{each.function} of run {each.run_id} failed for good: {each.error_message}"
            return message if len(message) <= _LONGEST_REASON else f"{message[: _LONGEST_REASON - 3]}..."
    return ""


def _see_silence(
    state: State, unit: Unit, executions: list[Execution], now: datetime, switch: Pause | None
) -> Ended | None:
    """A run of which nothing moves any more: its message is a dead letter that no function took.

    Not while messages are deferred, one of which may be its own; what stood still while paused
    begins anew.
    """
    if (switch is not None and switch.paused) or deferred.waiting(state):
        return None
    moments = [unit.published_at, *(stopped_at(each) for each in executions)]
    if switch is not None and switch.resumed_at is not None and switch.resumed_at <= now:
        moments.append(switch.resumed_at)
    latest = max((each for each in moments if each is not None), default=now)
    if now - latest <= abandoned_after():
        return None
    ended = ", ".join(sorted({each.phase for each in executions})) or "none"
    minutes = int((now - latest).total_seconds() // 60)
    return Ended(f"nothing of run {unit.run_id} moved for {minutes} min; phases that ended: {ended}")
