"""The distribution of every statistic: whole counts from 0, exact where they are small."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nba.stats import STATS, Stat
from shared.science.predictions import lines
from shared.science.systems.distribution import (
    Variance,
    cumulative,
    fit_variance,
    median,
    over_and_push,
    start_variance,
    survival,
)
from shared.science.systems.output import point_forecast

EVERY = pytest.mark.parametrize("stat", STATS.values(), ids=lambda stat: stat.name)
THREES = STATS["threes"]


def chances(mean: float, variance: float, stat: Stat, highest: int = 250) -> np.ndarray:
    """P(X = k) for k = 0..highest."""
    table = cumulative(np.array([mean]), np.array([variance]), highest, stat)[0]
    return np.diff(np.concatenate([[0.0], table]))


@EVERY
@pytest.mark.parametrize("share", [0.05, 0.5, 1.0, 2.5])
def test_the_chances_of_all_counts_add_up_to_one_and_none_is_negative(stat: Stat, share: float) -> None:
    mean = share * stat.usual
    [variance] = start_variance(stat).of(np.array([mean]), stat)
    found = chances(mean, variance, stat)
    assert found.min() >= -1e-12
    assert found.sum() == pytest.approx(1.0, abs=1e-9)
    assert survival(np.array([mean]), np.array([variance]), np.array([-1.0]), stat)[0] == 1.0, "none is below 0"


@EVERY
def test_mean_and_variance_are_those_asked_for_where_little_would_lie_below_nothing(stat: Stat) -> None:
    mean = 2.5 * stat.usual
    [variance] = start_variance(stat).of(np.array([mean]), stat)
    k, found = np.arange(251.0), chances(mean, variance, stat)
    assert float((k * found).sum()) == pytest.approx(mean, rel=0.01)
    assert float(((k - mean) ** 2 * found).sum()) == pytest.approx(variance, rel=0.03)


@given(st.floats(0.05, 6.0), st.floats(1.05, 3.0))
def test_without_a_shift_counts_are_a_plain_negative_binomial(mean: float, dispersion: float) -> None:
    """P(0) is (mean / variance) ^ size, and every other count follows by its formula."""
    plain = replace(THREES, shift=0.0)
    variance = mean * dispersion
    size, p = mean * mean / (variance - mean), 1.0 / dispersion
    found = chances(mean, variance, plain, 12)
    for k in (0, 1, 2, 5, 12):
        exact = exp(lgamma(k + size) - lgamma(size) - lgamma(k + 1) + size * log(p) + k * log(1 - p))
        assert found[k] == pytest.approx(exact, abs=1e-9)


def test_who_hardly_shoots_threes_mostly_makes_none() -> None:
    few, many = 0.2, 4.0
    variance = start_variance(THREES).of(np.array([few, many]), THREES)
    none = [float(chances(mean, each, THREES)[0]) for mean, each in zip((few, many), variance, strict=True)]
    assert none[0] > 0.78
    assert none[1] < 0.05
    over, push = over_and_push(np.array([few]), variance[:1], np.array([0.5]), THREES)
    assert over[0] == pytest.approx(1 - none[0])
    assert push[0] == 0.0
    _, at_nothing = over_and_push(np.array([few]), variance[:1], np.array([0.0]), THREES)
    assert at_nothing[0] == pytest.approx(none[0]), "a whole line of 0 is a push where he makes none"


@EVERY
def test_at_the_median_over_and_under_are_equally_likely_up_to_the_highest_line(stat: Stat) -> None:
    """Each whole number is spread over half a one to either side: of that at the median a part lies
    below. Of who is expected to have next to nothing, more than half lies at 0.
    """
    means = np.linspace(0.3 * stat.usual, 0.8 * stat.most, 60)
    for width in (0.7, 1.0, 1.5):
        variance = width * start_variance(stat).of(means, stat)
        at = median(means, variance, stat)
        whole = np.floor(at + 0.5)
        below = np.array(
            [
                np.concatenate([[0.0], cumulative(means[[row]], variance[[row]], int(k), stat)[0]])[-2:]
                for row, k in enumerate(whole)
            ]
        )
        part = at + 0.5 - whole
        at_median = below[:, 0] + part * (below[:, 1] - below[:, 0])
        inside = at > 0.0
        np.testing.assert_allclose(at_median[inside], 0.5, atol=1e-9, err_msg=f"{stat.name} {width}")
        assert (at_median[~inside] >= 0.5).all()
        assert (at < means).all(), "statistics are skewed to the right"


@EVERY
def test_what_is_said_rises_with_the_mean_and_is_never_below_nothing(stat: Stat) -> None:
    means = np.linspace(stat.lowest_mean, 2.5 * stat.usual, 400)
    forecast = point_forecast(means, np.sqrt(start_variance(stat).of(means, stat)), stat)
    assert forecast.min() >= 0.0
    assert np.diff(forecast).min() >= -1e-6
    assert forecast[-1] > 0.8 * means[-1]


@EVERY
def test_no_tested_line_is_below_a_half(stat: Stat) -> None:
    for main in ("0.5", "1.0", "1.5", "2.5", "24.5"):
        tested = [float(line) for line in lines.tested_lines(Decimal(main), stat)]
        assert tested == [float(main) + step for step in (-2, -1, 0, 1, 2) if float(main) + step >= 0.5]


@EVERY
def test_the_fitted_spread_is_that_of_the_data(stat: Stat) -> None:
    """Of the usual players: further down the floor at 0 takes some of the spread away."""
    random = np.random.default_rng(3)
    truth = Variance(1.2 * stat.variance[0], 1.2 * stat.variance[1])
    mean = random.uniform(1.2 * stat.usual, 3.0 * stat.usual, 20_000)
    variance = truth.of(mean, stat)
    shifted = mean + stat.shift
    drawn = random.negative_binomial(shifted**2 / (variance - shifted), shifted / variance)
    fitted = fit_variance(mean, np.maximum(drawn - stat.shift, 0.0), stat)
    middle = np.array([2.0 * stat.usual])
    assert fitted.of(middle, stat)[0] == pytest.approx(truth.of(middle, stat)[0], rel=0.06)
    assert fit_variance(mean[:50], drawn[:50].astype(np.float64), stat) == start_variance(stat)
