"""A dead letter says what it is, and fits into a message whatever the message was: shortened, said
so, never lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chain.messages.dead_letter import (
    CUT,
    LEFT_OUT,
    MESSAGE,
    SHORTENED,
    Facts,
    encode,
    fitting,
    is_cut,
    of_the_message,
)
from shared.core.errors import Fatal
from shared.stores.message_limits import MAX_REQUEST_BYTES, check_message, room_of_a_request, size_of

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=40)
# Hypothesis takes bounds without a zone.
YEAR = datetime(2025, 1, 1), datetime(2025, 12, 31)  # noqa: DTZ001
MOMENT = st.datetimes(*YEAR).map(lambda moment: moment.replace(tzinfo=UTC))
OURS = {"dead_letter_reason": "too_large", "dead_letter_error": "why", "origin_message_id": "7"}


def bury(data: bytes, attributes: dict[str, str], ours: dict[str, str] = OURS) -> tuple[bytes, dict[str, str]]:
    kept, written = fitting(data, attributes, ours)
    check_message("dead-letters", kept, written)
    assert all(value.startswith(written[name]) for name, value in ours.items())
    return kept, written


@given(
    st.builds(
        Facts,
        reason=TEXT,
        error=TEXT,
        blames=st.sampled_from(["", MESSAGE]),
        origin_topic=TEXT,
        origin_subscription=TEXT,
        origin_message_id=TEXT,
        dead_lettered_at=MOMENT,
        origin_published_at=st.none() | MOMENT,
    ),
    st.dictionaries(st.sampled_from(["run_id", "game_date", "outbox_id", "trigger_source", "googclient_x"]), TEXT),
    st.binary(max_size=40),
)
def test_what_is_written_is_read(facts: Facts, own: dict[str, str], data: bytes) -> None:
    kept, attributes = encode(data, own, facts)
    assert kept == data
    assert Facts.read(attributes, "a new id", "some-subscription") == facts
    left = {name: own[name] for name in ("run_id", "game_date") if name in own}
    again = {name: attributes[name] for name in ("origin_message_id", "origin_published_at") if name in attributes}
    assert of_the_message(attributes) == left | again
    assert not is_cut(attributes)


def test_pubsub_s_own_dead_letter_is_read_as_far_as_it_says() -> None:
    written = {
        "CloudPubSubDeadLetterSourceSubscription": "phase3-analytics-nba-phase3-trigger",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2025-11-14T10:00:00Z",
        "run_id": "r",
    }
    assert Facts.read(written, "77", "elsewhere") == Facts(
        reason="max_delivery_attempts",
        origin_topic="",
        origin_subscription="phase3-analytics-nba-phase3-trigger",
        origin_message_id="77",
        dead_lettered_at=None,
        origin_published_at=datetime(2025, 11, 14, 10, tzinfo=UTC),
    )
    assert Facts.read({"dead_lettered_at": "soon"}, "78", "elsewhere").dead_lettered_at is None
    assert of_the_message(written) == {"run_id": "r"}


@pytest.mark.parametrize("count", [0, 1, 96, 97, 98, 99, 100, 101, 250])
def test_as_many_attributes_as_fit_are_kept(count: int) -> None:
    own = {f"a{number}": "v" for number in range(count)}
    kept, written = bury(b"data", own)
    assert kept == b"data"
    if count <= 97:
        assert written == own | OURS
    else:
        assert len(written) == 100
        assert written[LEFT_OUT] == str(count)
        assert sum(name in own for name in written) == 96


@pytest.mark.parametrize("extra", [-300, -120, -60, -30, -1, 0, 1, 30, 5_000])
@pytest.mark.parametrize("own", [{}, {"note": "x" * 900}])
def test_data_is_whole_or_said_to_be_cut_wherever_its_end_lies(extra: int, own: dict[str, str]) -> None:
    room = room_of_a_request() - size_of(b"", own | OURS)
    data = b"x" * (room + extra)
    kept, written = bury(data, own)
    assert (written.get(CUT) == str(len(data))) == (kept != data)
    assert CUT in written or kept == data
    assert len(kept) >= min(len(data), room - 60), "no more is cut than the mark needs"
    if extra <= -120:
        assert kept == data


@pytest.mark.parametrize("sign", ["x", "é", "日", "\U0001f3c0"])
@pytest.mark.parametrize("size", [1_021, 1_022, 1_023, 1_024, 1_025, 1_026, 1_027, 1_028, 5_000])
def test_a_long_value_is_cut_between_characters_and_said_to_be(sign: str, size: int) -> None:
    value = "a" * (size % 4) + sign * (size // len(sign.encode()))
    _, written = bury(b"data", {"note": value, "other": "whole"})
    assert value.startswith(written["note"])
    assert 1_020 < len(written["note"].encode()) <= 1_024 or written["note"] == value
    assert (written.get(SHORTENED) == "note") == (written["note"] != value)
    assert written["other"] == "whole"


def test_long_names_are_cut_and_one_that_is_then_another_s_counts_as_left_out() -> None:
    long = {"日" * 86: "1", "日" * 85 + "x": "2", "k" * 300: "3", "k" * 299: "4", "": "5"}
    _, written = bury(b"data", long)
    assert written["日" * 85] == "1"
    assert written["日" * 85 + "x"] == "2"
    assert written["k" * 256] == "3"
    assert written[LEFT_OUT] == "5"
    assert written[SHORTENED].count(",") == 2


@pytest.mark.parametrize("name", ["goog", "googclient_schemaencoding", "google"])
def test_what_is_pubsubs_own_is_refused_in_a_publish_and_left_off_a_letter(name: str) -> None:
    with pytest.raises(Fatal, match="Pub/Sub's own"):
        check_message("a", b"x", {name: "v"})
    _, written = bury(b"data", {name: "v", "Google": "kept"})
    assert written == {"Google": "kept", **OURS}


@pytest.mark.parametrize(("count", "extra"), list(product([0, 50, 98, 100], [-2_000, 0, 1, 3_000_000])))
def test_data_that_does_not_fit_is_cut_and_said_to_be(count: int, extra: int) -> None:
    own = {f"a{number}": "v" * 1_024 for number in range(count)}
    data = b"d" * (MAX_REQUEST_BYTES - 1_000 - 1_050 * min(count, 97) + extra)
    kept, written = bury(data, own)
    assert (CUT in written) == (len(kept) < len(data))
    assert written.get(CUT, str(len(data))) == str(len(data))
    assert len(kept) > 9_700_000


def test_ours_are_cut_too() -> None:
    _, written = bury(b"", {"a": "b"}, OURS | {"origin_subscription": "é" * 800})
    assert written["origin_subscription"] == "é" * 512


@given(
    st.binary(max_size=50),
    st.dictionaries(
        st.text(max_size=3).map(lambda text: text * 120) | st.text(max_size=9),
        st.text(max_size=4).map(lambda text: text * 400),
        max_size=130,
    ),
)
def test_whatever_a_message_has_its_letter_is_taken(data: bytes, attributes: dict[str, str]) -> None:
    bury(data, attributes)
