"""What is trained of a sum: how its parts' residuals go together, and what its lines are worth.

It goes on from the trainings of the parts, whose means were predicted out of sample.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.nba.stats import STATS, Stat
from shared.science.model_registry.models import Models
from shared.science.systems import ensemble, joint
from shared.science.systems.columns import Floats
from shared.science.systems.ensemble import ENOUGH_LINED, Combined, EnsembleModel
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.market import features_of as market_features_of
from shared.science.systems.output import ENSEMBLE
from shared.science.systems.sums import (
    START_CORRELATIONS,
    WITH_MARKET,
    SumModel,
    fit_correlations,
    pairs_of,
    variance_of,
)
from shared.science.training.rows import Mask, TrainingRows
from shared.science.training.walk_forward import HOLDOUT_START, Training, Walked, holdout_figures


@dataclass(frozen=True)
class SumTraining:
    """The result: a sum's model, figures of the hold-out (JSON-ready), and the model that has seen
    nothing from a day on.
    """

    models: Models
    metrics: dict[str, Any]
    holdout_model: Models


@dataclass(frozen=True)
class Part:
    """A part's rows and what its training said of them out of sample."""

    rows: TrainingRows
    walked: Walked
    combination: EnsembleModel
    holdout_combination: EnsembleModel

    @classmethod
    def of(cls, rows: TrainingRows, training: Training) -> Part:
        combined, holdout_model = training.models.ensemble, training.holdout_model
        if combined is None or holdout_model is None or holdout_model.ensemble is None:
            raise ValueError(f"the training of {rows.stat} has no combination, or no holdout model")
        return cls(rows, training.walked, combined, holdout_model.ensemble)


def fit_sum(rows: TrainingRows, parts: Mapping[str, Part], holdout_before: np.datetime64) -> SumTraining:
    """Fit a sum's model on the rows that all parts predicted out of sample.

    rows are the sum's, parts (by name) have the same rows. Correlations and weights fitted before
    the hold-out give its figures; the same fitted on all is what is used from now on, and on the
    days before holdout_before what it is judged by.
    """
    stat = STATS[rows.stat]
    usable = rows.predicted & np.all([part.walked.usable for part in parts.values()], axis=0)
    holdout = usable & (rows.day >= rows.first_day(HOLDOUT_START))
    before = {name: part.walked.judged for name, part in parts.items()}
    judged = _fit(stat, rows, parts, before, usable & ~holdout)
    metrics = _figures(stat, judged, rows, parts, before, holdout)
    model = _fit(stat, rows, parts, {name: part.combination for name, part in parts.items()}, usable)
    version = f"{rows.day.max()}-{_fingerprint(stat, model, metrics)}"
    seen = usable & (rows.day < holdout_before)
    holdout_model = _fit(stat, rows, parts, {name: part.holdout_combination for name, part in parts.items()}, seen)
    return SumTraining(_of(version, model), metrics, _of(version, holdout_model))


def _of(version: str, model: SumModel) -> Models:
    return Models(sums=SumModel(version, model.correlations, model.width, model.with_market))


