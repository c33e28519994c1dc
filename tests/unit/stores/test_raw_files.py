"""Raw files: the same bytes for the same responses, bodies as they came, clear errors for broken
ones.
"""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from shared.core.errors import DataError
from shared.stores.raw_files import RawFile, Response, decode_raw, encode_raw, parse_raw_path, raw_path

DAY = date(2025, 11, 14)
FETCHED = datetime(2025, 11, 14, 16, 30, 5, tzinfo=UTC)
PATH = raw_path("nba", "schedule", DAY, FETCHED, "abc")
BODY = b'{"FG_PCT": 0.400000, "name": "Don\xc4\x8di\xc4\x87"}'


def encode_two() -> bytes:
    responses = [
        Response("one", {"params": {"a": "1"}}, {"x-requests-used": "3"}, BODY),
        Response("two", {}, {}, b"[]"),
    ]
    return encode_raw("nba", "schedule", DAY, "run-1", FETCHED, responses, {"event": "answered 500"})


def test_bodies_are_kept_as_they_came_and_read_back() -> None:
    assert BODY in gzip.decompress(encode_two())
    content = decode_raw(PATH, encode_two())
    assert (content.source, content.kind, content.game_date) == ("nba", "schedule", DAY)
    assert (content.run_id, content.fetched_at, content.failed) == ("run-1", FETCHED, {"event": "answered 500"})
    assert content.answers_named("one")[0].body == {"FG_PCT": 0.4, "name": "Dončić"}
    assert [answer.body for answer in content.answers_named("two")] == [[]]


def test_the_same_input_gives_the_same_bytes() -> None:
    assert encode_two() == encode_two()


def test_a_path_says_source_kind_day_and_utc_time() -> None:
    assert PATH == "raw/nba/schedule/2025-11-14/20251114T163005Z-abc.json.gz"
    assert parse_raw_path(PATH) == ("nba", "schedule", DAY)
    elsewhere = FETCHED.astimezone(timezone(timedelta(hours=-5)))
    assert raw_path("nba", "schedule", DAY, elsewhere, "abc") == PATH


@pytest.mark.parametrize("path", ["raw/nba/schedule/x.json.gz", "v1/a.json", "raw/nba/schedule/2025-13-01/x.json.gz"])
def test_another_path_is_refused_by_name(path: str) -> None:
    with pytest.raises(DataError, match=path):
        parse_raw_path(path)


@pytest.mark.parametrize(
    "data",
    [
        b"no gzip",
        encode_two()[:60],
        gzip.compress(b'{"run_id": ', mtime=0),
        gzip.compress(b'{"run_id": "r", "fetched_at": "2025-11-14T16:30:05", "responses": []}', mtime=0),
        gzip.compress(b'{"run_id": "r", "fetched_at": "2025-11-14T16:30:05Z"}', mtime=0),
        gzip.compress(b"[]", mtime=0),
    ],
)
def test_a_broken_file_is_a_data_error_with_its_path(data: bytes) -> None:
    with pytest.raises(DataError, match="20251114T163005Z-abc"):
        decode_raw(PATH, data)


def test_a_file_in_a_message_is_plain_json() -> None:
    file = RawFile("nba", "schedule", DAY, PATH, 3)
    expected = {"source": "nba", "kind": "schedule", "game_date": "2025-11-14", "path": PATH, "rows": 3}
    assert file.to_message() == expected
