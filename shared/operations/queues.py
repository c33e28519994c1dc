"""What waits for a person or for time: dead letters, deferred messages, breakers with failures, the
pause switch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import get_args

from shared.chain.execution.ledger import executions_of
from shared.chain.resilience import circuit_breaker, dead_letters, deferred, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter
from shared.chain.resilience.pause_switch import Pause
from shared.core.pipeline import CONSOLIDATION, Pipeline
from shared.stores.runtime import Runtime


@dataclass(frozen=True)
class DeferredMessage:
    """A message that waits; `gate` is what kept it (the pause, or a breaker), `reason` says it to a
    person.
    """

    name: str
    function: str
    gate: str
    reason: str


@dataclass(frozen=True)
class BreakerFailures:
    """A breaker that has failures in a row, open or not; `state` as it is now."""

    name: str
    state: str
    failures: int
    last_error: str


def waiting_letters(
    runtime: Runtime, pipeline: Pipeline, *, subscription: str = "", reason: str = ""
) -> list[DeadLetter]:
    """Dead letters by subscription, oldest first; none is acknowledged. Empty filters take all.

    Raises NotFound for a subscription that no function has.
    """
    return dead_letters.list_dead_letters(
        runtime.bus,
        pipeline,
        runtime.clock.now(),
        subscription=subscription or None,
        reason=reason or None,
    )


def explained_letters(
    runtime: Runtime, pipeline: Pipeline, *, subscription: str = "", reason: str = ""
) -> list[DeadLetter]:
    """The same, those without an error of their own with that of their run's executions.

    Raises NotFound.
    """
    letters = waiting_letters(runtime, pipeline, subscription=subscription, reason=reason)
    return dead_letters.explain(partial(executions_of, runtime.state), pipeline, letters)


def letters_of_batch(letters: Iterable[DeadLetter], pipeline: Pipeline, batch_id: str) -> list[DeadLetter]:
    """Those that are a batch's own message to its consolidation, and can be redriven."""
    topics, name = pipeline.functions[CONSOLIDATION].topics, f'"{batch_id}"'.encode()
    return [each for each in letters if each.redrivable and each.origin_topic in topics and name in each.data]


def deferred_messages(runtime: Runtime) -> list[DeferredMessage]:
    """Messages that a pause or an open breaker keeps back, not released yet."""
    waiting = sorted(deferred.waiting(runtime.state), key=lambda message: message.id)
    return [DeferredMessage(each.id, each.function, each.gate, each.reason) for each in waiting]


def failing_breakers(runtime: Runtime) -> list[BreakerFailures]:
    """Breakers that have failures, open or not, by name."""
    now = runtime.clock.now()
    kinds: tuple[circuit_breaker.Kind, ...] = get_args(circuit_breaker.Kind)
    found = [one for kind in kinds for one in circuit_breaker.read_kind(runtime, kind).values()]
    return [
        BreakerFailures(one.name, one.state(now), one.failures, one.last_error)
        for one in sorted(found, key=lambda each: each.name)
    ]


def pause_state(runtime: Runtime) -> Pause | None:
    """The pause switch; None where nobody ever paused."""
    return pause_switch.read(runtime.state)
