"""What sources really send: nonsense in headers, pages in any encoding, bombs, drips and redirects
to elsewhere.

Nothing but SourceUnavailable and SourceRefused may come out of the client.
"""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from functions.phase1_scrape.answers import page_text, quota_number, seconds_to_wait
from functions.phase1_scrape.failures import SourceRefused
from functions.phase1_scrape.http_client import SourceClient
from shared.core.errors import SourceUnavailable
from tests.support.fake_sources import KEY, FakeSources, Reply, serving, settings_for
from tests.support.socket_source import Script, make_head, saying

NOW = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
GOOD = Reply.of({"fine": True})
PLENTY = 10_000_000


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    with serving(FakeSources()) as fake:
        yield fake


@contextmanager
def client_at(base_url: str, waits: list[float] | None = None, **settings: Any) -> Iterator[SourceClient]:
    configured = settings_for(base_url, **settings)
    sleep = (waits if waits is not None else []).append
    client = SourceClient("Feed", base_url, configured, lambda: NOW, secret={"apiKey": KEY}, sleep=sleep)
    try:
        yield client
    finally:
        client.close()


def get(sources: FakeSources, *replies: Reply, waits: list[float] | None = None, **settings: Any) -> Any:
    sources.says["/x"] = list(replies)
    with client_at(sources.base_url, waits, **settings) as client:
        return client.get("/x", {}, lambda value: None)


def catch_refusal(base_url: str, **settings: Any) -> SourceUnavailable:
    with client_at(base_url, **settings) as client, pytest.raises(SourceUnavailable) as raised:
        client.get("/x", {}, lambda value: None)
    return raised.value


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["unlimited", "-", "", "1e400", "²", "٣", "9" * 400, "nan", "inf", "-5", "1.2.3", "0x10", "1,000", " ", "\xff"],
)
def test_a_quota_that_is_no_number_is_named_and_left_out(sources: FakeSources, text: str) -> None:
    head = make_head(
        "Content-Length: 2", f"x-requests-remaining: {text}".encode().decode("latin-1"), "x-requests-used: 7"
    )
    with saying(lambda: [head, b"{}"]) as base_url, client_at(base_url) as client:
        assert client.get("/x", {}, lambda value: None).value == {}
        assert client.quota == {"used": 7}
        assert list(client.unread_quota) == ["x-requests-remaining"]


@pytest.mark.parametrize(("text", "count"), [("490", 490), ("1.0", 1), ("0", 0), (" 12 ", 12)])
def test_a_quota_is_a_whole_number(text: str, count: int) -> None:
    assert quota_number(text) == count


@pytest.mark.parametrize(
    "text",
    [
        "", "²", "٣", "-5", "1.5", "soon", "nan", "1e3", "0x10", "Fri, 14 Nov 99999 16:30:20 GMT",
        "Fri, 99 Nov 2025 16:30:20 GMT", "Fri, 14 Nov 2025 16:30:20 -0000", "Fri, 14 Nov 2025 16:30:20 +9999999999",
        "Fri, 14 Nov " + "9" * 5000 + " 16:30:20 GMT", "\xff", ",", "Fri", "0" * 5 + "x",
    ],
)  # fmt: skip
def test_a_retry_after_that_says_nothing_is_none(text: str) -> None:
    assert seconds_to_wait(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), (" 20 ", 20.0), ("Fri, 14 Nov 2025 16:30:20 GMT", 20.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)
def test_a_retry_after_is_seconds_or_a_date(text: str, seconds: float) -> None:
    assert seconds_to_wait(text, NOW) == seconds


@pytest.mark.parametrize("text", ["²", "-5", "soon", "٣"])
def test_after_a_retry_after_that_says_nothing_our_own_back_off_serves(text: str) -> None:
    waits: list[float] = []
    head = make_head("Content-Length: 0", "Retry-After: " + text.encode().decode("latin-1"), status="503 Busy")
    with (
        saying(lambda: [head]) as base_url,
        client_at(base_url, waits, http_backoff_seconds=2.0) as client,
        pytest.raises(SourceUnavailable, match="answered 503"),
    ):
        client.get("/x", {}, lambda value: None)
    assert len(waits) == 1
    assert 1.0 <= waits[0] <= 3.0


