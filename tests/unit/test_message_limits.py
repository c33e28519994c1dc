"""A dead letter fits into a message of Pub/Sub whatever the message was: shortened, said to be so, never lost."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Fatal
from shared.message_limits import (
    CUT,
    LEFT_OUT,
    MAX_REQUEST_BYTES,
    SHORTENED,
    check_message,
    dead_letter,
)

OURS = {"dead_letter_reason": "too_large", "dead_letter_error": "why", "origin_message_id": "7"}


def buried(data: bytes, attributes: dict[str, str], ours: dict[str, str] = OURS) -> tuple[bytes, dict[str, str]]:
    kept, said = dead_letter(data, attributes, ours)
    check_message("dead-letters", kept, said)
    assert all(value.startswith(said[name]) for name, value in ours.items())
    return kept, said


@pytest.mark.parametrize("count", [0, 1, 96, 97, 98, 99, 100, 101, 250])
def test_as_many_attributes_as_fit_are_kept(count: int) -> None:
    own = {f"a{number}": "v" for number in range(count)}
    kept, said = buried(b"data", own)
    assert kept == b"data"
    if count <= 97:
        assert said == own | OURS
    else:
        assert len(said) == 100
        assert said[LEFT_OUT] == str(count)
        assert sum(name in own for name in said) == 96


@pytest.mark.parametrize("sign", ["x", "é", "日", "\U0001f3c0"])
@pytest.mark.parametrize("size", [1_021, 1_022, 1_023, 1_024, 1_025, 1_026, 1_027, 1_028, 5_000])
def test_a_long_value_is_cut_between_characters_and_said_to_be(sign: str, size: int) -> None:
    value = "a" * (size % 4) + sign * (size // len(sign.encode()))
    _, said = buried(b"data", {"note": value, "other": "whole"})
    assert value.startswith(said["note"])
    assert 1_020 < len(said["note"].encode()) <= 1_024 or said["note"] == value
    assert (said.get(SHORTENED) == "note") == (said["note"] != value)
    assert said["other"] == "whole"


def test_long_names_are_cut_and_one_that_is_then_another_s_counts_as_left_out() -> None:
    long = {"日" * 86: "1", "日" * 85 + "x": "2", "k" * 300: "3", "k" * 299: "4", "": "5"}
    _, said = buried(b"data", long)
    assert said["日" * 85] == "1"
    assert said["日" * 85 + "x"] == "2"
    assert said["k" * 256] == "3"
    assert said[LEFT_OUT] == "5"
    assert said[SHORTENED].count(",") == 2


@pytest.mark.parametrize("name", ["goog", "googclient_schemaencoding", "google"])
def test_what_is_pubsubs_own_is_refused_in_a_publish_and_left_off_a_letter(name: str) -> None:
    with pytest.raises(Fatal, match="Pub/Sub's own"):
        check_message("a", b"x", {name: "v"})
    _, said = buried(b"data", {name: "v", "Google": "kept"})
    assert said == {"Google": "kept", **OURS}


@pytest.mark.parametrize(("count", "extra"), list(product([0, 50, 98, 100], [-2_000, 0, 1, 3_000_000])))
def test_data_that_does_not_fit_is_cut_and_said_to_be(count: int, extra: int) -> None:
    own = {f"a{number}": "v" * 1_024 for number in range(count)}
    data = b"d" * (MAX_REQUEST_BYTES - 1_000 - 1_050 * min(count, 97) + extra)
    kept, said = buried(data, own)
    assert (CUT in said) == (len(kept) < len(data))
    assert said.get(CUT, str(len(data))) == str(len(data))
    assert len(kept) > 9_700_000


def test_ours_are_cut_too() -> None:
    _, said = buried(b"", {"a": "b"}, OURS | {"origin_subscription": "é" * 800})
    assert said["origin_subscription"] == "é" * 512


@given(
    st.binary(max_size=50),
    st.dictionaries(
        st.text(max_size=3).map(lambda text: text * 120) | st.text(max_size=9),
        st.text(max_size=4).map(lambda text: text * 400),
        max_size=130,
    ),
)
def test_whatever_a_message_has_its_letter_is_taken(data: bytes, attributes: dict[str, str]) -> None:
    buried(data, attributes)
