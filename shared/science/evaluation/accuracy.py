"""Errors of a point forecast. All over rows where both are known; None without such a row."""

from __future__ import annotations

from math import sqrt

import numpy as np

from shared.science.evaluation.arrays import Floats, mean_of_known


def mean_absolute_error(predicted: Floats, actual: Floats) -> float | None:
    """Mean of |predicted - actual| in points over rows where both are known; None without such a
    row.
    """
    return mean_of_known(np.abs(predicted - actual))


def root_mean_squared_error(predicted: Floats, actual: Floats) -> float | None:
    """Root of the mean of (predicted - actual)^2, in points."""
    squared = mean_of_known((predicted - actual) ** 2)
    return None if squared is None else sqrt(squared)


def bias(predicted: Floats, actual: Floats) -> float | None:
    """Mean of predicted minus actual in points; positive: predicts too many."""
    return mean_of_known(predicted - actual)
