"""The shifted negative binomial against direct sums, and its fitted spread against data drawn from
a known one.
"""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.nba.stats import POINTS
from shared.science.systems.distribution import (
    Variance,
    cumulative,
    fit_variance,
    median,
    over_and_push,
    start_variance,
    survival,
)

SHIFT = POINTS.shift
START_VARIANCE = start_variance(POINTS)


def probability(k: int, mean: float, variance: float) -> float:
    """P(N = k) of a negative binomial from the definition with gamma functions."""
    size = mean * mean / (variance - mean)
    p = mean / variance
    return exp(lgamma(k + size) - lgamma(size) - lgamma(k + 1) + size * log(p) + k * log(1 - p))


@given(st.floats(0.5, 40.0), st.floats(1.1, 6.0), st.integers(1, 60))
def test_over_and_push_are_the_sums_of_the_distribution(mean: float, dispersion: float, whole: int) -> None:
    shift = int(SHIFT)
    variance = (mean + shift) * dispersion
    at_most = sum(probability(k, mean + shift, variance) for k in range(whole + shift + 1))
    line = np.array([float(whole), whole + 0.5])
    over, push = over_and_push(np.full(2, mean), np.full(2, variance), line, POINTS)
    np.testing.assert_allclose(over, 1.0 - at_most, atol=1e-9)
    np.testing.assert_allclose(push, [probability(whole + shift, mean + shift, variance), 0.0], atol=1e-9)


def test_mean_and_variance_are_those_asked_for() -> None:
    k = np.arange(0, 400, dtype=float)
    tail = survival(np.full(400, 18.0), np.full(400, 52.0), k, POINTS)
    pmf = np.diff(np.concatenate([[0.0], 1.0 - tail]))
    mean = float((k * pmf).sum())
    assert mean == pytest.approx(18.0, abs=0.01), "what would lie below 0 lies at 0"
    assert float(((k - mean) ** 2 * pmf).sum()) == pytest.approx(52.0, abs=0.2)
    assert pmf.min() >= 0.0
    assert tail[-1] == pytest.approx(0.0, abs=1e-12)


def test_a_higher_mean_or_a_lower_line_never_lowers_p_over_and_nan_stays_nan() -> None:
    means = np.linspace(0.1, 40, 200)
    over, _ = over_and_push(means, START_VARIANCE.of(means, POINTS), np.full(200, 17.5), POINTS)
    assert (np.diff(over) > 0).all()
    lines = np.arange(0.5, 50)
    by_line, _ = over_and_push(np.full(50, 18.0), np.full(50, 50.0), lines, POINTS)
    assert (np.diff(by_line) < 0).all()
    nothing, push = over_and_push(np.array([np.nan]), np.array([np.nan]), np.array([20.0]), POINTS)
    assert np.isnan(nothing).all()
    assert np.isnan(push).all()


# --- the number that is said ----------------------------------------------------------------------


def test_cumulative_is_the_sum_of_the_distribution() -> None:
    found = cumulative(np.array([18.0, np.nan]), np.array([52.0, 52.0]), 60, POINTS)
    assert found.shape == (2, 61)
    shift = int(SHIFT)
    for k in (0, 7, 18, 60):
        at_most = sum(probability(j, 18.0 + shift, 52.0) for j in range(k + shift + 1))
        assert found[0, k] == pytest.approx(at_most, abs=1e-9)
    assert np.isnan(found[1]).all()


@given(st.floats(0.1, 45.0), st.floats(0.6, 2.0))
def test_at_the_median_over_and_under_are_equally_likely(mean: float, spread: float) -> None:
    """Each whole number is spread over half a point to either side: of the one at the median a part
    lies below.
    """
    means = np.array([mean])
    variance = spread * START_VARIANCE.of(means, POINTS)
    at = float(median(means, variance, POINTS)[0])
    whole = np.floor(at + 0.5)
    part = at + 0.5 - whole
    table = np.concatenate([[0.0], cumulative(means, variance, int(whole), POINTS)[0]])
    below = table[-2] + part * (table[-1] - table[-2])
    assert below == pytest.approx(0.5, abs=1e-9)


@given(st.floats(0.1, 45.0), st.integers(0, 45))
def test_the_median_lies_on_the_side_of_a_half_line_that_is_the_likelier(mean: float, whole: int) -> None:
    means = np.array([mean])
    over, _ = over_and_push(means, START_VARIANCE.of(means, POINTS), np.array([whole + 0.5]), POINTS)
    at = median(means, START_VARIANCE.of(means, POINTS), POINTS)[0]
    assert (at > whole + 0.5) == (over[0] > 0.5) or at == pytest.approx(whole + 0.5, abs=1e-9)


