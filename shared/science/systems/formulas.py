"""The systems that are formulas, and what predictions, explanations and training ask of each.

A new one is a module beside these, its name in shared/science/systems/output.py, and a line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.science.systems import moving_average, similarity, zone_matchup
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.history import History
from shared.science.systems.output import MOVING_AVERAGE, SIMILARITY, ZONE_MATCHUP, SystemOutput


@dataclass(frozen=True)
class Formula:
    """One system; its functions take columns of n rows and the histories beside them.

    Attributes:
        features: the columns that it reads.
        mean_points: expected points float64[n], NaN where it cannot say any.
        contributions: name -> points float64[n], which add up to mean_points before its floor.
        predict: mean, spread and reason of each row.
    """

    system_id: str
    version: str
    features: tuple[str, ...]
    mean_points: Callable[[Features, History], Floats]
    contributions: Callable[[Features, History], Mapping[str, Floats]]
    predict: Callable[[Features, History, Variance, str], SystemOutput]


class _OfFeatures(Protocol):
    """A module whose formula needs no history."""

    def mean_points(self, features: Features) -> Floats: ...

    def contributions(self, features: Features) -> Mapping[str, Floats]: ...

    def predict(self, features: Features, variance: Variance, version: str) -> SystemOutput: ...


def _of_features(system_id: str, version: str, features: tuple[str, ...], module: _OfFeatures) -> Formula:
    return Formula(
        system_id,
        version,
        features,
        lambda columns, _: module.mean_points(columns),
        lambda columns, _: module.contributions(columns),
        lambda columns, _, variance, version: module.predict(columns, variance, version),
    )


FORMULAS: tuple[Formula, ...] = (
    _of_features(MOVING_AVERAGE, moving_average.VERSION, moving_average.FEATURES, moving_average),
    _of_features(ZONE_MATCHUP, zone_matchup.VERSION, zone_matchup.FEATURES, zone_matchup),
    Formula(
        SIMILARITY,
        similarity.VERSION,
        similarity.FEATURES,
        lambda features, history: similarity.mean_points(features, history),
        lambda features, history: similarity.contributions(features, history),
        lambda features, history, variance, version: similarity.predict(features, history, variance, version),
    ),
)
"""In BASE_SYSTEMS' order."""
