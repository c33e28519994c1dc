"""Intervals by resampling days, and curves over a season."""

from __future__ import annotations

import numpy as np
import pytest

from shared.science.evaluation import DayBootstrap, cumulative, hit_rate_interval, rolling_mean, wilson_interval


def dates(*offsets: int) -> np.ndarray:
    return np.datetime64("2025-10-21") + np.array(offsets).astype("timedelta64[D]")


def test_sums_of_days_leave_out_the_unknown() -> None:
    days = DayBootstrap(dates(2, 0, 2, 5), seed=1)
    assert list(days.days) == list(dates(0, 2, 5))
    assert list(days.per_day(np.array([1.0, 10.0, 3.0, np.nan]))) == [10.0, 4.0, 0.0]
    assert (days.weights.sum(axis=1) == 3.0).all(), "each resample draws as many days as there are"


def test_the_interval_holds_the_mean_and_is_as_wide_as_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(0.1, 2.0, 150)
    interval = DayBootstrap(dates(*range(150)), seed=1).mean_interval(values)
    assert interval is not None
    low, high = interval
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / np.sqrt(150), rel=0.05)


def test_ten_times_the_same_night_teaches_nothing_new() -> None:
    values = np.random.default_rng(3).normal(0.1, 2.0, 60)
    once = DayBootstrap(dates(*range(60)), seed=1).mean_interval(values)
    repeated = DayBootstrap(np.repeat(dates(*range(60)), 10), seed=1).mean_interval(np.repeat(values, 10))
    assert once is not None
    assert repeated == pytest.approx(once)


