"""Entry point of grading."""

from __future__ import annotations

from functions.grading.grade import run
from shared.chain.execution.entrypoint import pubsub_function

grading = pubsub_function("grading", run)
