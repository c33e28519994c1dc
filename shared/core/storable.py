"""What of a value from outside can be kept at all: no store takes every text, and no reader every
number or depth.
"""

from __future__ import annotations

import math
import re
from typing import Any

from shared.core.redaction import redact

# Firestore's integers: https://firebase.google.com/docs/firestore/quotas
MAX_INTEGER = 2**63 - 1
# Far deeper than anything we send; a parser goes to about 1,000, where printing what it read fails.
MAX_DEPTH = 32
# No encoding of a lone surrogate exists, and a NUL ends a text in some stores.
_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")


def storable(text: str) -> str:
    """The text with a replacement character for each character that no store keeps."""
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", text)


def storable_json(value: Any) -> Any:
    """The same with every text, names of fields too, as `storable` gives it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable_json(name): storable_json(each) for name, each in value.items()}
    return [storable_json(each) for each in value] if isinstance(value, list | tuple) else value


def unstorable(value: object) -> str:
    """What of a value read from JSON cannot be kept, sent or counted on, however deep it is; empty
    where nothing.
    """
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for one in level:
            if isinstance(one, float):
                if not -math.inf < one < math.inf:
                    return f"{one} is no number"
            elif isinstance(one, str):
                if _NO_TEXT.search(one):
                    return f"{brief(one)} has characters that no store keeps"
            elif isinstance(one, list):
                inner += one
            elif isinstance(one, dict):
                inner += one
                inner += one.values()
            elif isinstance(one, int) and not -MAX_INTEGER <= one <= MAX_INTEGER:
                return f"{brief(one)} has more than 64 bits"
        if not inner:
            return ""
        level = inner
    return f"it is nested deeper than {MAX_DEPTH} levels"


def brief(value: object) -> str:
    """A value read from JSON for an error message: what it is, in a few characters, however large
    it is.
    """
    if isinstance(value, str):
        value = redact(value)
        return repr(value) if len(value) <= 80 else f"{value[:80]!r}... ({len(value)} characters)"
    if isinstance(value, dict | list):
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    return str(value)[:40]
