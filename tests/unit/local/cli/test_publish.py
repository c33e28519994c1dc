"""`make publish` says how it ended: also where the runtime died, was stopped, or was asked
nonsense.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from local.cli.publish import CommandRefused, parse_request, publish, show
from local.console.exit_codes import DONE, FAILED
from local.host.token import Endpoint

PUBLISHED = {"event": "published", "message_id": "7"}
IDLE = {"event": "idle", "dead_letters": [], "held": [], "pending": 0}


@contextmanager
def answering(*lines: str) -> Iterator[int]:
    """The port of a runtime that answers these lines and then closes the connection."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write("".join(lines).encode())

        def log_request(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        yield server.server_port
    finally:
        thread.join()
        server.server_close()


def line(event: dict[str, Any]) -> str:
    return json.dumps(event) + "\n"


def test_seen_through() -> None:
    with answering(line(PUBLISHED), line(IDLE)) as port:
        events = list(publish(Endpoint(port, "t"), {}))
    assert events == [PUBLISHED, IDLE]
    assert [show(event) for event in events] == [DONE, DONE]


@pytest.mark.parametrize("last", ["", line(IDLE)[:20]], ids=["between two lines", "within a line"])
def test_a_runtime_that_dies_meanwhile_is_a_failure(last: str, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(line(PUBLISHED), last) as port:
        *_, end = publish(Endpoint(port, "t"), {})
    assert show(end) == FAILED
    assert "ended before everything was delivered. Next: `make serve`, or publish again" in capsys.readouterr().err


def test_a_runtime_that_was_stopped_has_deliveries_left(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(IDLE | {"pending": 3}) == FAILED
    assert "stopped with 3 deliveries still to come" in capsys.readouterr().err


@pytest.mark.parametrize("attributes", ["nonsense", "[1]", '{"game_date": 5}', '{"game_date": null}', '"text"'])
def test_attributes_are_an_object_of_texts(attributes: str) -> None:
    with pytest.raises((CommandRefused, ValueError), match="ATTRIBUTES="):
        parse_request({"TOPIC": "nba-phase6-export-trigger", "ATTRIBUTES": attributes})


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' + "9" * 5_000 + "}"])
def test_attributes_that_cannot_be_read_are_refused_in_a_short_sentence(text: str) -> None:
    with pytest.raises(CommandRefused, match=r"ATTRIBUTES=.* is not JSON") as refused:
        parse_request({"TOPIC": "nba-phase6-export-trigger", "ATTRIBUTES": text})
    assert len(str(refused.value)) < 500
