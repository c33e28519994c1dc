"""A fast "yes, it certainly fits" for JSON Schemas: closures made once from the schema.

An export checks half a million values, which takes jsonschema seconds. Here True means the body
fits; False only means that jsonschema has to say. A keyword not known here makes the answer False,
never True.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Fits = Callable[[Any], bool]
# (name of the schema file, JSON pointer) -> the schema there.
Find = Callable[[str, str], Any]

ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description"})
# Keywords that the check of `properties` answers together.
WITH_PROPERTIES = frozenset({"required", "additionalProperties"})


def quick(schema: Any, file: str, find: Find) -> Fits:
    """The check of a schema that stands in `file`; `find` resolves its references."""
    if isinstance(schema, bool):
        return lambda _: schema
    if "$ref" in schema and set(schema) - ANNOTATIONS == {"$ref"}:
        target, _, pointer = schema["$ref"].partition("#")
        target = target.removesuffix(".schema.json") or file
        return quick(find(target, pointer), target, find)
    checks = []
    for keyword, value in schema.items():
        if keyword in ANNOTATIONS or (keyword in WITH_PROPERTIES and "properties" in schema):
            continue
        make = KEYWORDS.get(keyword)
        if make is None:
            return lambda _: False
        checks.append(make(value, schema, lambda part: quick(part, file, find)))
    if len(checks) == 1:
        return checks[0]
    return lambda body: all(check(body) for check in checks)


Make = Callable[[Any, Mapping[str, Any], Callable[[Any], Fits]], Fits]

# As JSON has them: True is no number, and 1.0, an integer to JSON Schema, is left to jsonschema.
TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}


def _type(value: Any, schema: Any, part: Any) -> Fits:
    names = [value] if isinstance(value, str) else value
    allowed = frozenset(kind for name in names for kind in TYPES[name])
    return lambda body: type(body) in allowed


def _enum(value: Any, schema: Any, part: Any) -> Fits:
    # Text and null alone: 1, 1.0 and True are equal in Python and not in JSON.
    allowed = frozenset(each for each in value if each is None or isinstance(each, str))
    return lambda body: (body is None or isinstance(body, str)) and body in allowed


def _const(value: Any, schema: Any, part: Any) -> Fits:
    return lambda body: type(body) is type(value) and body == value


def _number(holds: Callable[[Any, Any], bool]) -> Make:
    """A keyword that only numbers can break."""
    return lambda value, schema, part: lambda body: type(body) not in TYPES["number"] or holds(body, value)


def _text(holds: Callable[[str, Any], bool]) -> Make:
    return lambda value, schema, part: lambda body: not isinstance(body, str) or holds(body, value)


def _length(holds: Callable[[int, Any], bool]) -> Make:
    return lambda value, schema, part: lambda body: not isinstance(body, list) or holds(len(body), value)


def _pattern(value: Any, schema: Any, part: Any) -> Fits:
    search = re.compile(value).search
    return lambda body: not isinstance(body, str) or search(body) is not None


def _items(value: Any, schema: Mapping[str, Any], part: Callable[[Any], Fits]) -> Fits:
    before = len(schema.get("prefixItems", ()))
    check = part(value)
    return lambda body: not isinstance(body, list) or all(check(each) for each in body[before:])


def _prefix_items(value: Any, schema: Any, part: Callable[[Any], Fits]) -> Fits:
    checks = [part(each) for each in value]
    return lambda body: (
        not isinstance(body, list) or all(check(each) for check, each in zip(checks, body, strict=False))
    )


def _any_of(value: Any, schema: Any, part: Callable[[Any], Fits]) -> Fits:
    checks = [part(each) for each in value]
    return lambda body: any(check(body) for check in checks)


def _properties(value: Any, schema: Mapping[str, Any], part: Callable[[Any], Fits]) -> Fits:
    checks = {name: part(each) for name, each in value.items()}
    required = frozenset(schema.get("required", ()))
    other = part(schema.get("additionalProperties", True))

    def fits(body: Any) -> bool:
        if not isinstance(body, dict):
            return True
        return required <= body.keys() and all(checks.get(name, other)(each) for name, each in body.items())

    return fits


def _additional(value: Any, schema: Any, part: Callable[[Any], Fits]) -> Fits:
    check = part(value)
    return lambda body: not isinstance(body, dict) or all(check(each) for each in body.values())


def _names(value: Any, schema: Any, part: Callable[[Any], Fits]) -> Fits:
    check = part(value)
    return lambda body: not isinstance(body, dict) or all(check(name) for name in body)


KEYWORDS: Mapping[str, Make] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _number(lambda body, bound: body >= bound),
    "maximum": _number(lambda body, bound: body <= bound),
    # Exact for the halves that lines are; what Python's remainder leaves is jsonschema's to judge.
    "multipleOf": _number(lambda body, step: body % step == 0),
    "pattern": _pattern,
    "minLength": _text(lambda body, least: len(body) >= least),
    "maxLength": _text(lambda body, most: len(body) <= most),
    "minItems": _length(lambda length, least: length >= least),
    "maxItems": _length(lambda length, most: length <= most),
    "minProperties": lambda value, schema, part: lambda body: not isinstance(body, dict) or len(body) >= value,
    "items": _items,
    "prefixItems": _prefix_items,
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
}
