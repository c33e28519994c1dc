"""Which schedules come round to a date, when, and what they make of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.core.pipeline import load_pipeline
from shared.operations.schedules.firings import CHAIN_TAKES, firings_about, first_due, next_of_topic, under_way

PIPELINE = load_pipeline()
DAY = date(2025, 11, 14)
FIRINGS = firings_about(PIPELINE, DAY)
CHAIN = PIPELINE.phase_order


def test_a_dates_firings_begin_the_evening_before_and_end_the_noon_after() -> None:
    found = [(each.schedule.name, each.at.strftime("%d %H:%M"), len(each.phases), each.after_games) for each in FIRINGS]
    assert found == [
        ("same-day-predictions-tomorrow", "13 23:00", 8, False),
        ("overnight-predictions", "14 12:00", 8, False),
        ("same-day-predictions", "14 16:30", 8, False),
        ("self-heal-predictions", "14 17:45", 0, False),
        ("phase6-tonight-picks", "14 18:00", 1, False),
        ("pre-game-predictions", "14 22:30", 8, False),
        ("results-overnight", "15 08:30", 3, True),
        ("grading-overnight", "15 08:45", 2, True),
        ("daily-yesterday-analytics", "15 11:30", 3, True),
        ("grading-early", "15 11:45", 2, True),
        ("grading-daily", "15 16:00", 2, True),
        ("self-heal-results", "15 16:15", 0, True),
        ("self-heal-grades", "15 17:15", 0, True),
    ]


def test_new_yorks_clock_is_the_schedules() -> None:
    found = firings_about(PIPELINE, date(2026, 4, 10))
    (summer,) = (each for each in found if each.schedule.name == "same-day-predictions")
    assert summer.at == datetime(2026, 4, 10, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("phase", "after_games", "schedule"),
    [
        ("phase1", False, "same-day-predictions-tomorrow"),
        ("phase6", False, "same-day-predictions-tomorrow"),
        ("phase1", True, "results-overnight"),
        ("phase3", True, "results-overnight"),
        ("phase4", True, None),
        ("grading", True, "grading-overnight"),
        ("phase6", True, "grading-overnight"),
        ("grading", False, None),
    ],
)
def test_what_makes_a_phase_first(phase: str, after_games: bool, schedule: str | None) -> None:
    found = first_due(FIRINGS, phase, after_games=after_games)
    assert (found.schedule.name if found else None) == schedule


def test_a_firing_is_under_way_for_as_long_as_a_chain_takes() -> None:
    at = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
    for moment, schedule in ((at, "same-day-predictions"), (at - timedelta(seconds=1), None), (at + CHAIN_TAKES, None)):
        found = under_way(FIRINGS, CHAIN[3], moment)
        assert (found.schedule.name if found else None) == schedule
    export = under_way(FIRINGS, CHAIN[-1], datetime(2025, 11, 14, 18, 5, tzinfo=UTC))
    assert export is not None
    assert export.schedule.name == "phase6-tonight-picks"


def test_the_next_of_a_topic_is_later_than_now() -> None:
    topic, at = "nba-self-heal-trigger", datetime(2025, 11, 14, 17, 45, tzinfo=UTC)
    before, then = next_of_topic(FIRINGS, topic, at - timedelta(seconds=1)), next_of_topic(FIRINGS, topic, at)
    assert (before.at if before else None, then.schedule.name if then else None) == (at, "self-heal-results")
    assert next_of_topic(FIRINGS, topic, at + timedelta(days=9)) is None
