"""The systems that are formulas, and what predictions, explanations and training ask of each.

A new one is a module beside these, its name in shared/science/systems/output.py, and a line here.
They speak of base statistics; sums.py makes a sum of its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.nba.stats import Stat
from shared.science.systems import moving_average, similarity, zone_matchup
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.history import History
from shared.science.systems.output import BASE_SYSTEMS, MOVING_AVERAGE, SIMILARITY, ZONE_MATCHUP, SystemOutput


@dataclass(frozen=True)
class Formula:
    """One system; its functions take columns of n rows, the histories beside them and the base
    statistic.

    Attributes:
        stats: names of the base statistics that it has something of its own to say of; None: all.
        features_of: the columns that it reads for a statistic.
        expect: what is expected, float64[n], NaN where it cannot say any.
        contributions: name -> float64[n], which add up to expect before its floor.
        predict: mean, spread and reason of each row.
    """

    system_id: str
    version: str
    stats: tuple[str, ...] | None
    features_of: Callable[[Stat], tuple[str, ...]]
    expect: Callable[[Features, History, Stat], Floats]
    contributions: Callable[[Features, History, Stat], Mapping[str, Floats]]
    predict: Callable[[Features, History, Variance, str, Stat], SystemOutput]

    def speaks_of(self, stat: Stat) -> bool:
        """Whether it has something of its own to say of the statistic; of a sum, of each part."""
        return self.stats is None or all(part in self.stats for part in stat.parts)


class _OfFeatures(Protocol):
    """A module whose formula needs no history."""

    VERSION: str

    def features_of(self, stat: Stat) -> tuple[str, ...]: ...

    def expect(self, features: Features, stat: Stat) -> Floats: ...

    def contributions(self, features: Features, stat: Stat) -> Mapping[str, Floats]: ...

    def predict(self, features: Features, variance: Variance, version: str, stat: Stat) -> SystemOutput: ...


def _of_features(system_id: str, module: _OfFeatures, stats: tuple[str, ...] | None = None) -> Formula:
    return Formula(
        system_id,
        module.VERSION,
        stats,
        module.features_of,
        lambda columns, _, stat: module.expect(columns, stat),
        lambda columns, _, stat: module.contributions(columns, stat),
        lambda columns, _, variance, version, stat: module.predict(columns, variance, version, stat),
    )


FORMULAS: tuple[Formula, ...] = (
    _of_features(MOVING_AVERAGE, moving_average),
    _of_features(ZONE_MATCHUP, zone_matchup, zone_matchup.STATS),
    Formula(
        SIMILARITY,
        similarity.VERSION,
        None,
        similarity.features_of,
        lambda features, history, stat: similarity.expect(features, history, stat),
        lambda features, history, stat: similarity.contributions(features, history, stat),
        lambda features, history, variance, version, stat: similarity.predict(
            features, history, variance, version, stat
        ),
    ),
)
"""In BASE_SYSTEMS' order."""


def speaking_systems(stat: Stat) -> tuple[str, ...]:
    """The systems, of those that need no other, that have something to say of the statistic, in
    BASE_SYSTEMS' order.
    """
    silent = {formula.system_id for formula in FORMULAS if not formula.speaks_of(stat)}
    return tuple(system for system in BASE_SYSTEMS if system not in silent)
