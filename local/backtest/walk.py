"""Walk forward: at each cut-off models are trained on what was known that morning, and predict
until the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from time import perf_counter
from typing import Any

import numpy as np

from local.backtest.rows import AskedRows, FeatureRows
from local.day.plan import TRAINING_AT
from shared.core.clock import at_new_york
from shared.core.errors import DataError
from shared.science.evaluation import Floats, Mask
from shared.science.model_registry.models import Models
from shared.science.predictions.outputs import all_outputs
from shared.science.predictions.prediction_row import ABSENCE
from shared.science.systems import ensemble
from shared.science.systems.columns import fill_unknown
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE, SystemOutput
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import FoldTrees, fit

# A system, and whether the market's line is an input.
Variant = tuple[str, bool]
VARIANTS: tuple[Variant, ...] = (*((system, False) for system in BASE_SYSTEMS), (ENSEMBLE, False), (ENSEMBLE, True))
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


@dataclass(frozen=True)
class Forecast:
    """One variant's answer for n rows, as it is stored, and why there is none (NaN rows)."""

    point: Floats
    """The number that is said, of which errors are measured."""
    mean: Floats
    sd: Floats
    """Of the predictive distribution, points."""
    plays: Floats
    """Probability that he plays, by his status; a bet on him is void if he does not."""
    error: tuple[str | None, ...]


@dataclass(frozen=True)
class Walked:
    """A month: what was predicted with which world's rows, and the training behind it
    (JSON-ready).
    """

    month: Month
    forecasts: Mapping[str, Mapping[Variant, Forecast]]
    training: Mapping[str, Any]
    training_seconds: float
    prediction_seconds: float


def train(rows: TrainingRows, cutoff: date, cache: FoldTrees) -> Models:
    """The models of a cut-off from rows known that morning: the only place where a backtest trains.

    `cache` lives as long as the walk and is shared by its trainings, of which two may run at once.
    """
    del cutoff  # every fold begins before it
    return fit(rows, folds=cache).models


def predict(rows: TrainingRows, models: Models) -> dict[Variant, Forecast]:
    """All variants for the rows, as serving predicts and stores them."""
    outputs = all_outputs(rows.features, rows.history, rows.line, models)
    found = {(output.system_id, output.system_id == ENSEMBLE): output for output in outputs}
    if models.ensemble is not None:
        nothing = np.full(len(rows), np.nan)
        base = [output for output in outputs if output.system_id != ENSEMBLE]
        found[ENSEMBLE, False] = ensemble.predict(base, rows.features, nothing, models.ensemble)
    plays = 1.0 - fill_unknown(rows.features[ABSENCE], 0.0)
    return {variant: _forecast(output, plays) for variant, output in found.items()}


def _forecast(output: SystemOutput, plays: Floats) -> Forecast:
    return Forecast(output.points, output.mean, output.sd, plays, output.error_code)


def spread(forecast: Forecast, there: Mask) -> Forecast:
    """The forecast of the rows that are there as one of all that were asked for."""

    def fill(values: Floats) -> Floats:
        spread_out = np.full(len(there), np.nan)
        spread_out[there] = values
        return spread_out

    errors = iter(forecast.error)
    error = tuple(next(errors) if is_there else NO_ROW for is_there in there.tolist())
    return Forecast(fill(forecast.point), fill(forecast.mean), fill(forecast.sd), fill(forecast.plays), error)


def walk(month: Month, world: FeatureRows, asked: Mapping[str, AskedRows], cache: FoldTrees) -> Walked:
    """Train at the month's cut-off on the world's rows and predict the rows asked for, under their
    names.

    Raises DataError where too little was known to train on.
    """
    started = perf_counter()
    known = world.known_before(at_new_york(month.cutoff, TRAINING_AT))
    if int(known.predicted.sum()) < FEWEST_ROWS:
        raise DataError(
            f"Only {int(known.predicted.sum())} rows were known before {month.cutoff}, {FEWEST_ROWS} are needed to"
            " train.",
            next_step="choose a later FROM, or more HISTORY_SEASONS.",
        )
    models = train(known, month.cutoff, cache)
    trained = perf_counter()
    forecasts = {
        name: {variant: spread(one, each.there) for variant, one in predict(each.rows, models).items()}
        for name, each in asked.items()
    }
    training = _describe_training(month, known, models)
    return Walked(month, forecasts, training, trained - started, perf_counter() - trained)


def _describe_training(month: Month, known: TrainingRows, models: Models) -> dict[str, Any]:
    return {
        "cutoff": str(month.cutoff),
        "rows": int(known.trained.sum()),
        "first_day": str(known.day.min()),
        "last_day": str(known.day.max()),
        "version": models.ensemble.version if models.ensemble is not None else "",
    }


def walk_all(
    world: FeatureRows, asked: Mapping[Month, Mapping[str, AskedRows]], pool: ThreadPoolExecutor
) -> Iterable[Walked]:
    """Walk the months, in their order; the first alone, since what it caches serves the others
    too.
    """
    cache: FoldTrees = {}
    todo = list(asked)
    for month in todo[:1]:
        yield walk(month, world, asked[month], cache)
    running = [pool.submit(walk, month, world, asked[month], cache) for month in todo[1:]]
    for future in running:
        yield future.result()
