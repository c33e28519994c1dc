"""Deferred messages: parked and acknowledged, published once more when admission lets them in.

Refused instead, a message would use up its delivery attempts and be a dead letter ten minutes
later.

    defer:    bytes to the raw bucket --> document held/{subscription}.{message id} --> acknowledged
    release:  released_at and outbox_pending in one conditional write --> published --> marked sent
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.chain.messages import outbox
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxFile
from shared.chain.messages.push_envelope import Envelope, read_message
from shared.chain.resilience import admission
from shared.chain.resilience.admission import Rejection
from shared.core import failpoints
from shared.core.clock import parse_timestamp
from shared.core.errors import AlreadyExists, DataError, NotFound, PreconditionFailed
from shared.core.pipeline import FunctionSpec
from shared.stores.message_limits import RESERVED
from shared.stores.ports import Filter, State
from shared.stores.records import StoredRecord, stored_as
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

COLLECTION = "held"


@dataclass(frozen=True, kw_only=True)
class DeferredMessage(StoredRecord):
    """A deferred message; its bytes are the file that its outbox names."""

    function: str
    topic: str
    gate: str
    """What rejected it: `pause`, or a breaker's name."""
    reason: str
    deferred_at: datetime = field(metadata=stored_as("held_at"))
    released_at: datetime | None
    """None while it waits."""
    outbox: Sequence[Mapping[str, Any]]
    outbox_pending: bool


def defer(runtime: Runtime, function: FunctionSpec, envelope: Envelope, rejection: Rejection) -> None:
    """Park a message; once this returns it may be acknowledged. A redelivery finds it parked.

    That also goes for a late redelivery of one that was released: its copy is on its way already.
    """
    by_name = {subscription.name: subscription for subscription in function.subscriptions}
    subscription = by_name.get(envelope.subscription, function.subscriptions[0])
    now = runtime.clock.now()
    blob = f"{COLLECTION}/{subscription.name}/{envelope.message_id}"
    name = f"{subscription.name}.{envelope.message_id}"
    with suppress(PreconditionFailed):
        runtime.raw.write(blob, envelope.data, content_type="application/octet-stream", if_generation=0)
    failpoints.reach("deferred.stored")
    # what the message means (its run, its TODAY) is what it meant when it first came
    origin = {
        "origin_message_id": envelope.message_id,
        "origin_published_at": (envelope.published_at or now).isoformat(),
    }
    own = {name: value for name, value in envelope.attributes.items() if not name.startswith(RESERVED)}
    message = OutboxFile(subscription.topic, blob, {**origin, **own})
    parked = DeferredMessage(
        function=function.name,
        topic=subscription.topic,
        gate=rejection.gate,
        reason=rejection.reason,
        deferred_at=now,
        released_at=None,
        outbox=outbox.entries(name, [message]),
        outbox_pending=False,
    )
    with suppress(AlreadyExists):
        runtime.state.create(f"{COLLECTION}/{name}", parked.to_document())


def waiting(state: State) -> list[DeferredMessage]:
    """Messages that are not released yet, the oldest first."""
    found = [
        DeferredMessage.from_document(document)
        for document in state.query(COLLECTION, [Filter("released_at", "==", None)])
    ]
    return sorted(found, key=lambda message: (message.deferred_at, message.id))


def read_deferred(runtime: Runtime, parked: DeferredMessage) -> PhaseMessage | None:
    """What a deferred message says; None where it says nothing that a function would understand,
    or it was released and cleared meanwhile.
    """
    subscription, _, message_id = parked.id.rpartition(".")
    try:
        data, attributes = outbox.read_message_data(parked.path, parked.outbox[0], runtime.raw)
        published = parse_timestamp(attributes["origin_published_at"])
        envelope = Envelope(data, dict(attributes), message_id, subscription, 1, published)
        return read_message(envelope, PhaseMessage, published)
    except (DataError, NotFound, KeyError, IndexError, ValueError):
        return None


def release_deferred(runtime: Runtime) -> list[str]:
    """Publish every deferred message whose function lets work through now, the oldest first;
    returns their names.

    Of a function whose breaker is half-open one message goes, as its trial. Repeatable: what an
    earlier call released and did not send is sent.
    """
    for document in runtime.state.query(COLLECTION, [Filter("outbox_pending", "==", True)]):
        outbox.send_pending(document.path, runtime.state, runtime.bus, runtime.raw)
    messages = waiting(runtime.state)
    room: dict[str, int] = {}
    released = []
    for message in messages:
        function = message.function
        if function not in room:
            room[function] = {"closed": len(messages), "half_open": 1}.get(admission.state_of(runtime, function), 0)
        if room[function] and _release(runtime, message):
            room[function] -= 1
            released.append(message.id)
    if released:
        logger.info("%d of %d deferred messages are released", len(released), len(messages))
    return released


def _release(runtime: Runtime, message: DeferredMessage) -> bool:
    """False where another released it a moment ago."""
    fields = DeferredMessage.fields(released_at=runtime.clock.now(), outbox_pending=True)
    try:
        runtime.state.update(message.path, fields, if_version=message.version)
    except PreconditionFailed:
        return False
    failpoints.reach("deferred.released")
    outbox.send_pending(message.path, runtime.state, runtime.bus, runtime.raw)
    return True
