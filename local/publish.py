"""`make publish TOPIC=... MESSAGE='{...}'`: trigger a phase on a state folder and see it through."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.admin import check_attributes, parse_at
from local.console.lines import complain, say
from local.ownership import FolderBusy, state_folder
from local.replay import ArchiveError
from local.runtime import open_runtime
from local.server import HOST
from shared.errors import ConfigError, PipelineError
from shared.pipeline import load_pipeline

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
LAST = ("idle", "broken")
NOT_LOST = "Next: `make serve`, or publish again, delivers what is still in the queue."
CUT_OFF = f"The runtime ended before everything was delivered. {NOT_LOST}"


class Refused(Exception):
    """The runtime did not take the message: wrong input."""


def publish(port: int, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Publish through the runtime on a port and give its events as they come, the last one idle or broken.

    Raises Refused.
    """
    connection = http.client.HTTPConnection(HOST, port)
    try:
        connection.request("POST", "/admin/publish", json.dumps(asked), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            answer = json.loads(response.read())
            raise Refused(answer["error"])
        event: dict[str, Any] = {"event": "nothing"}
        try:
            for line in response:
                event = json.loads(line)
                yield event
        except (OSError, ValueError, http.client.HTTPException) as error:
            yield {"event": "broken", "reason": f"{CUT_OFF} ({type(error).__name__})"}
            return
        if event["event"] not in LAST:
            yield {"event": "broken", "reason": CUT_OFF}
    finally:
        connection.close()


def wanted(environment: Mapping[str, str]) -> dict[str, Any]:
    """What to publish, from TOPIC, MESSAGE, AT and ATTRIBUTES (a JSON object). Raises Refused, ValueError."""
    topic, at = environment.get("TOPIC", ""), environment.get("AT", "")
    if topic not in load_pipeline().topics:
        dead = {each.dead_letter_topic for each in load_pipeline().subscriptions.values()}
        raise Refused(_no_topic(topic, [each for each in load_pipeline().topics if each not in dead]))
    if at:
        parse_at(at)
    attributes = _attributes(environment.get("ATTRIBUTES") or "{}")
    return {"topic": topic, "message": environment.get("MESSAGE", ""), "attributes": attributes, "at": at}


def _attributes(text: str) -> dict[str, str]:
    try:
        attributes = json.loads(text)
    except ValueError as error:
        raise Refused(f"ATTRIBUTES={text} is not JSON ({error}).") from error
    check_attributes(attributes)
    return dict(attributes)


def _no_topic(topic: str, topics: Iterable[str]) -> str:
    return "\n  ".join([f"There is no topic {topic!r}; set TOPIC to one of:", *topics])


def show(event: Mapping[str, Any]) -> int:
    """Print one event; the exit code it calls for."""
    match event["event"]:
        case "resumed":
            say(f"first, {event['pending']} deliveries that were still to come")
        case "published":
            say(f"published message {event['message_id']}")
        case "completion":
            status = event["status"] or f"HTTP {event['status_code']}"
            count = "" if event["record_count"] is None else f"  {event['record_count']} records"
            reason = f"  {event['reason']}" if event["reason"] else ""
            say(f"{event['function']:<20}  {status:<13}{count}{reason}")
            if event["status"] == "failed" and event["status_code"] == http.client.OK:
                return FAILED
        case "idle":
            for letter in event["dead_letters"]:
                said = f"{letter.get('dead_letter_reason', 'unknown')}: {letter.get('dead_letter_error', '')}"
                complain(f"dead letter of {letter.get('origin_topic', 'unknown topic')}: {said}")
            if event["pending"]:
                said = f"The runtime was stopped with {event['pending']} deliveries still to come."
                complain(f"{said} {NOT_LOST}")
            return FAILED if event["dead_letters"] or event["pending"] else DONE
        case _:
            complain(event["reason"])
            return FAILED
    return DONE


def main() -> int:
    """Exit 0 seen through, 1 it ended in the dead letters or failed, 2 wrong input."""
    try:
        asked = wanted(os.environ)
        try:
            with open_runtime(state_folder(os.environ)) as embedded:
                codes = [show(event) for event in publish(embedded.server.port, asked)]
        except FolderBusy as busy:
            if busy.owner is None or not busy.owner.port:
                raise
            codes = [show(event) for event in publish(busy.owner.port, asked)]
    except (Refused, ValueError) as error:
        complain(error)
        return WRONG_INPUT
    except (ConfigError, ArchiveError) as error:
        complain(error)
        return WRONG_INPUT
    except (PipelineError, OSError, http.client.HTTPException) as error:
        complain(error)
        return FAILED
    except KeyboardInterrupt:
        complain(f"Interrupted. {NOT_LOST}")
        return INTERRUPTED
    return max(codes, default=FAILED)


if __name__ == "__main__":
    sys.exit(main())
