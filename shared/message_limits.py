"""Pub/Sub's limits on a message: every implementation of the bus refuses what it would refuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.envelope import MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTE_KEY_BYTES
from shared.errors import Fatal, NotFound

# https://cloud.google.com/pubsub/quotas: of one publish request, and so of a message in it.
MAX_REQUEST_BYTES = 10_000_000
MAX_MESSAGES = 1_000
MAX_ATTRIBUTES = 100
CUT, LEFT_OUT, SHORTENED = "dead_letter_bytes", "dead_letter_attributes", "dead_letter_shortened"
# Names that begin so are Pub/Sub's own: it puts them onto messages, and refuses them in a publish request.
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
    """Raises NotFound for another topic than these, listing them; Fatal saying which limit the message breaks."""
    if topic not in topics:
        raise NotFound(f"There is no topic {topic!r}.", next_step=f"use one of: {', '.join(sorted(topics))}.")
    check_message(topic, data, attributes)


def dead_letter(data: bytes, attributes: Mapping[str, str], ours: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """What is published of a message that is dead-lettered: `ours`, and of its own as much as fits.

    A dead letter that the bus refuses would be tried for ever. What was cut off is said: dead_letter_shortened names
    the attributes of which a part is missing, dead_letter_attributes has how many there were where some are left out,
    dead_letter_bytes how many bytes there were. Pub/Sub's own attributes (goog...) come anew with every message.
    """
    ours = {name: _cut(value, MAX_ATTRIBUTE_BYTES) for name, value in ours.items()}
    own = {name: value for name, value in attributes.items() if name not in ours and not name.startswith(RESERVED)}
    fitting: dict[str, str] = {}
    shortened = []
    for name, value in own.items():
        short = _cut(name, MAX_ATTRIBUTE_KEY_BYTES), _cut(value, MAX_ATTRIBUTE_BYTES)
        if short != (name, value):
            shortened.append(short[0])
        if short[0] and short[0] not in ours:
            fitting.setdefault(*short)
    marks = {SHORTENED: _cut(", ".join(shortened), MAX_ATTRIBUTE_BYTES)} if shortened else {}
    marked = {**marks, LEFT_OUT: str(len(attributes)), CUT: str(len(data))}
    large = len(data) > room_of_a_request() - size_of(b"", {**fitting, **ours, **marked})
    if large:
        marks[CUT] = str(len(data))
    if len(fitting) < len(own) or len(fitting) + len(ours) + len(marks) > MAX_ATTRIBUTES:
        marks[LEFT_OUT] = str(len(attributes))
    kept = dict(list(fitting.items())[: MAX_ATTRIBUTES - len(ours) - len(marks)])
    said = {**kept, **ours, **marks}
    fits = room_of_a_request() - size_of(b"", said)
    if large and len(data) <= fits:
        del said[CUT]
    return data[:fits], said


def _cut(text: str, most: int) -> str:
    """As many characters as have at most so many bytes of UTF-8."""
    return text.encode("utf-8", "replace")[:most].decode(errors="ignore")


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
