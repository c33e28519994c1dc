"""Messages that a gate stopped: parked, acknowledged, and published once more when the gate lets work through.

Refused instead, a message would use up its delivery attempts and be a dead letter ten minutes later.

    hold:     bytes to the raw bucket --> document held/{subscription}.{message id} --> acknowledged
    release:  released_at and outbox_pending in one conditional write --> published --> marked as sent
"""

from __future__ import annotations

import logging
from contextlib import suppress

from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxFile
from shared.chain.messages.push_envelope import Envelope
from shared.chain.resilience import admission
from shared.core import failpoints
from shared.core.errors import AlreadyExists, PreconditionFailed
from shared.core.pipeline import FunctionSpec
from shared.stores.message_limits import RESERVED
from shared.stores.ports import Document, Filter
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

COLLECTION = "held"


def hold(runtime: Runtime, function: FunctionSpec, envelope: Envelope, gate: str, reason: str) -> None:
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
    failpoints.reach("held.stored")
    # what the message means (its run, its TODAY) is what it meant when it first came
    origin = {
        "origin_message_id": envelope.message_id,
        "origin_published_at": (envelope.published_at or now).isoformat(),
    }
    own = {name: value for name, value in envelope.attributes.items() if not name.startswith(RESERVED)}
    message = OutboxFile(subscription.topic, blob, {**origin, **own})
    with suppress(AlreadyExists):
        runtime.state.create(
            f"{COLLECTION}/{name}",
            {
                "function": function.name,
                "topic": subscription.topic,
                "gate": gate,
                "reason": reason,
                "held_at": now,
                "released_at": None,
                "outbox": outbox.entries(name, [message]),
                "outbox_pending": False,
            },
        )


def release_deferred(runtime: Runtime) -> list[str]:
    """Publish every held message whose function lets work through now, the oldest first; returns their names.

    Of a function whose breaker is half-open one message goes, as its trial. Repeatable: what an earlier call released
    and did not send is sent.
    """
    for document in runtime.state.query(COLLECTION, [Filter("outbox_pending", "==", True)]):
        outbox.send_pending(document.path, runtime.state, runtime.bus, runtime.raw)
    waiting = runtime.state.query(COLLECTION, [Filter("released_at", "==", None)])
    room: dict[str, int] = {}
    released = []
    for document in sorted(waiting, key=lambda each: (each.data["held_at"], each.id)):
        function = document.data["function"]
        if function not in room:
            room[function] = {"closed": len(waiting), "half_open": 1}.get(admission.state_of(runtime, function), 0)
        if room[function] and _release(runtime, document):
            room[function] -= 1
            released.append(document.id)
    if released:
        logger.info("%d of %d held messages are released", len(released), len(waiting))
    return released


def _release(runtime: Runtime, document: Document) -> bool:
    """False where another released it a moment ago."""
    fields = {"released_at": runtime.clock.now(), "outbox_pending": True}
    try:
        runtime.state.update(document.path, fields, if_version=document.version)
    except PreconditionFailed:
        return False
    failpoints.reach("held.released")
    outbox.send_pending(document.path, runtime.state, runtime.bus, runtime.raw)
    return True
