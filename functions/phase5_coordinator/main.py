"""Entry point: opens the date's batch and fans its units out to the workers."""

from functions.phase5_coordinator.coordinate import run
from shared.chain.execution.entrypoint import pubsub_function

phase5_coordinator = pubsub_function("phase5_coordinator", run)
