"""Small trained models for tests: real trees on synthetic rows, fitted in a moment."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from shared.science.features.names import model_features
from shared.science.model_registry.models import Models
from shared.science.systems.history import GAMES, HISTORY_VALUES, History
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import Training, fit
from tests.support.systems_rows import feature_columns


def training_rows(n: int = 2400, seed: int = 5, days: int = 120) -> TrainingRows:
    """n rows whose points follow from the level of the player, missing team-mates and chance; half
    have a line.

    A line is the truth but for half a point; its price and who is missing since tell nothing here.
    """
    random = np.random.default_rng(seed)
    level = random.uniform(6.0, 28.0, n)
    missing = random.uniform(-15.0, 15.0, n)
    features = {name: np.repeat(column, n) for name, column in feature_columns({}).items()}
    for name in ("points_ewma_20", "points_ewma_08", "points_season", "points_prev_season", "points_l20", "points_l10"):
        features[name] = level + random.normal(0, 1.5, n)
    features["points_per_minute_l40"] = level / 32.0
    features["teammates_out_points_delta"] = missing
    truth = level * (1 + 0.006 * missing)
    points = random.negative_binomial(truth**2 / (1.5 * truth + 8), truth / (2.5 * truth + 8)).astype(np.float64)
    line = np.where(np.arange(n) % 2 == 0, np.round(truth * 2 - 0.8) / 2, np.nan)
    values = {name: np.full((n, GAMES), np.nan) for name in HISTORY_VALUES}
    values["points"] = np.round(level[:, None] + random.normal(0, 5, (n, GAMES)))
    day = np.datetime64("2025-01-01") + np.sort(random.integers(0, days, n)).astype("timedelta64[D]")
    history = History(values, np.full(n, GAMES))
    features["line"] = line
    features["line_p_over"] = np.where(np.isnan(line), np.nan, random.uniform(0.44, 0.56, n))
    features["teammates_out_lines"] = np.where(random.random(n) < 0.1, 15.5, 0.0)
    features["points_share"] = level / 110.0
    minutes = np.clip(random.normal(32.0, 4.0, n), 8.0, 48.0)
    return TrainingRows(
        features, model_features(), history, day.astype("datetime64[D]"), line, points, minutes, "points"
    )


@cache
def train_once() -> Training:
    """One training of the default rows, shared by the tests that only read it."""
    return fit(training_rows())


def train_named(version: str, seed: int = 5) -> Models:
    """A small training under another name."""
    models = train_once().models if seed == 5 else _of_seed(seed)
    assert models.xgboost is not None
    assert models.ensemble is not None
    return Models(replace(models.xgboost, version=version), replace(models.ensemble, version=version))


@cache
def _of_seed(seed: int) -> Models:
    return fit(training_rows(seed=seed)).models
