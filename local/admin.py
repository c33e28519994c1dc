"""What the runtime answers under /admin: publish a message and see it through, wait until idle, status."""

from __future__ import annotations

import http.client
import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from flask import Flask, Response, request

from local.bus import SqliteBus
from local.dispatcher import Completed, Dispatcher
from local.sim_clock import SimClock
from shared.clock import NEW_YORK
from shared.errors import Fatal, StorageFault
from shared.message_limits import check_message

NDJSON = "application/x-ndjson"


def parse_at(text: str) -> datetime:
    """A moment as AT writes it: 2025-11-14T17:45 in New York, or with an offset of its own. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"AT={text!r} is no moment such as 2025-11-14T17:45 (New York time).") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)


def check_attributes(attributes: object) -> None:
    """Raises ValueError unless they are a JSON object of texts, as Pub/Sub's are."""
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise ValueError(f'ATTRIBUTES={json.dumps(attributes)} is no object of texts such as {{"game_date": "TODAY"}}.')


def create_admin_app(bus: SqliteBus, clock: SimClock, dispatcher: Dispatcher) -> Flask:
    """Endpoints: POST /publish (answers one JSON object a line, as it happens), POST /idle, GET /status."""
    app = Flask("admin")
    one_at_a_time = threading.Lock()

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
        message = asked.get("message", "")
        text = message if isinstance(message, str) else json.dumps(message)
        data = text.encode("utf-8", "surrogateescape")  # as a shell's environment gives bytes that are no text
        topic, attributes = str(asked.get("topic", "")), asked.get("attributes") or {}
        if topic not in bus.topics:
            return _refusal(404, f"There is no topic {topic!r}.", topics=list(bus.topics))
        try:
            at = parse_at(str(asked["at"])) if asked.get("at") else None
            check_attributes(attributes)
            check_message(topic, data, attributes)
        except (ValueError, Fatal) as error:
            return _refusal(400, str(error))

        def events() -> Iterator[str]:
            with one_at_a_time:
                # What is still on its way belongs to the time before; only then may the clock be set.
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
                yield from _deliveries(dispatcher, lambda: bus.publish(topic, data, attributes))
                letters = [{"message_id": each.message_id, **each.attributes} for each in bus.dead_letters_since(mark)]
                yield _line(event="idle", dead_letters=letters, **status())

        return Response(events(), mimetype=NDJSON)

    return app


def _deliveries(dispatcher: Dispatcher, publish: Callable[[], str]) -> Iterator[str]:
    """Publish and deliver until idle in a thread of its own; a line for each completion as it comes."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def deliver() -> None:
        try:
            with dispatcher.listening(lambda completed: lines.put(_completion(completed))):
                lines.put(_line(event="published", message_id=publish()))
                dispatcher.run_until_idle()
        except StorageFault as fault:
            lines.put(_line(event="broken", reason=str(fault)))  # a stack would say no more of a full disk
        except BaseException as error:
            lines.put(_line(event="broken", reason=f"{type(error).__name__}: {error}"))
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
