"""Alerts as messages on the one topic that pipeline.yaml has for them: the monitor makes incidents
of them.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any

from shared.chain.batches.records import Batch
from shared.chain.messages.outbox import OutboxMessage
from shared.core.events import Event
from shared.core.pipeline import load_pipeline
from shared.core.printable import printable_json
from shared.core.redaction import redact_json
from shared.core.severity import Severity

logger = logging.getLogger(__name__)

LEVELS: dict[Severity, int] = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.ERROR,
}


def alert(
    fingerprint: str,
    severity: Severity,
    title: str,
    detail: str,
    raised_at: datetime,
    *,
    event: Event,
    **facts: Any,
) -> OutboxMessage:
    """Make an alert to publish, or to put into an outbox, and log it at its severity's level.

    Args:
        fingerprint: alerts of the same one are one alert, however often they come.
        event: code of what happened, in the log line alone; whoever calls this logs no line of his
            own about it.
        facts: further JSON fields, such as game_date, batch_id, run_id.
    """
    content = {
        "fingerprint": fingerprint,
        "severity": severity.value,
        "title": title,
        "detail": detail,
        **facts,
        "raised_at": raised_at.isoformat(),
    }
    fields = {"event": event, "fingerprint": fingerprint}
    logger.log(LEVELS[severity], "alert: %s: %s", title, detail, extra={"fields": fields})
    text = json.dumps(redact_json(printable_json(content)))
    return OutboxMessage(load_pipeline().alerts_topic, text, {"severity": severity.value, "fingerprint": fingerprint})


def batch_alert(
    batch: Batch,
    fingerprint: str,
    severity: Severity,
    title: str,
    detail: str,
    raised_at: datetime,
    *,
    event: Event,
    run_id: str | None = None,
    **facts: Any,
) -> OutboxMessage:
    """Make an alert of a batch, which names its date, id and run; the rest is as `alert` has it.

    Args:
        run_id: the run that raises it, where that is not the one that opened the batch.
    """
    return alert(
        fingerprint,
        severity,
        title,
        detail,
        raised_at,
        event=event,
        game_date=batch.game_date.isoformat(),
        batch_id=batch.batch_id,
        run_id=batch.run_id if run_id is None else run_id,
        **facts,
    )
