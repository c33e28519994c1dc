"""A message that an operator publishes by hand."""

from __future__ import annotations

from collections.abc import Mapping

from shared.chain.resilience import audit_log
from shared.core.redaction import excerpt
from shared.operations.actions.signature import Signature
from shared.stores.runtime import Runtime

# Of a message so many characters are in the audit: enough for every trigger of ours.
_KEPT = 1_000


def publish(
    runtime: Runtime, topic: str, data: bytes, attributes: Mapping[str, str], signature: Signature | None
) -> str:
    """Publish a message; returns its id.

    Signed, the audit has who published what and why, and the message's id.

    Raises Fatal for a topic that is not there, StoreUnavailable where it could not be stored.
    """
    message_id = runtime.bus.publish(topic, data, attributes)
    if signature is not None:
        audit_log.record(
            runtime.state,
            "publish",
            who=signature.who,
            reason=signature.why,
            details={
                "topic": topic,
                "message_id": message_id,
                "message": excerpt(data.decode(errors="replace"), _KEPT),
            },
            now=runtime.clock.now(),
            outcome="published",
        )
    return message_id
