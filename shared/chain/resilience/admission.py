"""Admission of messages before their execution: by the pause switch, then the function's breaker.

A rejected message is deferred (deferred.py). The recovery functions are always admitted: they are
what mends, and look at the pause themselves.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from shared.chain.resilience import circuit_breaker, pause_switch
from shared.chain.resilience.circuit_breaker import BreakerState, Permit
from shared.core.errors import DataError, LeaseHeld, Retriable, Skippable, StagingMismatch, StorageFault
from shared.core.pipeline import BATCH_SWEEP, MONITOR, SELF_HEAL, FunctionSpec
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

RECOVERY = frozenset({BATCH_SWEEP, SELF_HEAL, MONITOR})
PAUSE = "pause"
# How an execution may end without anything being wrong with the function: what one message or one
# batch is short of must not hold up the others; and a full disk is nobody's failure that resting
# would mend.
NO_FAILURES = (LeaseHeld, DataError, Skippable, StagingMismatch, StorageFault)


@dataclass(frozen=True)
class Rejection:
    """Why a message is not admitted. `gate`: what rejects it, `pause` or a breaker's name."""

    gate: str
    reason: str


class Admission:
    """An admitted message; how its execution ends is told to the breaker, which must never decide
    how it ends.
    """

    def __init__(self, runtime: Runtime, execution: str, permit: Permit | None) -> None:
        self._runtime = runtime
        self._execution = execution
        self._permit = permit

    def record_success(self) -> None:
        permit, self._permit = self._permit, None
        if permit is None:
            return
        try:
            circuit_breaker.record_success(self._runtime, permit)
        except Retriable as unrecorded:
            logger.warning("the success could not be told to %s: %s", permit.breaker.name, unrecorded)

    def record_failure(self, error: Exception) -> None:
        if self._permit is None or isinstance(error, NO_FAILURES):
            return
        permit, self._permit = self._permit, None
        try:
            circuit_breaker.record_failure(self._runtime, permit.breaker.name, error, execution=self._execution)
        except Retriable as unrecorded:
            logger.warning("the failure could not be told to %s: %s", permit.breaker.name, unrecorded)

    def close(self) -> None:
        """The message is dealt with. A trial that neither succeeded nor failed is given back."""
        permit, self._permit = self._permit, None
        if permit is None:
            return
        try:
            circuit_breaker.release(self._runtime, permit)
        except Retriable as unrecorded:
            # the trial then ends by itself
            logger.warning("the trial of %s could not be given back: %s", permit.breaker.name, unrecorded)


def admit(runtime: Runtime, function: FunctionSpec, execution: str) -> Admission | Rejection:
    """Admit the message of an execution (its id), or say why not.

    Of a half-open breaker this claims the one trial.
    """
    if function.name in RECOVERY:
        return Admission(runtime, execution, None)
    rejection = _check_pause(runtime)
    if rejection is not None:
        return rejection
    name = circuit_breaker.name_of("processor", function.name)
    permit = circuit_breaker.acquire_permit(runtime, name, trial=timedelta(seconds=function.lease_seconds))
    return Admission(runtime, execution, permit) if permit.granted else Rejection(name, permit.breaker.describe())


def state_of(runtime: Runtime, function: str) -> BreakerState:
    """What admit() would answer for a function, without claiming anything: a pause counts as
    open.
    """
    if function in RECOVERY:
        return "closed"
    return (
        "open"
        if _check_pause(runtime)
        else circuit_breaker.state_of(runtime, circuit_breaker.name_of("processor", function))
    )


def _check_pause(runtime: Runtime) -> Rejection | None:
    switch = pause_switch.read(runtime.state)
    if switch is None or not switch.paused:
        return None
    return Rejection(PAUSE, f"paused since {switch.since:%Y-%m-%dT%H:%M:%SZ} by {switch.who}: {switch.reason}")
