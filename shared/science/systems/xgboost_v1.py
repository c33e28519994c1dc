"""xgboost_v1: gradient-boosted trees on every feature without the market.

A base statistic is expected as minutes times a rate a minute: minutes depend on who is missing and
on rest, the rate on skill and matchup, and each is told apart better alone. Minutes are one model
for all statistics. Points are expected directly too, and the two ways averaged: they err
differently, so that their mean is nearer than either (docs/science.md has the figures; of the other
statistics it would be nearer by less than 0.003, for twice the training).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import POINTS, Stat
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import NO_GAMES
from shared.science.systems.output import BASE, XGBOOST, SystemOutput, output

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
OF_POINTS = {"eta": 0.05, "base_score": POINTS.usual}
OF_MINUTES = {"eta": 0.08, "base_score": 22.0}
RATE_ETA = 0.08
# A usual player's minutes, as a usual value a minute is reckoned.
USUAL_MINUTES = 25.0
POINTS_ROUNDS, PART_ROUNDS = 240, 120
# A rate of two minutes says little: a game counts by its minutes, this many as one row.
MINUTES_OF_A_ROW = 10.0

DIRECT, MINUTES, RATE = "points", "minutes", "rate"
Matrix = NDArray[np.float32]
MinutesTrees = MutableMapping[str, "xgb.Booster"]
"""Boosters of minutes by a hash of the rows that they were fitted on."""


def booster_names(stat: Stat) -> tuple[str, ...]:
    """Which boosters a base statistic has, by the names of their files."""
    return (DIRECT, MINUTES, RATE) if stat.name == POINTS.name else (MINUTES, RATE)


@dataclass(frozen=True)
class Trees:
    """The boosters: minutes, the statistic a minute, and of points the statistic itself."""

    minutes: xgb.Booster
    rate: xgb.Booster
    points: xgb.Booster | None = None

    def boosters(self) -> dict[str, xgb.Booster]:
        """Name -> booster, in the order of booster_names."""
        of_rate = {MINUTES: self.minutes, RATE: self.rate}
        return of_rate if self.points is None else {DIRECT: self.points, **of_rate}

    def files(self) -> dict[str, bytes]:
        """Name -> content, in the same order."""
        return {name: bytes(booster.save_raw(raw_format="ubj")) for name, booster in self.boosters().items()}


@dataclass(frozen=True)
class XgboostModel:
    """A trained model of a statistic: its version, its trees and the names of their inputs, in the
    order they were trained with.
    """

    version: str
    features: tuple[str, ...]
    minutes_features: tuple[str, ...]
    trees: Trees


def matrix(features: Features, names: Sequence[str]) -> Matrix:
    """float32[n, len(names)], one column a name, NaN for missing."""
    return np.column_stack([features[name] for name in names]).astype(np.float32)


def train(
    stat: Stat, inputs: Matrix, of_minutes: Matrix, actual: Floats, minutes: Floats, known: MinutesTrees | None = None
) -> Trees:
    """Fit on n rows: inputs of the statistic and of minutes, float32[n, features], what the player
    did in the statistic and the minutes he played, float64[n].

    The same rows give the same trees. known: boosters of minutes that other statistics' trainings
    on the same rows have fitted; it takes this one's.
    """
    import xgboost as xgb

    data = xgb.QuantileDMatrix(inputs, actual, nthread=PARAMETERS["nthread"], max_bin=PARAMETERS["max_bin"])
    points = xgb.train(PARAMETERS | OF_POINTS, data, POINTS_ROUNDS) if DIRECT in booster_names(stat) else None
    boosters = {} if known is None else known
    key = _hash(of_minutes, minutes)
    if key not in boosters:
        boosters[key] = _train_minutes(of_minutes, minutes)
    data.set_label(np.divide(actual, minutes, out=np.zeros_like(actual), where=minutes > 0))
    data.set_weight(np.maximum(minutes, 0.0) / MINUTES_OF_A_ROW)
    return Trees(boosters[key], xgb.train(PARAMETERS | _of_rate(stat), data, PART_ROUNDS), points)


def _train_minutes(inputs: Matrix, minutes: Floats) -> xgb.Booster:
    import xgboost as xgb

    data = xgb.QuantileDMatrix(inputs, minutes, nthread=PARAMETERS["nthread"], max_bin=PARAMETERS["max_bin"])
    return xgb.train(PARAMETERS | OF_MINUTES, data, PART_ROUNDS)


def _of_rate(stat: Stat) -> dict[str, float]:
    return {"eta": RATE_ETA, "base_score": stat.usual / USUAL_MINUTES}


def _hash(*arrays: NDArray[Any]) -> str:
    digest = hashlib.sha256()
    for values in arrays:
        # one NaN, whatever bits the warehouse's driver gave it
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
        digest.update(repr(values.shape).encode() + np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


def recipe(stat: Stat) -> dict[str, Any]:
    """All that a statistic's trees follow from besides their rows and the library."""
    return {
        "parameters": PARAMETERS,
        "boosters": booster_names(stat),
        "objectives": (OF_POINTS, OF_MINUTES, _of_rate(stat)),
        "rounds": (POINTS_ROUNDS, PART_ROUNDS),
        "minutes_of_a_row": MINUTES_OF_A_ROW,
    }


