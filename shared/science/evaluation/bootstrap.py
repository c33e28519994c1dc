"""Intervals by resampling whole days: games of one night share referees' whistles, news and the
books' mood.

Efron & Tibshirani 1993, chapter 8 (the block is the night) and 13 (percentile interval).
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import numpy as np

from shared.science.evaluation.arrays import Days, Floats

RESAMPLES = 2000
LEVEL = 0.95
# Four days have 35 different resamples, so their 2.5% quantile would be the most extreme one.
FEWEST_DAYS = 5


class DayBootstrap:
    """Resamples of the days of some rows: the same ones for every figure, so figures can be
    compared.

    `day` is datetime64[D] of n rows; every `values` below is float64[n] in the same order, NaN
    where a row does not count. The same days and seed give the same intervals.
    """

    def __init__(self, day: Days, seed: int, resamples: int = RESAMPLES) -> None:
        self.days, self._of = np.unique(day, return_inverse=True)
        self._seed, self._resamples = seed, resamples

    @cached_property
    def weights(self) -> Floats:
        """How often each resample drew each day: float64[resamples, days]."""
        return _weights(len(self.days), self._seed, self._resamples)

    def per_day(self, values: Floats) -> Floats:
        """Sum of the known values of each day, float64[days]."""
        known = np.nan_to_num(values, nan=0.0)
        return np.bincount(self._of, weights=known, minlength=len(self.days)).astype(np.float64)

    def mean_interval(self, values: Floats, level: float = LEVEL) -> tuple[float, float] | None:
        """Of the mean of the known values, in their unit; None where they are of fewer than
        FEWEST_DAYS days.

        Covers a difference of absolute errors, a return (profits) and a hit rate (1 and 0) alike.
        """
        count = self.per_day((~np.isnan(values)).astype(np.float64))
        if int((count > 0).sum()) < FEWEST_DAYS:
            return None
        drawn = self.weights @ np.column_stack([self.per_day(values), count])
        some = drawn[:, 1] > 0  # a resample may have drawn only days without such a row
        low, high = np.quantile(drawn[some, 0] / drawn[some, 1], [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


@lru_cache(maxsize=8)
def _weights(days: int, seed: int, resamples: int) -> Floats:
    drawn = np.random.default_rng(seed).integers(days, size=(resamples, days))
    drawn += np.arange(resamples)[:, None] * days
    weights = np.bincount(drawn.ravel(), minlength=resamples * days).reshape(resamples, days).astype(np.float64)
    weights.flags.writeable = False
    return weights
