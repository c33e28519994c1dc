"""ensemble_v1: a learned non-negative combination of the four systems, and of the line where one is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.systems.columns import Floats
from shared.systems.distribution import Variance
from shared.systems.output import BASE, BASE_SYSTEMS, BREAKER_OPEN, ENSEMBLE, LOWEST_MEAN, SystemOutput, output

LINE = "line"
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
    """The trained combinations and every system's variance; with_market is None where too few lines were known."""

    version: str
    no_market: Combination
    with_market: Combination | None
    variance: Mapping[str, Variance]
    variance_with_market: Variance | None


def fit_combination(inputs: Mapping[str, Floats], points: Floats) -> Combination:
    """Non-negative least squares of points float64[n] on the inputs and a free intercept.

    Lawson & Hanson, Solving Least Squares Problems, ch. 23. Means are taken out first, which frees the intercept's
    sign.
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


def filled(means: Mapping[str, Floats]) -> dict[str, Floats]:
    """The four systems' means, where one could not predict the mean of those that could; NaN where none could."""
    table = np.column_stack([means[name] for name in BASE_SYSTEMS])
    known = ~np.isnan(table)
    count = known.sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    average = np.divide(total, count, out=np.full(len(table), np.nan), where=count > 0)
    return {name: np.where(np.isnan(means[name]), average, means[name]) for name in BASE_SYSTEMS}


def predict(outputs: Sequence[SystemOutput], line: Floats, model: EnsembleModel) -> SystemOutput:
    """Mean, spread and reason of n rows from the four systems' outputs and the main lines (NaN: none known).

    Where a line is known, mean uses it and mean_no_market is the figure without. Error no_inputs where none of the
    four systems could predict.
    """
    inputs = filled({one.system_id: one.mean for one in outputs})
    without = np.maximum(model.no_market.of(inputs), LOWEST_MEAN)
    uses_market = np.zeros(len(line), dtype=bool)
    mean, spread = without, np.sqrt(model.variance[ENSEMBLE].of(without))
    if model.with_market is not None and model.variance_with_market is not None:
        uses_market = ~np.isnan(line) & ~np.isnan(without)
        lined = np.maximum(model.with_market.of({**inputs, LINE: line}), LOWEST_MEAN)
        mean = np.where(uses_market, lined, without)
        spread = np.where(uses_market, np.sqrt(model.variance_with_market.of(lined)), spread)
    missed = _without([one.system_id for one in outputs if one.error_code and one.error_code[0] == BREAKER_OPEN])
    plain = model.no_market.describe() + missed
    market = (model.with_market.describe() if model.with_market is not None else model.no_market.describe()) + missed
    return output(
        ENSEMBLE,
        model.version,
        mean,
        spread,
        tuple(market if used else plain for used in uses_market),
        ("no_inputs", ("none of the four systems could predict",) * len(mean)),
        uses_market=uses_market,
        mean_no_market=without,
    )


def contributions(
    parts: Mapping[str, Mapping[str, Floats]], means: Mapping[str, Floats], line: Floats, model: EnsembleModel
) -> dict[str, Floats]:
    """Points float64[n] by name: the systems' contributions (`parts`) by their weights, same names added up.

    Exact, since all is linear: they add up to predict's mean where no floor was met. A system without a mean (NaN in
    `means`) is filled in as in `filled`. Where the line is used, it counts by how far it lies from the figure without
    it: mean = a + w x + v line = a + w x + v x0 + v (line - x0), x0 the figure without; BASE has the intercepts.
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

    def combined(by: Combination) -> Floats:
        weight = [by.weights.get(system, 0.0) for system in BASE_SYSTEMS]
        intercept = [by.intercept if name == BASE else 0.0 for name in names]
        return np.asarray(np.tensordot(weight, table, axes=1) + intercept)

    total, pull = combined(model.no_market), np.zeros(len(line))
    if model.with_market is not None:
        weight = model.with_market.weights.get(LINE, 0.0)
        used = ~np.isnan(line)
        pull = np.where(used, weight * (line - total.sum(axis=1)), 0.0)
        total = np.where(used[:, None], combined(model.with_market) + weight * total, total)
    return {**{name: total[:, position] for position, name in enumerate(names)}, LINE: pull}


def _without(left_out: Sequence[str]) -> str:
    """What the reason adds where systems were left out for all rows: the mean of the others stands in for them."""
    return f"; without {', '.join(left_out)} ({BREAKER_OPEN})" if left_out else ""
