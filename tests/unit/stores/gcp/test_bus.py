"""Publish requests: their size, and what goes into which.

Pulls: when a subscription counts as empty.
"""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core import exceptions as google
from google.pubsub_v1.types import PublishRequest, PubsubMessage, PullRequest, PullResponse, ReceivedMessage
from hypothesis import given
from hypothesis import strategies as st

from shared.core.errors import Fatal
from shared.stores.gcp.pubsub_bus import PubSubBus, batches
from shared.stores.message_limits import MAX_MESSAGES, MAX_REQUEST_BYTES, check_message
from shared.stores.ports import Publication
from tests.support.embedded import small_pipeline

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


# --- pulling --------------------------------------------------------------------------------------


class Subscriber:
    """Answers pulls one after another, each with the messages named or an error; then with none."""

    def __init__(self, *answers: list[str] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, float]] = []
        self.released: list[str] = []
        self.acknowledged: list[str] = []

    def pull(self, *, request: PullRequest, retry: None, timeout: float) -> PullResponse:
        self.asked.append((request.max_messages, timeout))
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        messages = [PubsubMessage(data=name.encode(), message_id=name) for name in answer]
        received = [ReceivedMessage(ack_id=f"lease of {each.message_id}", message=each) for each in messages]
        return PullResponse(received_messages=received)

    def modify_ack_deadline(self, *, ack_ids: list[str], **_: Any) -> None:
        self.released += ack_ids

    def acknowledge(self, *, ack_ids: list[str], **_: Any) -> None:
        self.acknowledged += ack_ids


DEAD = "first-a-dead-letter"


def pulling(subscriber: Subscriber) -> PubSubBus:
    return PubSubBus(lambda: None, lambda: subscriber, "p", small_pipeline())


def test_one_empty_answer_is_not_taken_for_an_empty_subscription() -> None:
    """Pub/Sub may give none while messages wait, above all just after they were given back."""
    subscriber = Subscriber([], ["1", "2"], [], ["3"], [], [], ["4"])
    assert [message.message_id for message in pulling(subscriber).pull(DEAD)] == ["1", "2", "3"]
    assert subscriber.released == ["lease of 1", "lease of 2", "lease of 3"]


def test_a_pull_in_which_none_came_ends_the_listing() -> None:
    subscriber = Subscriber(["1"], google.DeadlineExceeded("none came"), ["2"])
    assert [message.message_id for message in pulling(subscriber).pull(DEAD, limit=1_000)] == ["1"]


def test_a_pull_asks_for_no_more_than_comes_in_its_time() -> None:
    subscriber = Subscriber()
    pulling(subscriber).pull(DEAD, limit=1_000)
    pulling(subscriber).ack(DEAD, ["1"])
    assert set(subscriber.asked) == {(100, 5.0)}


def test_what_was_not_acknowledged_is_told() -> None:
    subscriber = Subscriber(["1", "2"], [], ["3"])
    assert pulling(subscriber).ack(DEAD, ["3", "4", "1"]) == ["4"]
    assert subscriber.acknowledged == ["lease of 1", "lease of 3"]
    assert subscriber.released == ["lease of 2"]