@pytest.mark.parametrize("text", ["3600", "9" * 400])
def test_a_wait_of_any_length_is_left_to_the_messages_retry(sources: FakeSources, text: str) -> None:
    with pytest.raises(SourceUnavailable, match="asks to wait"):
        get(sources, Reply(429, headers={"Retry-After": text}), GOOD)


# --- pages and encodings --------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 401, 404, 500])
@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("hex", b"<html>zz</html>"),
        ("utf-16", "<html>no entry</html>".encode("utf-16")),
        ("utf-8", "<html>no entry</html>".encode("utf-16")),
        ("utf-16", b"<html>odd"),
        ("utf-7", b"+2AA-<html>"),
        ("unicode_escape", b"\\ud800 \\x"),
        ("unicode_escape", b"\\] \\q"),
        ("Unicode-Escape", b"\\] \\q"),
        ("punycode", b"\xff\xff-"),
        ("undefined", b"page"),
        ("rot13", b"page"),
        ("no-such-charset", b"\xff\xfe\xfd"),
        ("utf-8", b"\x00\x01\xed\xa0\x80"),
        ("base64", b"="),
    ],
)
def test_an_error_page_in_any_encoding_is_an_error_of_ours(
    sources: FakeSources, status: int, charset: str, body: bytes
) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        get(sources, Reply(status, body, {"Content-Type": f"text/html; charset={charset}"}))
    str(raised.value).encode()


def test_a_page_is_read_in_the_charset_it_has() -> None:
    assert page_text("né\n  en".encode("utf-16"), "text/html") == "né en"
    assert page_text("né".encode("latin-1"), 'text/html; charset="latin-1"') == "né"
    assert page_text(b"ab\x00\x07c", "") == "abc"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("before", [0, 60, 100, 113, 117, 119])
def test_no_half_of_a_key_is_left_where_a_page_is_cut(sources: FakeSources, encoding: str, before: int) -> None:
    with pytest.raises(SourceRefused) as raised:
        get(sources, Reply(403, ("x" * before + KEY).encode(encoding)))
    assert KEY[:5] not in str(raised.value)
    assert KEY[:5] not in raised.value.answer


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (json.dumps({"a": "é"}, ensure_ascii=False).encode("latin-1"), "not UTF-8"),
        (json.dumps({"a": "x"}).encode("utf-16"), "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a":' * 50_000, "not JSON"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b'{"a": 1}]}', "not JSON"),
    ],
)
def test_what_is_not_json_in_utf_8_is_asked_again_and_never_kept(
    sources: FakeSources, body: bytes, message: str
) -> None:
    with pytest.raises(SourceUnavailable, match=message):
        get(sources, Reply(200, body, {"Content-Type": "application/json"}))
    assert len(sources.requests) == 2


@pytest.mark.parametrize(
    "body",
    [b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e400}', b'{"a": "\\ud800"}', b'{"a": ' + b"9" * 400 + b"}",
     b'{"a": ' + b"9" * 5000 + b"}", b'\xef\xbb\xbf{"a": 1}'],
)  # fmt: skip
def test_an_odd_value_does_not_cost_the_answer(sources: FakeSources, body: bytes) -> None:
    answer = get(sources, Reply(200, body))
    assert list(answer.value) == ["a"]
    assert answer.body == body.removeprefix(b"\xef\xbb\xbf")


