"""New York's calendar: around midnight, on both nights of the clock change, and in what messages
write.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.clock import (
    NEW_YORK,
    SystemClock,
    as_of_after,
    assumed_tipoff,
    at_new_york,
    format_timestamp,
    format_timestamp_us,
    new_york_date,
    parse_timestamp,
    resolve_date,
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "today"),
    [
        ("2025-11-15T04:59:59", "2025-11-14"),  # 23:59:59 EST
        ("2025-11-15T05:00:00", "2025-11-15"),  # midnight EST
        ("2025-11-15T00:30:00", "2025-11-14"),  # 19:30 EST: UTC is a day ahead
        ("2025-07-01T03:59:59", "2025-06-30"),  # 23:59:59 EDT
        ("2025-07-01T04:00:00", "2025-07-01"),
        ("2025-03-09T04:59:59", "2025-03-08"),  # the night of the spring change still begins in EST
        ("2025-03-09T05:00:00", "2025-03-09"),
        ("2025-03-10T03:59:59", "2025-03-09"),  # and ends in EDT: the day had 23 hours
        ("2025-03-10T04:00:00", "2025-03-10"),
        ("2025-11-02T03:59:59", "2025-11-01"),  # the night of the autumn change begins in EDT
        ("2025-11-02T04:00:00", "2025-11-02"),
        ("2025-11-03T04:59:59", "2025-11-02"),  # and ends in EST: the day had 25 hours
        ("2025-11-03T05:00:00", "2025-11-03"),
        ("2026-01-01T04:59:59", "2025-12-31"),
    ],
)
def test_date_words_are_new_yorks(moment: str, today: str) -> None:
    now, day = utc(moment), date.fromisoformat(today)
    assert new_york_date(now) == day
    assert resolve_date("TODAY", now) == day
    assert resolve_date("TOMORROW", now) == day + timedelta(days=1)
    assert resolve_date("YESTERDAY", now) == day - timedelta(days=1)


def test_words_may_be_lower_case_and_padded() -> None:
    assert resolve_date(" today ", utc("2025-11-15T00:30:00")) == date(2025, 11, 14)


@pytest.mark.parametrize("word", ["", "2025-02-30", "2025-13-01", "14.11.2025", "NOW", "2025-11-14T00:00:00", "2025"])
def test_anything_else_is_refused_with_its_value(word: str) -> None:
    with pytest.raises(ValueError, match="neither an ISO date") as refused:
        resolve_date(word, utc("2025-11-15T00:30:00"))
    assert repr(word) in str(refused.value)


@pytest.mark.parametrize("word", ["0001-01-01", "1945-12-31", "2100-01-01", "9999-12-31"])
def test_a_day_without_an_nba_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=f"'{word}' is not in the years 1946 to 2099"):
        resolve_date(word, utc("2025-11-15T00:30:00"))


def test_a_leap_day_is_a_day() -> None:
    assert resolve_date("2024-02-29", utc("2025-11-15T00:30:00")) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("day", "clock_time", "moment"),
    [
        (date(2025, 11, 14), time(17, 30), "2025-11-14T22:30:00"),
        (date(2025, 7, 1), time(17, 30), "2025-07-01T21:30:00"),
        (date(2025, 11, 2), time(1, 30), "2025-11-02T05:30:00"),  # the first of two
        (date(2025, 3, 9), time(2, 30), "2025-03-09T07:30:00"),  # does not exist: 03:30 EDT
    ],
)
def test_wall_clock_times_of_a_day(day: date, clock_time: time, moment: str) -> None:
    assert at_new_york(day, clock_time) == utc(moment)
    assert at_new_york(day, clock_time).tzinfo == UTC


def test_the_assumed_tipoff_is_seven_in_the_evening() -> None:
    assert assumed_tipoff(date(2025, 11, 14)) == utc("2025-11-15T00:00:00")


@pytest.mark.parametrize("moment", ["2025-11-14T17:00:00", "2025-11-14T17:00:00.000001", "2025-11-14T17:00:00.999999"])
def test_as_of_is_strictly_after_what_was_fetched_at_the_moment(moment: str) -> None:
    assert as_of_after(utc(moment)) == utc("2025-11-14T17:00:01")
    assert as_of_after(utc(moment)) > utc(moment)


def test_the_systems_clock_is_aware() -> None:
    assert SystemClock().now().tzinfo == UTC


YEARS = (datetime.fromisoformat("1946-01-02"), datetime.fromisoformat("2099-12-30"))
AWARE = st.datetimes(*YEARS, timezones=st.sampled_from([UTC, NEW_YORK]))


@given(first=AWARE, second=AWARE)
def test_a_moment_to_the_microsecond_is_read_back_and_texts_compare_as_moments(
    first: datetime, second: datetime
) -> None:
    texts = format_timestamp_us(first), format_timestamp_us(second)
    in_utc = first.astimezone(UTC), second.astimezone(UTC)  # Python compares within a zone by its wall clock
    assert (parse_timestamp(texts[0]), parse_timestamp(texts[1])) == in_utc
    assert (texts[0] < texts[1]) == (in_utc[0] < in_utc[1])
    assert parse_timestamp(format_timestamp(first)) == in_utc[0].replace(microsecond=0)


@pytest.mark.parametrize("text", ["2025-11-14T17:00:00", "2025-11-14T17:00:00Z", "2025-11-14T12:00:00-05:00"])
def test_a_messages_moment_without_a_zone_is_utc(text: str) -> None:
    assert parse_timestamp(text) == utc("2025-11-14T17:00:00")
    assert parse_timestamp(text).tzinfo == UTC
    assert format_timestamp(parse_timestamp(text)) == "2025-11-14T17:00:00Z"


@pytest.mark.parametrize("text", ["", "now", "1945-12-31T00:00:00Z", "2100-01-01T00:00:00Z"])
def test_no_moment_of_a_game_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|not in the years"):
        parse_timestamp(text)
