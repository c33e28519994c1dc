"""Entry point: merges a closed batch's staging tables into the predictions table."""

from functions.phase5_consolidation.consolidate import run
from shared.chain.execution.entrypoint import pubsub_function

phase5_consolidation = pubsub_function("phase5_consolidation", run)