# --- size -----------------------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    return gzip.compress(b"[" + b"0," * (size // 2) + b"0]", 9, mtime=0)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (bomb(PLENTY), {"Content-Encoding": "gzip"}),
        (bomb(PLENTY), {"Content-Encoding": "X-GZip"}),
        (zlib.compress(b"0" * PLENTY), {"Content-Encoding": "deflate"}),
        (zlib.compress(b"0" * PLENTY)[2:-4], {"Content-Encoding": "deflate"}),
        (b"0" * PLENTY, {}),
    ],
)
def test_an_answer_larger_than_the_bound_is_refused(sources: FakeSources, body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(SourceRefused, match="more than 1,000,000 bytes"):
        get(sources, Reply(200, body, headers), http_max_bytes=1_000_000)
    assert len(sources.requests) == 1


def test_a_bomb_is_refused_while_it_streams(sources: FakeSources) -> None:
    """100 MB in 100 KB: not more than the bound and some pieces are ever in memory."""
    packed = gzip.compress(b"[" + b" " * 100_000_000 + b"]", 6, mtime=0)
    tracemalloc.start()
    try:
        with pytest.raises(SourceRefused, match=r"more than 16,777,216 bytes"):
            get(sources, Reply(200, packed, {"Content-Encoding": "gzip"}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000


def test_an_error_page_is_read_as_far_as_its_message(sources: FakeSources) -> None:
    page = gzip.compress(b"no entry " + b"x" * 10_000_000, 6, mtime=0)
    with pytest.raises(SourceRefused, match="no entry xxx"):
        get(sources, Reply(403, page, {"Content-Encoding": "gzip"}))


def test_an_answer_of_exactly_the_bound_is_taken(sources: FakeSources) -> None:
    body = b'"' + b"x" * 998 + b'"'
    packed = Reply(200, gzip.compress(body, mtime=0), {"Content-Encoding": "gzip"})
    assert get(sources, packed, http_max_bytes=1000).body == body
    with pytest.raises(SourceRefused):
        get(sources, packed, http_max_bytes=999)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity", ""])
def test_packed_answers_are_unpacked(sources: FakeSources, encoding: str) -> None:
    body = json.dumps({"fine": list(range(50_000))}).encode()
    packed = {"gzip": gzip.compress(body, mtime=0), "deflate": zlib.compress(body)}.get(encoding, body)
    assert get(sources, Reply(200, packed, {"Content-Encoding": encoding})).body == body


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (b"{}", "br", "which was not asked for"),
        (b"{}", "gzip, gzip", "which was not asked for"),
        (b"{}", "zstd", "which was not asked for"),
        (b"{}", "gzip", "cannot be unpacked"),
        (b"\xff{}", "deflate", "cannot be unpacked"),
        (gzip.compress(b'{"a": 1}', mtime=0)[:-9], "gzip", "is cut short"),
        (b"", "gzip", "is cut short"),
    ],
)
def test_what_cannot_be_unpacked_is_asked_again(sources: FakeSources, body: bytes, encoding: str, message: str) -> None:
    bad = Reply(200, body, {"Content-Encoding": encoding})
    with pytest.raises(SourceUnavailable, match=message):
        get(sources, bad)
    assert get(sources, bad, GOOD).value == {"fine": True}


def test_a_transport_in_this_process_is_bounded_too() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=b"0" * 2000))
    client = SourceClient("F", "http://f", settings_for("", http_max_bytes=1000), lambda: NOW, transport=transport)
    with pytest.raises(SourceRefused, match="more than 1,000 bytes"):
        client.get("/x", {}, lambda value: None)
    client.close()


# --- time -----------------------------------------------------------------------------------------


def body_drips() -> Script:
    yield make_head("Content-Length: 100000")
    for _ in itertools.repeat(None, 200):
        yield b" "
        yield 0.05


def chunks_drip() -> Script:
    yield make_head("Transfer-Encoding: chunked")
    for _ in itertools.repeat(None, 200):
        yield b"1\r\n \r\n"
        yield 0.05


def head_drips() -> Script:
    yield b"HTTP/1.1 200 OK\r\n"
    for number in range(200):
        yield b"X-%d: y\r\n" % number
        yield 0.05


def page_drips() -> Script:
    yield make_head("Content-Length: 100000", status="404 Not Found")
    for _ in itertools.repeat(None, 200):
        yield b"x"
        yield 0.05


def silence() -> Script:
    yield 10.0


@pytest.mark.parametrize("script", [body_drips, chunks_drip, head_drips, page_drips, silence])
def test_the_time_is_for_the_whole_answer(script: Callable[[], Script]) -> None:
    began = time.monotonic()
    with saying(script) as base_url:
        error = catch_refusal(base_url, http_timeout_seconds=0.5, http_attempts=1)
    assert time.monotonic() - began < 4
    assert ("answered 404" if script is page_drips else "no answer (ReadTimeout") in str(error)


def test_the_time_is_for_an_answer_through_a_proxy_too() -> None:
    with saying(body_drips) as proxy:
        settings = settings_for("", http_timeout_seconds=0.5, http_attempts=1)
        client = SourceClient("Feed", "http://feed.example", settings, lambda: NOW, proxy=proxy)
        with pytest.raises(SourceUnavailable, match="ReadTimeout"):
            client.get("/x", {}, lambda value: None)
        client.close()


