"""Pub/Sub's limits on a message, so that what the embedded bus takes the deployed one takes too."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.envelope import MAX_ATTRIBUTE_BYTES
from shared.errors import Fatal, NotFound

# https://cloud.google.com/pubsub/quotas
MAX_MESSAGE_BYTES = 10_000_000
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_KEY_BYTES = 256


def check_message(topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
    """Raises Fatal saying which limit a message breaks."""
    broken = _broken(data, attributes)
    if broken:
        raise Fatal(f"A message to {topic} has {broken}.", next_step="shorten it, or keep the bulk in a bucket.")


def check_publication(topics: Collection[str], topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
    """Raises NotFound for another topic than these, listing them; Fatal saying which limit the message breaks."""
    if topic not in topics:
        raise NotFound(f"There is no topic {topic!r}.", next_step=f"use one of: {', '.join(sorted(topics))}.")
    check_message(topic, data, attributes)


def _broken(data: bytes, attributes: Mapping[str, str]) -> str:
    if len(data) > MAX_MESSAGE_BYTES:
        return f"{len(data)} bytes of data; at most {MAX_MESSAGE_BYTES} are taken"
    if not data and not attributes:
        return "neither data nor attributes"
    if len(attributes) > MAX_ATTRIBUTES:
        return f"{len(attributes)} attributes; at most {MAX_ATTRIBUTES} are taken"
    for key, value in attributes.items():
        if not key or len(key.encode()) > MAX_ATTRIBUTE_KEY_BYTES:
            return f"an attribute named {key[:80]!r}; a name has 1 to {MAX_ATTRIBUTE_KEY_BYTES} bytes"
        if len(value.encode()) > MAX_ATTRIBUTE_BYTES:
            size = len(value.encode())
            return f"{size} bytes in the attribute {key!r}; at most {MAX_ATTRIBUTE_BYTES} are taken"
    return ""
