"""What the files of the injury report are called, back from a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from shared.core.clock import NEW_YORK
from shared.nba.injury_report.names import reports_until


def names(moment: datetime, count: int) -> list[str]:
    return [report.name for report in islice(reports_until(moment), count)]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-11-14T17:30:00", ["2025-11-14_05PM", "2025-11-14_04PM"]),
        ("2025-11-14T17:29:59", ["2025-11-14_04PM", "2025-11-14_03PM"]),
        ("2025-11-14T13:05:00", ["2025-11-14_12PM", "2025-11-14_11AM"]),
        ("2025-11-14T01:00:00", ["2025-11-14_12AM", "2025-11-13_11PM"]),
        ("2026-01-14T17:30:00", ["2026-01-14_05_30PM", "2026-01-14_05_15PM"]),
        ("2026-01-14T17:29:59", ["2026-01-14_05_15PM", "2026-01-14_05_00PM"]),
        ("2026-01-14T00:10:00", ["2026-01-14_12_00AM", "2026-01-13_11_45PM"]),
        ("2026-01-14T12:59:00", ["2026-01-14_12_45PM", "2026-01-14_12_30PM"]),
    ],
)
def test_the_newest_names_of_a_moment(moment: str, expected: list[str]) -> None:
    assert names(at(moment), 2) == [f"Injury-Report_{each}.pdf" for each in expected]


def test_the_names_of_both_kinds_meet_in_the_night_of_the_change() -> None:
    assert names(at("2025-12-23T00:20:00"), 4) == [
        "Injury-Report_2025-12-23_12_15AM.pdf",
        "Injury-Report_2025-12-23_12_00AM.pdf",
        "Injury-Report_2025-12-22_11PM.pdf",
        "Injury-Report_2025-12-22_10PM.pdf",
    ]


@pytest.mark.parametrize("moment", ["2025-11-14T17:30:00", "2025-12-23T00:20:00", "2026-01-14T17:44:59"])
def test_no_report_is_of_a_time_that_is_to_come(moment: str) -> None:
    reports = list(islice(reports_until(at(moment)), 20))
    times = [report.report_time for report in reports]
    assert times == sorted(times, reverse=True)
    assert times[0] <= at(moment)
    assert {time.tzinfo for time in times} == {UTC}


def test_an_hour_that_the_night_has_twice_has_one_file() -> None:
    found = list(islice(reports_until(datetime(2024, 11, 3, 7, 0, tzinfo=UTC)), 3))
    assert [report.name[-8:-4] for report in found] == ["01AM", "12AM", "11PM"]
    assert found[0].report_time == datetime(2024, 11, 3, 6, 30, tzinfo=UTC)


def test_an_hour_that_the_night_lacks_has_none() -> None:
    found = names(datetime(2025, 3, 9, 8, 0, tzinfo=UTC), 3)
    assert [name[-8:-4] for name in found] == ["03AM", "01AM", "12AM"]