def test_the_same_seed_gives_the_same_interval_and_another_one_nearly() -> None:
    values = np.random.default_rng(3).normal(0.0, 1.0, 100)
    one, again, other = (DayBootstrap(dates(*range(100)), seed).mean_interval(values) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert one == pytest.approx(other, abs=0.05)


def test_days_that_differ_in_size_count_by_their_rows() -> None:
    # Every day's mean is 1 or 3; the mean of all rows is (5 * 1 + 5 * 3 * 3) / 20 = 2.5.
    day = np.concatenate([dates(0, 1, 2, 3, 4), np.repeat(dates(5, 6, 7, 8, 9), 3)])
    values = np.concatenate([np.full(5, 1.0), np.full(15, 3.0)])
    interval = DayBootstrap(day, seed=1).mean_interval(values)
    assert interval is not None
    assert interval[0] < 2.5 < interval[1] <= 3.0


@pytest.mark.parametrize(("known", "answers"), [(4, False), (5, True)])
def test_fewer_than_five_days_have_no_interval(known: int, answers: bool) -> None:
    values = np.full(30, np.nan)
    values[:known] = np.arange(known)
    assert (DayBootstrap(dates(*range(30)), seed=1).mean_interval(values) is not None) is answers


def resample(values: np.ndarray, day: np.ndarray, days: DayBootstrap) -> np.ndarray:
    """The mean of every resample whose rows are written out one by one, NaN where it has none that
    is known.
    """
    known = ~np.isnan(values)
    at = np.searchsorted(days.days, day)
    drawn = [np.repeat(values[known], weight[at[known]]) for weight in days.weights.astype(np.int64)]
    return np.array([rows.mean() if len(rows) else np.nan for rows in drawn])


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_the_interval_is_that_of_the_resamples_written_out(level: float) -> None:
    """Five rows of thirty are known: some resamples have none of them, some have one."""
    day, values = dates(*range(30)), np.full(30, np.nan)
    values[:5] = [3.0, 4.0, 6.0, 8.0, 20.0]
    days = DayBootstrap(day, seed=1)
    expected = np.nanquantile(resample(values, day, days), [(1 - level) / 2, (1 + level) / 2])
    assert days.mean_interval(values, level) == pytest.approx(tuple(expected))


def test_nobody_can_change_the_resamples_that_all_figures_share() -> None:
    with pytest.raises(ValueError, match="read-only"):
        DayBootstrap(dates(0, 1, 2), seed=1).weights[0, 0] = 7.0


def test_no_row_has_no_interval() -> None:
    assert DayBootstrap(dates(), seed=1).mean_interval(np.empty(0)) is None


def test_the_interval_of_a_hit_rate_is_never_narrower_than_wilsons() -> None:
    all_won = np.ones(6)
    wilson = wilson_interval(6, 6)
    assert wilson is not None
    assert hit_rate_interval(all_won, DayBootstrap(dates(*range(6)), seed=1)) == wilson
    together = np.repeat([1.0, 0.0] * 10, 20)  # whole nights win or lose
    nights = DayBootstrap(np.repeat(dates(*range(20)), 20), seed=1)
    wide, narrow = hit_rate_interval(together, nights), wilson_interval(200, 400)
    assert wide is not None
    assert narrow is not None
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


def test_a_rolling_mean_is_of_whole_windows_of_calendar_days() -> None:
    # Days 0..19 without 3; a window of 7 ends at 6 at the earliest: 0, 1, 2, 4, 5, 6.
    played = [day for day in range(20) if day != 3]
    values = np.array(played, dtype=np.float64)
    curve = rolling_mean(values, DayBootstrap(dates(*played), seed=1), window=7)
    assert list(curve.day) == list(dates(*range(6, 20)))
    assert curve.value[0] == pytest.approx((0 + 1 + 2 + 4 + 5 + 6) / 6)
    assert curve.value[-1] == pytest.approx(16.0)
    assert ((curve.low <= curve.value) & (curve.value <= curve.high)).all()
    few = rolling_mean(values[:4], DayBootstrap(dates(*played[:4]), seed=1), window=7)
    assert len(few.day) == len(few.low) == len(few.high) == 0


@pytest.mark.parametrize(("known", "answers"), [(4, False), (5, True)])
def test_a_window_with_fewer_than_five_days_of_known_values_is_left_out(known: int, answers: bool) -> None:
    values = np.full(7, np.nan)
    values[:known] = 1.0
    curve = rolling_mean(values, DayBootstrap(dates(*range(7)), seed=1), window=7)
    assert (len(curve.day) == 1) is answers


def test_the_interval_of_a_window_is_that_of_its_resamples_written_out() -> None:
    """Few days of many: some resamples draw none of the window's days, some draw one row."""
    day = np.repeat(dates(*range(60)), [1, 3, 1, 2, 1, *[1] * 55])
    values = np.random.default_rng(5).normal(10.0, 3.0, len(day))
    days = DayBootstrap(day, seed=1)
    curve = rolling_mean(values, days, window=5)
    expected = np.nanquantile(resample(np.where(day < dates(5), values, np.nan), day, days), [0.025, 0.975])
    assert (curve.low[0], curve.high[0]) == pytest.approx(tuple(expected))


def test_a_cumulative_curve_ends_at_the_sum_with_the_interval_of_a_sum() -> None:
    rng = np.random.default_rng(4)
    profit = rng.choice([0.9, -1.0, np.nan], size=3000, p=[0.4, 0.4, 0.2])
    day = np.repeat(dates(*range(60)), 50)
    days = DayBootstrap(day, seed=1)
    curve = cumulative(profit, days)
    assert curve.value[0] == pytest.approx(np.nansum(profit[:50]))
    assert curve.value[-1] == pytest.approx(np.nansum(profit))
    assert curve.low[-1] < curve.value[-1] < curve.high[-1]
    width = 2 * 1.96 * np.sqrt(60) * days.per_day(profit).std()
    assert curve.high[-1] - curve.low[-1] == pytest.approx(width, rel=0.1)
    sums = days.weights @ days.per_day(profit)
    assert [(sums < curve.low[-1]).mean(), (sums > curve.high[-1]).mean()] == pytest.approx([0.025, 0.025], abs=0.001)
