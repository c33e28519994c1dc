"""The push envelope: every spelling Pub/Sub uses, and a clear error for everything else."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.push_envelope import MAX_DATA_BYTES, Envelope, read_envelope, read_message
from shared.core.errors import DataError

NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)


def body(**message: Any) -> bytes:
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"}).encode()


def envelope(data: bytes, **attributes: str) -> Envelope:
    return Envelope(data, attributes, "1", "s", 1)


def test_what_pubsub_sends() -> None:
    sent = {
        "message": {
            "data": base64.b64encode(b'{"game_date": "2025-11-14"}').decode(),
            "attributes": {"schedule": "nightly"},
            "messageId": "136969346945",
            "message_id": "136969346945",
            "publishTime": "2025-11-14T16:59:59.749Z",
            "publish_time": "2025-11-14T16:59:59.749Z",
            "orderingKey": "",
        },
        "subscription": "projects/p/subscriptions/phase1-scrape-nba-phase1-trigger",
        "deliveryAttempt": 3,
    }
    found = read_envelope(json.dumps(sent).encode())
    assert found == Envelope(
        data=b'{"game_date": "2025-11-14"}',
        attributes={"schedule": "nightly"},
        message_id="136969346945",
        subscription="phase1-scrape-nba-phase1-trigger",
        attempt=3,
        published_at=datetime(2025, 11, 14, 16, 59, 59, 749_000, tzinfo=UTC),
    )


def test_an_environments_prefix_is_no_part_of_the_subscriptions_name() -> None:
    full = "projects/p/subscriptions/dev-phase1-scrape-nba-phase1-trigger"
    sent = json.dumps({"message": {"messageId": "7"}, "subscription": full}).encode()
    assert read_envelope(sent, "dev-").subscription == "phase1-scrape-nba-phase1-trigger"
    assert read_envelope(sent).subscription == "dev-phase1-scrape-nba-phase1-trigger"


def test_the_least_there_can_be() -> None:
    found = read_envelope(b'{"message": {"message_id": "7"}}')
    assert found == Envelope(b"", {}, "7", "", 1, None)
    assert read_envelope(body(messageId=7, data=None, attributes=None)).message_id == "7"


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"null",
        b"[1]",
        b'"text"',
        b"\xff\xfe",
        b"[" * 100_000,
        body(),
        body(messageId=""),
        body(messageId="a/b"),
        body(messageId="1", data=5),
        body(messageId="1", data="no base64!"),
        body(messageId="1", attributes="x"),
        body(messageId="1", publishTime="soon"),
        body(messageId="1", publishTime=5),
        b'{"message": null}',
        b'{"message": {"messageId": "1"}, "deliveryAttempt": 1e400}',
    ],
)
def test_anything_else_is_no_envelope(broken: bytes) -> None:
    with pytest.raises(DataError) as refused:
        read_envelope(broken)
    assert refused.value.event == "not_an_envelope"


def test_attributes_fill_what_data_lacks() -> None:
    message = read_message(
        envelope(b'{"game_date": "TODAY"}', game_date="2025-01-01", mode="results"), PhaseMessage, NOW
    )
    assert (str(message.game_date), message.mode) == ("2025-11-14", "results")


def test_only_known_attributes_become_fields() -> None:
    """googclient_ and outbox ids ride along; a sequence or metadata by attribute would be nobody's
    intention.
    """
    message = read_message(envelope(b"", game_date="TODAY", sequence="7", outbox_id="x"), PhaseMessage, NOW)
    assert message.sequence == 1


def test_the_moment_of_the_publish_says_what_today_is() -> None:
    published = datetime(2025, 11, 15, 4, 59, tzinfo=UTC)
    late = Envelope(b'{"game_date": "TODAY"}', {}, "1", "s", 2, published)
    message = read_message(late, PhaseMessage, datetime(2025, 11, 15, 5, 1, tzinfo=UTC))
    assert str(message.game_date) == "2025-11-14"


def test_an_error_names_the_field_its_value_and_what_would_be_right() -> None:
    with pytest.raises(DataError) as refused:
        read_message(envelope(b'{"game_date": "2025-02-30"}'), PhaseMessage, NOW)
    assert "game_date" in str(refused.value)
    assert "2025-02-30" in str(refused.value)
    assert "TODAY, TOMORROW or YESTERDAY" in str(refused.value)


def test_a_field_that_is_there_twice_is_refused_and_not_the_last_one_taken() -> None:
    with pytest.raises(DataError, match=r"'game_date' is there twice") as refused:
        read_message(envelope(b'{"game_date": "2025-11-13", "game_date": "2025-11-14"}'), PhaseMessage, NOW)
    assert refused.value.event == "not_json"


def test_size_is_limited() -> None:
    start = b'{"game_date": "2025-11-14"}'
    padded = start + b" " * (MAX_DATA_BYTES - len(start))
    assert read_message(envelope(padded), PhaseMessage, NOW).game_date is not None
    with pytest.raises(DataError, match="at most 1048576"):
        read_message(envelope(padded + b" "), PhaseMessage, NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_an_envelope_or_a_data_error(raw: bytes) -> None:
    try:
        outcome = read_envelope(raw).message_id
    except DataError as refused:
        outcome = refused.event
    assert outcome
    assert outcome == "not_an_envelope" or b"essage" in raw


@given(st.dictionaries(st.sampled_from(sorted(PhaseMessage.model_fields)), json_values))
def test_whatever_the_fields_hold_is_a_message_or_a_data_error(fields: dict[str, Any]) -> None:
    try:
        message = read_message(envelope(json.dumps(fields).encode()), PhaseMessage, NOW)
        outcome = "understood" if message.first_date <= message.last_date else "wrong dates"
    except DataError as refused:
        outcome = refused.event
    assert outcome in ("understood", "invalid_message")
