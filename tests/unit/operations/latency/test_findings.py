"""Dates that are graded late, as findings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.operations.api.as_json import as_json
from shared.operations.latency.findings import as_findings
from shared.operations.levels import Finding, Level, Severity
from tests.support.prediction_tables import DAY, EARLY, LATE, Evening
from tests.unit.operations.latency.nights import (
    SCHEDULE,
    SEEN_AT,
    add_results,
    at,
    grade_at,
    move_to,
    played_night,
    predicted_evening,
    read,
    sighting,
)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    with played_night(tmp_path) as opened:
        yield opened


def finding(night: Evening) -> Finding:
    (found,) = as_findings(read(night))
    return found


def test_a_date_graded_in_time_is_green(night: Evening) -> None:
    grade_at(night, at(11, 45))
    found = finding(night)
    assert (found.fingerprint, found.level, found.next_step) == (f"latency:{DAY}", Level.GREEN, "")
    assert found.says == f"{DAY} was graded 5.8 h after its last game; the target is 6.0 h."
    assert found.game_date == DAY


def test_a_grade_that_is_missing_is_red_beyond_the_target(night: Evening) -> None:
    move_to(night, at(12))
    assert finding(night).level == Level.GREEN
    move_to(night, at(12, 1))
    found = finding(night)
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert found.says == f"0 of 2 games of {DAY} are graded 6.0 h after the last one; the target is 6.0 h."
    assert found.next_step == f'results are loaded: ./nba rerun {DAY} grading --why "..."'
    assert found.figures["waiting_seconds"] == 6 * 3600 + 60


def test_missing_results_are_to_be_fetched_first(tmp_path: Path) -> None:
    with predicted_evening(tmp_path) as night:
        night.add(SCHEDULE, [sighting(game, "final", SEEN_AT) for game in (EARLY, LATE)])
        add_results(night, EARLY)
        grade_at(night, at(16))
        found = finding(night)
    assert found.says.startswith(f"1 of 2 games of {DAY} are graded 10.0 h after the last one")
    assert found.next_step.startswith(f"results are missing: ./nba rerun {DAY} phase1")


def test_a_late_grade_is_yellow_and_says_where_the_time_went(night: Evening) -> None:
    grade_at(night, at(18))
    found = finding(night)
    assert (found.level, found.severity) == (Level.YELLOW, Severity.WARNING)
    assert found.says == f"{DAY} was graded 12.0 h after its last game; the target is 6.0 h."
    assert found.next_step.startswith("5.6 h until its results were loaded, 6.4 h from there to its grades")
    assert "whether grading-overnight can start earlier" in found.next_step
    assert json.loads(json.dumps(as_json(found)))["figures"]["seconds"] == 12 * 3600


def test_a_late_grade_is_no_news_once_a_later_date_is_graded(night: Evening) -> None:
    grade_at(night, at(18))
    latency = read(night)
    (late,) = latency.dates
    next_day = replace(late, game_date=DAY + timedelta(days=1), seconds=3600.0, is_over_target=False)
    levels = [each.level for each in as_findings(replace(latency, dates=(late, next_day)))]
    assert levels == [Level.GREEN, Level.GREEN]
    waiting = replace(next_day, graded_at=None, seconds=None, waiting_seconds=60.0)
    levels = [each.level for each in as_findings(replace(latency, dates=(late, waiting)))]
    assert levels == [Level.YELLOW, Level.GREEN], "none is graded after it"


def test_games_that_are_not_over_are_green(tmp_path: Path) -> None:
    with predicted_evening(tmp_path) as night:
        found = finding(night)
    assert (found.level, found.says) == (Level.GREEN, f"The games of {DAY} are not over yet.")


def test_a_date_of_long_ago_or_with_nothing_to_grade_is_no_finding(night: Evening) -> None:
    grade_at(night, at(18))
    move_to(night, at(18, day=17))
    assert [each.subject for each in as_findings(read(night))] == [str(DAY)]
    move_to(night, at(18, day=18))
    assert as_findings(read(night)) == ()
    latency = read(night)
    empty = replace(latency.dates[0], game_date=latency.last_date, due=0)
    assert as_findings(replace(latency, dates=(empty,))) == ()
