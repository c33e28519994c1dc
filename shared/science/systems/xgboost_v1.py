"""xgboost_v1: gradient-boosted trees on every feature without the market, in two ways that are
averaged.

Points are expected directly, and as expected minutes times expected points per minute: minutes
depend on who is missing and on rest, the rate on skill and matchup, and each is told apart better
alone. The two err differently, so that their mean is nearer than either (docs/science.md has the
figures).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_GAMES
from shared.science.systems.output import BASE, LOWEST_MEAN, XGBOOST, SystemOutput, output

if TYPE_CHECKING:
    import xgboost as xgb

# Squared error gives the conditional mean, which the predictive distribution needs.
PARAMETERS: dict[str, Any] = {
    "objective": "reg:squarederror",
    "tree_method": "hist",
    "max_depth": 5,
    "min_child_weight": 100,
    "subsample": 0.8,
    "colsample_bytree": 0.2,
    # One thread: a second saves a third of the time on idle cores, but on a shared or single one
    # the threads wait for each other and the same training takes ten times as long.
    "nthread": 1,
    # Half the time of 256 bins, and no less accurate.
    "max_bin": 64,
    "seed": 20251114,
}
# Where the base score of the objective would be guessed from the data, its rounding may differ by
# version.
OF_POINTS = {"eta": 0.05, "base_score": 10.0}
OF_MINUTES = {"eta": 0.08, "base_score": 22.0}
OF_RATE = {"eta": 0.08, "base_score": 0.4}
POINTS_ROUNDS, PART_ROUNDS = 240, 120
# A points-per-minute of two minutes says little: a game counts by its minutes, this many as one
# row.
MINUTES_OF_A_ROW = 10.0


@dataclass(frozen=True)
class Trees:
    """The three boosters: points, minutes, and points per minute."""

    points: xgb.Booster
    minutes: xgb.Booster
    rate: xgb.Booster

    def files(self) -> dict[str, bytes]:
        """Name -> content, in the order of the fields."""
        return {name: bytes(getattr(self, name).save_raw(raw_format="ubj")) for name in TREES}


TREES = tuple(field.name for field in fields(Trees))


@dataclass(frozen=True)
class XgboostModel:
    """A trained model: its version, its trees and the names of its inputs, in the order it was
    trained with.
    """

    version: str
    features: tuple[str, ...]
    trees: Trees


def matrix(features: Features, names: Sequence[str]) -> NDArray[np.float32]:
    """float32[n, len(names)], one column a name, NaN for missing."""
    return np.column_stack([features[name] for name in names]).astype(np.float32)


def train(inputs: NDArray[np.float32], points: Floats, minutes: Floats) -> Trees:
    """Fit on inputs float32[n, features], actual points and minutes float64[n]; the same rows give
    the same trees.
    """
    import xgboost as xgb

    data = xgb.QuantileDMatrix(inputs, points, nthread=PARAMETERS["nthread"], max_bin=PARAMETERS["max_bin"])
    of_points = xgb.train(PARAMETERS | OF_POINTS, data, POINTS_ROUNDS)
    data.set_label(minutes)
    of_minutes = xgb.train(PARAMETERS | OF_MINUTES, data, PART_ROUNDS)
    data.set_label(np.divide(points, minutes, out=np.zeros_like(points), where=minutes > 0))
    data.set_weight(np.maximum(minutes, 0.0) / MINUTES_OF_A_ROW)
    return Trees(of_points, of_minutes, xgb.train(PARAMETERS | OF_RATE, data, PART_ROUNDS))


def recipe() -> dict[str, Any]:
    """All that trees follow from besides their rows and the library."""
    return {
        "parameters": PARAMETERS,
        "objectives": (OF_POINTS, OF_MINUTES, OF_RATE),
        "rounds": (POINTS_ROUNDS, PART_ROUNDS),
        "minutes_of_a_row": MINUTES_OF_A_ROW,
    }


def read_trees(files: Mapping[str, bytes]) -> Trees:
    """The trees of files() again, whose bytes the caller has checked: the library trusts them."""
    import xgboost as xgb

    boosters = {name: xgb.Booster(model_file=bytearray(files[name])) for name in TREES}
    for booster in boosters.values():
        booster.set_param({"nthread": PARAMETERS["nthread"]})
    return Trees(**boosters)


def library_version() -> str:
    """The version of XGBoost that trains and predicts here."""
    import xgboost as xgb

    return str(xgb.__version__)


def mean_points(trees: Trees, inputs: NDArray[np.float32]) -> Floats:
    """Expected points float64[n] of inputs float32[n, features]: the mean of the two ways."""
    if not len(inputs):
        return np.empty(0)
    points, minutes, rate = (
        np.asarray(getattr(trees, name).inplace_predict(inputs), dtype=np.float64) for name in TREES
    )
    return np.maximum((points + minutes * rate) / 2, LOWEST_MEAN)


def contributions(features: Features, model: XgboostModel) -> dict[str, Floats]:
    """Points float64[n] by feature, exact: TreeSHAP (Lundberg, Erion & Lee 2018, arXiv 1802.03888,
    algorithm 2).

    With m = m0 + sum m_i and r = r0 + sum r_i the product m r is shared as Shapley's value of the
    product of two additive games: a term of one feature is its own, one of two features is halved,
    which gives feature i m_i (r0 + (r - r0) / 2) + r_i (m0 + (m - m0) / 2). All add up to
    mean_points before its floor, to float32; BASE is what the trees expect of a training row on
    average.
    """
    import xgboost as xgb

    data = xgb.DMatrix(matrix(features, model.features), nthread=PARAMETERS["nthread"])
    points, minutes, rate = (
        np.asarray(getattr(model.trees, name).predict(data, pred_contribs=True, approx_contribs=False), np.float64)
        for name in TREES
    )
    half_minutes = minutes[:, -1:] + minutes[:, :-1].sum(axis=1, keepdims=True) / 2
    half_rate = rate[:, -1:] + rate[:, :-1].sum(axis=1, keepdims=True) / 2
    product = np.column_stack([minutes[:, :-1] * half_rate + rate[:, :-1] * half_minutes, minutes[:, -1] * rate[:, -1]])
    table = (points + product) / 2
    return {name: table[:, position] for position, name in enumerate((*model.features, BASE))}


def predict(features: Features, model: XgboostModel, variance: Variance) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_games where the features know no earlier game of
    the player.
    """
    mean = mean_points(model.trees, matrix(features, model.features))
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
        (NO_GAMES, ("no earlier game of the player is known",) * len(mean)),
    )
