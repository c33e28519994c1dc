"""xgboost_v1: gradient-boosted trees on every feature without the market."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.systems.columns import Features, Floats
from shared.systems.distribution import Variance
from shared.systems.output import BASE, LOWEST_MEAN, XGBOOST, SystemOutput, output

if TYPE_CHECKING:
    import xgboost as xgb

# Squared error gives the conditional mean, which the predictive distribution needs; on the evaluation rows of three
# seasons its mean absolute error was also the lowest (absolute error 5.123, pseudo-Huber 5.121, this 5.107 on 2025-26).
PARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "tree_method": "hist",
    "max_depth": 5,
    "eta": 0.07,
    "min_child_weight": 100,
    "subsample": 0.8,
    "colsample_bytree": 0.3,
    # One thread: a second saves a third of the time on idle cores, but on a shared or single one the threads wait for
    # each other and the same training takes ten times as long.
    "nthread": 1,
    # Half the time of 256 bins, and no less accurate.
    "max_bin": 64,
    "seed": 20251114,
    # Where the base score of the objective would be guessed from the data, its rounding may differ by version.
    "base_score": 10.0,
}
ROUNDS = 160


@dataclass(frozen=True)
class XgboostModel:
    """A trained model: its version, the booster and the names of its inputs, in the order it was trained with."""

    version: str
    features: tuple[str, ...]
    booster: xgb.Booster


def matrix(features: Features, names: Sequence[str]) -> NDArray[np.float32]:
    """float32[n, len(names)], one column a name, NaN for missing."""
    return np.column_stack([features[name] for name in names]).astype(np.float32)


def train(inputs: NDArray[np.float32], points: Floats) -> xgb.Booster:
    """Fit on inputs float32[n, features] and actual points float64[n]; the same rows give the same trees."""
    import xgboost as xgb

    data = xgb.QuantileDMatrix(inputs, points, nthread=PARAMETERS["nthread"], max_bin=PARAMETERS["max_bin"])
    return xgb.train(PARAMETERS, data, ROUNDS)


def library_version() -> str:
    """The version of XGBoost that trains and predicts here."""
    import xgboost as xgb

    return str(xgb.__version__)


def mean_points(booster: xgb.Booster, inputs: NDArray[np.float32]) -> Floats:
    """Expected points float64[n] of inputs float32[n, features]."""
    if not len(inputs):
        return np.empty(0)
    return np.maximum(np.asarray(booster.inplace_predict(inputs), dtype=np.float64), LOWEST_MEAN)


def contributions(features: Features, model: XgboostModel) -> dict[str, Floats]:
    """Points float64[n] by feature, exact: TreeSHAP (Lundberg, Erion & Lee 2018, arXiv 1802.03888, algorithm 2).

    They add up to mean_points before its floor, to float32; BASE is what the trees expect of a training row on average.
    """
    import xgboost as xgb

    data = xgb.DMatrix(matrix(features, model.features), nthread=PARAMETERS["nthread"])
    found = model.booster.predict(data, pred_contribs=True, approx_contribs=False)
    table = np.asarray(found, dtype=np.float64)
    return {name: table[:, position] for position, name in enumerate((*model.features, BASE))}


def predict(features: Features, model: XgboostModel, variance: Variance) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_games where the features know no earlier game of the player."""
    mean = mean_points(model.booster, matrix(features, model.features))
    mean = np.where(np.isnan(features["points_ewma_20"]), np.nan, mean)
    missing = np.isnan(np.column_stack([features[name] for name in model.features])).sum(axis=1)
    reason = tuple(
        f"trees expect {points:.1f}, {len(model.features) - gaps} of {len(model.features)} features known"
        for points, gaps in zip(mean, missing, strict=True)
    )
    return output(
        XGBOOST,
        model.version,
        mean,
        np.sqrt(variance.of(mean)),
        reason,
        ("no_games", ("no earlier game of the player is known",) * len(mean)),
    )
