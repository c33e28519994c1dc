"""Walk-forward fitting: every figure a combination, a spread or a metric rests on was predicted out
of sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from shared.nba.stats import POINTS, STATS
from shared.science import evaluation
from shared.science.model_registry.models import Models
from shared.science.model_registry.stored_models import minutes_features
from shared.science.systems import ensemble, xgboost_v1
from shared.science.systems.columns import Floats
from shared.science.systems.distribution import Variance, fit_variance, median, over_and_push
from shared.science.systems.ensemble import ENOUGH_LINED, EnsembleModel, fit_combination
from shared.science.systems.formulas import FORMULAS
from shared.science.systems.market import features_of as market_features_of
from shared.science.systems.market import fit_market
from shared.science.systems.output import ENSEMBLE, MOVING_AVERAGE, XGBOOST
from shared.science.systems.xgboost_v1 import Matrix, MinutesTrees, Trees, XgboostModel
from shared.science.training.rows import Mask, TrainingRows

# The trees of a fold see the rows before its first day only. A fold is a season: its trees are the
# same in every training of that season and later ones. Three give 60,000 rows out of sample, of
# which lines are known for a tenth.
FOLDS = 3
# Trees of fewer rows than this share would err more than those that serve, and so mislead the
# combination ...
FEWEST_BEFORE = 0.25
# ... and where fewer than two seasons are late enough, folds begin at these shares of the rows
# too: a holdout model, which knows nothing of the last weeks, must have some rows out of sample.
SHARES = (0.5, 0.75)
# train_model has two cores, and XGBoost lets go of the interpreter's lock.
WORKERS = 2
# What is trained besides the folds: on all rows, and on those before the holdout model's window.
ALL, HOLDOUT_MODEL = "all", "holdout_model"
# Figures of a training are reported on the last tenth of the rows (seven weeks of three seasons; a
# fixed number of days would leave a handful of playoff games in summer), which nothing that is
# reported was fitted on.
HOLDOUT_START = 0.9


@dataclass(frozen=True)
class Training:
    """The result of a training: models of one version and the figures of the hold-out, JSON-ready.

    holdout_model: the same as models, fitted on the days before a day; None where none was asked
    for. walked is what a sum's training goes on from.
    """

    models: Models
    metrics: dict[str, Any]
    walked: Walked
    holdout_model: Models | None = None


@dataclass(frozen=True)
class Walked:
    """What the base systems said out of sample, float64[n] by system, of which rows, and the
    combination of those before the hold-out, which the figures are of.
    """

    means: Mapping[str, Floats]
    usable: Mask
    judged: EnsembleModel


K = TypeVar("K")
FoldTrees = MutableMapping[np.datetime64, Trees]
"""Trees by the first day of the fold that they predict: fitted on the rows before it."""


def fit(
    rows: TrainingRows,
    holdout_before: np.datetime64 | None = None,
    folds: FoldTrees | None = None,
    minutes: MinutesTrees | None = None,
) -> Training:
    """Both models of one version of a base statistic, and their holdout models that have seen
    nothing from the day holdout_before on.

    folds holds trees of earlier trainings on the same rows up to a fold's first day, and takes
    those fitted here; minutes does so with the model of minutes, which other statistics' trainings
    on these rows share.

    1. Trees fitted on earlier rows predict each later fold: out-of-sample means of all four
      systems.
    2. Combinations and spreads fitted on those means before the hold-out give the figures on the
      hold-out.
    3. The same fitted on all out-of-sample means, and trees on all rows, are what is used from now
      on.
    """
    inputs = Inputs.of(rows, {} if minutes is None else minutes)
    known = {} if folds is None else folds
    wanted: dict[np.datetime64 | str, Mask] = {ALL: rows.trained}
    for first, before in _unknown_folds(rows, known).items():
        wanted[first] = before
    if holdout_before is not None:
        wanted[HOLDOUT_MODEL] = rows.trained & (rows.day < holdout_before)
    trained = _train(rows, inputs, wanted)
    known.update({first: trees for first, trees in trained.items() if isinstance(first, np.datetime64)})
    means, out_of_sample = _walk_forward(rows, inputs, known)
    usable = out_of_sample & rows.predicted & ~np.isnan(means[MOVING_AVERAGE])
    holdout = usable & (rows.day >= rows.first_day(HOLDOUT_START))
    judged = _fit_ensemble(means, rows, usable & ~holdout)
    metrics = _figures(judged, means, rows, holdout)
    combined = _fit_ensemble(means, rows, usable)
    version = f"{rows.day.max()}-{_fingerprint(rows, trained[ALL], combined, metrics)}"
    models = Models(
        xgboost=XgboostModel(version, rows.names, inputs.minutes_features, trained[ALL]),
        ensemble=replace(combined, version=version),
    )
    walked = Walked(means, usable, judged)
    if holdout_before is None:
        return Training(models, metrics, walked)
    seen = rows.day < holdout_before
    holdout_model = Models(
        xgboost=XgboostModel(version, rows.names, inputs.minutes_features, trained[HOLDOUT_MODEL]),
        ensemble=replace(_fit_ensemble(means, rows, usable & seen), version=version),
    )
    return Training(models, metrics, walked, holdout_model)


@dataclass(frozen=True)
class Inputs:
    """What trees of the rows read, float32[n, features]: the statistic's and the model of minutes',
    and the boosters of minutes that are known.
    """

    of_stat: Matrix
    of_minutes: Matrix
    minutes_features: tuple[str, ...]
    minutes: MinutesTrees

    @classmethod
    def of(cls, rows: TrainingRows, minutes: MinutesTrees) -> Inputs:
        names = minutes_features()
        of_stat = xgboost_v1.matrix(rows.features, rows.names)
        of_minutes = of_stat if names == rows.names else xgboost_v1.matrix(rows.features, names)
        return cls(of_stat, of_minutes, names, minutes)


def _train(rows: TrainingRows, inputs: Inputs, wanted: Mapping[K, Mask]) -> dict[K, Trees]:
    """Trees of each of the masks, side by side; the same whatever runs beside them."""

    def train(use: Mask) -> Trees:
        read = (inputs.of_stat[use], inputs.of_minutes[use])
        return xgboost_v1.train(STATS[rows.stat], *read, rows.actual[use], rows.minutes[use], inputs.minutes)

    with ThreadPoolExecutor(WORKERS, thread_name_prefix="train") as pool:
        return dict(zip(wanted, pool.map(train, wanted.values()), strict=True))


def fold_starts(rows: TrainingRows) -> list[np.datetime64]:
    """First days of the folds, in order."""
    enough = rows.first_day(FEWEST_BEFORE)
    seasons = [day for day in rows.season_starts if day > enough][-FOLDS:]
    return seasons if len(seasons) > 1 else sorted({*seasons, *(rows.first_day(share) for share in SHARES)})


def rows_of_folds(rows: TrainingRows) -> dict[np.datetime64, Mask]:
    """The rows that the trees of each fold see, by its first day; of folds that any come before."""
    before = {first: rows.trained & (rows.day < first) for first in fold_starts(rows)}
    return {first: use for first, use in before.items() if use.any()}


def _unknown_folds(rows: TrainingRows, known: FoldTrees) -> dict[np.datetime64, Mask]:
    """The rows that the trees of each fold see, by its first day; of folds that are not known
    yet.
    """
    return {first: use for first, use in rows_of_folds(rows).items() if first not in known}


def _walk_forward(rows: TrainingRows, inputs: Inputs, known: FoldTrees) -> tuple[dict[str, Floats], Mask]:
    """Means of the base systems, and which rows have all of them out of sample; trains what is not
    known.
    """
    known.update(_train(rows, inputs, _unknown_folds(rows, known)))
    stat = STATS[rows.stat]
    trees = np.full(len(rows), np.nan)
    after_all = rows.day.max() + np.timedelta64(1, "D")
    for first, end in pairwise([*fold_starts(rows), after_all]):
        fold = (rows.day >= first) & (rows.day < end)
        if first in known and fold.any():
            trees[fold] = xgboost_v1.expect(stat, known[first], inputs.of_stat[fold], inputs.of_minutes[fold])
    means = {
        **{
            formula.system_id: formula.expect(rows.features, rows.history, stat)
            for formula in FORMULAS
            if formula.speaks_of(stat)
        },
        XGBOOST: trees,
    }
    return means, ~np.isnan(trees)


def _fit_ensemble(means: Mapping[str, Floats], rows: TrainingRows, use: Mask) -> EnsembleModel:
    """Combinations and spreads from the rows of a mask; its version is known when all is fitted."""
    stat, actual, line = STATS[rows.stat], rows.actual[use], rows.line[use]
    inputs = ensemble.fill_means({name: values[use] for name, values in means.items()}, stat)
    no_market = fit_combination(inputs, actual)
    variance = {name: _round_variance(fit_variance(values[use], actual, stat)) for name, values in means.items()}
    variance[ENSEMBLE] = _round_variance(fit_variance(no_market.of(inputs), actual, stat))
    with_market, spread = None, None
    lined = ~np.isnan(line)
    if int(lined.sum()) >= ENOUGH_LINED:
        market = {name: rows.features[name][use][lined] for name in market_features_of(stat)}
        without = no_market.of(inputs)[lined]
        age = (rows.day.max() - rows.day[use][lined]) / np.timedelta64(1, "D")
        with_market = fit_market(stat, without, line[lined], market, actual[lined], age)
        lined_mean = with_market.of(without, line[lined], market, stat)
        spread = _round_variance(fit_variance(lined_mean, actual[lined], stat))
    return EnsembleModel("", no_market, with_market, variance, spread)


def _round_variance(variance: Variance) -> Variance:
    return Variance(round(variance.intercept, 6), round(variance.slope, 6))


def _figures(model: EnsembleModel, means: Mapping[str, Floats], rows: TrainingRows, holdout: Mask) -> dict[str, Any]:
    """Figures of all systems on the hold-out rows; those with a line apart, against the line on the
    same rows.
    """
    stat, line = STATS[rows.stat], rows.line[holdout]
    known = {name: values[holdout] for name, values in means.items()}
    forecasts = {name: (mean, model.variance[name].of(mean, stat)) for name, mean in known.items()}
    plain = model.no_market.of(ensemble.fill_means(known, stat))
    forecasts[f"{ENSEMBLE}_no_market"] = (plain, model.variance[ENSEMBLE].of(plain, stat))
    if model.with_market is not None and model.variance_with_market is not None:
        known_market = {name: rows.features[name][holdout] for name in market_features_of(stat)}
        market = np.maximum(model.with_market.of(plain, line, known_market, stat), stat.lowest_mean)
        forecasts[ENSEMBLE] = (market, model.variance_with_market.of(market, stat))
    return holdout_figures(rows, holdout, forecasts)


def holdout_figures(
    rows: TrainingRows, holdout: Mask, forecasts: Mapping[str, tuple[Floats, Floats]]
) -> dict[str, Any]:
    """Figures, JSON-ready, of means and variances by system (of ensemble_v1 with market under its
    own name) on the hold-out rows.
    """
    stat, line, actual = STATS[rows.stat], rows.line[holdout], rows.actual[holdout]
    season = rows.season_average[holdout]
    plain = [mean for name, (mean, _) in forecasts.items() if name != ENSEMBLE]
    complete = ~np.isnan(season) & np.all([~np.isnan(mean) for mean in plain], axis=0)
    lined = complete & ~np.isnan(line)
    figures: dict[str, Any] = {
        "holdout_from": str(rows.first_day(HOLDOUT_START)),
        "all": {"n": int(complete.sum()), "season_avg_mae": _mae(season, actual, complete)},
        "lined": {
            "n": int(lined.sum()),
            "season_avg_mae": _mae(season, actual, lined),
            "line_mae": _mae(line, actual, lined),
        },
    }
    for name, (mean, variance) in forecasts.items():
        point = median(mean, variance, stat)
        if name != ENSEMBLE:
            figures["all"][name] = {"mae": _mae(point, actual, complete), "bias": _bias(point, actual, complete)}
        if not lined.any():
            continue
        over, push = over_and_push(mean[lined], variance[lined], line[lined], stat)
        happened = np.where(actual[lined] == line[lined], np.nan, actual[lined] > line[lined])
        figures["lined"][name] = {
            "mae": _mae(point, actual, lined),
            "bias": _bias(point, actual, lined),
            "brier": _round(evaluation.brier_score(over, push, happened)),
            "calibration_error": _round(evaluation.calibration_error(over, push, happened)),
        }
    return figures


def _mae(predicted: Floats, actual: Floats, use: Mask) -> float | None:
    return _round(evaluation.mean_absolute_error(predicted[use], actual[use]))


def _bias(predicted: Floats, actual: Floats, use: Mask) -> float | None:
    return _round(evaluation.bias(predicted[use], actual[use]))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _fingerprint(rows: TrainingRows, trees: Trees, combined: EnsembleModel, metrics: Mapping[str, Any]) -> str:
    """Short hash of what was learned, and of which statistic: a version names one content, whatever
    code or library made it.
    """
    digest = hashlib.sha256(b"".join(trees.files().values()))
    digest.update(repr((rows.names, combined, metrics)).encode())
    # versions of points have the names that they had before there were other statistics
    if rows.stat != POINTS.name:
        digest.update(rows.stat.encode())
    return digest.hexdigest()[:8]
