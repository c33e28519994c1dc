"""Alerts as messages: what operators and the monitor read, on the one topic that pipeline.yaml has for them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Literal

from shared.observability.printable import printable_json
from shared.observability.redaction import redacted_json
from shared.outbox import OutboxMessage
from shared.pipeline import load_pipeline

Severity = Literal["info", "warning", "critical"]


def alert(
    fingerprint: str, severity: Severity, title: str, detail: str, raised_at: datetime, **facts: Any
) -> OutboxMessage:
    """An alert to publish, or to put into an outbox. Those of one fingerprint are one alert, however often they come.

    Args:
        facts: further JSON fields, such as game_date, batch_id, run_id.
    """
    content = {
        "fingerprint": fingerprint,
        "severity": severity,
        "title": title,
        "detail": detail,
        **facts,
        "raised_at": raised_at.isoformat(),
    }
    text = json.dumps(redacted_json(printable_json(content)))
    return OutboxMessage(load_pipeline().alerts_topic, text, {"severity": severity, "fingerprint": fingerprint})
