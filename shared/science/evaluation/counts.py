"""Forecasts that are a whole distribution over 0, 1, 2, ... points: the score of all of it, and its
calibration.

A distribution is cdf, float64[n, K]: P(X <= k) for k = 0..K-1, taken as 1 beyond. actual is
float64[n], whole and not negative. Rows with NaN in either do not count.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from shared.science.evaluation.arrays import Floats, mean_of_known

PIT_BINS = 20


def continuous_ranked_probability_score(cdf: Floats, actual: Floats) -> float | None:
    """Mean over rows of sum over k of (F(k) - 1{actual <= k})^2, in points; of a sure forecast the
    absolute error.

    Gneiting & Raftery 2007, section 4.2; on counts the integral is this sum (Epstein's ranked
    probability score).
    """
    happened = actual[:, None] <= np.arange(cdf.shape[1])
    # Above the last column F is 1, so each whole number between there and the outcome costs 1.
    beyond = np.maximum(actual - cdf.shape[1], 0.0)
    return mean_of_known(((cdf - happened) ** 2).sum(axis=1) + beyond)


def probability_integral_transform(cdf: Floats, actual: Floats) -> tuple[Floats, Floats]:
    """F(actual - 1) and F(actual), each float64[n]: the stretch of probability that an outcome
    stands for.

    Spread evenly over it, outcomes of calibrated forecasts are uniform on [0, 1] (Czado, Gneiting &
    Held 2009: the PIT of counts without random numbers). NaN where the row does not count.
    """
    known = ~(np.isnan(actual) | np.isnan(cdf).any(axis=1))
    # A column of 0 in front and of 1 behind: F(-1), and F beyond the last column.
    padded = np.pad(np.clip(cdf, 0.0, 1.0), ((0, 0), (1, 1)), constant_values=((0.0, 0.0), (0.0, 1.0)))
    at = np.clip(np.where(known, actual, 0.0), 0, cdf.shape[1]).astype(np.int64)
    rows = np.arange(len(actual))
    low, high = padded[rows, at], padded[rows, at + 1]
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def interval_coverage(cdf: Floats, actual: Floats, level: float) -> float | None:
    """Share of outcomes within the central interval of `level` (0.8: from the 10% to the 90%
    quantile).

    Averages how much of each outcome's stretch of probability lies in the interval, so calibrated
    forecasts have exactly `level`; whole numbers as interval ends would always hold more than that.
    """
    low, high = probability_integral_transform(cdf, actual)
    return mean_of_known(_share_within(low, high, (1.0 - level) / 2.0, (1.0 + level) / 2.0))


def pit_histogram(cdf: Floats, actual: Floats, bins: int = PIT_BINS) -> Floats:
    """Share of the rows' probability in each of `bins` equal bins, adding up to 1; flat at 1 /
    bins: calibrated.

    A hump in the middle says too wide, high ends say too narrow, a slope biased. Zeros without a
    row.
    """
    low, high = probability_integral_transform(cdf, actual)
    edges = np.linspace(0.0, 1.0, bins + 1)
    shares = [mean_of_known(_share_within(low, high, a, b)) for a, b in pairwise(edges)]
    return np.array([0.0 if share is None else share for share in shares])


def _share_within(low: Floats, high: Floats, start: float, end: float) -> Floats:
    """How much of [low, high] lies in [start, end], 0 to 1; a stretch of no width (impossible
    outcome) is in or out.
    """
    width = high - low
    overlap = np.clip(np.minimum(high, end) - np.maximum(low, start), 0.0, None)
    # The last bin is closed, so that an outcome beyond the distribution's end is not lost.
    inside = (low >= start) & ((low < end) | (end >= 1.0))
    shares = np.where(width > 0, overlap / np.where(width > 0, width, 1.0), inside)
    return np.where(np.isnan(width), np.nan, shares)
