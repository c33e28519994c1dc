"""Checks a file's body against its JSON Schema (draft 2020-12), kept in
schemas/{name}.schema.json.

jsonschema_rs says whether it fits; of what does not, jsonschema says where (docs/adr/0041).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from referencing import Registry, Resource

from shared.core.errors import SchemaMismatch

FOLDER = Path(__file__).parent / "schemas"
COMMON = "common"


@cache
def load(name: str) -> Any:
    """The schema of that name."""
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """jsonschema's validator of a schema, or of the part name#/pointer, with the definitions all
    schemas share."""
    file, _, pointer = name.partition("#")
    registry = Registry().with_resources(
        (f"{each}.schema.json", Resource.from_contents(load(each))) for each in {file, COMMON}
    )
    return Draft202012Validator(_reference(name) if pointer else load(file), registry=registry)


@cache
def fast_check(name: str) -> Callable[[Any], bool]:
    """The fast check that a body fits a schema, or the part name#/pointer."""
    # a relative reference is read as one of this scheme
    fits = jsonschema_rs.Draft202012Validator(_reference(f"json-schema:///{name}"), retriever=_retrieve).is_valid

    def check_fit(body: Any) -> bool:
        try:
            return fits(body)
        except ValueError:  # what JSON cannot say, as a name that is no text: jsonschema names it
            return False

    return check_fit


def _retrieve(address: str) -> Any:
    return load(address.rpartition("/")[2].removesuffix(".schema.json"))


def _reference(name: str) -> dict[str, str]:
    file, _, pointer = name.partition("#")
    return {"$ref": f"{file}.schema.json#{pointer}"}


def is_valid(body: Any, schema: str) -> bool:
    """Whether a body fits: of a file that an earlier version may have written."""
    return fast_check(schema)(body) or bool(validator(schema).is_valid(body))


def check(body: Any, schema: str, path: str) -> None:
    """Raises SchemaMismatch naming the file, the place in it and the value that does not fit."""
    _check(body, schema, path, "$")


def check_element(element: Any, schema: str, field: str, index: int, path: str) -> None:
    """As `check`, of one element of a file's list `field`."""
    _check(element, f"{schema}#/properties/{field}/items", path, f"$.{field}[{index}]")


def _check(value: Any, name: str, path: str, place: str) -> None:
    if fast_check(name)(value):
        return
    error = best_match(validator(name).iter_errors(value))
    if error is None:
        return
    schema, where = name.partition("#")[0], place + error.json_path.removeprefix("$")
    shown = json.dumps(error.instance, default=str)
    raise SchemaMismatch(
        f"{path} does not fit {schema}.schema.json at {where}: {error.message[:300]} (value {shown[:200]}).",
        next_step="correct the exporter or the rows it read; nothing was written.",
    )
