"""What a document of the state may be called and may hold: Firestore's own rules, kept by every implementation."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.errors import Fatal
from shared.observability.redaction import redacted

# Marks a moment in the embedded store's JSON; no document may use it as a field.
TIMESTAMP_KEY = "$ts"
# https://firebase.google.com/docs/firestore/quotas: integers of 64 bits, 30 values in one `in`.
MAX_INTEGER = 2**63 - 1
MAX_IN_VALUES = 30
# Far deeper than anything we send; a parser goes to about 1,000, where printing what it read fails.
MAX_DEPTH = 32
# No encoding of a lone surrogate exists, and a NUL ends a text in some stores.
_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
# Firestore keeps these names for itself.
_RESERVED = re.compile("__.*__", re.DOTALL)


def document_place(path: str) -> tuple[str, str]:
    """Collection and id of a document's path. Raises Fatal for what is no document path."""
    parts = path.split("/")
    if len(parts) % 2 or not all(parts):
        raise Fatal(f"{path!r} is no document path.", next_step="write collection/id, or pairs of these.")
    return "/".join(parts[:-1]), parts[-1]


def check_collection(path: str) -> None:
    """Raises Fatal for what is no collection's path."""
    parts = path.split("/")
    if len(parts) % 2 == 0 or not all(parts):
        raise Fatal(f"{path!r} is no collection.", next_step="write collection, or collection/id/subcollection.")


def plain_fields(path: str, data: Mapping[str, Any], moment: Callable[[datetime], object]) -> dict[str, object]:
    """Every field as `plain` gives it. Raises Fatal, naming the place."""
    return {field_name(path, name): plain(f"{path}.{name}", value, moment) for name, value in data.items()}


def plain(where: str, value: object, moment: Callable[[datetime], object]) -> object:
    """A value as it is stored: lists for tuples, and what `moment` makes of an aware datetime.

    Raises Fatal, naming `where`, for what Firestore would not store or this pipeline does not use.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return moment(value)
    if isinstance(value, dict):
        return {field_name(where, name): plain(f"{where}.{name}", each, moment) for name, each in value.items()}
    if isinstance(value, list | tuple) and not any(isinstance(each, list | tuple) for each in value):
        return [plain(f"{where}[{index}]", each, moment) for index, each in enumerate(value)]
    raise Fatal(
        f"{where} is {type(value).__name__} {str(value)[:80]!r}, which Firestore does not store.",
        next_step="use str, 64-bit int, finite float, bool, None, aware datetime, dict, or a list of these without "
        "lists in it.",
    )


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
    """What of a value read from JSON cannot be kept, sent or counted on, however deep it is; empty where nothing."""
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
    """A value read from JSON for an error message: what it is, in a few characters, however large it is."""
    if isinstance(value, str):
        value = redacted(value)
        return repr(value) if len(value) <= 80 else f"{value[:80]!r}... ({len(value)} characters)"
    if isinstance(value, dict | list):
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    return str(value)[:40]


def field_name(where: str, name: object) -> str:
    """The name itself. Raises Fatal for one that some implementation could not store or ask for."""
    if not isinstance(name, str) or not name or name == TIMESTAMP_KEY or '"' in name or _RESERVED.fullmatch(name):
        raise Fatal(f"{where} has the field name {name!r}.", next_step="name fields with plain words.")
    return name
