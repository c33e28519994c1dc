"""Which executions are slow: planted ones are found, what only looks slow is not."""

from __future__ import annotations

import dataclasses
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.pipeline import WORKER
from shared.operations.levels import Level
from shared.operations.slowdown.executions import Execution
from shared.operations.slowdown.judging import LAST_DAYS, Slowdown, judge
from tests.unit.operations.slowdown.planted import LEASE, NOW, dead, execution, noisy, one_a_day, slower, steady

TIMEOUT = 540


def about(value: float) -> Any:
    return pytest.approx(value)


def verdict(executions: list[Execution], timeout: int | None = TIMEOUT) -> Slowdown:
    return judge(executions, timeout, NOW)


# --- the latest beside the 7 days before ----------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "level"),
    [(1.0, Level.GREEN), (1.9, Level.GREEN), (2.5, Level.YELLOW), (3.0, Level.YELLOW), (3.2, Level.RED)],
)
def test_the_latest_is_compared_with_the_seven_days_before(times: float, level: Level) -> None:
    found = verdict([*steady(40.0), execution(40.0 * times)])
    assert found.level == level
    assert found.times == pytest.approx(times)
    assert (found.mean_seconds, found.runs) == (40.0, 6), "the day a week ago is the seventh before"
    assert f"{times:.1f} times what 6 runs of the 7 days before took: 40.0 s" in found.says
    assert bool(found.next_step) == (level != Level.GREEN)


def test_two_runs_before_are_too_few_to_say_so() -> None:
    found = verdict([execution(10, 2), execution(10, 1), execution(400)])
    assert (found.level, found.times, found.mean_seconds) == (Level.GREEN, None, None)
    assert "2 runs in the 7 days before are too few to compare" in found.says
    assert verdict([execution(10, 3), execution(10, 2), execution(10, 1), execution(400)]).level == Level.RED


def test_more_than_a_week_ago_is_no_part_of_the_mean() -> None:
    found = verdict([*(execution(500, day) for day in range(20, 7, -1)), *steady(20.0, 6), execution(45)])
    assert found.times == pytest.approx(2.25)


def test_what_nobody_waits_for_is_not_slow() -> None:
    assert verdict([*steady(0.06), execution(0.6)]).level == Level.GREEN
    assert verdict([*steady(0.6), execution(2.0)]).level == Level.RED


def test_a_night_of_many_games_may_take_longer_in_proportion() -> None:
    usual = steady(20.0, rows=60)
    many = verdict([*usual, execution(85.0, rows=240)])
    assert (many.level, many.times) == (Level.GREEN, about(85 / 80))
    assert "for 60 rows, this one for 240" in many.says
    assert verdict([*usual, execution(220.0, rows=240)]).level == Level.YELLOW
    assert verdict([*usual, execution(65.0, rows=10)]).level == Level.RED, "fewer rows excuse nothing"


def test_a_function_at_rest_is_not_judged() -> None:
    found = verdict([*(execution(10, day) for day in (14, 13, 12, 11)), execution(500, 10)])
    assert (found.level, found.times, found.share) == (Level.GREEN, None, about(500 / 540))
    assert found.says.startswith("The latest run with work began at 2026-01-10 22:30 UTC.")


# --- the time-out ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "level"), [(400, "green"), (410, "yellow"), (540, "yellow"), (541, "red")])
def test_the_share_of_the_time_out_counts_however_usual_it_is(seconds: float, level: str) -> None:
    found = verdict([*steady(seconds), execution(seconds)])
    assert (found.level, found.share) == (level, about(seconds / 540))
    assert f"{seconds / 540:.0%} of its time-out of 540 s" in found.says


def test_a_batchs_workers_have_no_time_out_together() -> None:
    found = verdict([*steady(300, function=WORKER), execution(300, function=WORKER)], timeout=None)
    assert (found.level, found.share, found.timeout_seconds) == (Level.GREEN, None, None)


# --- 3 days against 7 -----------------------------------------------------------------------------


def test_three_slower_days_are_a_drift() -> None:
    days = [*(execution(40, day) for day in range(13, 2, -1)), *(execution(68, day) for day in (2, 1, 0))]
    found = verdict(days)
    mean = fmean([40] * 4 + [68] * 3)
    assert found.trend == pytest.approx(68 / mean - 1)
    assert found.level == Level.YELLOW
    assert "The mean of the last 3 days is 31% above that of the last 7." in found.says


