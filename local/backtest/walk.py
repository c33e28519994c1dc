"""Walk forward: at each cut-off models are trained on what was known that morning, and predict
until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from time import perf_counter
from typing import Any

import numpy as np

from local.backtest.rows import AskedRows, FeatureRows
from local.day.plan import TRAINING_AT
from shared.core.clock import at_new_york
from shared.core.errors import DataError
from shared.nba.stats import STATS
from shared.science.evaluation import Floats, Mask
from shared.science.model_registry.models import Models
from shared.science.predictions.outputs import ModelsOf, base_outputs, combine_all
from shared.science.predictions.prediction_row import ABSENCE
from shared.science.systems.columns import fill_unknown
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.output import ENSEMBLE, SystemOutput
from shared.science.systems.xgboost_v1 import MinutesTrees
from shared.science.training.rows import TrainingRows
from shared.science.training.sum_fit import Part, fit_sum
from shared.science.training.walk_forward import FoldTrees, Training, fit

# A system, and whether the market's line is an input.
Variant = tuple[str, bool]
# Two cores; the trees let go of the interpreter's lock. One more would only need its memory.
THREADS = 2
FEWEST_ROWS = 500
# Why there is no forecast: with this world's lists nobody knew that he is on the roster.
NO_ROW = "no_feature_row"


@dataclass(frozen=True)
class Month:
    """The days from a cut-off (a day; its models are trained that morning) to `last`, both
    included.
    """

    cutoff: date
    last: date

    def holds(self, day: np.ndarray) -> Mask:
        """Which of datetime64[D] days are in it."""
        inside: Mask = (day >= np.datetime64(self.cutoff)) & (day <= np.datetime64(self.last))
        return inside


def months(first: date, last: date) -> list[Month]:
    """From `first` to the end of its month, then calendar months, until `last`."""
    cutoffs = [first]
    while True:
        year, month = divmod(cutoffs[-1].year * 12 + cutoffs[-1].month, 12)
        following = date(year, month + 1, 1)
        if following > last:
            break
        cutoffs.append(following)
    ends = [date.fromordinal(cutoff.toordinal() - 1) for cutoff in cutoffs[1:]]
    return [Month(cutoff, end) for cutoff, end in zip(cutoffs, [*ends, last], strict=True)]


def variants_of(stat: str) -> tuple[Variant, ...]:
    """The variants that have something of their own to say of a statistic, in SYSTEMS' order."""
    speaking = speaking_systems(STATS[stat])
    return (*((system, False) for system in speaking), (ENSEMBLE, False), (ENSEMBLE, True))


@dataclass(frozen=True)
class Forecast:
    """One variant's answer for n rows, as it is stored, and why there is none (NaN rows)."""

    point: Floats
    """The number that is said, of which errors are measured."""
    mean: Floats
    sd: Floats
    """Of the predictive distribution, in the statistic's unit."""
    plays: Floats
    """Probability that he plays, by his status; a bet on him is void if he does not."""
    error: tuple[str | None, ...]


Forecasts = Mapping[str, Mapping[Variant, Forecast]]
"""By statistic those of its variants."""


@dataclass(frozen=True)
class Walked:
    """A month: what was predicted with which world's rows, and the trainings behind it, one a
    statistic (JSON-ready).
    """

    month: Month
    forecasts: Mapping[str, Forecasts]
    training: Sequence[Mapping[str, Any]]
    training_seconds: float
    prediction_seconds: float


@dataclass(frozen=True)
class Cache:
    """What the trainings of a walk share: trees of folds by statistic, and models of minutes."""

    folds: dict[str, FoldTrees] = field(default_factory=dict)
    minutes: MinutesTrees = field(default_factory=dict)


def train(rows: Mapping[str, TrainingRows], cutoff: date, cache: Cache) -> dict[str, Models]:
    """The models of a cut-off, by statistic, from rows known that morning, which have all parts of
    their sums: the only place where a backtest trains.

    `cache` lives as long as the walk and is shared by its trainings, of which two may run at once.
    """
    del cutoff  # every fold begins before it
    models: dict[str, Models] = {}
    parts: dict[str, Part] = {}
    for name, of_stat in rows.items():
        if STATS[name].is_sum:
            continue
        training = fit(of_stat, folds=cache.folds.setdefault(name, {}), minutes=cache.minutes)
        models[name], parts[name] = training.models, _part_of(of_stat, training)
    for name, of_stat in rows.items():
        if STATS[name].is_sum:
            of_sum = {part: parts[part] for part in STATS[name].parts}
            models[name] = fit_sum(of_stat, of_sum, of_stat.day.max() + np.timedelta64(1, "D")).models
    return models


