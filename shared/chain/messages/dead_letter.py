"""What a dead letter says besides the message that it was: written by whoever dead-letters, read by
whoever lists.

A dead letter that the bus refuses would be tried for ever, so a message is cut to what fits. What
was cut off is sent: dead_letter_shortened names the attributes of which a part is missing,
dead_letter_attributes has how many there were where some are left out, dead_letter_bytes how many
bytes there were. Pub/Sub's own attributes (goog...) come anew with every message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shared.core.clock import parse_timestamp
from shared.stores.message_limits import (
    MAX_ATTRIBUTE_KEY_BYTES,
    MAX_ATTRIBUTES,
    RESERVED,
    cut,
    room_of_a_request,
    shorten,
    size_of,
)

# Whom a dead letter of ours blames: what came to be one at its first delivery is no failure of a
# function or source.
MESSAGE = "message"
# Why the bus itself dead-letters: the attempts were used up.
MAX_DELIVERY_ATTEMPTS = "max_delivery_attempts"
CUT, LEFT_OUT, SHORTENED = "dead_letter_bytes", "dead_letter_attributes", "dead_letter_shortened"
_OF_PUBSUB = "CloudPubSubDeadLetter"
# The letter's own attributes, by field of Facts; and those that publishing once more puts onto a
# message anew.
_NAMES = {
    "reason": "dead_letter_reason",
    "error": "dead_letter_error",
    "blames": "dead_letter_blames",
    "origin_topic": "origin_topic",
    "origin_subscription": "origin_subscription",
    "origin_message_id": "origin_message_id",
    "origin_published_at": "origin_published_at",
    "dead_lettered_at": "dead_lettered_at",
}
# A message published once more keeps these: its run and its dates stay what they were.
_KEPT = ("origin_message_id", "origin_published_at")
_NOT_THE_MESSAGES = (frozenset(_NAMES.values()) - {*_KEPT}) | {"outbox_id", "trigger_source", CUT, LEFT_OUT, SHORTENED}


@dataclass(frozen=True)
class Facts:
    """Why a message was dead-lettered, and where it came from.

    Empty or None is what the letter does not say.
    """

    reason: str
    origin_topic: str
    origin_subscription: str
    origin_message_id: str
    dead_lettered_at: datetime | None
    origin_published_at: datetime | None = None
    """When the message was first published: redriven tomorrow, its TODAY is still that day."""
    error: str = ""
    blames: str = ""
    """MESSAGE where the message itself is to blame; empty where what used up its deliveries may be
    mended.
    """

    def as_attributes(self) -> dict[str, str]:
        found = {name: _text(getattr(self, field)) for field, name in _NAMES.items()}
        found["dead_letter_error"] = shorten(self.error)
        optional = ("dead_letter_blames", "origin_published_at")
        return {name: text for name, text in found.items() if text or name not in optional}

    @classmethod
    def read(cls, attributes: Mapping[str, str], message_id: str, subscription: str) -> Self:
        """Those of a letter, of Pub/Sub's own making too: that one names the subscription alone,
        and has a new id.

        message_id: the letter's; subscription: whose dead letters it is among, where it does not
        say more.
        """
        published = attributes.get("origin_published_at") or attributes.get(f"{_OF_PUBSUB}SourceTopicPublishTime")
        return cls(
            reason=attributes.get("dead_letter_reason") or MAX_DELIVERY_ATTEMPTS,
            error=attributes.get("dead_letter_error", ""),
            blames=attributes.get("dead_letter_blames", ""),
            origin_topic=attributes.get("origin_topic", ""),
            origin_subscription=attributes.get("origin_subscription")
            or attributes.get(f"{_OF_PUBSUB}SourceSubscription")
            or subscription,
            origin_message_id=attributes.get("origin_message_id") or message_id,
            origin_published_at=parse_timestamp_or_none(published),
            dead_lettered_at=parse_timestamp_or_none(attributes.get("dead_lettered_at")),
        )


def encode(
    data: bytes, attributes: Mapping[str, str], facts: Facts, pubsub: Mapping[str, str] | None = None
) -> tuple[bytes, dict[str, str]]:
    """Data and attributes of the dead letter: the facts, and of the message as much as fits beside
    them.

    pubsub: what Pub/Sub itself adds where it dead-letters, by the name without its prefix
    (SourceSubscription ...).
    """
    theirs = {f"{_OF_PUBSUB}{name}": value for name, value in (pubsub or {}).items()}
    return fitting(data, attributes, {**theirs, **facts.as_attributes()})


def is_cut(attributes: Mapping[str, str]) -> bool:
    """Whether a part of the message is missing from its dead letter."""
    return bool({CUT, LEFT_OUT, SHORTENED} & attributes.keys())


def of_the_message(attributes: Mapping[str, str]) -> dict[str, str]:
    """A letter's attributes without what dead-lettering, and publishing once more, put onto
    them.
    """
    theirs = (_OF_PUBSUB, RESERVED)
    return {n: value for n, value in attributes.items() if n not in _NOT_THE_MESSAGES and not n.startswith(theirs)}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else "" if value is None else str(value)


def parse_timestamp_or_none(text: str | None) -> datetime | None:
    """Parse a moment of an attribute; None where it is absent or cannot be read."""
    try:
        return parse_timestamp(text) if text else None
    except ValueError:
        return None


def fitting(data: bytes, attributes: Mapping[str, str], ours: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """What of a message fits into a dead letter beside `ours`, with the marks of what does not."""
    ours = {name: cut(value) for name, value in ours.items()}
    own = {name: value for name, value in attributes.items() if name not in ours and not name.startswith(RESERVED)}
    fitting: dict[str, str] = {}
    shortened = []
    for name, value in own.items():
        short = cut(name, MAX_ATTRIBUTE_KEY_BYTES), cut(value)
        if short != (name, value):
            shortened.append(short[0])
        if short[0] and short[0] not in ours:
            fitting.setdefault(*short)
    marks = {SHORTENED: cut(", ".join(shortened))} if shortened else {}
    marked = {**marks, LEFT_OUT: str(len(attributes)), CUT: str(len(data))}
    large = len(data) > room_of_a_request() - size_of(b"", {**fitting, **ours, **marked})
    if large:
        marks[CUT] = str(len(data))
    if len(fitting) < len(own) or len(fitting) + len(ours) + len(marks) > MAX_ATTRIBUTES:
        marks[LEFT_OUT] = str(len(attributes))
    kept = dict(list(fitting.items())[: MAX_ATTRIBUTES - len(ours) - len(marks)])
    sent = {**kept, **ours, **marks}
    fits = room_of_a_request() - size_of(b"", sent)
    if large and len(data) <= fits:
        del sent[CUT]
    return data[:fits], sent
