"""Alerts of consolidation, on the topic that operators and the monitor read."""

from __future__ import annotations

from shared.chain.batches.records import Batch
from shared.chain.execution.alerts import batch_alert
from shared.chain.execution.context import Context
from shared.chain.messages.outbox import OutboxMessage
from shared.core.events import Event
from shared.core.severity import Severity
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


def model_damaged(runtime: Runtime, batch: Batch, system: str, detail: str) -> OutboxMessage:
    """The alert of a system that a batch goes without; detail: what its rows say, with the
    roll-back that mends it.
    """
    return batch_alert(
        batch,
        f"model-damaged-{batch.batch_id}-{system}",
        Severity.CRITICAL,
        f"{system} predicted nobody in {batch.batch_id}: its model is damaged",
        detail,
        runtime.clock.now(),
        event=Event.MODEL_DAMAGED,
    )
