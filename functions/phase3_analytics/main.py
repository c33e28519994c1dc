"""Entry point of phase 3."""

from __future__ import annotations

from functions.phase3_analytics.analytics import run
from shared.chain.execution.entrypoint import pubsub_function

phase3_analytics = pubsub_function("phase3_analytics", run)
