"""Which events belong to a day, and at which moment the lines of a past game are looked at."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.sources.odds import check_event_odds, check_events, events_of
from functions.phase1_scrape.sources.odds_history import cutoff
from tests.conftest import ROOT

SAMPLES = ROOT.parent / "shared" / "samples"


def event(number: int, begins: str) -> dict[str, Any]:
    return {"id": f"e{number}", "commence_time": begins, "home_team": "Utah Jazz", "away_team": "Miami Heat"}


def test_a_day_is_new_yorks_and_begun_games_are_left_out() -> None:
    listed = [
        event(1, "2025-11-15T03:30:00Z"),  # 22:30 New York on the 14th
        event(2, "2025-11-14T18:00:00Z"),
        event(3, "2025-11-15T05:00:00Z"),  # midnight: the 15th
        event(4, "2025-11-14T04:59:59Z"),  # the 13th
    ]
    day = date(2025, 11, 14)
    assert [found["id"] for found in events_of(listed, day)] == ["e2", "e1"]
    begun = datetime(2025, 11, 14, 18, 0, tzinfo=UTC)
    assert [found["id"] for found in events_of(listed, day, after=begun)] == ["e1"]
    assert len(events_of(listed, day, after=begun - timedelta(seconds=1))) == 2


def test_past_lines_are_looked_at_before_the_tip_off() -> None:
    day = date(2025, 11, 15)
    assert cutoff(day, datetime(2025, 11, 16, 0, 0, tzinfo=UTC)) == datetime(2025, 11, 15, 22, 30, tzinfo=UTC)
    matinee = datetime(2025, 11, 15, 18, 0, tzinfo=UTC)
    assert cutoff(day, matinee) == matinee - timedelta(seconds=1)


def test_in_summer_time_half_past_five_is_another_utc_hour() -> None:
    assert cutoff(date(2025, 4, 1), datetime(2025, 4, 2, 0, 0, tzinfo=UTC)).hour == 21


@pytest.fixture
def captured() -> dict[str, Any]:
    if not SAMPLES.is_dir():
        pytest.skip(f"needs the captured answers; {SAMPLES} is absent")
    return {path.stem: json.loads(path.read_text())["data"] for path in sorted(SAMPLES.glob("odds_*.json"))}


def test_the_captured_answers_are_accepted(captured: dict[str, Any]) -> None:
    check_events(captured["odds_events_historical_2025-03-09"])
    check_event_odds(captured["odds_event_odds_spreads_totals_2024-01-25"])
    found = events_of(captured["odds_events_historical_2025-03-09"], date(2025, 3, 9))
    assert len(found) == 6
    assert found[0]["home_team"] == "New Orleans Pelicans"


@pytest.mark.parametrize(
    "value",
    [
        {"message": "x"},
        [{"id": "1"}],
        [event(1, "2025-11-15T03:30:00")],
        [event(1, "tonight")],
        [event(1, "2025-11-15T03:30:00Z") | {"home_team": ""}],
        [None],
    ],
)
def test_what_are_no_events_is_refused(value: Any) -> None:
    with pytest.raises(WrongShape):
        check_events(value)


@pytest.mark.parametrize(
    "value", [[], {}, {"id": "1"}, {"id": "1", "bookmakers": [{}]}, {"id": "1", "bookmakers": [{"key": "a"}]}]
)
def test_what_are_no_event_odds_is_refused(value: Any) -> None:
    with pytest.raises(WrongShape):
        check_event_odds(value)
