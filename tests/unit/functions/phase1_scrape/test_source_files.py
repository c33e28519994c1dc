"""A file that is no JSON: the same care as with every other answer, and one that is not there is an
answer.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.phase1_scrape.failures import GaveUp, SourceRefused, WrongShape
from functions.phase1_scrape.http_client import Allowance, SourceClient, SourceFile
from functions.phase1_scrape.sources.official_reports import check_pdf
from shared.core.errors import SourceUnavailable
from shared.stores.raw_files import decode_raw, encode_raw, raw_path
from tests.support.fake_sources import HTML, KEY, FakeSources, Reply, draw_lists, serving, settings_for
from tests.support.normalised import sample

NOW = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
PDF = draw_lists(NOW)
GOOD = Reply(200, PDF, {"Content-Type": "application/pdf"})
CUT = Reply(200, PDF[:-40], {"Content-Type": "application/pdf"})
CUT_OFF = Reply(200, PDF[:-40], {"Content-Type": "application/pdf"}, promised=len(PDF))


@pytest.fixture
def sources() -> Iterator[FakeSources]:
    with serving(FakeSources()) as fake:
        yield fake


def get(sources: FakeSources, *replies: Reply, left: int = 8, **settings: Any) -> tuple[SourceFile | None, int]:
    """The file, and how much of the allowance is left."""
    sources.says["/x.pdf"] = list(replies)
    allowance = Allowance(left)
    made = settings_for(sources.base_url, **settings)
    client = SourceClient("Files", sources.base_url, made, lambda: NOW, secret={"apiKey": KEY}, sleep=lambda _: None)
    try:
        return client.get_file("/x.pdf", check_pdf, allowance), allowance.left
    finally:
        client.close()


@pytest.mark.parametrize("bad", [Reply(429), Reply(500), Reply(503), HTML, CUT, CUT_OFF, Reply(200)])
def test_one_bad_answer_is_asked_again(sources: FakeSources, bad: Reply) -> None:
    found, left = get(sources, bad, GOOD)
    assert found is not None
    assert (found.data, left) == (PDF, 6)
    assert found.request == {"source": "Files", "path": "/x.pdf", "params": {}}


@pytest.mark.parametrize("status", [403, 404])
def test_a_file_that_is_not_there_is_an_answer(sources: FakeSources, status: int) -> None:
    assert get(sources, Reply(status, b"<Error><Code>AccessDenied</Code></Error>")) == (None, 7)
    assert len(sources.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 407, 410, 422])
def test_another_refusal_is_none(sources: FakeSources, status: int) -> None:
    with pytest.raises(SourceRefused, match=f"answered {status}"):
        get(sources, Reply(status))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (Reply(500, b"oh no"), "answered 500: oh no"),
        (HTML, "text/html that is no PDF: it begins with \"b'<html><body>Access denied"),
        (CUT, "application/pdf that is a PDF that is cut short"),
        (CUT_OFF, "no answer (RemoteProtocolError"),
    ],
)
def test_after_the_last_attempt_the_error_says_what_came(sources: FakeSources, bad: Reply, message: str) -> None:
    with pytest.raises(GaveUp) as raised:
        get(sources, bad, http_attempts=3)
    assert message in str(raised.value)
    assert len(sources.requests) == 3


def test_no_more_is_sent_than_the_allowance_has(sources: FakeSources) -> None:
    with pytest.raises(GaveUp, match="2 attempts"):
        get(sources, Reply(500), left=2, http_attempts=4)
    assert len(sources.requests) == 2


def test_too_large_a_file_is_refused_while_it_streams(sources: FakeSources) -> None:
    with pytest.raises(SourceRefused, match=r"more than 1,000 bytes"):
        get(sources, GOOD, http_max_bytes=1000)


def test_a_wait_beyond_a_minute_is_left_to_the_messages_retry(sources: FakeSources) -> None:
    with pytest.raises(SourceUnavailable, match="asks to wait 3600 s"):
        get(sources, Reply(429, headers={"Retry-After": "3600"}), GOOD)
    assert len(sources.requests) == 1


@pytest.mark.parametrize("status", [200, 500])
def test_a_file_with_the_key_in_it_is_not_kept_and_not_quoted(sources: FakeSources, status: int) -> None:
    echo = b"%PDF-1.4 " + KEY.encode() + b" %%EOF"
    with pytest.raises(SourceUnavailable) as raised:
        get(sources, Reply(status, echo))
    assert KEY not in str(raised.value)


def test_it_is_kept_as_it_came() -> None:
    response = SourceFile({"path": "/x.pdf"}, PDF).as_response("injury_report")
    path = raw_path("official", "injury_report", NOW.date(), NOW, "key")
    data = encode_raw("official", "injury_report", NOW.date(), "run-1", NOW, [response], {})
    [answer] = decode_raw(path, data).answers
    assert base64.b64decode(answer.body) == PDF
    assert json.loads(response.body) == answer.body


@pytest.mark.parametrize("name", ["2022-12-01_05PM", "2023-11-15_05PM", "2024-12-05_01PM", "2025-01-31_05PM"])
def test_real_reports_are_whole_and_without_their_end_they_are_cut(name: str) -> None:
    data = sample(f"Injury-Report_{name}.pdf").read_bytes()
    check_pdf(data)
    for wrong in (data[:-100], data[: len(data) // 2], data[1:]):
        with pytest.raises(WrongShape):
            check_pdf(wrong)
