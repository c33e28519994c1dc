"""The predictive distribution of a statistic: a shifted negative binomial, given by mean and
variance.

Statistics are counts whose variance exceeds their mean (Cameron & Trivedi, Regression Analysis of
Count Data, 3.3), so P(over) and P(push) of half and whole lines come from one discrete
distribution: X = max(0, N - shift) with N negative binomial of mean + shift and the same variance.
The shift is the statistic's (Stat.shift). Where it is no whole number, P(X <= k) is that of N at
k + shift by the beta function, which is defined between whole numbers too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.nba.stats import Stat
from shared.science.systems.columns import Floats

# Shifts. Points are less skewed than a plain negative binomial of their mean and variance: it puts
# P(X > mean) 2.6 points too low. On the rows of 2023-24 and 2024-25, out of sample, a shift of 3,
# 5, 8 and 12 leaves P(over) of the ensemble with market at its line 1.5, 1.0, 0.3 and -0.3 points
# too low, and the share above the median is 51.6, 51.0, 50.2 and 49.5% in the one season, 51.2,
# 50.4, 49.7 and 48.9% in the other. The price: small means come out a little higher. The
# others' were chosen on the same two seasons by log loss at the line and P(over) there: small
# numbers need little, since with more of it too few are 0.
# A negative binomial needs variance > mean; at this ratio it is as good as a Poisson.
LEAST_DISPERSION = 1.02
# The median lies at most this far below and above the mean's whole number.
_BELOW, _ABOVE = 4.0, 3.0
# Fewer rows say less about the spread than the start values, which come from three seasons.
ENOUGH_ROWS = 200


@dataclass(frozen=True)
class Variance:
    """Variance of a statistic as a straight line in its mean: intercept (unit^2) + slope (unit) *
    mean.
    """

    intercept: float
    slope: float

    def of(self, mean: Floats, stat: Stat) -> Floats:
        """Variances (unit^2) of means of the statistic."""
        return np.maximum(self.intercept + self.slope * mean, LEAST_DISPERSION * (mean + stat.shift))


def start_variance(stat: Stat) -> Variance:
    """What is used until training has fitted a system's own. Of points: fitted on the regular
    seasons 2019-20 to 2023-24, players with 10 games and 15 minutes (residuals of form).
    """
    return Variance(*stat.variance)


def fit_variance(mean: Floats, actual: Floats, stat: Stat) -> Variance:
    """The line through squared errors over means, weighted by 1 / variance^2 (a squared error's own
    spread).

    Two passes: weights from the start values, then from the first fit. Neither coefficient is
    negative. Rows with NaN are left out; fewer than ENOUGH_ROWS give start_variance.
    """
    good = ~(np.isnan(mean) | np.isnan(actual))
    if int(good.sum()) < ENOUGH_ROWS:
        return start_variance(stat)
    m, squared = mean[good], (actual[good] - mean[good]) ** 2
    fitted = start_variance(stat)
    for _ in range(2):
        weight = 1.0 / fitted.of(m, stat) ** 2
        centre_m, centre_s = np.average(m, weights=weight), np.average(squared, weights=weight)
        spread = np.average((m - centre_m) ** 2, weights=weight)
        slope = 0.0
        if spread > 0:
            slope = max(0.0, float(np.average((m - centre_m) * (squared - centre_s), weights=weight) / spread))
        intercept = float(centre_s - slope * centre_m)
        if intercept < 0:  # through the origin instead
            slope = float(np.average(m * squared, weights=weight) / np.average(m * m, weights=weight))
            intercept = 0.0
        fitted = Variance(intercept=intercept, slope=slope)
    return fitted


def survival(mean: Floats, variance: Floats, k: Floats, stat: Stat) -> Floats:
    """P(X > k) for whole k, 1 below 0. mean and variance in the unit and its square; arrays
    broadcast.

    For the negative binomial N the regularised incomplete beta function: P(N <= k) = I_p(r, k + 1),
    p = mean / variance, r = mean^2 / (variance - mean).
    """
    from scipy.special import betainc

    shifted = mean + stat.shift
    dispersed = np.maximum(variance, LEAST_DISPERSION * shifted)
    size = shifted * shifted / (dispersed - shifted)
    over = betainc(np.maximum(k, 0.0) + stat.shift + 1.0, size, 1.0 - shifted / dispersed)
    return np.where((k < 0) & ~np.isnan(over), 1.0, over)


def cumulative(mean: Floats, variance: Floats, highest: int, stat: Stat) -> Floats:
    """P(X <= k) for k = 0..highest: float64[n, highest + 1]."""
    return 1.0 - survival(mean[:, None], variance[:, None], np.arange(highest + 1.0)[None, :], stat)


def median(mean: Floats, variance: Floats, stat: Stat) -> Floats:
    """The line at which over and under are equally likely, float64[n]; NaN in, NaN out.

    Each whole number's probability is spread evenly over half a point to either side, so that the
    median moves without steps and tells 24.4 from 23.6. It lies below the mean (statistics are
    skewed to the right). The whole number next to it is the median of the counts, which alone has
    the smallest expected absolute error: docs/science.md says by how much.
    """
    first = np.floor(mean) - _BELOW
    steps = first[..., None] + np.arange(_BELOW + _ABOVE)
    below = 1.0 - survival(mean[..., None], variance[..., None], steps, stat)
    at = np.clip((below < 0.5).sum(axis=-1, keepdims=True), 1, steps.shape[-1] - 1)
    low, high = np.take_along_axis(below, at - 1, -1), np.take_along_axis(below, at, -1)
    start = np.take_along_axis(steps, at - 1, -1) + 0.5
    part = np.clip((0.5 - low) / np.maximum(high - low, np.finfo(np.float64).tiny), 0.0, 1.0)
    found = (start + part)[..., 0]
    return np.asarray(np.where(np.isnan(mean), np.nan, np.maximum(found, 0.0)))


def over_and_push(mean: Floats, variance: Floats, line: Floats, stat: Stat) -> tuple[Floats, Floats]:
    """P(X > line) and P(X = line); the latter is 0 for half lines.

    Arrays broadcast; NaN in, NaN out.
    """
    over = survival(mean, variance, np.floor(line), stat)
    whole = np.floor(line) == line
    push = np.where(whole, survival(mean, variance, np.floor(line) - 1.0, stat) - over, 0.0)
    return over, np.where(np.isnan(over), np.nan, push)
