"""What the runtime answers under /admin: publish a message and see it through, wait until idle,
status.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from flask import Flask, Response, request

from local.embedded.bus import SqliteBus
from local.host.bodies import MAX_BODY, Refusal
from local.host.dispatcher import Completed, Dispatcher
from local.host.request_fields import text_field
from local.host.simulated_clock import SimClock
from local.host.simulated_time import Span, check_simulated_time, parse_at
from shared.core.errors import DataError, Fatal, StorageFault
from shared.core.redaction import what_failed
from shared.operations import publishing
from shared.operations.actions.signature import Signature
from shared.stores.message_limits import check_message
from shared.stores.runtime import Runtime

NDJSON = "application/x-ndjson"


def check_attributes(attributes: object) -> None:
    """Raises ValueError unless they are a JSON object of texts, as Pub/Sub's are."""
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError(f'ATTRIBUTES={json.dumps(attributes)} is no object of texts such as {{"game_date": "TODAY"}}.')


@dataclass(frozen=True)
class Simulated:
    """What simulated time is of. archive: its first and last day, None without one; playing: the
    day being played.
    """

    archive: Callable[[], Span | None] = lambda: None
    playing: Callable[[], str] = lambda: ""


def create_admin_app(
    bus: SqliteBus,
    clock: SimClock,
    dispatcher: Dispatcher,
    simulated: Simulated,
    runtime_of: Callable[[], Runtime],
) -> Flask:
    """Endpoints: POST /publish (answers one JSON object a line, as it happens; audited where it
    says who and why), POST /idle, GET /status.
    """
    app = Flask("admin")
    one_at_a_time = threading.Lock()

    @app.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return _refusal(refusal.status, str(refusal))

    def status() -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "now": clock.now().isoformat(),
            "epoch": clock.epoch,
            "pending": bus.pending(),
            "messages": bus.counters(),
            "topics": list(bus.topics),
        }

    @app.errorhandler(StorageFault)
    def say_what_mends_it(fault: StorageFault) -> Response:
        return _refusal(http.client.SERVICE_UNAVAILABLE, str(fault))

    @app.get("/status")
    def show_status() -> dict[str, Any]:
        return status()

    @app.post("/idle")
    def wait_until_idle() -> dict[str, Any]:
        dispatcher.run_until_idle()
        return status()

    @app.post("/publish")
    def publish() -> Response:
        asked = request.get_json()
        data = _message(asked)
        topic, attributes = text_field(asked, "topic"), asked.get("attributes") or {}
        if topic not in bus.topics:
            return _refusal(404, f"There is no topic {topic!r}.", topics=list(bus.topics))
        try:
            check_attributes(attributes)
            check_message(topic, data, attributes)
            at = parse_at(text_field(asked, "at")) if asked.get("at") else None
            if at is not None:
                check_simulated_time(at, simulated.archive())
            signature = signature_of(asked)
        except (ValueError, Fatal, DataError) as error:
            return _refusal(400, str(error))
        if at is not None and simulated.playing():
            day = simulated.playing()
            return _refusal(
                409, f"{day} is being played, in its own time. Next: publish without AT, or once the run has ended."
            )

        def events() -> Iterator[str]:
            with one_at_a_time:
                # What is still on its way belongs to the time before; only then may the clock be
                # set.
                mark, waiting = bus.last_number(), bus.pending()
                if waiting:
                    yield _line(event="resumed", pending=waiting)
                try:
                    dispatcher.run_until_idle()
                except StorageFault as fault:
                    yield _line(event="broken", reason=str(fault))
                    return
                if at is not None:
                    clock.set(at)
                seen = Seen()
                with bus.causes.follow() as ours:
                    send = partial(publishing.publish, runtime_of(), topic, data, attributes, signature)
                    yield from _deliveries(bus, dispatcher, ours, seen, send)
                    found = [each for each in bus.dead_letters_since(mark) if each.message_id in ours]
                    pending = bus.pending(ours)
                letters = [{"message_id": each.message_id, **each.attributes} for each in found]
                idle = {"event": "idle", "dead_letters": letters, "held": seen.list_deferred()}
                yield _line(**idle, **(status() | {"pending": pending}))

        return Response(events(), mimetype=NDJSON)

    return app


def signature_of(asked: dict[str, Any]) -> Signature | None:
    """Who publishes and why; None where neither is said.

    Raises DataError where one of them is.
    """
    who, why = text_field(asked, "who"), text_field(asked, "why")
    return Signature(who, why) if who or why else None


def _message(asked: dict[str, Any]) -> bytes:
    """The message's bytes: a text as it stands, an object as JSON; none where it is absent.

    Raises Refusal.
    """
    message = asked.get("message")
    if isinstance(message, dict):
        return json.dumps(message).encode()
    return text_field(asked, "message", most=MAX_BODY).encode()


@dataclass
class Seen:
    """The messages of one publish by what became of them; filled in the pushing threads."""

    _delivered: dict[str, set[str]] = field(default_factory=dict)
    _deferred: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, completed: Completed) -> None:
        message_id = completed.delivery.message_id
        self._delivered.setdefault(completed.function, set()).add(message_id)
        if completed.answer.get("status") == "held":
            self._deferred.setdefault(completed.function, {})[message_id] = str(completed.answer.get("reason"))

    def list_deferred(self) -> list[dict[str, Any]]:
        """For each function with messages held back: how many of how many, and the reason of the
        first.
        """
        return [
            {
                "function": function,
                "count": len(deferred),
                "of": len(self._delivered[function]),
                "reason": next(iter(deferred.values())),
            }
            for function, deferred in sorted(self._deferred.items())
        ]


def _deliveries(
    bus: SqliteBus, dispatcher: Dispatcher, ours: set[str], seen: Seen, publish: Callable[[], str]
) -> Iterator[str]:
    """Publish, and deliver what follows until it is done, in a thread of its own; a line for each
    completion.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def listen(completed: Completed) -> None:
        if completed.delivery.message_id in ours:
            seen.note(completed)
            lines.put(_completion(completed))

    def deliver() -> None:
        try:
            with dispatcher.listening(listen):
                with bus.causes.beginning(ours):
                    message_id = publish()
                lines.put(_line(event="published", message_id=message_id))
                dispatcher.run_until_delivered(ours)
        except StorageFault as fault:
            lines.put(_line(event="broken", reason=str(fault)))  # a stack would say no more of a full disk
        except BaseException as error:
            lines.put(_line(event="broken", reason=what_failed(error)))
            raise
        finally:
            lines.put(None)

    thread = threading.Thread(target=deliver, name="publish", daemon=True)
    thread.start()
    yield from iter(lines.get, None)
    thread.join()


def _completion(completed: Completed) -> str:
    answer = completed.answer
    return _line(
        event="completion",
        function=completed.function,
        topic=completed.delivery.topic,
        attempt=completed.delivery.attempt,
        status_code=completed.status_code,
        seconds=round(completed.seconds, 3),
        status=answer.get("status"),
        record_count=answer.get("record_count"),
        reason=answer.get("reason") or completed.error or None,
    )


def _line(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, default=str) + "\n"


def _refusal(code: int, error: str, **more: Any) -> Response:
    return Response(_line(error=error, **more), status=code, mimetype="application/json")
