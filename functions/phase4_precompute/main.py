"""Entry point of phase 4."""

from __future__ import annotations

from functions.phase4_precompute.precompute import run
from shared.chain.execution.entrypoint import pubsub_function

phase4_precompute = pubsub_function("phase4_precompute", run)
