"""What every system returns: a mean, a spread and a reason for each row, or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import PipelineError
from shared.nba.stats import Stat
from shared.science.systems.columns import Floats
from shared.science.systems.distribution import median

T = TypeVar("T")

MOVING_AVERAGE = "moving_average"
ZONE_MATCHUP = "zone_matchup_v1"
SIMILARITY = "similarity_balanced_v1"
XGBOOST = "xgboost_v1"
ENSEMBLE = "ensemble_v1"
BASE_SYSTEMS = (MOVING_AVERAGE, ZONE_MATCHUP, SIMILARITY, XGBOOST)
SYSTEMS = (*BASE_SYSTEMS, ENSEMBLE)

# Figures are rounded like FLOAT64 columns everywhere.
DIGITS = 6

# The part of a figure that no circumstance moves: contributions(), which every system has, name it
# like the others.
BASE = "base"


class SystemFailed(Exception):
    """One system's code failed where the others may not: a defect, so it is none of our error
    tree.
    """

    def __init__(self, system_id: str, defect: Exception) -> None:
        super().__init__(f"{system_id}: {type(defect).__name__}: {defect}")
        self.system_id = system_id
        self.defect = defect


def run_named(system_id: str, work: Callable[[], T]) -> T:
    """What a system's work gives.

    Raises SystemFailed for a defect; errors of our tree stay themselves.
    """
    try:
        return work()
    except PipelineError:
        raise
    except Exception as defect:  # raised on with the system's name, by which its breaker counts it
        raise SystemFailed(system_id, defect) from defect


@dataclass(frozen=True)
class SystemOutput:
    """One system's answer for n rows; arrays and tuples are parallel to the rows.

    mean and sd (in the statistic's unit) of the predictive distribution are NaN exactly where
    error_code is set; forecast is its median, the number that is said: it lies on the side of a
    line that is the likelier one. reason says in words what the figure is made of.
    """

    system_id: str
    model_version: str
    mean: Floats
    sd: Floats
    forecast: Floats
    reason: tuple[str, ...]
    error_code: tuple[str | None, ...]
    error_message: tuple[str | None, ...]
    uses_market: NDArray[np.bool_]
    forecast_no_market: Floats


def point_forecast(mean: Floats, sd: Floats, stat: Stat) -> Floats:
    """Forecast a statistic from a mean and a spread in its unit: the median of both as they are
    stored.
    """
    return _round(median(_round(mean), _round(sd) ** 2, stat))


def _round(values: Floats) -> Floats:
    return np.asarray(np.round(values, DIGITS), dtype=np.float64)


def output(
    stat: Stat,
    system_id: str,
    model_version: str,
    mean: Floats,
    sd: Floats,
    reason: tuple[str, ...],
    error: tuple[str | Sequence[str | None], Sequence[str | None]],
    *,
    uses_market: NDArray[np.bool_] | None = None,
    forecast_no_market: Floats | None = None,
) -> SystemOutput:
    """A SystemOutput whose rows with a NaN mean carry error = (code of each row or of all, a
    sentence for each row).

    Mean and spread are rounded as they are stored, so that all that follows from them follows from
    the stored figures.
    """
    code, sentences = error
    codes = [code] * len(mean) if isinstance(code, str) else code
    failed = np.isnan(mean)
    mean = _round(mean)
    sd = _round(np.where(failed, np.nan, sd))
    forecast = point_forecast(mean, sd, stat)
    return SystemOutput(
        system_id=system_id,
        model_version=model_version,
        mean=mean,
        sd=sd,
        forecast=forecast,
        reason=tuple("" if bad else text for bad, text in zip(failed, reason, strict=True)),
        error_code=tuple(each if bad else None for bad, each in zip(failed, codes, strict=True)),
        error_message=tuple(text if bad else None for bad, text in zip(failed, sentences, strict=True)),
        uses_market=np.zeros(len(mean), dtype=bool) if uses_market is None else uses_market,
        forecast_no_market=forecast if forecast_no_market is None else forecast_no_market,
    )


def unavailable(stat: Stat, system_id: str, rows: int, code: str, sentence: str) -> SystemOutput:
    """The output of a system that can predict none of the rows."""
    nothing = np.full(rows, np.nan)
    return output(stat, system_id, "none", nothing, nothing, ("",) * rows, (code, (sentence,) * rows))
