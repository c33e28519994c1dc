"""Entry point of phase1_scrape."""

from __future__ import annotations

from functions.phase1_scrape.scrape import run
from shared.chain.execution.entrypoint import pubsub_function

phase1_scrape = pubsub_function("phase1_scrape", run)
