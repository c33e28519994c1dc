"""The arrays of the evaluation, and a mean over what is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Texts = NDArray[np.str_]
Days = NDArray[np.datetime64]
Mask = NDArray[np.bool_]


def mean_of_known(values: Floats) -> float | None:
    """Mean over the values that are not NaN; None without one."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