def test_a_small_drift_is_none() -> None:
    assert verdict(
        [*(execution(40, day) for day in range(13, 2, -1)), *(execution(54, d) for d in (2, 1, 0))]
    ).level == (Level.GREEN)


def test_one_slow_run_is_no_drift_of_the_days_after_it() -> None:
    found = verdict([*steady(40.0)[:-2], execution(300, 2), execution(40, 1), execution(40)])
    assert found.trend is not None
    assert found.trend > 0.25
    assert found.level == Level.GREEN


# --- what looks like slow work and is none --------------------------------------------------------


def test_a_process_that_died_looks_eight_times_as_slow_and_is_not_slow() -> None:
    """Its row has the length of the lease: 570 s where the work takes 70."""
    found = verdict([*steady(70.0), dead(0.1), dead(0.0)])
    assert LEASE / 70 > 8
    assert (found.level, found.seconds, found.times) == (Level.GREEN, 70.0, about(1.0))
    assert (found.died, found.failed) == (2, 2)
    assert "2 executions in 7 days died or were cut off" in found.says
    assert found.next_step == ""


def test_a_process_that_died_is_in_no_mean() -> None:
    days = [*steady(70.0), *(dead(day + 0.5) for day in range(4))]
    assert verdict([*days, execution(175)]).times == pytest.approx(2.5)


def test_an_execution_taken_again_after_its_lease_took_as_long_as_its_work() -> None:
    found = verdict([*steady(70.0), execution(72, attempts=2, before=610)])
    assert (found.level, found.seconds, found.taken_again) == (Level.GREEN, 72.0, 1)
    assert found.seconds_before == pytest.approx(610)
    assert "1 attempt before it failed or died; 610 s until the last began are no work." in found.says


def test_starts_that_fail_at_once_make_the_next_run_no_slower() -> None:
    """A mean over failures of a tenth of a second would call every good run slow."""
    broken = [execution(0.1, day + 0.3, status="failed", error_type="ImportError") for day in range(6)]
    found = verdict([*steady(40.0), *broken, execution(41)])
    assert (found.level, found.mean_seconds, found.failed, found.died) == (Level.GREEN, 40.0, 6, 0)
    assert "6 executions in 7 days failed, which is no work." in found.says


@pytest.mark.parametrize("status", ["no_data", "skipped", "joined", "superseded", "failed"])
def test_what_did_no_work_is_neither_the_latest_nor_in_the_mean(status: str) -> None:
    idle = [execution(0.2, day + 0.4, status=status) for day in range(7)]
    found = verdict([*steady(40.0), *idle, execution(40), execution(0.2, -0.01, status=status)])
    assert (found.level, found.mean_seconds, found.seconds) == (Level.GREEN, 40.0, 40.0)


def test_a_batch_with_a_unit_taken_twice_is_not_compared() -> None:
    """The workers' row lasts from the first start to the last finish, a lease's wait included."""
    usual = steady(30.0, function=WORKER)
    found = verdict([*usual, execution(250, function=WORKER, attempts=2)], timeout=None)
    assert (found.level, found.seconds) == (Level.GREEN, 30.0)
    assert "The newest batch is not compared: a unit of it was taken 2 times." in found.says
    assert verdict([*usual, execution(250, function=WORKER)], timeout=None).level == Level.RED


def test_nothing_but_failures_is_said_and_not_slow() -> None:
    found = verdict([dead(1), dead(0)])
    assert (found.level, found.seconds, found.run_id) == (Level.GREEN, None, None)
    assert found.says.startswith("No execution did any work. 2 executions in 7 days died")


def test_a_clock_that_was_set_back_is_no_work() -> None:
    assert verdict([*steady(40.0), execution(-86_000), execution(41)]).times == pytest.approx(41 / 40)


def test_no_executions_are_refused() -> None:
    with pytest.raises(ValueError, match="no executions"):
        verdict([])


# --- noise ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wide", [0.05, 0.15, 0.25])
def test_a_noisy_normal_week_says_nothing(wide: float) -> None:
    loud = [seed for seed in range(100) if verdict(noisy(seed, 28, wide)).level != Level.GREEN]
    assert loud == []


