"""Checks a file's body against its JSON Schema (draft 2020-12), kept in schemas/{name}.schema.json."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from functions.phase6_export.schema_quick import Fits, quick
from shared.core.errors import SchemaMismatch

FOLDER = Path(__file__).parent / "schemas"
COMMON = "common"


@cache
def load(name: str) -> Any:
    """The schema of that name."""
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """jsonschema's validator, with the definitions all schemas share."""
    common = Resource.from_contents(load(COMMON))
    return Draft202012Validator(load(name), registry=Registry().with_resource(f"{COMMON}.schema.json", common))


@cache
def fast_check(name: str) -> Fits:
    """The fast check that a body fits; what it does not say yes to goes to jsonschema."""

    def find(file: str, pointer: str) -> Any:
        node = load(file)
        for step in pointer.strip("/").split("/"):
            node = node[step]
        return node

    return quick(load(name), name, find)


def is_valid(body: Any, schema: str) -> bool:
    """Whether a body fits: of a file that an earlier version may have written."""
    return fast_check(schema)(body) or bool(validator(schema).is_valid(body))


def check(body: Any, schema: str, path: str) -> None:
    """Raises SchemaMismatch naming the file, the place in it and the value that does not fit."""
    if fast_check(schema)(body):
        return
    error = best_match(validator(schema).iter_errors(body))
    if error is None:
        return
    value = json.dumps(error.instance, default=str)
    raise SchemaMismatch(
        f"{path} does not fit {schema}.schema.json at {error.json_path}: {error.message[:300]} (value {value[:200]}).",
        next_step="correct the exporter or the rows it read; nothing was written.",
    )
