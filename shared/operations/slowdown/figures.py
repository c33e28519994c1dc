"""Figures of how long executions take: means, quantiles, and how much they vary by themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from shared.operations.slowdown.executions import Execution

# What the median absolute deviation of a normal distribution is to be multiplied by to give its
# standard deviation: 1 / 0.6745 (Hampel, "The influence curve and its role in robust estimation",
# Journal of the American Statistical Association 69, 1974).
_MAD_TO_SD = 1.4826
_LEAST_FOR_SPREAD = 3


@dataclass(frozen=True)
class Usual:
    """What executions took on the mean, or in the middle."""

    runs: int
    seconds: float
    rows: float

    def fair_seconds(self, rows: float) -> float:
        """Seconds that so many rows may take: more rows than usual take more at most in proportion,
        and fewer rows are allowed the usual ones.
        """
        return self.seconds * max(1.0, rows / self.rows) if self.rows > 0 else self.seconds


def usual(executions: Sequence[Execution]) -> Usual:
    """Mean seconds and rows. Raises statistics.StatisticsError where there are none."""
    return Usual(len(executions), fmean(each.seconds for each in executions), fmean(each.rows for each in executions))


def spread(executions: Sequence[Execution]) -> float:
    """How much executions vary by themselves: the standard deviation of the logarithm of their
    seconds beside the fair ones, from the median absolute deviation, so that a few slow ones do not
    count. 0 of fewer than 3.
    """
    if len(executions) < _LEAST_FOR_SPREAD:
        return 0.0
    found = usual(executions)
    logs = [math.log(each.seconds / found.fair_seconds(each.rows)) for each in executions]
    middle = median(logs)
    return _MAD_TO_SD * median(abs(each - middle) for each in logs)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share (0 to 1) of the values lies, interpolated between neighbours:
    definition 7 of Hyndman and Fan, "Sample quantiles in statistical packages", The American
    Statistician 50, 1996.

    Raises ValueError where there are no values, or for another share.
    """
    if not values or not 0 <= share <= 1:
        raise ValueError(f"no quantile {share} of {len(values)} values")
    ordered = sorted(values)
    place = (len(ordered) - 1) * share
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
