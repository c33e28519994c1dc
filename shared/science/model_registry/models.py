"""The models of one version of a statistic, as they predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.nba.stats import Stat
from shared.science.systems.distribution import Variance, start_variance
from shared.science.systems.ensemble import EnsembleModel
from shared.science.systems.sums import SumModel
from shared.science.systems.xgboost_v1 import XgboostModel


@dataclass(frozen=True)
class Models:
    """What the worker predicts with; None where nothing was trained yet, or a file of the model is
    damaged.

    damaged says for such a system what is wrong and what mends it. Variances fall back to start
    values. A base statistic has xgboost and ensemble, a sum has sums.
    """

    xgboost: XgboostModel | None = None
    ensemble: EnsembleModel | None = None
    sums: SumModel | None = None
    damaged: Mapping[str, str] = field(default_factory=dict)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns that the trees read."""
        return () if self.xgboost is None else (*self.xgboost.features, *self.xgboost.minutes_features)

    @property
    def version(self) -> str | None:
        """The version that all of them are of."""
        model = self.xgboost or self.ensemble or self.sums
        return None if model is None else model.version

    def variance(self, system_id: str, stat: Stat) -> Variance:
        """The spread of a system's distribution: trained, else the start values."""
        return start_variance(stat) if self.ensemble is None else self.ensemble.variance[system_id]

    def formula_version(self, version: str) -> str:
        """Version of an untrained system: its formula's, and where its spread was fitted that
        fit's.
        """
        return version if self.ensemble is None else f"{version}-{self.ensemble.version}"
