"""Entry point of phase2_raw."""

from __future__ import annotations

from functions.phase2_raw.load_raw import run
from shared.chain.execution.entrypoint import pubsub_function

phase2_raw = pubsub_function("phase2_raw", run)
