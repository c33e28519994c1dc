"""Document values as JSON text and back, with Firestore's own limits, so that what works here works
there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.core.errors import Fatal
from shared.stores.document_rules import TIMESTAMP_KEY, plain_fields

__all__ = ["TIMESTAMP_KEY", "Undecodable", "decode", "encode", "format_stored_timestamp"]

# https://firebase.google.com/docs/firestore/quotas: 1 MiB a document.
MAX_DOCUMENT_BYTES = 1_048_576


def encode(path: str, data: Mapping[str, Any]) -> str:
    """A document as compact JSON, datetimes as {"$ts": iso}.

    Raises Fatal for what Firestore would not store.
    """
    text = json.dumps(
        plain_fields(path, data, lambda moment: {TIMESTAMP_KEY: format_stored_timestamp(moment)}),
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


class Undecodable(ValueError):
    """A text that encode, or whoever wrote a JSON object, did not write: its file is damaged."""


def decode(text: str) -> dict[str, Any]:
    """What encode was given: lists for tuples, datetimes in UTC.

    Raises Undecodable for what is no JSON object.
    """
    try:
        decoded = json.loads(text, object_hook=_revive)
    except (ValueError, TypeError, RecursionError) as error:
        raise Undecodable(f"{text[:80]!r} is not what was written: {error}") from error
    if not isinstance(decoded, dict):
        raise Undecodable(f"{text[:80]!r} is no JSON object")
    return decoded


def format_stored_timestamp(moment: datetime) -> str:
    """Write a moment as stored documents have it: ISO text in UTC with six decimals and +00:00.

    Text order is time order. Stored text keeps the offset's spelling, so this is not the clock's
    format_timestamp_us. Raises ValueError if naive.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _revive(found: dict[str, Any]) -> object:
    if found.keys() == {TIMESTAMP_KEY}:
        return datetime.fromisoformat(found[TIMESTAMP_KEY])
    return found
