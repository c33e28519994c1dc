"""One unit of a batch: predict, stage, record.

No warehouse query: all that it needs is in the request.

A unit of several players ends as one only while nothing is wrong with any of them. Else it is split
(split_players.py), so that one bad player costs himself alone:

| a unit of several players            | what follows                                              |
|--------------------------------------|-----------------------------------------------------------|
| an error that waiting does not mend  | split at once, then raised: the next delivery has no work |
| an error of the surroundings         | tried whole again, from the third delivery on split       |
| its process dies                     | the same                                                  |
| a storage fault                      | tried whole again: the delivery does not count            |
| the worker's breaker opens           | deferred, and then delivered for the first time once more |
| a system's breaker opens             | succeeds without the system                               |
| another took over while it is split  | the fence in the split's transaction raises               |
| it is done while it is split         | nothing is split: a later delivery finds it done          |
| it reports after it was split        | that counts for nothing, its players' own units count     |
| its batch was closed without it      | its players are named as missing instead, and come late   |
| the split cannot be written          | tried again; after the last attempt it has failed as one  |

A unit of one player that fails is named in its batch, and its message becomes a dead letter:
redriven, he may still be done, and comes late.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from functions.phase5_worker.split_players import end_of_split, may_be_split, split_players
from functions.phase5_worker.system_breakers import predict_guarded
from shared.chain.batches import completion
from shared.chain.batches.announcement import batch_complete
from shared.chain.batches.reading import done_result, get_batch
from shared.chain.batches.records import Batch, BatchStatus, UnitResult, UnitStatus
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PredictionRequest
from shared.chain.messages.outbox import OutboxMessage, send_pending
from shared.core import failpoints
from shared.core.errors import DataError, Fatal, Retriable, StorageFault
from shared.core.events import Event
from shared.core.redaction import what_failed
from shared.nba.stats import PREDICTED
from shared.science.model_registry.registry import load_usable_models
from shared.science.predictions.prediction_row import PredictionRow, columns_of
from shared.stores.warehouse import staging
from shared.stores.warehouse.rows import table_of_columns

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)

# What a row's id is made of, in this order.
_KEY = ("game_date", "game_id", "player_id", "stat", "system_id", "line_value")
# Deliveries at which several players are tried together. A third means that the process died twice,
# or that waiting did not help: by then whoever is the cause shall cost nobody else.
WHOLE = 2


def run(message: PredictionRequest, context: Context) -> Outcome:
    """Predict the unit's players and record its completion; the completion that closes the batch
    announces it.

    A unit that fails for good, or at its last delivery attempt, is recorded as failed: it counts
    towards completion and is shown, and its message goes to the dead letters. One of several
    players is split before that.
    """
    batch = get_batch(context.runtime.state, message.batch_id)
    if batch is not None and message.unit in batch.split:
        return end_of_split(message)
    if batch is None or not batch.has_unit(message.unit):
        what = "does not exist" if batch is None else f"has no unit {message.unit!r}"
        raise DataError(f"Batch {message.batch_id} {what}.", event=Event.UNKNOWN_BATCH)
    if batch.status == BatchStatus.SUPERSEDED:
        reason = f"{message.batch_id} is superseded: unit {message.unit} is not needed"
        return Outcome(
            "superseded",
            reason=reason,
            batch_id=message.batch_id,
            announce=False,
            history=False,
            event=Event.BATCH_SUPERSEDED,
        )
    before = done_result(context.runtime.state, message.batch_id, message.unit)
    if before is not None:
        # died after recording it: the batch may be consolidated by now, its staging must not appear
        # again
        return _complete(message, context, before)
    try:
        if may_be_split(message) and context.attempt > WHOLE:
            return split_players(message, context)
        result = _predict_and_stage(message, context)
    except Exception as error:  # recorded where it is final, and raised on in any case
        if may_be_split(message) and not isinstance(error, Retriable):
            split_players(message, context)
        elif isinstance(error, Fatal) or (context.last_attempt and not isinstance(error, StorageFault)):
            _give_up(message, context, error)
        raise
    return _complete(message, context, result)


def _predict_and_stage(message: PredictionRequest, context: Context) -> UnitResult:
    runtime = context.runtime
    now = runtime.clock.now()
    models = {
        stat: load_usable_models(runtime.models, stat, message.models[stat])
        for stat in PREDICTED
        if stat in message.models
    }
    damaged = {f"{stat}/{system}": why for stat, each in models.items() for system, why in each.damaged.items()}
    table = staging.staging_table(message.batch_id, message.unit)
    staged = _make_staged_table(predict_guarded(message, models, context), message.batch_id, now)
    loaded = runtime.warehouse.load(table, staged, mode="replace", job_id=f"{context.execution_id}-staging")
    failpoints.reach("worker.staged")
    return UnitResult(message.unit, UnitStatus.DONE, loaded, table, len(message.players), None, now, damaged)


def _make_staged_table(rows: Sequence[PredictionRow], batch_id: str, now: datetime) -> pa.Table:
    """The rows with their identity: the id is made of the key, so that a repeat gives the same."""
    columns = columns_of(rows)
    keys = zip(*(columns[name] for name in _KEY), strict=True)
    identities = [hashlib.sha256("|".join((batch_id, *map(str, key))).encode()).hexdigest()[:32] for key in keys]
    columns |= {"prediction_id": identities, "batch_id": [batch_id] * len(rows), "updated_at": [now] * len(rows)}
    return table_of_columns(staging.TARGET, columns)


def _give_up(message: PredictionRequest, context: Context, error: Exception) -> None:
    """Record the unit as failed, so that the batch does not wait for it; the error goes its way to
    the dead letters.

    Redriven from there, or tried again, the unit may still become done, and its batch is then
    announced again.
    """
    logger.error("unit %s of %s failed for good: %s", message.unit, message.batch_id, error)
    runtime, why = context.runtime, what_failed(error)
    failed = UnitResult(message.unit, UnitStatus.FAILED, 0, None, len(message.players), why, runtime.clock.now())
    outcome = _complete(message, context, failed)
    for path in outcome.linked_outboxes:
        send_pending(path, runtime.state, runtime.bus, runtime.raw)


def _complete(message: PredictionRequest, context: Context, result: UnitResult) -> Outcome:
    def announcement(batch: Batch, sequence: int) -> OutboxMessage:
        return batch_complete(
            batch,
            sequence,
            processor_name=context.function.name,
            execution_id=context.execution_id,
            correlation_id=context.correlation_id,
            closed_at=result.completed_at,
        )

    batch = completion.complete_unit(context.runtime.state, message.batch_id, result, announcement)
    return Outcome(
        "success",
        record_count=result.rows,
        output_table=result.staging_table or "",
        batch_id=message.batch_id,
        announce=False,
        # one row for all units of a batch, written when it is consolidated
        history=False,
        # most completions find the batch open; only those that see its announcement unsent have to
        # send it
        linked_outboxes=[batch.path] if batch.outbox_pending else [],
    )