def test_the_median_lies_below_the_mean_rises_with_it_without_steps_and_nan_stays_nan() -> None:
    means = np.linspace(2.0, 45.0, 4301)
    found = median(means, START_VARIANCE.of(means, POINTS), POINTS)
    assert (found < means).all(), "points are skewed to the right"
    assert (means - found).max() < 2.0
    assert np.diff(found).min() > 0.0
    assert np.diff(found).max() < 0.02
    assert np.isnan(median(np.array([np.nan]), np.array([np.nan]), POINTS)).all()
    assert median(np.array([0.1]), np.array([5.2]), POINTS)[0] >= 0.0


def test_no_number_has_a_smaller_expected_absolute_error() -> None:
    """Among half points, of drawn points; the mean's is larger."""
    random = np.random.default_rng(11)
    mean, variance = np.array([14.0]), np.array([60.0])
    shifted = 14.0 + SHIFT
    drawn = np.maximum(random.negative_binomial(shifted**2 / (60.0 - shifted), shifted / 60.0, 200_000) - SHIFT, 0.0)
    at = float(median(mean, variance, POINTS)[0])
    errors = {number: float(np.abs(drawn - number).mean()) for number in (at, 14.0, *np.arange(8.0, 20.0, 0.5))}
    assert errors[at] == pytest.approx(min(errors.values()), abs=0.01)
    assert errors[at] < errors[14.0] - 0.01


def test_a_variance_below_the_mean_is_taken_as_nearly_poisson() -> None:
    over, _ = over_and_push(np.array([10.0]), np.array([2.0]), np.array([9.5]), POINTS)
    shifted = 10.0 + SHIFT
    poisson = 1.0 - sum(exp(-shifted + k * log(shifted) - lgamma(k + 1)) for k in range(10 + int(SHIFT)))
    assert over[0] == pytest.approx(poisson, abs=0.01)


def test_the_fitted_spread_is_that_of_the_data_and_makes_probabilities_calibrated() -> None:
    truth = Variance(intercept=6.0, slope=2.5)
    random = np.random.default_rng(3)
    mean = random.uniform(14.0, 30.0, 40_000)  # below, the floor at 0 takes some of the spread away
    variance = truth.of(mean, POINTS)
    shifted = mean + SHIFT
    drawn = random.negative_binomial(shifted**2 / (variance - shifted), shifted / variance)
    actual = np.maximum(drawn - SHIFT, 0.0)
    fitted = fit_variance(mean, actual, POINTS)
    for m in (16.0, 20.0, 28.0):
        assert fitted.of(np.array([m]), POINTS)[0] == pytest.approx(truth.of(np.array([m]), POINTS)[0], rel=0.05)
    line = np.floor(mean) + 3.5
    over, _ = over_and_push(mean, fitted.of(mean, POINTS), line, POINTS)
    assert float((actual > line).mean()) == pytest.approx(float(over.mean()), abs=0.01)


def test_the_variance_is_the_weighted_line_through_squared_errors() -> None:
    """Twice numpy's own fit: weighted by what is known of each row's spread, then by what that
    says.
    """
    random = np.random.default_rng(11)
    mean = random.uniform(2.0, 30.0, 2000)
    actual = mean + random.normal(0.0, 1.0, 2000) * np.sqrt(30.0 + 0.08 * mean**2)
    usual = START_VARIANCE
    for _ in range(2):
        slope, intercept = np.polyfit(mean, (actual - mean) ** 2, 1, w=1.0 / usual.of(mean, POINTS))
        usual = Variance(float(intercept), float(slope))
    assert usual.slope > 0 < usual.intercept, "or the sign would decide"
    fitted = fit_variance(mean, actual, POINTS)
    assert [fitted.intercept, fitted.slope] == pytest.approx([usual.intercept, usual.slope], rel=1e-6)


def test_few_rows_keep_the_start_values_and_coefficients_are_never_negative() -> None:
    assert fit_variance(np.full(50, 10.0), np.full(50, 12.0), POINTS) == START_VARIANCE
    mean = np.linspace(5, 25, 1000)
    shrinking = fit_variance(mean, mean + np.where(np.arange(1000) % 2 == 0, 1, -1) * (30 - mean), POINTS)
    assert shrinking.slope == 0.0
    proportional = fit_variance(mean, mean + np.where(np.arange(1000) % 2 == 0, 1, -1) * mean, POINTS)
    assert proportional.intercept >= 0.0
    assert proportional.slope > 0
