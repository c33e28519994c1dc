"""Document values as JSON text and back, with Firestore's own limits, so that what works here works there."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.errors import Fatal

TIMESTAMP_KEY = "$ts"
# https://firebase.google.com/docs/firestore/quotas: 1 MiB a document, integers of 64 bits.
MAX_DOCUMENT_BYTES = 1_048_576
MAX_INTEGER = 2**63 - 1


def encode(path: str, data: Mapping[str, Any]) -> str:
    """A document as compact JSON, datetimes as {"$ts": iso}. Raises Fatal for what Firestore would not store."""
    text = json.dumps(
        {_key(path, key): _plain(f"{path}.{key}", value) for key, value in data.items()},
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
    )
    size = len(text.encode())
    if size > MAX_DOCUMENT_BYTES:
        raise Fatal(
            f"The document {path} has {size} bytes; Firestore stores at most {MAX_DOCUMENT_BYTES}.",
            next_step="split it into documents of a subcollection, or keep the bulk in a bucket.",
        )
    return text


def decode(text: str) -> dict[str, Any]:
    """What encode was given: lists for tuples, datetimes in UTC."""
    decoded: dict[str, Any] = json.loads(text, object_hook=_revive)
    return decoded


def timestamp(moment: datetime) -> str:
    """A moment as ISO text in UTC with six decimals: text order is time order. Raises ValueError if naive."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _revive(found: dict[str, Any]) -> object:
    if found.keys() == {TIMESTAMP_KEY}:
        return datetime.fromisoformat(found[TIMESTAMP_KEY])
    return found


def _key(where: str, key: object) -> str:
    if not isinstance(key, str) or not key or key == TIMESTAMP_KEY or '"' in key:
        raise Fatal(f"{where} has the field name {key!r}.", next_step="name fields with plain words.")
    return key


def _plain(where: str, value: object) -> object:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= MAX_INTEGER:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return {TIMESTAMP_KEY: timestamp(value)}
    if isinstance(value, dict):
        return {_key(where, key): _plain(f"{where}.{key}", each) for key, each in value.items()}
    if isinstance(value, list | tuple) and not any(isinstance(each, list | tuple) for each in value):
        return [_plain(f"{where}[{index}]", each) for index, each in enumerate(value)]
    raise Fatal(
        f"{where} is {type(value).__name__} {str(value)[:80]!r}, which Firestore does not store.",
        next_step="use str, 64-bit int, finite float, bool, None, aware datetime, dict, or a list of these without "
        "lists in it.",
    )
