"""While the state store is down no execution can be taken: people are told all the same."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from functions.monitor.heartbeat import log_heartbeat
from shared.chain.resilience import pause_switch
from shared.core.errors import StoreUnavailable
from shared.operations.incidents.outage import announce_outage
from shared.operations.levels import Finding, Level, Severity
from shared.stores.runtime import Runtime, get_runtime

if TYPE_CHECKING:
    import flask

logger = logging.getLogger(__name__)

Answer = tuple[str, int, dict[str, str]]
Entry = Callable[["flask.Request"], Answer]
NEXT_STEP = (
    "nothing to press while it is down: look at the database's status page. Messages are tried again; what dies"
    " meanwhile is named here once the store answers, with the button that publishes it again."
)
STATE_STORE, SUBJECT = "state-store", "state"


def answering_outages(entry: Entry) -> Entry:
    """An entry point that asks the state store first.

    Where that does not answer, the message is acknowledged: the next one comes in minutes, and
    nothing but the warning is to be done now. A raw bucket that does not answer either is a 503.
    """

    def answer(request: flask.Request) -> Answer:
        runtime = get_runtime()
        try:
            pause_switch.read(runtime.state)
        except StoreUnavailable as error:
            return _warn(runtime, error)
        return entry(request)

    answer.__name__, answer.__doc__ = entry.__name__, entry.__doc__
    return answer


def _warn(runtime: Runtime, error: StoreUnavailable) -> Answer:
    says = f"The state store does not answer: {error.message}"
    finding = Finding(
        STATE_STORE,
        SUBJECT,
        Level.RED,
        says,
        NEXT_STEP,
        severity=Severity.CRITICAL,
    )
    logger.error("%s", says, extra={"fields": {"event": error.event}})
    try:
        channels = announce_outage(runtime, finding)
    except StoreUnavailable as also:
        return _as_json({"status": "retry", "reason": str(also)}, 503)
    log_heartbeat(says)
    return _as_json({"status": "partial", "reason": says, "sent": list(channels)}, 200)


def _as_json(body: dict[str, object], status: int) -> Answer:
    return json.dumps(body), status, {"Content-Type": "application/json"}
