"""Predictions of a unit although one system fails: its breaker counts, and once open leaves the
system out.

A breaker counts units. What fails for one unit alone opens none: its last attempt goes without the
system.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import TypeVar

from shared.chain.execution.context import Context
from shared.chain.messages.messages import PredictionRequest
from shared.chain.resilience import circuit_breaker
from shared.chain.resilience.circuit_breaker import Permit
from shared.core.errors import Retriable
from shared.science.model_registry.model_files import systems_of
from shared.science.model_registry.models import Models
from shared.science.predictions.predict import predict_players
from shared.science.predictions.prediction_row import PredictionRow
from shared.science.systems.output import SYSTEMS, SystemFailed

logger = logging.getLogger(__name__)

T = TypeVar("T")


def predict_guarded(message: PredictionRequest, models: Mapping[str, Models], context: Context) -> list[PredictionRow]:
    """Rows of the unit's players, those of a system that is left out with its error code and why.

    Raises SystemFailed where a system fails whose breaker stays closed: the unit is retried, as
    often as it may be.
    """
    permits = _permits(context)
    left_out: dict[str, str | SystemFailed] = {
        system: permit.breaker.describe() for system, permit in permits.items() if not permit.granted
    }
    while True:
        try:
            rows = predict_players(message.players, models, context.runtime.settings, left_out)
            break
        except SystemFailed as failure:
            why = _count(failure, context) or (failure if context.last_attempt else None)
            if why is None or failure.system_id in left_out:
                raise
            # it was counted; the others need not wait for the next delivery, and after the last
            # there is none
            logger.error("%s is left out: %s", failure.system_id, failure, exc_info=failure.defect)
            left_out[failure.system_id] = why
    for system, permit in permits.items():
        # one whose models of all statistics that it has models of are damaged was not tried
        own = [each for stat, each in models.items() if system in systems_of(stat)]
        tried = not own or any(system not in each.damaged for each in own)
        if system not in left_out and tried:
            _record_or_none(partial(circuit_breaker.record_success, context.runtime, permit))
    return rows


def _permits(context: Context) -> dict[str, Permit]:
    """What the breakers say that are not clean: one query, and none is written unless a trial is
    due.
    """
    found = circuit_breaker.read_kind(context.runtime, "system")
    trial = timedelta(seconds=context.function.lease_seconds)
    names = {system: circuit_breaker.name_of("system", system) for system in SYSTEMS}
    return {
        system: circuit_breaker.acquire_permit_of(context.runtime, found[name], trial=trial)
        for system, name in names.items()
        if name in found
    }


def _count(failure: SystemFailed, context: Context) -> str | None:
    """Why the system is left out from now on; None while its breaker is closed, or cannot be
    written.
    """
    runtime, name = context.runtime, circuit_breaker.name_of("system", failure.system_id)
    counted = _record_or_none(
        lambda: circuit_breaker.record_failure(runtime, name, failure.defect, execution=context.execution_id)
    )
    if counted is None or counted.state(runtime.clock.now()) == "closed":
        return None
    return counted.describe()


def _record_or_none(record: Callable[[], T]) -> T | None:
    """Record on a breaker; one that cannot be written never decides how the unit ends."""
    try:
        return record()
    except Retriable as unrecorded:
        logger.warning("a system's breaker could not be written: %s", unrecorded)
        return None
