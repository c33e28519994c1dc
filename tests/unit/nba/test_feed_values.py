"""What a feed writes is read within its bounds or refused by name, and nothing else is ever
raised.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nba import feed_values as values
from shared.nba.bounds import BOUNDS, YEAR, Bound
from shared.nba.feed_json import read_json
from shared.nba.feed_values import ElementRefused
from shared.stores.warehouse.migration import OLD_LINES
from shared.stores.warehouse.schemas import all_schemas

POINTS = Bound(0, 150, "the record is 100")
LONG = int("9" * 400)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.just(LONG),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


# --- the bounds and the schemas -------------------------------------------------------------------


def test_every_column_says_its_bounds_and_their_source() -> None:
    for schema in all_schemas():
        # nothing is read into the table of before any more
        if schema.dataset != "nba_raw" or schema.name == OLD_LINES:
            continue
        assert schema.name in BOUNDS, f"BOUNDS in shared/nba/bounds.py lacks {schema.name}"
        bounds = BOUNDS[schema.name]
        assert set(bounds) == {f.name for f in schema.fields if f.type in ("INT64", "FLOAT64", "NUMERIC")}, schema.name
        for name, bound in bounds.items():
            assert bound.low < bound.high
            assert bound.source
            assert str(bound) in schema.field(name).description, f"{schema.name}.{name}"
        for name in {"game_date", "tipoff_at", "commence_time"} & set(schema.columns):
            assert f"{YEAR.low} to {YEAR.high}: {YEAR.source}" in schema.field(name).description


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (150, 150), (21.0, 21), (21.000000000000004, 21), (None, None)]
)
def test_whole_numbers_within_their_bound(value: Any, expected: int | None) -> None:
    assert values.whole(value, "PTS", POINTS, []) == expected


@pytest.mark.parametrize("value", [-5, 151, 500, 2**62, 2**63, 10**26, LONG, -LONG, 1e300, float("inf"), float("-inf")])
def test_numbers_beyond_their_bound_are_refused_in_short_words(value: Any) -> None:
    with pytest.raises(ElementRefused, match=r"PTS is .*, not within 0 to 150") as refused:
        values.whole(value, "PTS", POINTS, [])
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", [True, False, "12", "", [], {}, [21], 20.5, "NaN"])
def test_what_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ElementRefused, match=r"PTS is .*, not a whole number"):
        values.whole(value, "PTS", POINTS, [])


def test_nan_is_a_missing_value_and_is_said() -> None:
    notes: list[str] = []
    assert values.whole(float("nan"), "PTS", POINTS, notes) is None
    assert values.number(float("nan"), "MIN", POINTS, notes) is None
    assert values.exact(float("nan"), "total", POINTS, notes) is None
    assert values.optional_text(float("nan"), "reason", notes) is None
    assert notes == [f"{name} is NaN, taken as missing" for name in ("PTS", "MIN", "total", "reason")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (231.00000000000003, "231"),
        (231.5, "231.5"),
        (231.25, "231.25"),
        (230.99999999999997, "231"),
        (0.1 + 0.2, "0.3"),
    ],
)
def test_decimals_lose_the_noise_of_binary_fractions(value: float, expected: str) -> None:
    assert values.exact(value, "total", Bound(0, 400, "x"), []) == Decimal(expected)


def test_a_decimal_of_many_places_is_refused() -> None:
    with pytest.raises(ElementRefused, match="more than 3 decimals"):
        values.exact(231.12345, "total", Bound(0, 400, "x"), [])


# --- texts, ids, times ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["Luka Dončić", "Nikola Jokić", "姚明", "T.J. 😀"])
def test_texts_stay_as_they_are(value: str) -> None:
    assert values.text(value, "name") == value


@pytest.mark.parametrize("value", ["", "  ", None, 7, True, [], {}, ["a"], "a\ud800", "\x00", "x" * 101, float("nan")])
def test_what_is_no_text_is_refused_printably(value: Any) -> None:
    with pytest.raises(ElementRefused, match="name is ") as refused:
        values.text(value, "name")
    assert len(str(refused.value).encode()) < 300


@pytest.mark.parametrize(
    "value", ["002250020¹", "²" * 10, "٠٠٢٢٥٠٠٢٠١", "002250020", "00225002011", 22500201, None, []]
)
def test_a_game_id_is_ten_ascii_digits(value: Any) -> None:
    assert not values.is_game_id(value)
    with pytest.raises(ElementRefused, match="not 10 digits"):
        values.game_id(value, "gameId")


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1900-01-01T00:30:00Z",
        "2100-01-01T00:00:00Z", "2025-11-14T16:30:00", "2025-11-14T25:00:00Z", "2025-11-14T16:30:00+99:00", "soon", "",
        "\ud800", None, 1763137800, True, [], {}, float("nan"),
    ],
)  # fmt: skip
def test_moments_have_a_zone_and_a_sane_year(value: Any) -> None:
    with pytest.raises(ElementRefused, match="tipoff is "):
        values.parse_feed_timestamp(value, "tipoff")


def test_a_moment_is_in_utc() -> None:
    assert values.parse_feed_timestamp("2025-11-14T19:30:00-05:00", "t") == datetime(2025, 11, 15, 0, 30, tzinfo=UTC)
    assert values.day("2025-11-14T00:00:00", "d") == values.day("2025-11-14", "d") == date(2025, 11, 14)


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "2025-02-30", "2025-11-14x", "NOV 14", 20251114, None])
def test_days_have_a_sane_year(value: Any) -> None:
    with pytest.raises(ElementRefused, match="GAME_DATE is "):
        values.day(value, "GAME_DATE")


@pytest.mark.parametrize("value", ["TBD", "", "XYZ", "lal", "EST", None, 1610612747, []])
def test_a_code_of_no_team_is_refused(value: Any) -> None:
    with pytest.raises(ElementRefused, match="no NBA team"):
        values.team_code(value, "team")


@given(JSON)
def test_every_reading_ends_in_a_value_or_a_refusal(value: Any) -> None:
    values.show_value(value).encode()
    for read in (
        lambda: values.whole(value, "x", POINTS, []),
        lambda: values.number(value, "x", POINTS, []),
        lambda: values.exact(value, "x", POINTS, []),
        lambda: values.text(value, "x"),
        lambda: values.optional_text(value, "x", []),
        lambda: values.parse_feed_timestamp(value, "x"),
        lambda: values.day(value, "x"),
        lambda: values.game_id(value, "x"),
        lambda: values.team_code(value, "x"),
        lambda: values.require_object(value, "x"),
        lambda: values.require_list(value, "x"),
    ):
        message = ""
        try:
            read()
        except ElementRefused as refused:
            message = str(refused)
        assert len(message.encode()) < 1000


# --- JSON -----------------------------------------------------------------------------------------


def test_json_keeps_what_only_its_place_can_judge() -> None:
    read = read_json(b'[NaN, 1e400, "\\ud800", %d, %s]' % (LONG, b"9" * 5000))
    assert values.is_nan(read[0])
    assert read[1] == float("inf")
    assert read[2:4] == ["\ud800", LONG]
    with pytest.raises(ElementRefused, match="not within"):
        values.whole(read[4], "PTS", POINTS, [])


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"a":' * 5_000, b"{", b"", b"\xff\xfe[", b'{"a": \xed\xa0\x80}'])
def test_what_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting|decode"):
        read_json(data)


def test_usual_json_is_read_as_ever() -> None:
    value = {"a": [1, 2.5, None, True, "Dončić"]}
    assert read_json(json.dumps(value).encode()) == value


# --- what steers a terminal is left out at the edge -----------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Nikola Jokić", "Nikola Jokić"),
        ("\x1b[31mNikola\x1b[0m Jokić", "Nikola Jokić"),
        ("\u202eNikola\r\nJokić\u2069", "Nikola Jokić"),
        (" Nikola\u200b Jokić\x9b2J ", "Nikola Jokić"),
        (" spaces stay ", " spaces stay "),
        ("[bold]Nikola[/bold]", "[bold]Nikola[/bold]"),
    ],
)
def test_a_text_is_read_without_what_steers(value: str, expected: str) -> None:
    assert values.text(value, "name") == expected
    assert values.optional_text(value, "name", []) == expected


@pytest.mark.parametrize("value", ["\x1b[2J", "\u200b\u200b", "\u202e", "\x9b31m"])
def test_a_text_of_nothing_but_that_is_none(value: str) -> None:
    with pytest.raises(ElementRefused, match="characters that are not printed"):
        values.text(value, "name")
