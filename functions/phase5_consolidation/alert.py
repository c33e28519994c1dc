"""The alert of a failed consolidation, on the topic that operators and the monitor read."""

from __future__ import annotations

from shared.batches import Batch
from shared.context import Context
from shared.observability.alerts import alert
from shared.runtime import Runtime


def consolidation_failed(runtime: Runtime, batch: Batch, detail: str, context: Context) -> None:
    """Publish the alert; its fingerprint is the batch's, so that retries are one alert. Raises StoreUnavailable."""
    raised = alert(
        f"consolidation-failed-{batch.batch_id}",
        "critical",
        f"Consolidation of {batch.batch_id} failed",
        detail,
        runtime.clock.now(),
        game_date=batch.data["game_date"],
        batch_id=batch.batch_id,
        run_id=context.run_id,
        attempt=context.attempt,
    )
    runtime.bus.publish(raised.topic, raised.data.encode(), raised.attributes)
