"""The HTTP client of the sources: what it retries, how long it waits, and that the key stays
secret.
"""

from __future__ import annotations

import base64
import html
import json
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest

from functions.phase1_scrape.failures import SourceRefused, WrongShape
from functions.phase1_scrape.http_client import SourceClient
from shared.core.errors import ConfigError, SourceUnavailable
from tests.support.fake_sources import CUT_OFF, HTML, KEY, TRUNCATED, FakeSources, Reply, serving, settings_for

NOW = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
GOOD = Reply.of({"fine": True})


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    with serving(FakeSources()) as fake:
        yield fake


def fine(value: Any) -> None:
    if "fine" not in value:
        raise WrongShape("nothing fine")


def get(sources: FakeSources, *replies: Reply, waits: list[float] | None = None, **settings: Any) -> Any:
    sources.says["/x"] = list(replies)
    client = SourceClient(
        "Feed",
        sources.base_url,
        settings_for(sources.base_url, **settings),
        lambda: NOW,
        secret={"apiKey": KEY},
        sleep=(waits if waits is not None else []).append,
    )
    try:
        return client.get("/x", {"day": "2025-11-14"}, fine)
    finally:
        client.close()


@pytest.mark.parametrize("bad", [Reply(429), Reply(500), Reply(503), HTML, TRUNCATED, CUT_OFF, Reply.of({"other": 1})])
def test_one_bad_answer_is_asked_again(sources: FakeSources, bad: Reply) -> None:
    answer = get(sources, bad, GOOD)
    assert answer.value == {"fine": True}
    assert answer.body == GOOD.body
    assert len(sources.requests) == 2


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Reply(429), "answered 429"),
        (Reply(500, b"oh no"), "answered 500: oh no"),
        (HTML, "text/html that is not JSON: <html><body>Access denied"),
        (TRUNCATED, "not JSON"),
        (CUT_OFF, "no answer (RemoteProtocolError"),
        (Reply.of({"other": 1}), "another shape: nothing fine"),
    ],
)
def test_after_the_last_attempt_the_error_says_what_came(sources: FakeSources, bad: Reply, message: str) -> None:
    with pytest.raises(SourceUnavailable) as raised:
        get(sources, bad, http_attempts=3)
    assert message in str(raised.value)
    assert "3 attempts" in str(raised.value)
    assert len(sources.requests) == 3


def test_a_server_that_is_not_there_is_unavailable() -> None:
    client = SourceClient("Feed", "http://127.0.0.1:9", settings_for(""), lambda: NOW)
    with pytest.raises(SourceUnavailable, match="ConnectError"):
        client.get("/x", {}, fine)
    client.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_asked_again(sources: FakeSources, status: int) -> None:
    with pytest.raises(SourceRefused, match=f"answered {status}"):
        get(sources, Reply(status, b"no"), GOOD)
    assert len(sources.requests) == 1


def test_retry_after_is_honoured_as_seconds_and_as_a_date(sources: FakeSources) -> None:
    waits: list[float] = []
    late = Reply(503, headers={"Retry-After": "Fri, 14 Nov 2025 16:30:20 GMT"})
    get(sources, Reply(429, headers={"Retry-After": "3"}), late, GOOD, waits=waits, http_attempts=3)
    assert waits == [3.0, 20.0]


def test_a_wait_beyond_a_minute_is_left_to_the_messages_retry(sources: FakeSources) -> None:
    waits: list[float] = []
    with pytest.raises(SourceUnavailable, match="asks to wait 3600 s"):
        get(sources, Reply(429, headers={"Retry-After": "3600"}), GOOD, waits=waits)
    assert waits == []
    assert len(sources.requests) == 1


def test_waits_double_within_the_jitter(sources: FakeSources) -> None:
    waits: list[float] = []
    with pytest.raises(SourceUnavailable):
        get(sources, Reply(500), waits=waits, http_attempts=4, http_backoff_seconds=2.0)
    assert len(waits) == 3
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, [(1, 3), (2, 6), (4, 12)], strict=True))


def test_the_key_is_sent_and_appears_nowhere_else(sources: FakeSources, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="functions")
    echo = Reply(401, f"the key {KEY} is unknown".encode())
    with pytest.raises(SourceRefused) as raised:
        get(sources, Reply(500, f"apiKey={KEY}".encode()), echo)
    answer = get(sources, GOOD)
    assert {params["apiKey"] for _, params, _ in sources.requests} == {KEY}
    assert KEY not in str(raised.value)
    assert "the key *** is unknown" in str(raised.value)
    assert KEY not in caplog.text
    assert "attempt 1 of 2" in caplog.text
    assert answer.request == {"source": "Feed", "path": "/x", "params": {"day": "2025-11-14"}}


def test_requests_are_spaced_by_the_rate_limit(sources: FakeSources) -> None:
    waits: list[float] = []
    sources.says["/x"] = GOOD
    settings = settings_for(sources.base_url, http_requests_per_second=4.0)
    client = SourceClient("Feed", sources.base_url, settings, lambda: NOW, sleep=waits.append, monotonic=lambda: 100.0)
    for _ in range(3):
        client.get("/x", {}, fine)
    client.close()
    assert waits == [0.25, 0.5]


