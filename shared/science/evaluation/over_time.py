"""How figures run through a season, with the bootstrap's interval at each day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.science.evaluation.arrays import Days, Floats
from shared.science.evaluation.bootstrap import FEWEST_DAYS, LEVEL, DayBootstrap

WINDOW_DAYS = 14


@dataclass(frozen=True)
class Curve:
    """A figure at each day, with a pointwise 95% interval (not one for the whole curve); arrays of
    one length.
    """

    day: Days
    value: Floats
    low: Floats
    high: Floats


def rolling_mean(values: Floats, days: DayBootstrap, window: int = WINDOW_DAYS) -> Curve:
    """Mean of the known values of the last `window` calendar days, at each day that ends a whole
    window.

    Days whose window has known values of fewer than FEWEST_DAYS days are left out.
    """
    count, total = days.per_day((~np.isnan(values)).astype(np.float64)), days.per_day(values)
    start = np.searchsorted(days.days, days.days - np.timedelta64(window - 1, "D"))
    stop = np.arange(len(days.days)) + 1
    played = _within((count > 0).astype(np.float64), start, stop)
    whole = days.days - days.days[:1] >= np.timedelta64(window - 1, "D")
    at = np.flatnonzero(whole & (played >= FEWEST_DAYS))
    start, stop = start[at], stop[at]
    drawn = _within(days.weights * count, start, stop)
    # In a resample a window may be empty, whose mean nobody knows.
    means = np.where(drawn > 0, _within(days.weights * total, start, stop) / np.maximum(drawn, 1.0), np.nan)
    low, high = _quantiles(means)
    return Curve(days.days[at], _within(total, start, stop) / _within(count, start, stop), low, high)


def cumulative(values: Floats, days: DayBootstrap) -> Curve:
    """Sum of the known values (units won) up to each day, itself included."""
    total = days.per_day(values)
    low, high = _quantiles(np.cumsum(days.weights * total, axis=1))
    return Curve(days.days, np.cumsum(total), low, high)


def _within(per_day: Floats, start: np.ndarray, stop: np.ndarray) -> Floats:
    """Sums over [start, stop) of the last axis."""
    until = np.concatenate([np.zeros((*per_day.shape[:-1], 1)), np.cumsum(per_day, axis=-1)], axis=-1)
    result: Floats = until[..., stop] - until[..., start]
    return result


def _quantiles(drawn: Floats) -> tuple[Floats, Floats]:
    if drawn.shape[1] == 0:
        return np.empty(0), np.empty(0)
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high
