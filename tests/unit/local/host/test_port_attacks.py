"""Attacks on the local port over raw sockets: what a web page, a rebound name or a careless client
can send.

Each is refused with its status, and acted on by nothing: the mounted application counts what
reaches it.
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from local.host import connections
from local.host.bodies import MAX_BODY, MAX_DEPTH
from local.host.server import Server

pytestmark = pytest.mark.heavy  # a hundred connections, some waited out

JSON = "Content-Type: application/json\r\n"


class Target:
    """A server with one application under every root, which counts the requests that reached it by
    path.
    """

    def __init__(self) -> None:
        self.reached: Counter[str] = Counter()
        self.server = Server()
        for root in ("/admin", "/functions", "/replay"):
            self.server.mount(root, self.answer)
        self.server.start()
        self.host = f"Host: 127.0.0.1:{self.server.port}\r\n"
        self.token = f"Authorization: Bearer {self.server.token}\r\n"

    def answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self.reached[f"{environ['REQUEST_METHOD']} {environ['SCRIPT_NAME']}{environ['PATH_INFO']}"] += 1
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read()]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=20)

    def send(self, request: bytes | str) -> tuple[int, str]:
        """The status and body of the answer; 0 where the connection is closed without one."""
        data = request if isinstance(request, bytes) else request.encode("utf-8", "surrogateescape")
        with self.connect() as connection:
            with suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            return answer_of(connection)

    def post(self, body: bytes | str, path: str = "/admin/publish", head: str = "") -> tuple[int, str]:
        """A POST that has all that is asked for, and `head` besides."""
        data = body if isinstance(body, bytes) else body.encode()
        head = f"POST {path} HTTP/1.1\r\n{self.host}{self.token}{JSON}{head}Content-Length: {len(data)}\r\n\r\n"
        return self.send(head.encode() + data)


def answer_of(connection: socket.socket) -> tuple[int, str]:
    received = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            received += part
    if not received.startswith(b"HTTP/"):
        return 0, received.decode()  # closed, or said to a request without a version, whose answer has no status
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


@pytest.fixture
def target() -> Iterator[Target]:
    made = Target()
    yield made
    made.server.stop()


# What a page, an image or a rebound name sends: (what it is, method and path, the headers, the
# status).
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
PAGES = [
    ("a page's simple POST", "POST /functions/phase1_scrape", "{host}Origin: http://evil.example\r\n{text}", 403),
    ("a simple POST without Origin", "POST /functions/phase1_scrape", "{host}{text}", 401),
    ("a form of an old browser", "POST /admin/pause", "{host}" + FORM, 401),
    ("a form from a file", "POST /admin/pause", "{host}Origin: null\r\n" + FORM, 403),
    ("a page with the token", "POST /admin/pause", "{host}{token}Origin: http://evil.example\r\n{json}", 403),
    ("a page of another port", "POST /admin/pause", "{host}{token}Origin: http://localhost:3000\r\n{json}", 403),
    ("an https page of this host", "POST /admin/pause", "{host}{token}Origin: https://127.0.0.1:{port}\r\n{json}", 403),
    ("a fetch that says cross-site", "POST /admin/pause", "{host}{token}Sec-Fetch-Site: cross-site\r\n{json}", 403),
    ("a fetch that says same-site", "POST /admin/pause", "{host}{token}Sec-Fetch-Site: same-site\r\n{json}", 403),
    ("a rebound name", "POST /admin/pause", "Host: evil.example:{port}\r\n{token}{json}", 403),
    ("a name that begins like ours", "POST /admin/pause", "Host: localhost.evil.example\r\n{token}{json}", 403),
    ("a name that ends like ours", "POST /admin/pause", "Host: evil.localhost:{port}\r\n{token}{json}", 403),
    ("another port of this machine", "POST /admin/pause", "Host: 127.0.0.1:1\r\n{token}{json}", 403),
    ("every interface's address", "POST /admin/pause", "Host: 0.0.0.0:{port}\r\n{token}{json}", 403),
    ("no Host", "POST /admin/pause", "{token}{json}", 403),
    ("an empty Host", "POST /admin/pause", "Host: \r\n{token}{json}", 403),
    ("two Hosts", "POST /admin/pause", "{host}Host: evil.example\r\n{token}{json}", 400),
    ("an absolute URL", "POST http://127.0.0.1:{port}/admin/pause", "{host}{token}{json}", 400),
    ("a rebound GET of the state", "GET /admin/status", "Host: evil.example\r\n", 403),
    ("a rebound GET of the replay", "GET /replay/nba", "Host: evil.example\r\n", 403),
    ("a page's GET of the replay", "GET /replay/nba", "{host}Origin: http://evil.example\r\n", 403),
    ("a page's script of the replay", "GET /replay/nba", "{host}Sec-Fetch-Site: cross-site\r\n", 403),
    ("an image's GET of a function", "GET /functions/grading", "{host}", 405),
    ("a GET of a function with the token", "GET /functions/grading?x=1", "{host}{token}", 405),
    ("a HEAD of a function", "HEAD /functions/grading", "{host}{token}", 405),
    ("a PUT", "PUT /functions/grading", "{host}{token}{json}", 405),
    ("a DELETE", "DELETE /admin/pause", "{host}{token}", 405),
    ("a preflight", "OPTIONS /admin/pause", "{host}Access-Control-Request-Method: POST\r\n", 405),
    ("a TRACE", "TRACE /admin/status", "{host}{token}", 405),
    ("a POST to the replay", "POST /replay/nba", "{host}{token}{json}", 405),
    ("a GET without the token", "GET /admin/status", "{host}", 401),
    ("a POST without the token", "POST /admin/pause", "{host}{json}", 401),
    ("a wrong token", "POST /admin/pause", "{host}Authorization: Bearer nonsense\r\n{json}", 401),
    ("an empty token", "POST /admin/pause", "{host}Authorization: Bearer \r\n{json}", 401),
    ("another scheme", "POST /admin/pause", "{host}Authorization: Basic {secret}\r\n{json}", 401),
    ("a token in the query", "POST /admin/pause?token={secret}", "{host}{json}", 401),
    ("a token that is no ASCII", "POST /admin/pause", "{host}Authorization: Bearer ä\udcff\r\n{json}", 401),
    ("two tokens", "POST /admin/pause", "{host}Authorization: Bearer x\r\n{token}{json}", 400),
    ("text with the token", "POST /admin/pause", "{host}{token}{text}", 415),
    ("a form with the token", "POST /admin/pause", "{host}{token}" + FORM, 415),
    (
        "text that mentions JSON",
        "POST /admin/pause",
        "{host}{token}Content-Type: text/plain; application/json\r\n",
        415,
    ),
    ("no type", "POST /admin/pause", "{host}{token}", 415),
    ("two types", "POST /admin/pause", "{host}{token}{text}{json}", 400),
]


@pytest.mark.parametrize(("line", "headers", "status"), [each[1:] for each in PAGES], ids=[each[0] for each in PAGES])
def test_what_pages_and_rebound_names_send_is_refused(line: str, headers: str, status: int, target: Target) -> None:
    names = {
        "host": target.host,
        "token": target.token,
        "secret": target.server.token,
        "port": target.server.port,
        "json": JSON,
        "text": "Content-Type: text/plain\r\n",
    }
    request = f"{line.format(**names)} HTTP/1.1\r\n{headers.format(**names)}Content-Length: 2\r\n\r\n{{}}"
    found, answer = target.send(request)
    assert found == status, answer
    assert not target.reached, "refused, and acted on all the same"


BODIES: list[tuple[str, bytes]] = [
    ("an array", b"[]"),
    ("a number", b"1"),
    ("a text", b'"x"'),
    ("null", b"null"),
    ("true", b"true"),
    ("nothing", b""),
    ("white space", b"  \n"),
    ("no JSON", b"topic=a"),
    ("two objects", b"{}{}"),
    ("half an object", b'{"topic": "a"'),
    ("NaN", b'{"at": NaN}'),
    ("Infinity", b'{"at": -Infinity}'),
    ("a number beyond a float", b'{"at": -1e999}'),
    ("a name twice", b'{"topic": "a", "topic": "b"}'),
    ("a name twice, once escaped", b'{"topic": "a", "\\u0074opic": "b"}'),
    ("a name twice further in", b'{"attributes": [{"a": 1, "b": 2, "a": 1}]}'),
    ("a half surrogate pair", b'{"message": "\\ud800"}'),
    ("a half surrogate pair as a name", b'{"\\udfff": 1}'),
    ("a half surrogate pair in a list", b'{"ids": [{"a": ["\\udc80"]}]}'),
    ("no UTF-8", b'{"message": "\xff"}'),
    ("a surrogate in UTF-8", b'{"message": "\xed\xa0\x80"}'),
    ("UTF-16", '{"topic": "a"}'.encode("utf-16")),
    ("a byte order mark", b'\xef\xbb\xbf{"topic": "a"}'),
    ("a number of 5000 digits", b'{"at": ' + b"9" * 5_000 + b"}"),
    ("a little too deep", b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1)),
    ("far too deep", b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"),
    ("deep and never closed", b"[" * 1_000_000),
]


@pytest.mark.parametrize("body", [each[1] for each in BODIES], ids=[each[0] for each in BODIES])
@pytest.mark.parametrize("path", ["/admin/publish", "/functions/grading"])
def test_odd_bodies_are_refused_with_a_sentence(path: str, body: bytes, target: Target) -> None:
    status, answer = target.post(body, path)
    assert status == 400, answer
    assert json.loads(answer)["error"].startswith("The body ")
    assert not target.reached


def test_what_a_runtime_and_its_commands_send_gets_through(target: Target) -> None:
    deepest = b'{"a":' * (MAX_DEPTH - 1) + b"{}" + b"}" * (MAX_DEPTH - 1)
    assert target.post(deepest)[0] == 200
    assert target.post('{"message": "\\ud83c\\udfc0 🏀"}')[0] == 200
    for host in ("localhost", "LOCALHOST:{}", "127.0.0.1", "[::1]:{}", "[::1]"):
        named = f"Host: {host.format(target.server.port)}\r\n"
        assert target.send(f"GET /admin/status HTTP/1.1\r\n{named}{target.token}\r\n")[0] == 200, host
    own = f"Origin: http://127.0.0.1:{target.server.port}\r\nSec-Fetch-Site: same-origin\r\n"
    assert target.post("{}", head=own)[0] == 200
    # the scraper says what NBA.com asks for, and NBA.com is the replay here; nobody else's port is
    scraper = f"{target.host}Origin: https://www.nba.com\r\n"
    assert target.send(f"GET /replay/nba HTTP/1.1\r\n{scraper}\r\n")[0] == 200
    assert target.send(f"GET /admin/status HTTP/1.1\r\n{scraper}{target.token}\r\n")[0] == 403
    chunked = "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    found = target.send(f"POST /admin/idle HTTP/1.1\r\n{target.host}{target.token}{JSON}{chunked}")
    assert found[0] == 200
    assert "{}" in found[1]


def chunks(size: int, count: int) -> bytes:
    return (f"{size:x}\r\n".encode() + b" " * size + b"\r\n") * count


def test_a_body_over_the_bound_is_refused_before_it_is_read(target: Target) -> None:
    """Declared: at once, with not a byte of it sent. Chunked: when the bound is passed."""
    for length in (MAX_BODY + 1, 20_000_000_000, 10**14):
        head = f"POST /admin/publish HTTP/1.1\r\n{target.host}{target.token}{JSON}Content-Length: {length}\r\n\r\n"
        with target.connect() as connection:
            connection.sendall(head.encode())
            started = monotonic()
            status, answer = answer_of(connection)
        assert (status, monotonic() - started < 5) == (413, True)
        assert "over 10 MB" in answer
    head = f"POST /admin/publish HTTP/1.1\r\n{target.host}{target.token}{JSON}Transfer-Encoding: chunked\r\n\r\n"
    status, answer = target.send(head.encode() + chunks(1_000_000, 11))
    assert (status, "over 10 MB" in answer) == (413, True)
    assert target.send(head.encode() + chunks(1, 50_000) + b"0\r\n\r\n")[0] == 400, "spaces, and no object"
    assert not target.reached
    assert target.post(b'{"message": "' + b"x" * (MAX_BODY - 15) + b'"}')[0] == 200, "10 MB itself"


HEADS = [
    ("both lengths", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"),
    ("two lengths", "Content-Length: 2\r\nContent-Length: 99\r\n"),
    ("a negative length", "Content-Length: -1\r\n"),
    ("no number", "Content-Length: two\r\n"),
    ("a signed length", "Content-Length: +2\r\n"),
    ("digits of another script", "Content-Length: ٢\r\n"),
    ("a length without an end", f"Content-Length: {'9' * 400}\r\n"),
    ("another coding", "Transfer-Encoding: gzip, chunked\r\n"),
    ("a chunk that is none", "Transfer-Encoding: chunked\r\n"),
    ("a body that is cut off", "Content-Length: 5\r\n"),
]


@pytest.mark.parametrize("head", [each[1] for each in HEADS], ids=[each[0] for each in HEADS])
def test_requests_of_two_meanings_are_refused(head: str, target: Target) -> None:
    status, _ = target.send(f"POST /admin/publish HTTP/1.1\r\n{target.host}{target.token}{JSON}{head}\r\n{{}}")
    assert status == 400
    assert not target.reached


@pytest.mark.parametrize(
    "request_line",
    ["GET /admin/status", "nonsense", "GET  /admin/status HTTP/9.9", "GET * HTTP/1.1", "GET //evil/x HTTP/1.1", ""],
)
def test_broken_request_lines_reach_nothing(request_line: str, target: Target) -> None:
    status, _ = target.send(f"{request_line}\r\n{target.host}\r\n")
    assert status in (0, 400, 401, 505)
    assert not target.reached


@pytest.mark.parametrize(
    ("slow", "what"),
    [
        (b"GET /admin/status HTTP/1.1\r\nX-Slow: ", "header"),
        (
            b"POST /admin/publish HTTP/1.1\r\n{host}{token}{json}Content-Length: 99\r\n\r\n{",
            "body",
        ),
    ],
    ids=["header", "body"],
)  # fmt: skip
def test_a_request_that_comes_drop_by_drop_is_ended(
    slow: bytes, what: str, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte before every time-out of a read: the time is for the whole."""
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.6)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.6)
    filled = (
        slow.replace(b"{host}", target.host.encode())
        .replace(b"{json}", JSON.encode())
        .replace(b"{token}", target.token.encode())
    )
    started = monotonic()
    with target.connect() as connection:
        connection.sendall(filled)
        connection.settimeout(0.2)
        answer: bytes | None = None
        while answer is None and monotonic() - started < 15:
            with suppress(ConnectionError):
                connection.sendall(b"x")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                continue
            except ConnectionError:
                answer = b""
    assert monotonic() - started < 10
    assert answer == b"" or b" 408 " in (answer or b"") or b" 400 " in (answer or b""), what
    assert not target.reached