def test_hardly_any_week_says_anything_however_noisy() -> None:
    loud = sum(verdict(noisy(seed, 28, 0.4)).level != Level.GREEN for seed in range(300))
    assert loud <= 6


def test_what_varies_a_lot_by_itself_has_wider_limits() -> None:
    """A run a day, a third of them over 1.6 times the median, as of a source outside."""
    found = [verdict(one_a_day(seed, 0.5)) for seed in range(400)]
    drifts = sum("The mean of the last 3 days" in each.says for each in found)
    loud = sum(each.level != Level.GREEN for each in found)
    assert drifts <= 4
    assert loud - drifts <= 8


def test_how_much_it_varies_is_not_taken_from_the_days_that_are_judged() -> None:
    before = [execution(40, day) for day in (6, 5, 4, 3)]
    seconds = (90, 160, 90, 200, 90, 160)
    found = verdict([*before, *(execution(each, (5 - place) / 2) for place, each in enumerate(seconds))])
    assert "The mean of the last 3 days is 39% above that of the last 7." in found.says


@pytest.mark.parametrize(("times", "least"), [(2.5, 50), (4.5, 97), (6.0, 100)])
def test_a_planted_slowdown_is_found_in_the_noise(times: float, least: int) -> None:
    """Not every one of 2.5 times: a night of 15 games is allowed nearly twice the usual."""
    found = 0
    for seed in range(100):
        days = noisy(seed, 28, 0.15)
        found += verdict([*days[:-1], *slower(days[-1:], times)]).level != Level.GREEN
    assert found >= least


@pytest.mark.parametrize(("times", "least"), [(2.0, 60), (3.0, 95)])
def test_a_planted_drift_is_found_in_the_noise(times: float, least: int) -> None:
    """Three days of seven are part of the mean they are compared with: 2 times are 40% above it."""
    found = 0
    for seed in range(100):
        days = noisy(seed, 28, 0.1)
        recent = [each for each in days if each.started_at > days[-1].started_at - LAST_DAYS]
        trend = verdict([*days[: -len(recent)], *slower(recent, times)])
        found += "The mean of the last 3 days" in trend.says
    assert found >= least


# --- whatever the rows ----------------------------------------------------------------------------

SECONDS = st.floats(0.5, 500, allow_nan=False)
EXECUTIONS = st.lists(
    st.builds(
        execution,
        SECONDS,
        st.integers(0, 280).map(lambda tenth: tenth / 10),
        status=st.sampled_from(["success", "partial", "failed", "no_data"]),
        rows=st.integers(0, 5_000),
        attempts=st.integers(1, 4),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda each: each.started_at,
)


@given(EXECUTIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(executions: list[Execution], random: object) -> None:
    shuffled = list(executions)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert verdict(shuffled) == verdict(executions)


@given(EXECUTIONS, st.sampled_from(["no_data", "failed"]))
def test_rows_without_work_change_no_verdict(executions: list[Execution], status: str) -> None:
    idle = [execution(0.1, day + 0.05, status=status) for day in range(1, 20)]
    without, among = verdict(executions), verdict([*executions, *idle])
    assert (without.level, without.times, without.trend) == (among.level, among.times, among.trend)


@given(EXECUTIONS, st.sampled_from([2.0, 4.0, 8.0]))
def test_slower_machines_are_compared_alike(executions: list[Execution], factor: float) -> None:
    """All seconds times a factor: the comparisons are the same, the time-out's share is not."""
    ours, theirs = verdict(executions), verdict(slower(executions, factor))
    assert theirs.times == (None if ours.times is None else pytest.approx(ours.times))
    assert theirs.trend == (None if ours.trend is None else pytest.approx(ours.trend, abs=1e-9))


@given(EXECUTIONS)
def test_a_slower_latest_run_is_never_judged_better(executions: list[Execution]) -> None:
    work = [each for each in executions if each.is_work]
    if not work:
        return
    latest = max(work, key=lambda each: each.started_at)
    worse = [dataclasses.replace(each, seconds=each.seconds * 10) if each is latest else each for each in executions]
    order = [Level.GREEN, Level.YELLOW, Level.RED]
    assert order.index(verdict(worse).level) >= order.index(verdict(executions).level)
