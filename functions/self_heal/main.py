"""Entry point of self_heal."""

from __future__ import annotations

from functions.self_heal.heal import run
from shared.chain.execution.entrypoint import pubsub_function

self_heal = pubsub_function("self_heal", run)
