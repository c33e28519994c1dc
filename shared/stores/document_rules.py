"""What a document of the state may be called and may hold: Firestore's own rules, kept by every
implementation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from shared.core.errors import Fatal
from shared.core.storable import MAX_INTEGER

# Marks a moment in the embedded store's JSON; no document may use it as a field.
TIMESTAMP_KEY = "$ts"
# https://firebase.google.com/docs/firestore/quotas: 30 values in one `in`.
MAX_IN_VALUES = 30
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


def plain_fields(
    path: str, data: Mapping[str, Any], convert_timestamp: Callable[[datetime], object]
) -> dict[str, object]:
    """Every field as `plain` gives it. Raises Fatal, naming the place."""
    return {field_name(path, name): plain(f"{path}.{name}", value, convert_timestamp) for name, value in data.items()}


def plain(where: str, value: object, convert_timestamp: Callable[[datetime], object]) -> object:
    """A value as it is stored: lists for tuples, and what `convert_timestamp` makes of an aware
    datetime.

    Raises Fatal, naming `where`, for what Firestore would not store or this pipeline does not use.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return convert_timestamp(value)
    if isinstance(value, dict):
        return {
            field_name(where, name): plain(f"{where}.{name}", each, convert_timestamp) for name, each in value.items()
        }
    if isinstance(value, list | tuple) and not any(isinstance(each, list | tuple) for each in value):
        return [plain(f"{where}[{index}]", each, convert_timestamp) for index, each in enumerate(value)]
    raise Fatal(
        f"{where} is {type(value).__name__} {str(value)[:80]!r}, which Firestore does not store.",
        next_step="use str, 64-bit int, finite float, bool, None, aware datetime, dict, or a list of these without "
        "lists in it.",
    )


def field_name(where: str, name: object) -> str:
    """The name itself. Raises Fatal for one that some implementation could not store or ask for."""
    if not isinstance(name, str) or not name or name == TIMESTAMP_KEY or '"' in name or _RESERVED.fullmatch(name):
        raise Fatal(f"{where} has the field name {name!r}.", next_step="name fields with plain words.")
    return name