def _fit(
    stat: Stat, rows: TrainingRows, parts: Mapping[str, Part], models: Mapping[str, EnsembleModel], use: Mask
) -> SumModel:
    actual = {name: part.rows.actual[use] for name, part in parts.items()}
    correlations, width = {}, {}
    for system in speaking_systems(stat):
        means = {name: part.walked.means[system][use] for name, part in parts.items()}
        spreads = {name: np.sqrt(models[name].variance[system].of(means[name], STATS[name])) for name in parts}
        correlations[system], width[system] = _correlate(stat, actual, means, spreads)
    combined = {name: _combine(part, models[name], use) for name, part in parts.items()}
    correlations[ENSEMBLE], width[ENSEMBLE] = _correlate(
        stat,
        actual,
        {name: each.without for name, each in combined.items()},
        {name: each.alone for name, each in combined.items()},
    )
    any_line = np.any([each.uses_market for each in combined.values()], axis=0)
    with_line = {name: _choose(each, any_line) for name, each in combined.items()}
    lined_actual = {name: values[any_line] for name, values in actual.items()}
    with_market, of_market = None, correlations[ENSEMBLE]
    if int(any_line.sum()) >= ENOUGH_LINED:
        of_market, _ = _correlate(
            stat,
            lined_actual,
            {name: each.mean for name, each in with_line.items()},
            {name: each.sd for name, each in with_line.items()},
        )
    correlations[WITH_MARKET], width[WITH_MARKET] = of_market, width[ENSEMBLE]
    line = rows.line[use]
    lined = ~np.isnan(line)
    features = {name: rows.features[name][use] for name in (stat.price_feature,)}
    if int(lined.sum()) >= ENOUGH_LINED:
        with_market = joint.fit_sum_market(
            stat,
            {name: _choose(each, lined) for name, each in combined.items()},
            of_market,
            line[lined],
            {name: values[lined] for name, values in features.items()},
            rows.actual[use][lined],
            (rows.day.max() - rows.day[use][lined]) / np.timedelta64(1, "D"),
        )
    model = SumModel("", correlations, width, with_market)
    moved = joint.move(combined, {stat.name: model}, {stat.name: line}, features).parts
    touched = np.any([each.uses_market for each in moved.values()], axis=0)
    if int(touched.sum()) >= ENOUGH_LINED:
        missed = np.sum([actual[name] - moved[name].mean for name in parts], axis=0)[touched]
        implied = variance_of({name: moved[name].sd[touched] for name in parts}, of_market)
        width[WITH_MARKET] = round(float(np.sum(missed**2) / np.sum(implied)), 6)
    return model


def _correlate(
    stat: Stat, actual: Mapping[str, Floats], means: Mapping[str, Floats], spreads: Mapping[str, Floats]
) -> tuple[dict[str, float], float]:
    residuals = {name: actual[name] - means[name] for name in actual}
    known = np.all([~np.isnan(values) for values in residuals.values()], axis=0)
    if not known.any():
        return {pair: START_CORRELATIONS[pair] for pair in pairs_of(stat)}, 1.0
    return fit_correlations(stat, residuals, spreads)


def _combine(part: Part, model: EnsembleModel, use: Mask) -> Combined:
    """What ensemble_v1 makes of a part's rows from the means that were out of sample."""
    stat = STATS[part.rows.stat]
    means = {name: values[use] for name, values in part.walked.means.items()}
    features = {name: part.rows.features[name][use] for name in market_features_of(stat)}
    return ensemble.combine(means, features, part.rows.line[use], model, stat)


def _choose(combined: Combined, use: Mask) -> Combined:
    return Combined(
        combined.stat,
        combined.version,
        combined.without[use],
        combined.alone[use],
        combined.mean[use],
        combined.sd[use],
        combined.has_own_line[use],
        combined.uses_market[use],
        tuple(reason for reason, chosen in zip(combined.reason, use.tolist(), strict=True) if chosen),
    )


def _figures(
    stat: Stat,
    model: SumModel,
    rows: TrainingRows,
    parts: Mapping[str, Part],
    models: Mapping[str, EnsembleModel],
    holdout: Mask,
) -> dict[str, Any]:
    forecasts: dict[str, tuple[Floats, Floats]] = {}
    for system in speaking_systems(stat):
        means = {name: part.walked.means[system][holdout] for name, part in parts.items()}
        spreads = {name: np.sqrt(models[name].variance[system].of(means[name], STATS[name])) for name in parts}
        variance = variance_of(spreads, model.correlations[system], model.width[system])
        forecasts[system] = (np.asarray(np.sum(list(means.values()), axis=0)), variance)
    combined = {name: _combine(part, models[name], holdout) for name, part in parts.items()}
    features = {stat.price_feature: rows.features[stat.price_feature][holdout]}
    moved = joint.move(combined, {stat.name: model}, {stat.name: rows.line[holdout]}, features).parts
    for name, market in ((f"{ENSEMBLE}_no_market", False), (ENSEMBLE, True)):
        key = WITH_MARKET if market else ENSEMBLE
        mean = np.sum([each.mean if market else each.without for each in moved.values()], axis=0)
        spreads = {part: each.sd if market else each.alone for part, each in moved.items()}
        variance = variance_of(spreads, model.correlations[key], model.width[key])
        forecasts[name] = (np.asarray(mean), variance)
    return holdout_figures(rows, holdout, forecasts)


def _fingerprint(stat: Stat, model: SumModel, metrics: Mapping[str, Any]) -> str:
    """Short hash of what was learned, and of which statistic."""
    return hashlib.sha256(repr((stat.name, model, metrics)).encode()).hexdigest()[:8]
