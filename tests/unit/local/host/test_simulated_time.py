"""The moments that simulated time may be set to."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from local.host.simulated_time import check_simulated_time, parse_at

ARCHIVE = (date(2015, 10, 27), date(2025, 12, 31))


class Machine:
    """The machine's clock on the day of the test."""

    def now(self) -> datetime:
        return datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2015-09-27", "2015-10-27T19:00", "2025-12-31T23:59", "2026-01-31T18:00"])
def test_a_moment_within_a_month_of_the_archive(text: str) -> None:
    check_simulated_time(parse_at(text), ARCHIVE, machine=Machine())


@pytest.mark.parametrize(
    "text", ["9999-12-30", "2026-02-02", "2015-09-20", "1946-11-01", "0002-01-01", "2099-12-31T23:59Z", "2205-11-14"]
)
def test_a_moment_outside_the_archives_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"lies outside the archive's days, 2015-10-27 to 2025-12-31, by more than"):
        check_simulated_time(parse_at(text), ARCHIVE, machine=Machine())


def test_without_an_archive_it_is_a_moment_that_a_game_can_be_of() -> None:
    for text in ("1946-11-02", "2025-11-14T17:45", "2028-05-01"):
        check_simulated_time(parse_at(text), None, machine=Machine())
    for text in ("1946-10-30", "2028-08-01", "9999-01-01"):
        with pytest.raises(ValueError, match="lies outside the days that a game can be of"):
            check_simulated_time(parse_at(text), None, machine=Machine())


@pytest.mark.parametrize(
    "text",
    ["", "noon", "2025-13-01", "0001-01-01T00:00+23:59", "9999-12-31T23:59:59-23:59", "\ud800", "2025-11-14T25:00"],
)
def test_what_is_no_moment_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no moment such as"):
        parse_at(text)


def test_an_hour_that_new_york_skips_is_said_and_not_moved() -> None:
    with pytest.raises(ValueError, match=r"AT='2025-03-09T02:30' is skipped in New York.*see 2025-03-09 03:30"):
        parse_at("2025-03-09T02:30")
    assert parse_at("2025-03-09T02:30-05:00") == datetime(2025, 3, 9, 7, 30, tzinfo=UTC)
    assert parse_at("2025-11-02T01:30") == datetime(2025, 11, 2, 5, 30, tzinfo=UTC), "the first of two"


def test_a_refused_moment_of_the_year_one_is_named_with_its_year() -> None:
    with pytest.raises(ValueError, match=r"AT=05:00Z on 0001-01-02 lies outside"):
        check_simulated_time(datetime(1, 1, 2, 5, tzinfo=UTC), ARCHIVE, machine=Machine())
