"""Entry point of train_model."""

from __future__ import annotations

from functions.train_model.training import run
from shared.chain.execution.entrypoint import pubsub_function
from shared.chain.messages.messages import TrainingMessage

train_model = pubsub_function("train_model", run, TrainingMessage)
