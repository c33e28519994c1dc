"""The shifted negative binomial against direct sums, and its fitted spread against data drawn from a known one."""

from __future__ import annotations

from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.systems.distribution import SHIFT, START_VARIANCE, Variance, fit_variance, over_and_push, survival


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
    over, push = over_and_push(np.full(2, mean), np.full(2, variance), line)
    np.testing.assert_allclose(over, 1.0 - at_most, atol=1e-9)
    np.testing.assert_allclose(push, [probability(whole + shift, mean + shift, variance), 0.0], atol=1e-9)


def test_mean_and_variance_are_those_asked_for() -> None:
    k = np.arange(0, 400, dtype=float)
    tail = survival(np.full(400, 18.0), np.full(400, 52.0), k)
    pmf = np.diff(np.concatenate([[0.0], 1.0 - tail]))
    mean = float((k * pmf).sum())
    assert mean == pytest.approx(18.0, abs=0.01), "what would lie below 0 lies at 0"
    assert float(((k - mean) ** 2 * pmf).sum()) == pytest.approx(52.0, abs=0.2)
    assert pmf.min() >= 0.0
    assert tail[-1] == pytest.approx(0.0, abs=1e-12)


def test_a_higher_mean_or_a_lower_line_never_lowers_p_over_and_nan_stays_nan() -> None:
    means = np.linspace(0.1, 40, 200)
    over, _ = over_and_push(means, START_VARIANCE.of(means), np.full(200, 17.5))
    assert (np.diff(over) > 0).all()
    lines = np.arange(0.5, 50)
    by_line, _ = over_and_push(np.full(50, 18.0), np.full(50, 50.0), lines)
    assert (np.diff(by_line) < 0).all()
    nothing, push = over_and_push(np.array([np.nan]), np.array([np.nan]), np.array([20.0]))
    assert np.isnan(nothing).all()
    assert np.isnan(push).all()


def test_a_variance_below_the_mean_is_taken_as_nearly_poisson() -> None:
    over, _ = over_and_push(np.array([10.0]), np.array([2.0]), np.array([9.5]))
    shifted = 10.0 + SHIFT
    poisson = 1.0 - sum(exp(-shifted + k * log(shifted) - lgamma(k + 1)) for k in range(10 + int(SHIFT)))
    assert over[0] == pytest.approx(poisson, abs=0.01)


def test_the_fitted_spread_is_that_of_the_data_and_makes_probabilities_calibrated() -> None:
    truth = Variance(intercept=6.0, slope=2.5)
    random = np.random.default_rng(3)
    mean = random.uniform(9.0, 30.0, 40_000)
    variance = truth.of(mean)
    shifted = mean + SHIFT
    drawn = random.negative_binomial(shifted**2 / (variance - shifted), shifted / variance)
    actual = np.maximum(drawn - SHIFT, 0.0)
    fitted = fit_variance(mean, actual)
    for m in (10.0, 18.0, 28.0):
        assert fitted.of(np.array([m]))[0] == pytest.approx(truth.of(np.array([m]))[0], rel=0.05)
    line = np.floor(mean) + 3.5
    over, _ = over_and_push(mean, fitted.of(mean), line)
    assert float((actual > line).mean()) == pytest.approx(float(over.mean()), abs=0.01)


def test_few_rows_keep_the_start_values_and_coefficients_are_never_negative() -> None:
    assert fit_variance(np.full(50, 10.0), np.full(50, 12.0)) == START_VARIANCE
    mean = np.linspace(5, 25, 1000)
    shrinking = fit_variance(mean, mean + np.where(np.arange(1000) % 2 == 0, 1, -1) * (30 - mean))
    assert shrinking.slope == 0.0
    proportional = fit_variance(mean, mean + np.where(np.arange(1000) % 2 == 0, 1, -1) * mean)
    assert proportional.intercept >= 0.0
    assert proportional.slope > 0
