"""Pub/Sub's limits on a message: every implementation of the bus refuses what it would refuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.core.errors import Fatal, NotFound
from shared.core.printable import one_line
from shared.core.redaction import redact
from shared.core.storable import storable

# https://cloud.google.com/pubsub/quotas: of one publish request, and so of a message in it.
MAX_REQUEST_BYTES = 10_000_000
MAX_MESSAGES = 1_000
MAX_ATTRIBUTES = 100
MAX_ATTRIBUTE_BYTES = 1_024
MAX_ATTRIBUTE_KEY_BYTES = 256
# Names that begin so are Pub/Sub's own: it puts them onto messages, and refuses them in a publish
# request.
RESERVED = "goog"
# At most: the topic's full name and the framing of a request; of a message; of an attribute.
_REQUEST_FRAME, _MESSAGE_FRAME, _ATTRIBUTE_FRAME = 512, 64, 16


def size_of(data: bytes, attributes: Mapping[str, str]) -> int:
    """Bytes that a message takes of a publish request, at most."""
    texts = sum(len(key.encode()) + len(value.encode()) + _ATTRIBUTE_FRAME for key, value in attributes.items())
    return len(data) + texts + _MESSAGE_FRAME


def room_of_a_request() -> int:
    """Bytes that the messages of one publish request may take together, as size_of counts them."""
    return MAX_REQUEST_BYTES - _REQUEST_FRAME


def check_message(topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
    """Raises Fatal saying which limit a message breaks."""
    broken = _broken(data, attributes)
    if broken:
        raise Fatal(f"A message to {topic} has {broken}.", next_step="shorten it, or keep the bulk in a bucket.")


def check_publication(topics: Collection[str], topic: str, data: bytes, attributes: Mapping[str, str]) -> None:
    """Raises NotFound for another topic than these, listing them; Fatal saying which limit the
    message breaks.
    """
    if topic not in topics:
        raise NotFound(f"There is no topic {topic!r}.", next_step=f"use one of: {', '.join(sorted(topics))}.")
    check_message(topic, data, attributes)


def cut(text: str, most: int = MAX_ATTRIBUTE_BYTES) -> str:
    """As many characters as have at most so many bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:most].decode(errors="ignore")


def shorten(text: str) -> str:
    """As much of a text as fits into an attribute, redacted before it is cut, without what no
    attribute can carry.
    """
    return cut(redact(one_line(storable(text))))


def _broken(data: bytes, attributes: Mapping[str, str]) -> str:
    if not data and not attributes:
        return "neither data nor attributes"
    if len(attributes) > MAX_ATTRIBUTES:
        return f"{len(attributes)} attributes; at most {MAX_ATTRIBUTES} are taken"
    for key, value in attributes.items():
        if not key or len(key.encode()) > MAX_ATTRIBUTE_KEY_BYTES:
            return f"an attribute named {key[:80]!r}; a name has 1 to {MAX_ATTRIBUTE_KEY_BYTES} bytes"
        if key.startswith(RESERVED):
            return f"an attribute named {key[:80]!r}; names that begin with {RESERVED} are Pub/Sub's own"
        if len(value.encode()) > MAX_ATTRIBUTE_BYTES:
            size = len(value.encode())
            return f"{size} bytes in the attribute {key!r}; at most {MAX_ATTRIBUTE_BYTES} are taken"
    size = size_of(data, attributes)
    if size > room_of_a_request():
        return f"{size} bytes with its attributes; at most {room_of_a_request()} are taken"
    return ""
