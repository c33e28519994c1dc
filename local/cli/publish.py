"""`make publish TOPIC=...

MESSAGE='{...}'`: trigger a phase on a state folder and see it through.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from local.cli.connect import connect
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain, say
from local.host.admin import check_attributes
from local.host.connections import HOST
from local.host.folder_lock import FolderBusy
from local.host.simulated_time import parse_at
from local.host.token import Endpoint
from local.replay import ArchiveError
from shared.core.errors import ConfigError, PipelineError, StorageFault
from shared.core.pipeline import load_pipeline

LAST = ("idle", "broken")
NOT_LOST = "Next: `make serve`, or publish again, delivers what is still in the queue."
CUT_OFF = f"The runtime ended before everything was delivered. {NOT_LOST}"
EXAMPLE = """MESSAGE='{"game_date": "2025-11-14"}'"""


class CommandRefused(Exception):
    """The runtime did not take the message: wrong input."""


def check_response(response: http.client.HTTPResponse, asked: str) -> http.client.HTTPResponse:
    """A runtime's answer that is 200.

    Raises CommandRefused for what it calls wrong, StorageFault where it cannot use its files,
    OSError for its own failures.
    """
    if response.status == http.client.OK:
        return response
    try:
        error = str(json.loads(response.read())["error"])
    except (ValueError, KeyError, TypeError):
        error = ""
    if error and 400 <= response.status < 500:
        raise CommandRefused(error)
    if error and response.status == http.client.SERVICE_UNAVAILABLE:
        raise StorageFault(error)
    raise OSError(f"The runtime answered HTTP {response.status} to {asked}; its log says why. {error}".rstrip())


def publish(endpoint: Endpoint, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Publish through the runtime at an endpoint and give its events as they come, the last one
    idle or broken.

    Raises CommandRefused; OSError where the runtime fails.
    """
    connection = http.client.HTTPConnection(HOST, endpoint.port)
    try:
        connection.request("POST", "/admin/publish", json.dumps(asked), endpoint.headers)
        response = check_response(connection.getresponse(), "/admin/publish")
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


def parse_request(environment: Mapping[str, str]) -> dict[str, Any]:
    """What to publish, from TOPIC, MESSAGE, AT and ATTRIBUTES (a JSON object).

    Raises CommandRefused, ValueError.
    """
    topic, at = environment.get("TOPIC", ""), environment.get("AT", "")
    if topic not in load_pipeline().topics:
        dead = {each.dead_letter_topic for each in load_pipeline().subscriptions.values()}
        raise CommandRefused(_no_topic(topic, [each for each in load_pipeline().topics if each not in dead]))
    if at:
        parse_at(at)
    attributes = _attributes(environment.get("ATTRIBUTES") or "{}")
    message = environment.get("MESSAGE", "")
    if not message.strip() and not attributes:
        raise CommandRefused(f"There is no MESSAGE. Next: say what to publish, such as {EXAMPLE}.")
    try:
        message.encode()
    except UnicodeEncodeError:
        raise CommandRefused(f"MESSAGE is not UTF-8. Next: say it as text, such as {EXAMPLE}.") from None
    return {"topic": topic, "message": message, "attributes": attributes, "at": at}


def _attributes(text: str) -> dict[str, str]:
    try:
        attributes = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandRefused(f"ATTRIBUTES={text[:200]} is not JSON ({error}).") from error
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
            return _report_end(event)
        case _:
            complain(event["reason"])
            return FAILED
    return DONE


def _report_end(event: Mapping[str, Any]) -> int:
    """How it ended: done, or what is not done, and what to do about it."""
    sys.stdout.flush()
    for letter in event["dead_letters"]:
        message = f"{letter.get('dead_letter_reason', 'unknown')}: {letter.get('dead_letter_error', '')}"
        complain(f"dead letter of {letter.get('origin_topic', 'unknown topic')}: {message}")
    for one in event["held"]:
        complain(
            f"{one['count']} of {one['of']} messages to {one['function']} are held back: {one['reason']}. Next: "
            "`make resume` where it is paused; else see `make breakers`, mend the cause, then `make reset-breaker`."
        )
    if event["pending"]:
        message = f"The runtime was stopped with {event['pending']} deliveries still to come."
        complain(f"{message} {NOT_LOST}")
    return FAILED if event["dead_letters"] or event["held"] or event["pending"] else DONE


def main() -> int:
    """Exit 0 seen through, 1 it ended in the dead letters, failed or is held back, 2 wrong
    input.
    """
    try:
        asked = parse_request(os.environ)
        with connect(os.environ) as endpoint:
            codes = [show(event) for event in publish(endpoint, asked)]
    except (CommandRefused, ValueError, ConfigError, ArchiveError, FolderBusy) as error:
        complain(error)
        return WRONG_INPUT
    except (PipelineError, OSError, http.client.HTTPException) as error:
        complain(error)
        return FAILED
    return max(codes, default=FAILED)


if __name__ == "__main__":
    sys.exit(run_command(main, then=NOT_LOST))
