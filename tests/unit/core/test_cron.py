"""When schedules fire, in New York time, both nights that change the clock included."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.clock import NEW_YORK
from shared.core.cron import Cron
from shared.core.errors import ConfigError
from shared.core.pipeline import load_pipeline

ELEVEN = Cron.parse("0 11 * * *")
SPRING, AUTUMN = "2026-03-08", "2026-11-01"


def at(text: str, fold: int = 0) -> datetime:
    """A moment as New York's clocks show it."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


def test_every_cron_of_the_pipeline_is_read() -> None:
    schedules = load_pipeline().schedules
    assert len(schedules) >= 12
    repeating = {name for name, schedule in schedules.items() if schedule.repeats}
    assert repeating == {"batch-sweep", "monitor"}
    assert {name for name, schedule in schedules.items() if schedule.times.is_daily} == {*schedules} - repeating - {
        "train-model"
    }


@pytest.mark.parametrize(
    "text", ["", "0 11 * *", "0 24 * * *", "60 1 * * *", "0 1 1 * *", "*/60 * * * *", "0 1-5 * * *"]
)
def test_another_form_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ConfigError, match="is none that is read here"):
        Cron.parse(text)


@pytest.mark.parametrize(
    ("cron", "now", "last", "following"),
    [
        ("0 11 * * *", "2025-11-14 11:00", "2025-11-14 11:00", "2025-11-15 11:00"),
        ("0 11 * * *", "2025-11-14 10:59", "2025-11-13 11:00", "2025-11-14 11:00"),
        ("0 4 * * 1", "2025-11-14 10:59", "2025-11-10 04:00", "2025-11-17 04:00"),
        ("0 4 * * 0", "2025-11-14 10:59", "2025-11-09 04:00", "2025-11-16 04:00"),
        ("0 4 * * 7", "2025-11-14 10:59", "2025-11-09 04:00", "2025-11-16 04:00"),
        ("*/10 * * * *", "2025-11-14 10:59", "2025-11-14 10:50", "2025-11-14 11:00"),
        ("*/10 * * * *", "2025-11-14 11:00", "2025-11-14 11:00", "2025-11-14 11:10"),
        ("*/25 * * * *", "2025-11-14 10:59", "2025-11-14 10:50", "2025-11-14 11:00"),
    ],
)
def test_the_firings_around_a_moment(cron: str, now: str, last: str, following: str) -> None:
    read = Cron.parse(cron)
    assert (read.last(at(now)), read.next(at(now))) == (at(last), at(following))


@pytest.mark.parametrize(("night", "hours"), [(SPRING, 23), (AUTUMN, 25)])
def test_a_daily_schedule_keeps_new_yorks_hour_over_the_night(night: str, hours: int) -> None:
    noon = at(f"{night} 12:00")
    today = ELEVEN.last(noon)
    assert today.astimezone(NEW_YORK).time() == time(11)
    assert today - ELEVEN.last(today - timedelta(minutes=1)) == timedelta(hours=hours)


@pytest.mark.parametrize(("night", "expected"), [(SPRING, 6 * 23), (AUTUMN, 6 * 25)])
def test_every_ten_minutes_fires_through_the_night(night: str, expected: int) -> None:
    first = at(f"{night} 00:00")
    last = at(f"{night} 23:59")
    found = Cron.parse("*/10 * * * *").firings(first, last)
    assert len(found) == expected
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(minutes=10)}


def test_a_time_that_spring_leaves_out_is_an_hour_later_and_one_that_autumn_repeats_is_once() -> None:
    half_past_two = Cron.parse("30 2 * * *")
    assert half_past_two.last(at(f"{SPRING} 12:00")) == at(f"{SPRING} 03:30")
    half_past_one = Cron.parse("30 1 * * *")
    assert half_past_one.firings(at(f"{AUTUMN} 00:00"), at(f"{AUTUMN} 12:00")) == [at(f"{AUTUMN} 01:30")]


CRONS = st.sampled_from(["0 11 * * *", "30 6 * * *", "*/10 * * * *", "*/7 * * * *", "0 4 * * 1", "59 23 * * 6"])
MINUTES = st.integers(0, 4 * 365 * 24 * 60)


@given(CRONS, MINUTES)
def test_last_and_next_are_neighbours(text: str, minutes: int) -> None:
    cron, moment = Cron.parse(text), datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    last, following = cron.last(moment), cron.next(moment)
    assert last <= moment < following
    assert cron.next(last) == following
    assert cron.last(following) == following
    assert cron.last(following - timedelta(microseconds=1)) == last
