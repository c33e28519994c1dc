"""Entry point: predicts one unit's players with the five systems, writes its staging table, records
its completion.
"""

from functions.phase5_worker.predict_unit import run
from shared.chain.execution.entrypoint import pubsub_function
from shared.chain.messages.messages import PredictionRequest

phase5_worker = pubsub_function("phase5_worker", run, PredictionRequest)
