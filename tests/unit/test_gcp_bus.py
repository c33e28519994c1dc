"""Publish requests: their size, and what goes into which."""

from __future__ import annotations

import pytest
from google.pubsub_v1.types import PublishRequest, PubsubMessage
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Fatal
from shared.gcp.pubsub_bus import batches
from shared.message_limits import MAX_MESSAGES, MAX_REQUEST_BYTES, check_message
from shared.ports import Publication

TOPIC = f"projects/{'p' * 30}/topics/{'t' * 255}"


def request_bytes(batch: list[Publication]) -> int:
    """The size of the request as it goes over the wire."""
    messages = [PubsubMessage(data=each.data, attributes=dict(each.attributes)) for each in batch]
    return int(PublishRequest.pb(PublishRequest(topic=TOPIC, messages=messages)).ByteSize())


def test_a_request_carries_so_many_messages() -> None:
    messages = [Publication(str(number).encode()) for number in range(2 * MAX_MESSAGES + 1)]
    found = list(batches(messages))
    assert [len(batch) for batch in found] == [MAX_MESSAGES, MAX_MESSAGES, 1]
    assert [each for batch in found for each in batch] == messages


@given(st.lists(st.tuples(st.integers(1, 9_900_000), st.integers(0, 40)), max_size=8))
def test_a_request_fits_whatever_is_in_it(sizes: list[tuple[int, int]]) -> None:
    messages = [Publication(b"x" * size, {f"key{n}": "é" * 500 for n in range(count)}) for size, count in sizes]
    found = list(batches(messages))
    assert [each for batch in found for each in batch] == messages
    assert all(request_bytes(batch) <= MAX_REQUEST_BYTES for batch in found)


def test_messages_share_requests_as_far_as_they_fit() -> None:
    sizes = [4_000_000, 4_000_000, 4_000_000, 9_000_000, 900_000]
    found = list(batches([Publication(b"x" * size) for size in sizes]))
    assert [[len(each.data) for each in batch] for batch in found] == [sizes[:2], sizes[2:3], sizes[3:]]


def test_a_message_that_fits_no_request_is_refused_before() -> None:
    """Its attributes count: Pub/Sub takes ten megabytes a request, not of data."""
    attributes = {f"key{number}": "x" * 1_024 for number in range(100)}
    check_message("a", b"x" * 9_890_000, attributes)
    assert request_bytes([Publication(b"x" * 9_890_000, attributes)]) <= MAX_REQUEST_BYTES
    with pytest.raises(Fatal, match="bytes with its attributes"):
        check_message("a", b"x" * 9_900_000, attributes)
