"""The Pub/Sub push envelope (wrapped): read here and nowhere else; and what fits into an attribute of a message."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from shared.errors import DataError
from shared.messages import ATTRIBUTE_FIELDS, PhaseMessage

M = TypeVar("M", bound=PhaseMessage)

# Phase messages are a few kilobytes, a unit's request some tens; Pub/Sub itself would carry ten megabytes.
MAX_DATA_BYTES = 1_048_576
MAX_ATTRIBUTE_BYTES = 1_024  # Pub/Sub's limit: cloud.google.com/pubsub/quotas


@dataclass(frozen=True)
class Envelope:
    """A push request as it came. `attempt` is 1 where the subscription has no dead-letter policy to count for.

    `published_at` is None where the request does not say it; of a message published once more (held and released,
    redriven) it is the moment of the first publish, which its attribute origin_published_at carries.
    """

    data: bytes
    attributes: dict[str, str]
    message_id: str
    subscription: str
    attempt: int
    published_at: datetime | None = None


def shortened(text: str) -> str:
    """As much of a text as fits into an attribute."""
    return text.encode()[:MAX_ATTRIBUTE_BYTES].decode(errors="ignore")


def read_envelope(body: bytes, name_prefix: str = "") -> Envelope:
    """`name_prefix` is the environment's, taken off the subscription. Raises DataError where it is no push envelope."""
    try:
        raw = json.loads(body)
        message = raw["message"]
        data = base64.b64decode(message.get("data") or "", validate=True)
        attributes = {str(k): str(v) for k, v in (message.get("attributes") or {}).items()}
        message_id = str(message.get("messageId") or message.get("message_id") or "")
        subscription = str(raw.get("subscription") or "").rsplit("/", 1)[-1].removeprefix(name_prefix)
        attempt = int(raw.get("deliveryAttempt") or 1)
        said = attributes.get("origin_published_at") or message.get("publishTime") or message.get("publish_time")
        published_at = _moment(said)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, binascii.Error) as error:
        raise DataError(
            f"The request body ({len(body)} bytes) is not a Pub/Sub push envelope: {error!r}.",
            next_step='publish to the function\'s topic instead, e.g. {"game_date": "2025-12-31"}.',
            reason="not_an_envelope",
        ) from error
    if not message_id or "/" in message_id:
        raise DataError(f"The push envelope's messageId is {message_id!r}.", reason="not_an_envelope")
    return Envelope(data, attributes, message_id, subscription, attempt, published_at)


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _fields(envelope: Envelope) -> dict[str, Any]:
    """The message's fields: the JSON object in data; attributes fill what data lacks."""
    if len(envelope.data) > MAX_DATA_BYTES:
        raise DataError(
            f"Message {envelope.message_id} has {len(envelope.data)} bytes; at most {MAX_DATA_BYTES} are accepted.",
            next_step="publish a small trigger; large inputs belong in the bucket.",
            reason="too_large",
        )
    payload: Any = {}
    if envelope.data.strip():
        try:
            payload = json.loads(envelope.data)
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"Message {envelope.message_id} is not JSON: {envelope.data[:80]!r} ({error}).",
                next_step='publish a JSON object such as {"game_date": "2025-12-31"}.',
                reason="not_json",
            ) from error
        if not isinstance(payload, dict):
            raise DataError(f"Message {envelope.message_id} is not a JSON object: {payload!r:.80}.", reason="not_json")
    known = {name: envelope.attributes[name] for name in ATTRIBUTE_FIELDS if name in envelope.attributes}
    return {**known, **payload}


def read_message(envelope: Envelope, model: type[M], now: datetime) -> M:
    """The typed message. Raises DataError naming the field, its value and what would be right.

    TODAY is the day on which the message was published, so that a retry after midnight is still about the same day;
    `now` stands in where the request does not say when that was.
    """
    fields = _fields(envelope)
    try:
        return model.model_validate(fields, context={"now": envelope.published_at or now})
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(str(p) for p in e['loc']) or 'message'}: {e['msg']} (got {e['input']!r:.80})"
            for e in error.errors()
        )
        raise DataError(
            f"Message {envelope.message_id} cannot be understood: {details}.",
            next_step="correct the field and publish again.",
            reason="invalid_message",
        ) from error
