"""The API's OpenAPI 3.1 document, made of the tables that its routes are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.operations.actions.action import Action, Parameter
from shared.operations.actions.table import ACTIONS
from shared.operations.api.questions import QUESTIONS, Question

_TYPES: Mapping[str, Mapping[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    "text": {"type": "string"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "integer": {"type": "integer"},
    "switch": {"type": "boolean"},
    "moment": {"type": "string", "format": "date-time"},
    "choice": {"type": "string"},
}
_ANSWER = {"content": {"application/json": {"schema": {"type": "object"}}}}
_ERRORS = {
    "400": {"description": "a value is wrong; the error says which"},
    "401": {"description": "nobody is known to ask"},
    "403": {"description": "who asks may not"},
    "404": {"description": "there is no such thing"},
    "503": {"description": "a store does not answer"},
}


def document() -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, Any] = {each.path: {"get": _question(each)} for each in QUESTIONS}
    paths["/whoami"] = {"get": _operation("whoami", "who asks, and the role", {"description": "the identity"})}
    paths["/openapi.json"] = {"get": _operation("openapi", "this document", {"description": "the document"})}
    paths["/actions"] = {"get": _operation("actions", "what can be done", {"description": "the actions"})}
    for action in ACTIONS.values():
        paths[f"/actions/{action.name}/preview"] = {"post": _preview(action)}
        paths[f"/actions/{action.name}"] = {"post": _perform(action)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "NBA props pipeline: operations", "version": "1"},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
    }


def _operation(name: str, says: str, answer: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "summary": says, **more, "responses": {"200": {**_ANSWER, **answer}, **_ERRORS}}


def _question(question: Question) -> dict[str, Any]:
    in_path = set(re.findall(r"{(\w+)}", question.path))
    parameters = [
        {
            "name": each.name,
            "in": "path" if each.name in in_path else "query",
            "required": each.required or each.name in in_path,
            "description": each.says,
            "schema": _schema(each),
        }
        for each in question.parameters
    ]
    return _operation(question.name, question.says, {"description": question.says}, parameters=parameters)


def _schema(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = dict(_TYPES[parameter.kind])
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.bounds:
        schema["minimum"], schema["maximum"] = parameter.bounds
    if parameter.default is not None:
        schema["default"] = parameter.default
    return schema


def _values(action: Action) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {each.name: {**_schema(each), "description": each.says} for each in action.parameters},
        "required": [each.name for each in action.parameters if each.required],
        "additionalProperties": False,
    }


def _body(properties: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": dict(properties), "required": list(properties)}
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _preview(action: Action) -> dict[str, Any]:
    says = f"what this would do: {action.says}"
    body = _body({"values": _values(action)})
    return _operation(f"preview-{action.name}", says, {"description": "the plan, and a key"}, requestBody=body)


def _perform(action: Action) -> dict[str, Any]:
    body = _body({
        "values": _values(action),
        "why": {"type": "string", "minLength": 1},
        "key": {"type": "string", "pattern": "^[A-Za-z0-9-]{8,64}$", "description": "the same key is the same press"},
    })  # fmt: skip
    return _operation(action.name, action.says, {"description": "what was done"}, requestBody=body)
