"""Weeks and months by function, and regressions with the day they began."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest

from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.pipeline import load_pipeline
from shared.operations.api.as_json import as_json
from shared.operations.slowdown.executions import Execution
from shared.operations.slowdown.report import Report, find_regressions, read_report
from tests.support.stores import reset_counts
from tests.unit.operations.slowdown.planted import NOW, dead, execution, noisy, slower, steady, stores

PIPELINE = load_pipeline()
TODAY = new_york_date(NOW)  # a Tuesday, 2026-01-20


def read(folder: Path, executions: list[Execution], weeks: int) -> Report:
    with stores(folder, sorted(executions, key=lambda each: each.started_at)) as (runtime, warehouse):
        reset_counts(warehouse)
        found = read_report(runtime, PIPELINE, weeks)
        assert warehouse.statement_counts == {"query": 1}
        return found


def level(days: range, seconds: float, wide: float = 0.15, seed: int = 1) -> list[Execution]:
    """One a day, with noise."""
    random = Random(seed)
    return [execution(seconds * random.lognormvariate(0, wide), day) for day in days]


# --- weeks and months -----------------------------------------------------------------------------


def test_weeks_have_their_figures_and_the_change_since_the_week_before(tmp_path: Path) -> None:
    rows = [
        *(execution(seconds, 1) for seconds in (10, 20, 30, 40, 50)),
        *(execution(20, day) for day in range(2, 9)),
        execution(25, 0, attempts=2, before=610),
        execution(0.1, 0, status="failed"),
        dead(0.1),
        execution(0.2, 0, status="no_data"),
    ]
    report = read(tmp_path, rows, 2)
    newest, before = report.weeks
    assert (newest.starts_on, before.starts_on) == (date(2026, 1, 19), date(2026, 1, 12))
    assert (newest.function, newest.mode) == ("phase4_precompute", "same_day")
    assert (newest.runs, newest.worked, newest.failures, newest.taken_again) == (9, 6, 2, 1)
    assert newest.p50 == 27.5
    assert newest.p95 == pytest.approx(47.5)
    assert newest.change == pytest.approx(27.5 / 20 - 1)
    assert (before.runs, before.p50, before.p95, before.change) == (7, 20.0, 20.0, None)


def test_months_are_whole_whatever_the_weeks(tmp_path: Path) -> None:
    rows = [execution(20, day) for day in range(60)]
    report = read(tmp_path, rows, 1)
    assert report.first_date == date(2026, 1, 1)
    assert [(each.starts_on, each.runs) for each in report.weeks] == [(date(2026, 1, 19), 2)]
    assert [(each.starts_on, each.runs) for each in report.months] == [(date(2026, 1, 1), 20)]
    longer = read(tmp_path / "longer", rows, 3)
    assert [(each.starts_on, each.runs) for each in longer.months] == [(date(2026, 1, 1), 20), (date(2025, 12, 1), 31)]
    assert [each.runs for each in longer.weeks] == [2, 7, 7]


def test_a_week_without_runs_before_it_has_no_change(tmp_path: Path) -> None:
    report = read(tmp_path, [*(execution(20, day) for day in range(15, 22)), execution(30)], 4)
    assert [(each.starts_on.isoformat(), each.change) for each in report.weeks] == [
        ("2026-01-19", None),
        ("2026-01-05", pytest.approx(0.0)),
        ("2025-12-29", None),
    ]


def test_functions_and_modes_are_told_apart(tmp_path: Path) -> None:
    rows = [*steady(5.0, 1, mode="results"), *steady(40.0, 1), *steady(9.0, 1, function="phase1_scrape")]
    report = read(tmp_path, [*rows, *steady(1.0, 1, function="phase3_old")], 1)
    assert [(each.function, each.mode, each.p50) for each in report.weeks] == [
        ("phase1_scrape", "same_day", 9.0),
        ("phase4_precompute", "results", 5.0),
        ("phase4_precompute", "same_day", 40.0),
    ]


@pytest.mark.parametrize("weeks", [0, -1, 54])
def test_another_number_of_weeks_is_refused(tmp_path: Path, weeks: int) -> None:
    with stores(tmp_path, []) as (runtime, _), pytest.raises(DataError, match="ask for 1 to 53 weeks"):
        read_report(runtime, PIPELINE, weeks)


def test_a_report_is_json_and_an_empty_one_too(tmp_path: Path) -> None:
    assert json.loads(json.dumps(as_json(read(tmp_path, [], 4))))["regressions"] == []


# --- regressions ----------------------------------------------------------------------------------


def test_a_planted_regression_has_the_day_it_began(tmp_path: Path) -> None:
    rows = [*level(range(40, 12, -1), 40), *level(range(12, -1, -1), 68)]
    (found,) = read(tmp_path, rows, 5).regressions
    assert found.began_on == TODAY - timedelta(days=12)
    assert (found.ended_on, found.function, found.mode) == (None, "phase4_precompute", "same_day")
    assert found.times == pytest.approx(1.7, abs=0.2)
    assert found.run_id == execution(1, 12).run_id
    assert f"since {found.began_on}, {found.times:.1f} times" in found.says


def test_one_that_was_mended_has_its_end() -> None:
    (found,) = find_regressions(
        [*level(range(60, 40, -1), 40), *level(range(40, 20, -1), 80), *level(range(20, -1, -1), 40)]
    )
    assert (found.began_on, found.ended_on) == (TODAY - timedelta(days=40), TODAY - timedelta(days=20))
    assert f"from {found.began_on} to {found.ended_on}" in found.says


def test_two_steps_up_are_two_and_end_together() -> None:
    days = [(range(80, 60, -1), 20), (range(60, 40, -1), 40), (range(40, 20, -1), 80), (range(20, -1, -1), 20)]
    found = find_regressions([each for span, seconds in days for each in level(span, seconds, 0.05)])
    assert [(each.began_on, each.ended_on) for each in found] == [
        (TODAY - timedelta(days=60), TODAY - timedelta(days=20)),
        (TODAY - timedelta(days=40), TODAY - timedelta(days=20)),
    ]


def test_one_that_became_faster_is_none() -> None:
    assert find_regressions([*level(range(60, 30, -1), 80), *level(range(30, -1, -1), 40)]) == []


def test_a_clear_but_small_change_is_none() -> None:
    assert find_regressions([*level(range(60, 30, -1), 40, 0.02), *level(range(30, -1, -1), 46, 0.02)]) == []
    assert find_regressions([*level(range(60, 30, -1), 0.1, 0.02), *level(range(30, -1, -1), 0.3, 0.02)]) == []


def test_deaths_and_failures_are_no_regression() -> None:
    days = [*level(range(60, 30, -1), 70), *level(range(30, -1, -1), 70, seed=2)]
    died = [dead(day + 0.5) for day in range(15)]
    assert find_regressions(sorted([*days, *died], key=lambda each: each.started_at)) == []


def test_nights_of_more_games_are_no_regression() -> None:
    few = [replace(each, rows=60) for each in level(range(60, 30, -1), 20)]
    many = [replace(each, rows=180) for each in level(range(30, -1, -1), 50, seed=2)]
    assert find_regressions([*few, *many]) == []
    assert len(find_regressions([*few, *slower(many, 3)])) == 1


def test_noise_is_hardly_ever_one() -> None:
    assert sum(bool(find_regressions(noisy(seed, 60, 0.2))) for seed in range(200)) <= 2
    assert find_regressions([]) == []
