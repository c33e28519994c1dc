"""The Pub/Sub push envelope (wrapped): read here and nowhere else.

What passes here is bounded: later code adds days, converts zones, makes document ids and publishes
attributes of it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.chain.messages.messages import ATTRIBUTE_FIELDS, PhaseMessage
from shared.core.clock import FIRST_GAME_DAY, FURTHEST_AHEAD, new_york_date, parse_timestamp
from shared.core.errors import DataError, Fatal
from shared.core.events import Event
from shared.core.redaction import excerpt
from shared.core.storable import brief, storable, unstorable
from shared.core.strict_json import once
from shared.stores.document_rules import field_name
from shared.stores.message_limits import MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTE_KEY_BYTES

M = TypeVar("M", bound=PhaseMessage)

# Phase messages are a few kilobytes, a unit's request some tens; Pub/Sub itself would carry ten
# megabytes.
MAX_DATA_BYTES = 1_048_576
# Of a message's own. Pub/Sub takes 100; holding, redriving and dead-lettering it add a dozen of
# ours.
MAX_ATTRIBUTES_TAKEN = 80
_OURS = frozenset({"origin_message_id", "origin_published_at", "outbox_id", "trigger_source"})
# Pub/Sub's own ids have some twenty digits. Part of document ids and object names, and of
# origin_message_id.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_.:#-]{1,100}")
_MOST_ATTEMPTS = 1_000_000


@dataclass(frozen=True)
class Envelope:
    """A push request as it came.

    `attempt` is 1 where the subscription has no dead-letter policy to count for.

    `published_at` is None where the request does not say it; of a message published once more
    (deferred and released, redriven) it is the moment of the first publish, which its attribute
    origin_published_at carries.
    """

    data: bytes
    attributes: dict[str, str]
    message_id: str
    subscription: str
    attempt: int
    published_at: datetime | None = None


def read_envelope(body: bytes, name_prefix: str = "") -> Envelope:
    """`name_prefix` is the environment's, taken off the subscription.

    Raises DataError where it is no push envelope.
    """
    try:
        raw = json.loads(body)
        message = raw["message"]
        data = base64.b64decode(_text(message, "data"), validate=True)
        attributes = _attributes(message.get("attributes"))
        message_id = _message_id(message)
        subscription = _text(raw, "subscription").rsplit("/", 1)[-1].removeprefix(name_prefix)
        attempt = _attempt(raw.get("deliveryAttempt"))
        published = attributes.get("origin_published_at") or _text(message, "publishTime", "publish_time")
        published_at = parse_timestamp(published) if published else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, Fatal) as error:
        raise DataError(
            f"The request body ({len(body)} bytes) is not a Pub/Sub push envelope: {type(error).__name__}: "
            f"{excerpt(storable(str(error)), 500)}.",
            next_step='publish to the function\'s topic instead, e.g. {"game_date": "2025-12-31"}.',
            event=Event.NOT_AN_ENVELOPE,
        ) from error
    return Envelope(data, attributes, message_id, subscription, attempt, published_at)


def _text(fields: Mapping[str, Any], *names: str) -> str:
    """The first of the fields that is there; empty where none is, or null."""
    value = next((fields[name] for name in names if fields.get(name) is not None), "")
    if not isinstance(value, str):
        raise TypeError(f"{names[0]} is {brief(value)}, not a text")
    return value


def _message_id(message: Mapping[str, Any]) -> str:
    value = message.get("messageId") or message.get("message_id")
    if isinstance(value, bool) or not isinstance(value, str | int) or not _MESSAGE_ID.fullmatch(str(value)):
        raise ValueError(f"messageId is {brief(value)}")
    return str(value)


def _attempt(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_ATTEMPTS:
        raise ValueError(f"deliveryAttempt is {brief(value)}, not a number of attempts")
    return max(1, value)


def _attributes(given: Any) -> dict[str, str]:
    """Texts by name, as Pub/Sub delivers them: what it would never carry is not from it, and could
    not be sent on.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise TypeError(f"attributes is {brief(given)}, not an object")
    for name, value in given.items():
        if not isinstance(value, str):
            raise TypeError(f"the attribute {brief(name)} is {brief(value)}, not a text")
        if storable(name) != name or storable(value) != value:
            raise ValueError(f"the attribute {brief(name)} is {brief(value)}, with characters that no text has")
        field_name("attributes", name)  # deferred or redriven, a message's attributes are fields of a document
        if not 0 < len(name.encode()) <= MAX_ATTRIBUTE_KEY_BYTES or len(value.encode()) > MAX_ATTRIBUTE_BYTES:
            raise ValueError(f"the attribute {brief(name)} is longer than Pub/Sub's")
    return given


