"""Entry point: closes stalled batches, sends what outboxes still hold, ends what died, shows what
is left over.
"""

from functions.batch_sweep.sweep import run
from shared.chain.execution.entrypoint import pubsub_function

batch_sweep = pubsub_function("batch_sweep", run)
