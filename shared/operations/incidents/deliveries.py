"""The documents of messages: each is recorded before it is sent, and marked after.

    recorded (pending, taken) --sent--> sent
         ^    |
         |    +--failed--> pending, due again after a back-off --a day--> given_up
         +-- taken --------+
    pending --a later message of the same incident and channel--> superseded

A crash between sending and marking sends again, under the same id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.core.severity import Severity
from shared.stores.ports import Filter
from shared.stores.records import ALWAYS_WRITTEN, StoredRecord
from shared.stores.runtime import Runtime

COLLECTION = "deliveries"
KEPT = timedelta(days=90)
# Whoever has recorded or taken a message has so long to send it; then it is due again.
TAKEN_FOR = timedelta(minutes=5)
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=5), timedelta(hours=4)
GIVEN_UP_AFTER = timedelta(days=1)


class DeliveryStatus(StrEnum):
    """How far a message is."""

    PENDING = "pending"
    SENT = "sent"
    SUPERSEDED = "superseded"
    GIVEN_UP = "given_up"


class Kind(StrEnum):
    """What a message is about."""

    OPENED = "opened"
    STILL = "still"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    DIGEST = "digest"
    BUNDLE = "bundle"
    TEST = "test"


@dataclass(frozen=True, kw_only=True)
class Delivery(StoredRecord):
    """One message to one channel, as it is sent."""

    channel: str
    kind: Kind
    severity: Severity
    incidents: Sequence[str]
    """Ids; empty of a test."""
    title: str
    body: str
    """Text, or JSON of a web-hook."""
    status: DeliveryStatus
    pending: bool = field(metadata=ALWAYS_WRITTEN)
    """Whether it is to be sent still."""
    created_at: datetime
    attempts: int
    due_at: datetime
    """When it may be taken."""
    sent_at: datetime | None = None
    last_error: str = ""
    expires_at: datetime


def delivery_path(name: str) -> str:
    """The document of a message's id."""
    return f"{COLLECTION}/{name}"


def wait_after(attempts: int) -> timedelta:
    """How long a message waits after so many attempts: doubling, bounded."""
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(attempts - 1, 10)))


def pending_deliveries(runtime: Runtime) -> list[Delivery]:
    """Messages that are to be sent still, the oldest first: one query."""
    found = [Delivery.from_document(each) for each in runtime.state.query(COLLECTION, [Filter("pending", "==", True)])]
    return sorted(found, key=lambda each: (each.created_at, each.id))


def read_deliveries(runtime: Runtime, names: Sequence[str]) -> list[Delivery]:
    """Messages by their ids; one that is there no more is left out."""
    found = [runtime.state.get(delivery_path(name)) for name in names]
    return [Delivery.from_document(each) for each in found if each is not None]
