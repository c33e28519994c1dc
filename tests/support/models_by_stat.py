"""Trained models of every statistic for tests: one night's rows, whose results go together, and
trees of few rounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from shared.nba.stats import POINTS, STATS, Stat
from shared.science.features.names import model_features
from shared.science.model_registry.models import Models
from shared.science.systems import xgboost_v1
from shared.science.systems.columns import Floats
from shared.science.systems.history import GAMES, History
from shared.science.systems.xgboost_v1 import MinutesTrees
from shared.science.training.rows import TrainingRows
from shared.science.training.sum_fit import Part, SumTraining, fit_sum
from shared.science.training.walk_forward import Training, fit
from tests.support.stats_by_kind import BASES, SUMS
from tests.support.systems_models import training_rows
from tests.support.systems_rows import USUAL

# What points' model reads of others (rebounds_l10) stays as it is, so that their rows are the same.
FORM = ("ewma_20", "ewma_08", "season", "prev_season", "l20")
# Of so many rows two thirds have a line: of each half that is out of sample enough for the market.
ROWS = 1600


def rows_by_stat(n: int = ROWS, seed: int = 5, days: int = 120) -> dict[str, TrainingRows]:
    """The points of training_rows, and of the same players every other statistic.

    Who scores more than is usual has more of the others too, and a good night is one in all of
    them. Lines are the truth but for chance; two rows of three have one of a statistic, and all
    combinations of lines occur.
    """
    points = training_rows(n, seed, days)
    random = np.random.default_rng(seed + 100)
    features, values = dict(points.features), dict(points.history.values)
    level = 32.0 * features["points_per_minute_l40"]
    truths: dict[str, Floats] = {"points": level * (1 + 0.006 * features["teammates_out_points_delta"])}
    night = np.sqrt(np.maximum(points.actual, 1.0) / level)
    actual: dict[str, Floats] = {"points": points.actual}
    for name in BASES:
        if name == POINTS.name:
            continue
        truth = USUAL[name] * random.uniform(0.4, 1.6, n)
        for mean in FORM:
            features[f"{name}_{mean}"] = truth * random.uniform(0.85, 1.15, n)
        features[f"{name}_per_minute_l40"] = truth / 32.0
        features[f"{name}_share"] = truth / (5.0 * USUAL[name])
        values[name] = random.poisson(truth[:, None], (n, GAMES)).astype(np.float64)
        truths[name], actual[name] = truth, random.poisson(truth * np.clip(night, 0.5, 1.6)).astype(np.float64)
    lines = {"points": points.line}
    for stat in STATS.values():
        if stat.is_sum:
            truths[stat.name] = np.sum([truths[part] for part in stat.parts], axis=0)
            actual[stat.name] = np.sum([actual[part] for part in stat.parts], axis=0)
        if stat.name not in lines:
            known = random.random(n) < 2 / 3
            line = np.maximum(np.floor(truths[stat.name] + random.normal(0, 0.3, n)) + 0.5, 0.5)
            lines[stat.name] = np.where(known, line, np.nan)
        features[stat.line_feature] = lines[stat.name]
        features[stat.price_feature] = np.where(np.isnan(lines[stat.name]), np.nan, random.uniform(0.44, 0.56, n))
    features[POINTS.price_feature] = points.features[POINTS.price_feature]
    history = History(values, points.history.count)
    return {
        name: replace(
            points,
            features=features,
            names=() if stat.is_sum else model_features(name),
            history=history,
            line=lines[name],
            actual=actual[name],
            stat=name,
        )
        for name, stat in STATS.items()
    }


@contextmanager
def few_trees() -> Iterator[None]:
    """Trees that are fitted in a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xgboost_v1, "POINTS_ROUNDS", 24)
        patch.setattr(xgboost_v1, "PART_ROUNDS", 12)
        yield


@dataclass(frozen=True)
class Trained:
    """A training of every statistic, as train_model does one."""

    rows: Mapping[str, TrainingRows]
    bases: Mapping[str, Training]
    sums: Mapping[str, SumTraining]
    minutes: MinutesTrees

    @property
    def models(self) -> dict[str, Models]:
        """By statistic."""
        return {name: (self.sums if name in self.sums else self.bases)[name].models for name in STATS}

    @property
    def holdout_models(self) -> dict[str, Models]:
        """By statistic, fitted on the rows before the hold-out."""
        found = {name: each.holdout_model for name, each in self.bases.items()}
        whole = {name: each for name, each in found.items() if each is not None}
        return {**whole, **{name: each.holdout_model for name, each in self.sums.items()}}


def train_rows(rows: Mapping[str, TrainingRows]) -> Trained:
    """Train every statistic on rows of all."""
    start = rows["points"].first_day(0.9)
    minutes: MinutesTrees = {}
    with few_trees():
        bases = {name: fit(rows[name], start, minutes=minutes) for name in BASES}
    sums = {name: train_sum(rows, bases, stat) for name, stat in SUMS.items()}
    return Trained(rows, bases, sums, minutes)


def train_sum(rows: Mapping[str, TrainingRows], bases: Mapping[str, Training], stat: Stat) -> SumTraining:
    """Train one sum on its parts' trainings."""
    parts = {part: Part.of(rows[part], bases[part]) for part in stat.parts}
    return fit_sum(rows[stat.name], parts, rows[stat.name].first_day(0.9))


@cache
def train_every() -> Trained:
    """One training of every statistic, shared by the tests that only read it."""
    return train_rows(rows_by_stat())


def name_models(stat: str, version: str) -> Models:
    """The models of one statistic of train_every under another name."""
    models = train_every().models[stat]
    if models.sums is not None:
        return Models(sums=replace(models.sums, version=version))
    assert models.xgboost is not None
    assert models.ensemble is not None
    return Models(replace(models.xgboost, version=version), replace(models.ensemble, version=version))