def test_headers_without_an_end_are_cut_off(target: Target) -> None:
    with target.connect() as connection, suppress(ConnectionError):
        for _ in range(2_000):
            connection.sendall(b"X" * 1_000 + b"\r\n" if _ else b"GET / HTTP/1.1\r\n")
    assert not target.reached


def test_so_many_idle_connections_at_most_and_commands_get_through(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    idle = [target.connect() for _ in range(60)]
    try:
        assert target.post("{}")[0] == 200
        deadline = monotonic() + 5
        while target.server.connections() > 20 and monotonic() < deadline:
            pass
        assert target.server.connections() <= 20
        closed = 0
        for each in idle:
            each.settimeout(0.05)
            with suppress(TimeoutError):
                closed += each.recv(1) == b""
        assert closed >= 40
    finally:
        for each in idle:
            each.close()


def attack_counts(found: list[tuple[int, bool]]) -> dict[str, Any]:
    """How many requests were sent, refused by status, and acted on."""
    return {
        "sent": len(found),
        "refused": dict(Counter(status for status, _ in found)),
        "acted on": sum(a for _, a in found),
    }


def test_the_count_of_it_all(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    """In one line that can be quoted: what was sent, what it was answered, and that nothing was
    done.
    """
    found: list[tuple[int, bool]] = []
    names = {"host": target.host, "token": target.token, "secret": target.server.token, "port": target.server.port}
    names |= {"json": JSON, "text": "Content-Type: text/plain\r\n"}
    for _, line, headers, _ in PAGES:
        request = f"{line.format(**names)} HTTP/1.1\r\n{headers.format(**names)}Content-Length: 2\r\n\r\n{{}}"
        found.append((target.send(request)[0], bool(target.reached)))
    for _, body in BODIES:
        found.append((target.post(body)[0], bool(target.reached)))
    for _, head in HEADS:
        request = f"POST /admin/publish HTTP/1.1\r\n{target.host}{target.token}{JSON}{head}\r\n{{}}"
        found.append((target.send(request)[0], bool(target.reached)))
    counts = attack_counts(found)
    with capsys.disabled():
        print(f"\nattacks on the port: {counts}")
    assert counts["acted on"] == 0
    assert counts["sent"] == len(PAGES) + len(BODIES) + len(HEADS)
    assert all(400 <= status < 500 for status in counts["refused"])
