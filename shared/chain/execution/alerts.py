"""Alerts as messages: what operators and the monitor read, on the one topic that pipeline.yaml has for them."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from typing import Any, Literal

from shared.chain.messages.outbox import OutboxMessage
from shared.core.pipeline import load_pipeline
from shared.core.printable import printable_json
from shared.core.redaction import redact_json

logger = logging.getLogger(__name__)

Severity = Literal["info", "warning", "critical"]
# The topic waits to be read; people are told of what is logged at ERROR (function-errors of pipeline.yaml).
LEVELS: dict[Severity, int] = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.ERROR}


def alert(
    fingerprint: str, severity: Severity, title: str, detail: str, raised_at: datetime, **facts: Any
) -> OutboxMessage:
    """An alert to publish, or to put into an outbox; logged, too, at its severity's level. Those of one fingerprint are
    one alert, however often they come.

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
    logger.log(LEVELS[severity], "alert: %s: %s", title, detail, extra={"fields": {"fingerprint": fingerprint}})
    text = json.dumps(redact_json(printable_json(content)))
    return OutboxMessage(load_pipeline().alerts_topic, text, {"severity": severity, "fingerprint": fingerprint})
