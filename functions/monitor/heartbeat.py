"""The line that says that monitor lives: Google's alert monitor-silent misses it."""

from __future__ import annotations

import logging

from shared.core.events import Event

logger = logging.getLogger(__name__)


def log_heartbeat(says: str) -> None:
    """Log one line with the code that the log metric counts."""
    logger.info("monitor lives: %s", says, extra={"fields": {"event": Event.HEARTBEAT}})