def _part_of(rows: TrainingRows, training: Training) -> Part:
    """What a sum goes on from.

    No model is held out: the days that a backtest judges by come after all rows.
    """
    combined = training.models.ensemble
    assert combined is not None
    return Part(rows, training.walked, combined, combined)


def predict(
    rows: Mapping[str, TrainingRows], models: ModelsOf, stats: Iterable[str]
) -> dict[str, dict[Variant, Forecast]]:
    """All variants of these statistics for the rows, as serving predicts and stores them."""
    first = next(iter(rows.values()))
    wanted = [STATS[stat] for stat in stats]
    base = base_outputs(first.features, first.history, models, stats=wanted)
    lines = {stat: of_stat.line for stat, of_stat in rows.items()}
    with_market = combine_all(base, first.features, lines, models).outputs
    without = combine_all(base, first.features, {}, models).outputs
    plays = 1.0 - fill_unknown(first.features[ABSENCE], 0.0)
    found = {}
    for stat in wanted:
        outputs = {(output.system_id, False): output for output in (*base[stat.name], without[stat.name])}
        outputs[ENSEMBLE, True] = with_market[stat.name]
        found[stat.name] = {variant: _forecast(outputs[variant], plays) for variant in variants_of(stat.name)}
    return found


def _forecast(output: SystemOutput, plays: Floats) -> Forecast:
    return Forecast(output.forecast, output.mean, output.sd, plays, output.error_code)


def spread(forecast: Forecast, there: Mask) -> Forecast:
    """The forecast of the rows that are there as one of all that were asked for."""

    def fill(values: Floats) -> Floats:
        spread_out = np.full(len(there), np.nan)
        spread_out[there] = values
        return spread_out

    errors = iter(forecast.error)
    error = tuple(next(errors) if is_there else NO_ROW for is_there in there.tolist())
    return Forecast(fill(forecast.point), fill(forecast.mean), fill(forecast.sd), fill(forecast.plays), error)


def walk(
    month: Month, world: FeatureRows, asked: Mapping[str, AskedRows], stats: Sequence[str], cache: Cache
) -> Walked:
    """Train at the month's cut-off on the world's rows and predict the statistics of the rows asked
    for, under their worlds' names.

    Raises DataError where too little was known to train on.
    """
    started = perf_counter()
    known = world.known_before(at_new_york(month.cutoff, TRAINING_AT))
    fewest = min(int(rows.predicted.sum()) for rows in known.values())
    if fewest < FEWEST_ROWS:
        raise DataError(
            f"Only {fewest} rows were known before {month.cutoff}, {FEWEST_ROWS} are needed to train.",
            next_step="choose a later FROM, or more HISTORY_SEASONS.",
        )
    models = train(known, month.cutoff, cache)
    training = [_describe_training(month, rows, models[stat]) for stat, rows in known.items()]
    del known  # a copy of nearly all rows
    trained = perf_counter()
    forecasts = {
        name: {
            stat: {variant: spread(one, each.there) for variant, one in of_stat.items()}
            for stat, of_stat in predict(each.rows, models, stats).items()
        }
        for name, each in asked.items()
    }
    return Walked(month, forecasts, training, trained - started, perf_counter() - trained)


def _describe_training(month: Month, known: TrainingRows, models: Models) -> dict[str, Any]:
    return {
        "stat": known.stat,
        "cutoff": str(month.cutoff),
        "rows": int(known.trained.sum()),
        "first_day": str(known.day.min()),
        "last_day": str(known.day.max()),
        "version": models.version or "",
    }


def walk_all(
    world: FeatureRows,
    asked: Mapping[Month, Mapping[str, AskedRows]],
    stats: Sequence[str],
    pool: ThreadPoolExecutor,
) -> Iterable[Walked]:
    """Walk the months, in their order; the first alone, since what it caches serves the others
    too.
    """
    cache = Cache()
    todo = list(asked)
    for month in todo[:1]:
        yield walk(month, world, asked[month], stats, cache)
    running = [pool.submit(walk, month, world, asked[month], stats, cache) for month in todo[1:]]
    for future in running:
        yield future.result()
