"""Entry point of monitor."""

from __future__ import annotations

from functions.monitor.outage import answering_outages
from functions.monitor.watch import run
from shared.chain.execution.entrypoint import pubsub_function

monitor = answering_outages(pubsub_function("monitor", run))
