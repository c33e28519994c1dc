"""Alerts of consolidation, on the topic that operators and the monitor read."""

from __future__ import annotations

from shared.chain.batches.records import Batch
from shared.chain.execution.alerts import batch_alert
from shared.chain.execution.context import Context
from shared.chain.messages.outbox import OutboxMessage
from shared.core.events import Event
from shared.core.severity import Severity
from shared.nba.stats import POINTS
from shared.stores.runtime import Runtime


def consolidation_failed(runtime: Runtime, batch: Batch, detail: str, context: Context) -> None:
    """Publish the alert; its fingerprint is the batch's, so that retries are one alert.

    Raises StoreUnavailable.
    """
    raised = batch_alert(
        batch,
        f"consolidation-failed-{batch.batch_id}",
        Severity.CRITICAL,
        f"Consolidation of {batch.batch_id} failed",
        detail,
        runtime.clock.now(),
        event=Event.CONSOLIDATION_FAILED,
        run_id=context.run_id,
        attempt=context.attempt,
    )
    runtime.bus.publish(raised.topic, raised.data.encode(), raised.attributes)


def model_damaged(runtime: Runtime, batch: Batch, key: str, detail: str) -> OutboxMessage:
    """The alert of a system that a batch goes without for a statistic.

    Args:
        key: "{stat}/{system_id}" as a unit's result names it; without a statistic it is of points.
        detail: what the system's rows say, with the roll-back that mends it.
    """
    named, _, system = key.rpartition("/")
    stat = named or POINTS.name
    return batch_alert(
        batch,
        f"model-damaged-{batch.batch_id}-{stat}-{system}",
        Severity.CRITICAL,
        f"{system} predicted nobody's {stat} in {batch.batch_id}: its model is damaged",
        detail,
        runtime.clock.now(),
        event=Event.MODEL_DAMAGED,
    )
