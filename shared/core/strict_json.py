"""JSON that has one meaning: what two readers would understand differently is no JSON here."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def read_strict(data: bytes | str) -> Any:
    """The value of a JSON document.

    Raises ValueError for what is none, for a name that an object has twice, and for NaN, infinities
    and numbers beyond a float's range; RecursionError for one nested deeper than the interpreter's
    stack.
    """
    return json.loads(data, object_pairs_hook=once, parse_float=_finite, parse_constant=_no_number)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """json's object_pairs_hook that raises ValueError for a name that an object has twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"{twice[:80]!r} is there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:80]} is beyond every number")
    return number


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
