"""Entry point of phase6_export."""

from __future__ import annotations

from functions.phase6_export.export import run
from shared.chain.execution.entrypoint import pubsub_function

phase6_export = pubsub_function("phase6_export", run)