def _fields(envelope: Envelope, model: type[PhaseMessage]) -> dict[str, Any]:
    """The message's fields, those that the model knows: the JSON object in data; attributes fill
    what data lacks.
    """
    if len(envelope.data) > MAX_DATA_BYTES:
        raise DataError(
            f"Message {envelope.message_id} has {len(envelope.data)} bytes; at most {MAX_DATA_BYTES} are accepted.",
            next_step="publish a small trigger; large inputs belong in the bucket.",
            event=Event.TOO_LARGE,
        )
    own = len(envelope.attributes.keys() - _OURS)
    if own > MAX_ATTRIBUTES_TAKEN:
        raise DataError(
            f"Message {envelope.message_id} has {own} attributes; at most {MAX_ATTRIBUTES_TAKEN} are accepted.",
            next_step='publish a JSON object such as {"game_date": "2025-12-31"}.',
            event=Event.TOO_LARGE,
        )
    payload: Any = {}
    if envelope.data.strip():
        try:
            payload = json.loads(envelope.data, object_pairs_hook=once)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"Message {envelope.message_id} is not JSON: {envelope.data[:80]!r} "
                f"({excerpt(storable(str(error)), 200)}).",
                next_step='publish a JSON object such as {"game_date": "2025-12-31"}.',
                event=Event.NOT_JSON,
            ) from error
        if not isinstance(payload, dict):
            raise DataError(
                f"Message {envelope.message_id} is not a JSON object: {brief(payload)}.", event=Event.NOT_JSON
            )
    given = {name: envelope.attributes[name] for name in ATTRIBUTE_FIELDS if name in envelope.attributes} | payload
    return {name: given[name] for name in model.model_fields if name in given}


def read_message(envelope: Envelope, model: type[M], now: datetime) -> M:
    """The typed message. Raises DataError naming the field, its value and what would be right.

    TODAY is the day on which the message was published, so that a retry after midnight is still
    about the same day; `now` stands in where the request does not say when that was. What no season
    of `now` can hold is refused: asked for it, no source could answer.
    """
    fields = _fields(envelope, model)
    broken = "; ".join(f"{name}: {why}" for name, value in fields.items() if (why := unstorable(value)))
    if not broken:
        try:
            message = model.model_validate(fields, context={"now": envelope.published_at or now})
        except ValidationError as error:
            broken = "; ".join(
                f"{'.'.join(str(p) for p in e['loc'])[:200] or 'message'}: {excerpt(e['msg'], 500)} "
                f"(got {brief(e['input'])})"
                for e in islice(error.errors(), 20)
            )
        else:
            _possible(envelope, message, now)
            return message
    raise DataError(
        f"Message {envelope.message_id} cannot be understood: {storable(broken)}.",
        next_step="correct the field and publish again.",
        event=Event.INVALID_MESSAGE,
    )


def _possible(envelope: Envelope, message: PhaseMessage, now: datetime) -> None:
    """Raises DataError where the message asks for days that no season has, or for what will be
    known years from now.
    """
    furthest = now + FURTHEST_AHEAD
    last_day = new_york_date(furthest)
    if message.first_date < FIRST_GAME_DAY or message.last_date > last_day:
        wrong = message.first_date if message.first_date < FIRST_GAME_DAY else message.last_date
        raise DataError(
            f"Message {envelope.message_id} is about {wrong}: the games that can be known lie between {FIRST_GAME_DAY} "
            f"and {last_day}.",
            next_step="publish again with the day that was meant.",
            event=Event.NO_SUCH_SEASON,
        )
    if message.as_of is not None and message.as_of > furthest:
        raise DataError(
            f"Message {envelope.message_id} has the as_of {message.as_of.isoformat()}: that is after {last_day}.",
            next_step="correct the field and publish again.",
            event=Event.INVALID_MESSAGE,
        )