def test_a_slow_answer_within_its_time_is_taken() -> None:
    def script() -> Script:
        yield make_head("Content-Length: 4")
        for piece in (b"[", b"1", b" ", b"]"):
            yield 0.05
            yield piece

    with saying(script) as base_url, client_at(base_url, http_timeout_seconds=10.0) as client:
        assert client.get("/x", {}, lambda value: None).value == [1]


# --- redirects ------------------------------------------------------------------------------------


def reply_moved(location: str, status: int = 302) -> Reply:
    return Reply(status, headers={"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_host_is_followed(sources: FakeSources, status: int) -> None:
    sources.says["/y"] = GOOD
    assert get(sources, reply_moved("/y?a=1", status)).value == {"fine": True}
    assert [(path, params) for path, params, _ in sources.requests] == [("/x", {"apiKey": KEY}), ("/y", {"a": "1"})]


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://elsewhere.example/y?apiKey={key}", "https://elsewhere.example/y"),
        ("//elsewhere.example/y", "http://elsewhere.example/y"),
        ("http://127.0.0.1:1/y", "http://127.0.0.1:1/y"),
        ("http://localhost:{port}/y", "http://localhost:"),
        ("https://127.0.0.1:{port}/y", "https://127.0.0.1:"),
        ("http://user:{key}@127.0.0.1:{port}/y", "http://127.0.0.1:"),
        ("http://elsewhere.example/{key}/y#{key}", "http://elsewhere.example/***/y"),
        ("http://127.0.0.1.elsewhere.example:{port}/", "http://127.0.0.1.elsewhere.example:"),
        ("ftp://127.0.0.1:{port}/y", "ftp://127.0.0.1"),
        ("file:///etc/passwd", "file://"),
    ],
)
def test_a_redirect_to_elsewhere_is_refused_and_named(sources: FakeSources, location: str, named: str) -> None:
    port = sources.base_url.rpartition(":")[2]
    with pytest.raises(SourceRefused, match="a redirect to") as raised:
        get(sources, reply_moved(location.format(key=KEY, port=port)))
    assert named in str(raised.value)
    assert "not followed" in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(sources.requests) == 1


def test_a_redirect_from_https_to_http_is_refused() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://feed.example/x"})

    client = SourceClient(
        "Feed", "https://feed.example", settings_for(""), lambda: NOW, transport=httpx.MockTransport(answer)
    )
    with pytest.raises(SourceRefused, match=r"redirect to http://feed\.example/x"):
        client.get("/x", {}, lambda value: None)
    client.close()
    assert len(asked) == 1


@pytest.mark.parametrize(
    "location", ["http://[", "javascript:alert(1)", "http://\x01", "http://127.0.0.1:99999999/", "/" + "x" * 70_000]
)
def test_a_location_that_is_no_address_is_an_error_of_ours(location: str) -> None:
    with saying(lambda: [make_head(f"Location: {location}", "Content-Length: 0", status="302 Found")]) as base_url:
        catch_refusal(base_url)


def test_a_redirect_without_a_location_is_refused(sources: FakeSources) -> None:
    with pytest.raises(SourceRefused, match="answered 302"):
        get(sources, Reply(302))


def test_a_loop_of_redirects_ends(sources: FakeSources) -> None:
    with pytest.raises(SourceUnavailable, match="redirects more than 5 times"):
        get(sources, reply_moved("/x?again=1"), http_attempts=1)
    assert len(sources.requests) == 6


# --- anything else --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\x00" * 100, b"HTTP/1.1", b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n", b"HTTP/1.1 204 Empty\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"SSH-2.0-OpenSSH_9.0\r\n",
        b"HTTP/1.1 500 \xff\xfe\r\nContent-Type: \xff; charset=\xff\r\nContent-Length: 1\r\n\r\n\xff",
    ],
)  # fmt: skip
def test_bytes_of_any_kind_are_an_error_of_ours(message: bytes) -> None:
    with saying(lambda: [message]) as base_url:
        str(catch_refusal(base_url, http_timeout_seconds=2.0)).encode()


def test_the_key_is_in_no_log_of_a_redirect(sources: FakeSources, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="functions")
    with pytest.raises(SourceUnavailable):
        get(sources, Reply(500, KEY.encode("utf-16")), reply_moved(f"http://e.example/?apiKey={KEY}"))
    assert "attempt 1 of 2" in caplog.text
    assert KEY not in caplog.text
