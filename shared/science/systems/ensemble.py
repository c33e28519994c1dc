"""ensemble_v1: a learned non-negative combination of the four systems, and with the market where a
line is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import BREAKER_OPEN, MODEL_DAMAGED, NO_INPUTS, SYSTEM_FAILED
from shared.science.systems.market import FEATURES as MARKET_FEATURES
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import (
    BASE,
    BASE_SYSTEMS,
    ENSEMBLE,
    LOWEST_MEAN,
    SystemOutput,
    output,
    point_forecast,
)

FEATURES = MARKET_FEATURES
# Rows with a line that the market's combination needs; below, the line is left out of it.
ENOUGH_LINED = 300


@dataclass(frozen=True)
class Combination:
    """intercept (points) + sum of weight * input; weights are not negative."""

    intercept: float
    weights: Mapping[str, float]

    def of(self, inputs: Mapping[str, Floats]) -> Floats:
        """Expected points of n rows; NaN where an input with a weight is NaN."""
        total = np.full(len(next(iter(inputs.values()))), self.intercept)
        for name, weight in self.weights.items():
            if weight > 0:
                total = total + weight * inputs[name]
        return total

    def describe(self) -> str:
        """The inputs that count, heaviest first."""
        ranked = sorted(self.weights.items(), key=lambda item: (-item[1], item[0]))
        return " + ".join(f"{weight:.2f} {name}" for name, weight in ranked if weight >= 0.005)


@dataclass(frozen=True)
class EnsembleModel:
    """The trained combinations and every system's variance; with_market is None where too few lines
    were known.

    with_market goes on from the figure without, which knows all that no line is needed for.
    """

    version: str
    no_market: Combination
    with_market: MarketCombination | None
    variance: Mapping[str, Variance]
    variance_with_market: Variance | None


def fit_combination(inputs: Mapping[str, Floats], points: Floats) -> Combination:
    """Non-negative least squares of points float64[n] on the inputs and a free intercept.

    Lawson & Hanson, Solving Least Squares Problems, ch. 23. Means are taken out first, which frees
    the intercept's sign.
    """
    from scipy.optimize import nnls

    names = sorted(inputs)
    table = np.column_stack([inputs[name] for name in names])
    centre, target = table.mean(axis=0), float(points.mean())
    weights, _ = nnls(table - centre, points - target)
    rounded = np.round(weights, 6)
    return Combination(
        intercept=round(target - float(centre @ rounded), 6),
        weights={name: float(weight) for name, weight in zip(names, rounded, strict=True)},
    )


def fill_means(means: Mapping[str, Floats]) -> dict[str, Floats]:
    """The four systems' means, where one could not predict the mean of those that could; NaN where
    none could.
    """
    table = np.column_stack([means[name] for name in BASE_SYSTEMS])
    known = ~np.isnan(table)
    count = known.sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    average = np.divide(total, count, out=np.full(len(table), np.nan), where=count > 0)
    return {name: np.where(np.isnan(means[name]), average, means[name]) for name in BASE_SYSTEMS}


def predict(outputs: Sequence[SystemOutput], features: Features, line: Floats, model: EnsembleModel) -> SystemOutput:
    """Mean, spread and reason of n rows from the four systems' outputs, and the main lines (NaN:
    none known).

    Where a line is known, the figure uses it and points_no_market is the one without. Error
    no_inputs where none of the four systems could predict.
    """
    inputs = fill_means({one.system_id: one.mean for one in outputs})
    without = np.maximum(model.no_market.of(inputs), LOWEST_MEAN)
    uses_market = np.zeros(len(line), dtype=bool)
    alone = np.sqrt(model.variance[ENSEMBLE].of(without))
    mean, spread = without, alone
    if model.with_market is not None and model.variance_with_market is not None:
        uses_market = ~np.isnan(line) & ~np.isnan(without)
        lined = np.maximum(model.with_market.of(without, line, features), LOWEST_MEAN)
        mean = np.where(uses_market, lined, without)
        spread = np.where(uses_market, np.sqrt(model.variance_with_market.of(lined)), spread)
    missed = "".join(_without(outputs, code) for code in (BREAKER_OPEN, SYSTEM_FAILED, MODEL_DAMAGED))
    plain = model.no_market.describe()
    market = "" if model.with_market is None else f"{plain}, {model.with_market.describe()}"
    return output(
        ENSEMBLE,
        model.version,
        mean,
        spread,
        tuple((market if used else plain) + missed for used in uses_market),
        (NO_INPUTS, ("none of the four systems could predict",) * len(mean)),
        uses_market=uses_market,
        points_no_market=point_forecast(without, alone),
    )


def contributions(
    parts: Mapping[str, Mapping[str, Floats]],
    means: Mapping[str, Floats],
    features: Features,
    line: Floats,
    model: EnsembleModel,
) -> dict[str, Floats]:
    """Points float64[n] by name: the systems' contributions (`parts`) by their weights, same names
    added up.

    Exact, since all is linear: they add up to predict's mean where no floor was met. A system
    without a mean (NaN in `means`) is filled in as in `fill_means`. Where the line is used, the
    market's terms are added to the figure without:
    the line counts by how far it lies from it. BASE has the intercepts.
    """
    names = sorted({BASE, *(name for part in parts.values() for name in part)})
    place = {name: position for position, name in enumerate(names)}
    table = np.zeros((len(BASE_SYSTEMS), len(line), len(names)))
    for system, part in parts.items():
        columns = [place[name] for name in part]
        table[BASE_SYSTEMS.index(system)][:, columns] = np.stack(list(part.values()), axis=1)
    known = ~np.isnan(np.stack([means[system] for system in BASE_SYSTEMS]))[:, :, None]
    average = np.where(known, table, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    table = np.where(known, table, average)

    weight = [model.no_market.weights.get(system, 0.0) for system in BASE_SYSTEMS]
    intercept = [model.no_market.intercept if name == BASE else 0.0 for name in names]
    total = np.asarray(np.tensordot(weight, table, axes=1) + intercept)
    found = {name: total[:, position] for position, name in enumerate(names)}
    if model.with_market is None:
        return found
    used = ~np.isnan(line)
    found[BASE] = found[BASE] + np.where(used, model.with_market.intercept, 0.0)
    for name, points in model.with_market.terms(total.sum(axis=1), line, features).items():
        found[name] = found.get(name, np.zeros(len(line))) + np.where(used, points, 0.0)
    return found


def _without(outputs: Sequence[SystemOutput], code: str) -> str:
    """What the reason adds where systems were left out for all rows: the mean of the others stands
    in for them.
    """
    left_out = [one.system_id for one in outputs if one.error_code and one.error_code[0] == code]
    return f"; without {', '.join(left_out)} ({code})" if left_out else ""