def read_trees(files: Mapping[str, bytes]) -> Trees:
    """The trees of files() again, whose bytes the caller has checked: the library trusts them."""
    import xgboost as xgb

    boosters = {name: xgb.Booster(model_file=bytearray(data)) for name, data in files.items()}
    for booster in boosters.values():
        booster.set_param({"nthread": PARAMETERS["nthread"]})
    return Trees(**boosters)


def library_version() -> str:
    """The version of XGBoost that trains and predicts here."""
    import xgboost as xgb

    return str(xgb.__version__)


def expect(stat: Stat, trees: Trees, inputs: Matrix, of_minutes: Matrix) -> Floats:
    """What is expected of a base statistic, float64[n], of the inputs float32[n, features] that
    train takes.
    """
    return _expect(stat, trees, inputs, _predict(trees.minutes, of_minutes))


def _expect(stat: Stat, trees: Trees, inputs: Matrix, minutes: Floats) -> Floats:
    expected = minutes * _predict(trees.rate, inputs)
    if trees.points is not None:
        expected = (_predict(trees.points, inputs) + expected) / 2
    return np.maximum(expected, stat.lowest_mean)


def _predict(booster: xgb.Booster, inputs: Matrix) -> Floats:
    return np.asarray(booster.inplace_predict(inputs), dtype=np.float64) if len(inputs) else np.empty(0)


class OfMinutes:
    """What boosters of minutes make of the same rows, each asked once: all statistics have one."""

    def __init__(self, features: Features) -> None:
        self._features = features
        self._expected: dict[xgb.Booster, Floats] = {}
        self._shares: dict[xgb.Booster, dict[str, Floats]] = {}

    def expect(self, model: XgboostModel) -> Floats:
        """Minutes, float64[n]."""
        booster = model.trees.minutes
        if booster not in self._expected:
            self._expected[booster] = _predict(booster, matrix(self._features, model.minutes_features))
        return self._expected[booster]

    def shares(self, model: XgboostModel) -> dict[str, Floats]:
        """What each feature adds to them, float64[n], and BASE."""
        booster = model.trees.minutes
        if booster not in self._shares:
            self._shares[booster] = _shares(booster, self._features, model.minutes_features)
        return self._shares[booster]


def contributions(features: Features, model: XgboostModel, minutes_of: OfMinutes) -> dict[str, Floats]:
    """What each feature adds, float64[n], exact: TreeSHAP (Lundberg, Erion & Lee 2018, arXiv
    1802.03888, algorithm 2).

    With m = m0 + sum m_i and r = r0 + sum r_i the product m r is shared as Shapley's value of the
    product of two additive games: a term of one feature is its own, one of two features is halved,
    which gives feature i m_i (r0 + (r - r0) / 2) + r_i (m0 + (m - m0) / 2). All add up to `expect`
    before its floor, to float32; BASE is what the trees expect of a training row on average.
    """
    minutes = minutes_of.shares(model)
    rate = _shares(model.trees.rate, features, model.features)
    half_minutes = (minutes[BASE] + sum(minutes.values())) / 2
    half_rate = (rate[BASE] + sum(rate.values())) / 2
    zero = np.zeros(len(half_rate))
    table = {
        name: minutes.get(name, zero) * half_rate + rate.get(name, zero) * half_minutes
        for name in (*model.features, *(name for name in model.minutes_features if name not in model.features))
    }
    table[BASE] = minutes[BASE] * rate[BASE]
    if model.trees.points is None:
        return table
    direct = _shares(model.trees.points, features, model.features)
    return {name: (direct.get(name, zero) + share) / 2 for name, share in table.items()}


def _shares(booster: xgb.Booster, features: Features, names: Sequence[str]) -> dict[str, Floats]:
    import xgboost as xgb

    data = xgb.DMatrix(matrix(features, names), nthread=PARAMETERS["nthread"])
    shares = np.asarray(booster.predict(data, pred_contribs=True, approx_contribs=False), np.float64)
    return {name: shares[:, position] for position, name in enumerate((*names, BASE))}


def predict(
    features: Features, model: XgboostModel, variance: Variance, stat: Stat, minutes_of: OfMinutes
) -> SystemOutput:
    """Mean, spread and reason of n rows; error no_games where the features know no earlier game of
    the player.
    """
    inputs = matrix(features, model.features)
    mean = _expect(stat, model.trees, inputs, minutes_of.expect(model))
    mean = np.where(np.isnan(features[known_by(stat)]), np.nan, mean)
    missing = np.isnan(inputs).sum(axis=1)
    reason = tuple(
        f"trees expect {figure:.1f}, {len(model.features) - gaps} of {len(model.features)} features known"
        for figure, gaps in zip(mean, missing, strict=True)
    )
    return output(
        stat,
        XGBOOST,
        model.version,
        mean,
        np.sqrt(variance.of(mean, stat)),
        reason,
        (NO_GAMES, ("no earlier game of the player is known",) * len(mean)),
    )


def known_by(stat: Stat) -> str:
    """The feature that is NULL where no earlier game of the player is known."""
    return f"{stat.name}_ewma_20"
