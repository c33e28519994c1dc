"""Questions and actions of a request: answers that are kept, and what ends them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from flask import g

from functions.dashboard.kept_answers import KeptAnswers, ask_store
from shared.operations.actions.action import Action, Performed, Request
from shared.operations.actions.perform import perform
from shared.operations.actions.signature import Signature
from shared.operations.actions.values import parse_values
from shared.operations.api.as_json import as_json
from shared.operations.api.questions import Question
from shared.stores.runtime import Runtime


def begin_request(runtime: Runtime, kept: KeptAnswers | None) -> None:
    """Whether the request's answers may be kept ones: a folder on one machine bills nothing, and
    is to be seen as it is.
    """
    g.kept = kept if runtime.settings.project_id else None
    g.readings = []


def ask(question: Question, given: Mapping[str, Any]) -> Any:
    """The read model that answers a question. Raises DataError, NotFound and what stores raise."""
    runtime: Runtime = g.runtime
    values = parse_values(question.parameters, given)
    read = partial(question.answer, Request(runtime, g.pipeline, values, "question"))
    if g.kept is None:
        reading = ask_store(runtime.clock, read)
    else:
        key = (runtime.epoch, question.name, json.dumps(as_json(values), sort_keys=True))
        reading = g.kept.ask(key, runtime.clock, read)
    g.readings.append(reading.read_at)
    return reading.answer


def read_at() -> datetime:
    """When the oldest answer of the request was read."""
    readings: list[datetime] = g.readings
    return min(readings, default=g.runtime.clock.now())


def carry_out(action: Action, values: Mapping[str, Any], signature: Signature, key: str) -> Performed:
    """Perform an action; what was answered before is not answered again. Raises as `perform`
    does.
    """
    try:
        return perform(action, g.runtime, g.pipeline, values, signature, key)
    finally:
        # one that failed half-way has changed something, too
        if g.kept is not None:
            g.kept.forget()