def test_the_quota_is_the_lowest_that_was_seen(sources: FakeSources) -> None:
    replies = [
        Reply.of({"fine": 1}, **{"x-requests-remaining": str(left), "x-requests-used": "1.0"}) for left in (7, 9)
    ]
    sources.says["/x"] = list(replies)
    client = SourceClient("Feed", sources.base_url, settings_for(sources.base_url), lambda: NOW)
    assert client.quota == {}
    client.get("/x", {}, fine)
    client.get("/x", {}, fine)
    client.close()
    assert client.quota == {"remaining": 7, "used": 1}


def test_a_transport_stands_in_for_the_network_and_for_the_proxy() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"fine": True})

    client = SourceClient(
        "Feed",
        "https://feed.example",
        settings_for(""),
        lambda: NOW,
        proxy="http://127.0.0.1:9",  # nobody listens there
        transport=httpx.MockTransport(answer),
    )
    assert client.get("/x", {"day": "2025-11-14"}, fine).value == {"fine": True}
    assert asked == ["https://feed.example/x?day=2025-11-14"]
    client.close()


# --- a key that has to be encoded, wherever a source puts it --------------------------------------

SPECIAL = "Zk/9+q=2&w%41'r\"8\\Lm7xT"


def error_message(reply: Reply, key: str = SPECIAL, **settings: Any) -> str:
    with serving(FakeSources()) as sources:
        sources.says["/x"] = reply
        client = SourceClient(
            "Feed",
            sources.base_url,
            settings_for(sources.base_url, odds_api_key=key, http_attempts=1, **settings),
            lambda: NOW,
            secret={"apiKey": key},
        )
        try:
            with pytest.raises(SourceUnavailable) as raised:
                client.get("/x", {}, fine)
        finally:
            client.close()
        assert sources.requests[0][1]["apiKey"] == key
        return f"{raised.value} {getattr(raised.value, 'answer', '')}"


@pytest.mark.parametrize(
    "spelled",
    [
        SPECIAL,
        quote(SPECIAL),
        quote(SPECIAL, safe=""),
        quote_plus(SPECIAL),
        "".join(f"%{ord(sign):02x}" for sign in SPECIAL),
        json.dumps(SPECIAL),
        repr(SPECIAL),
        html.escape(SPECIAL),
        base64.b64encode(SPECIAL.encode()).decode(),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 30, 100, 110, 118, 119, 4_060, 4_080, 4_090])
def test_no_spelling_of_the_key_is_told_wherever_the_excerpt_is_cut(spelled: str, before: int) -> None:
    page = f"{'.' * before}{spelled}{'.' * 20}".encode()
    message = error_message(Reply(401, page))
    assert not any(spelled[at : at + 6] in message for at in range(len(spelled) - 5))
    assert not re.search(r"\.[^. *]{3,}", message.partition("Next:")[0].partition("401")[2])


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, SPECIAL.encode()),
        Reply(200, f"<p>{SPECIAL}".encode(), {"Content-Type": f"text/{quote(SPECIAL)}"}),
        Reply(200, f'{{"{"x" * 1_190}": "{SPECIAL}'.encode()),
        Reply(302, b"", {"Location": f"https://me:{quote(SPECIAL)}@elsewhere.example/{quote(SPECIAL, safe='')}"}),
        Reply(200, b"{}", {"Content-Encoding": f"x{SPECIAL[:30]}"}),
        Reply(200, b"x", promised=5),
    ],
    ids=["page", "content type", "no JSON", "redirect", "encoding", "cut off"],
)
def test_no_part_of_an_answer_tells_the_key(reply: Reply) -> None:
    message = error_message(reply)
    assert not any(SPECIAL[at : at + 6] in message for at in range(len(SPECIAL) - 5))
    assert quote(SPECIAL, safe="")[:12] not in message


def test_an_answer_that_echoes_its_request_is_kept_without_the_key(sources: FakeSources) -> None:
    echo = {"fine": [f"/x?apiKey={SPECIAL}", {"url": f"/x?apiKey={quote(SPECIAL, safe='')}", "n": 1.5}]}
    sources.says["/x"] = Reply.of(echo, **{"x-requests-remaining": f"of {quote(SPECIAL)}"})
    client = SourceClient(
        "Feed", sources.base_url, settings_for(sources.base_url), lambda: NOW, secret={"apiKey": SPECIAL}
    )
    answer = client.get("/x", {}, fine)
    client.close()
    assert answer.value == {"fine": ["/x?apiKey=***", {"url": "/x?apiKey=***", "n": 1.5}]}
    assert json.loads(answer.body) == answer.value
    assert answer.headers == {"x-requests-remaining": "of ***"}
    assert client.unread_quota == {"x-requests-remaining": "of ***"}


@pytest.mark.parametrize(
    "proxy", ["me:pa/ss-w0rd@proxy:1", "http://me:pa/ss-w0rd@proxy:1", "socks5://me:pa-ss-w0rd@p:1"]
)
def test_a_proxy_that_httpx_would_misread_is_refused_and_not_quoted(proxy: str) -> None:
    with pytest.raises(ConfigError, match=r"^PROXY_URL ") as raised:
        SourceClient("Feed", "http://feed.example", settings_for(""), lambda: NOW, proxy=proxy)
    assert "ss-w0rd" not in str(raised.value)


def test_what_steers_a_terminal_is_out_of_what_an_answer_tells(sources: FakeSources) -> None:
    page = "\x1b[2J\x1b]8;;https://evil.example\x1b\\no\x1b]8;;\x1b\\\r\u202e entry\x9b31m Jokić\u200b".encode()
    with pytest.raises(SourceRefused) as raised:
        get(sources, Reply(403, page))
    assert "answered 403: no entry Jokić." in str(raised.value)
