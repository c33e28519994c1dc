"""The JSON API: the tables of questions and actions under paths, and its own OpenAPI document."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, g, request

from functions.dashboard.answers import answer_json
from functions.dashboard.asking import ask, carry_out, read_at
from functions.dashboard.identity import Forbidden
from functions.dashboard.openapi import document
from shared.core.clock import format_timestamp
from shared.core.errors import DataError
from shared.operations.actions.action import Parameter
from shared.operations.actions.perform import preview
from shared.operations.actions.signature import Signature
from shared.operations.actions.table import ACTIONS, action_of
from shared.operations.api.questions import QUESTIONS, Question

# When the oldest of what is answered was read.
READ_AT = "X-Read-At"


def create_api() -> Blueprint:
    """Routes of the API, below /api/v1."""
    api = Blueprint("api", __name__)
    for question in QUESTIONS:
        path = re.sub(r"{(\w+)}", r"<\1>", question.path)
        api.add_url_rule(path, question.name, _answering(question), methods=["GET"])

    @api.get("/openapi.json")
    def describe() -> Response:
        return answer_json(document())

    @api.get("/whoami")
    def whoami() -> Response:
        return answer_json(g.identity)

    @api.get("/actions")
    def list_actions() -> Response:
        found = [{"name": each.name, "says": each.says, "parameters": each.parameters} for each in ACTIONS.values()]
        return answer_json({"actions": found})

    @api.post("/actions/<name>/preview")
    def preview_action(name: str) -> Response:
        require_operator()
        plan = preview(action_of(name), g.runtime, g.pipeline, _values(_body()))
        return answer_json({"plan": plan, "key": new_key()})

    @api.post("/actions/<name>")
    def perform_action(name: str) -> Response:
        require_operator()
        body = _body()
        signature = Signature(g.identity.who, _text(body, "why"))
        return answer_json(carry_out(action_of(name), _values(body), signature, _text(body, "key")))

    return api


def require_operator() -> None:
    """Raises Forbidden for a reader."""
    if not g.identity.may_act:
        raise Forbidden(
            f"{g.identity.who} may look and not act. Next: ask for a place in dashboard_operators of the deployment's"
            " settings."
        )


def new_key() -> str:
    """Names one press of a button."""
    return secrets.token_hex(12)


def _answering(question: Question) -> Callable[..., Response]:
    return partial(_answer, question)


def _answer(question: Question, **of_path: str) -> Response:
    response = answer_json(ask(question, {**query(question.parameters), **of_path}))
    response.headers[READ_AT] = format_timestamp(read_at())
    return response


def query(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The query's values; a list for parameters that take several."""
    several = {each.name for each in parameters if each.kind == "texts"}
    lists = request.args.to_dict(flat=False)
    return {name: found if name in several else found[-1] for name, found in lists.items()}


def _body() -> Mapping[str, Any]:
    """Raises DataError for what is no JSON object."""
    body = request.get_json(silent=True) if request.is_json else None
    if not isinstance(body, dict):
        raise DataError("An action is asked for with a JSON object: values, and why and key to perform it.")
    return body


def _values(body: Mapping[str, Any]) -> Mapping[str, Any]:
    values = body.get("values", {})
    if not isinstance(values, dict):
        raise DataError(f"values is {str(values)[:80]!r}; it is an object of the action's parameters.")
    return values


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise DataError(f"{name} is {str(value)[:80]!r}; it is a text.")
    return value
