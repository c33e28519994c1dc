"""A plain web-hook: JSON, signed so that the receiver can check who sent it and when.

X-Alert-Signature is `v1=` and the hexadecimal HMAC-SHA256, with the common key, of
`{X-Alert-Timestamp}.{body}`. A receiver computes it anew over the bytes that came, compares in
constant time, refuses a timestamp more than minutes old, and drops an X-Alert-Id that it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from shared.operations.incidents.channels.message import Message
from shared.operations.incidents.channels.posting import post

ID, TIMESTAMP, SIGNATURE = "X-Alert-Id", "X-Alert-Timestamp", "X-Alert-Signature"


def sign(key: str, timestamp: int, body: bytes) -> str:
    """The signature's header. RFC 2104."""
    return f"v1={hmac.new(key.encode(), f'{timestamp}.'.encode() + body, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True)
class WebHook:
    """One address with its key."""

    url: str = field(repr=False)
    key: str = field(repr=False)
    authorities: str = ""
    name: str = "webhook"

    def send(self, message: Message) -> str:
        """Raises NotDelivered."""
        body, timestamp = message.body.encode(), int(message.at.timestamp())
        headers = {
            "Content-Type": "application/json",
            ID: message.id,
            TIMESTAMP: str(timestamp),
            SIGNATURE: sign(self.key, timestamp, body),
        }
        post(self.name, self.url, body, headers, self.authorities)
        return ""
