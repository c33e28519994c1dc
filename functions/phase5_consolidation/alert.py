"""The alert of a failed consolidation, on the topic that operators and the monitor read."""

from __future__ import annotations

import json

from shared.batches import Batch
from shared.context import Context
from shared.runtime import Runtime

TOPIC = "nba-alerts"


def consolidation_failed(runtime: Runtime, batch: Batch, detail: str, context: Context) -> None:
    """Publish the alert; its fingerprint is the batch's, so that retries are one alert. Raises StoreUnavailable."""
    alert = {
        "fingerprint": f"consolidation-failed-{batch.batch_id}",
        "severity": "critical",
        "title": f"Consolidation of {batch.batch_id} failed",
        "detail": detail,
        "game_date": batch.data["game_date"],
        "batch_id": batch.batch_id,
        "run_id": context.run_id,
        "attempt": context.attempt,
        "raised_at": runtime.clock.now().isoformat(),
    }
    runtime.bus.publish(
        TOPIC, json.dumps(alert).encode(), {"severity": "critical", "fingerprint": alert["fingerprint"]}
    )
