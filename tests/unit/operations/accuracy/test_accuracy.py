"""Systems beside the line and the season average, with figures worked out on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shared.core.errors import DataError
from shared.operations.accuracy.accuracy import WindowAccuracy, find_alarms, read_accuracy
from tests.pipeline.evening import row
from tests.support.prediction_tables import DAY, NOW, Evening, evening
from tests.support.stores import reset_counts

ACCURACY = "nba_predictions.prediction_accuracy"
PERFORMANCE = "nba_predictions.system_daily_performance"
MONDAY = date(2025, 11, 10)
ENSEMBLE = "ensemble_v1"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Evening]:
    with evening(tmp_path / "state") as found:
        yield found


def grade(player: int, predicted: float, actual: int | None, **changes: Any) -> dict[str, Any]:
    """A main line of 20.5, a season average of 18."""
    values = {
        "game_date": DAY, "game_id": "0022500201", "player_id": player, "player_lookup": f"p{player}",
        "stat": "points", "system_id": ENSEMBLE, "line_value": Decimal("20.5"), "line_kind": "main",
        "predicted": predicted, "actual": actual, "recommendation": "PASS", "outcome": "pass", "p_over": 0.44,
        "p_push": 0.0, "suspicious": False, "graded_at": NOW,
    }  # fmt: skip
    if actual is not None:
        values |= {
            "error": predicted - actual,
            "line_error": 20.5 - actual,
            "season_average": 18.0,
            "season_average_error": 18.0 - actual,
        }
    return row(ACCURACY, **{**values, **changes})


def window(name: str, **changes: Any) -> dict[str, Any]:
    values = {
        "game_date": DAY, "window_name": name, "stat": "points", "system_id": ENSEMBLE, "n": 600, "mae": 4.9,
        "line_mae": 5.0, "season_avg_mae": 5.4, "bets": 100, "wins": 52, "hit_rate": 0.52, "graded_at": NOW,
    }  # fmt: skip
    return row(PERFORMANCE, **{**values, **changes})


def test_a_week_is_on_the_same_rows_for_all_three(opened: Evening) -> None:
    opened.add(
        ACCURACY,
        [
            grade(1, 22.0, 24, recommendation="OVER", outcome="win"),  # errors -2, -3.5, -6
            grade(2, 19.0, 15, recommendation="OVER", outcome="loss", game_date=MONDAY),  # 4, 5.5, 3
            grade(3, 21.0, 30, season_average=None, season_average_error=None),  # no average: in no figure
            grade(4, 21.0, None, outcome="void"),
            grade(5, 90.0, 10, suspicious=True),
            grade(6, 90.0, 10, line_kind="alternate"),
            grade(7, 20.0, 21, game_date=MONDAY - timedelta(days=1)),  # another week
            grade(8, 20.0, 21, game_date=MONDAY - timedelta(weeks=7, days=1)),  # before the first of eight
        ],
    )
    before, week = read_accuracy(opened.runtime, 8).weeks
    assert (week.starts_on, week.system, week.n, week.bets, week.wins) == (MONDAY, ENSEMBLE, 2, 2, 1)
    assert (week.mae, week.bias) == (3.0, 1.0)
    assert (week.line_mae, week.season_average_mae) == (4.5, 4.5)
    assert (before.starts_on, before.n) == (MONDAY - timedelta(weeks=1), 1)


def test_calibration_is_given_no_push_and_in_ten_bins(opened: Evening) -> None:
    opened.add(
        ACCURACY,
        [
            grade(1, 20.0, 24, p_over=0.44),
            grade(2, 20.0, 15, p_over=0.40, p_push=0.2),  # 0.5 given no push
            grade(3, 20.0, 25, p_over=0.58),
            grade(4, 20.0, 25, p_over=1.0),
            grade(5, 20.0, 20, p_over=0.5, line_value=Decimal("20.0")),  # a push
            grade(6, 20.0, 25, p_over=None),
        ],
    )
    found = [(each.bin, each.n, each.chance, each.overs) for each in read_accuracy(opened.runtime, 1).calibration]
    assert found == [
        (4, 1, 0.44, 1.0),
        (5, 2, pytest.approx(0.54), 0.5),
        (9, 1, 1.0, 1.0),
    ]


def test_windows_are_those_of_the_last_graded_date_from_the_longest(opened: Evening) -> None:
    names = ("7_days", "day", "season", "30_days")
    opened.add(PERFORMANCE, [window(name) for name in names])
    opened.add(PERFORMANCE, [window("season", game_date=DAY - timedelta(days=1), n=1)])
    found = read_accuracy(opened.runtime, 8)
    assert found.graded_to == DAY
    assert [each.window for each in found.windows] == ["season", "30_days", "7_days", "day"]
    assert {each.n for each in found.windows} == {600}
    assert found.alarms == ()


def test_what_is_too_good_to_be_true_is_said(opened: Evening) -> None:
    opened.add(PERFORMANCE, [window("season", mae=3.9), window("day", mae=3.9, n=120)])
    found = read_accuracy(opened.runtime, 8)
    [sentence] = found.alarms
    assert sentence.startswith("ensemble_v1 on points, season: a mean absolute error of 3.900 on 600 rows")
    fine = replace(found.windows[0], mae=4.9)
    assert isinstance(fine, WindowAccuracy)
    assert find_alarms([fine]) == []


def test_statistics_are_never_in_one_figure(opened: Evening) -> None:
    """Of one system, week and tenth of probability; points come first, whatever a statistic's
    name.
    """
    other = {"stat": "assists", "line_value": Decimal("5.5")}
    opened.add(
        ACCURACY,
        [
            grade(1, 22.0, 24, recommendation="OVER", outcome="win"),
            grade(1, 5.0, 6, line_error=-0.5, season_average_error=-2.0, recommendation="OVER", outcome="win", **other),
            grade(2, 8.0, 5, line_error=0.5, season_average_error=1.0, recommendation="OVER", outcome="loss", **other),
        ],
    )
    # 1.5 of assists is no alarm, and so many bets won are
    unlike = {"mae": 1.5, "line_mae": 1.6, "bets": 600, "wins": 390, "hit_rate": 0.65}
    opened.add(PERFORMANCE, [window("season", stat="assists", **unlike), window("season"), window("day")])
    found = read_accuracy(opened.runtime, 1)
    assert found.stats == ("points", "assists")
    assert [(each.stat, each.n, each.mae, each.line_mae, each.bets, each.wins) for each in found.weeks] == [
        ("points", 1, 2.0, 3.5, 1, 1), ("assists", 2, 2.0, 0.5, 2, 1),
    ]  # fmt: skip
    assert [(each.stat, each.window) for each in found.windows] == [
        ("points", "season"), ("points", "day"), ("assists", "season"),
    ]  # fmt: skip
    assert [(each.stat, each.bin, each.n, each.overs) for each in found.calibration] == [
        ("points", 4, 1, 1.0), ("assists", 4, 2, 0.5),
    ]  # fmt: skip
    [sentence] = found.alarms
    assert sentence.startswith("ensemble_v1 on assists, season: a hit rate of 65.0%")


def test_one_statistic_is_shown_and_the_others_are_named_with_their_alarms(opened: Evening) -> None:
    opened.add(ACCURACY, [grade(1, 22.0, 24), grade(1, 5.0, 6, stat="assists")])
    opened.add(PERFORMANCE, [window("season", mae=3.9), window("season", stat="assists")])
    found = read_accuracy(opened.runtime, 1, "assists")
    assert [each.stat for each in found.windows] == ["assists"]
    assert [each.stat for each in found.weeks] == ["assists"]
    assert [each.stat for each in found.calibration] == ["assists"]
    assert (found.stats, len(found.alarms)) == (("points", "assists"), 1)
    with pytest.raises(DataError, match=r"'goals' is no statistic.* ask for one of points, "):
        read_accuracy(opened.runtime, 1, "goals")


def test_two_statements_and_no_grades(opened: Evening) -> None:
    reset_counts(opened.warehouse)
    found = read_accuracy(opened.runtime, 53)
    assert opened.warehouse.statement_counts == {"query": 2}
    assert (found.windows, found.weeks, found.graded_to) == ((), (), None)
    with pytest.raises(DataError, match="54 weeks"):
        read_accuracy(opened.runtime, 54)
