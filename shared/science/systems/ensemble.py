"""ensemble_v1: a learned non-negative combination of the other systems, and with the market where a
line is known.

It is made in two steps, since a line of points and rebounds says something of both: `combine` takes
a base statistic's own line, joint.py may move what it gives by the lines of sums, and `output_of`
says the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import Stat
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import Variance
from shared.science.systems.error_codes import BREAKER_OPEN, MODEL_DAMAGED, NO_INPUTS, SYSTEM_FAILED
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import (
    BASE,
    ENSEMBLE,
    SystemOutput,
    output,
    point_forecast,
)

# Rows with a line that the market's combination needs; below, the line is left out of it.
ENOUGH_LINED = 300


@dataclass(frozen=True)
class Combination:
    """intercept (the statistic's unit) + sum of weight * input; weights are not negative."""

    intercept: float
    weights: Mapping[str, float]

    def of(self, inputs: Mapping[str, Floats]) -> Floats:
        """What is expected of n rows; NaN where an input with a weight is NaN."""
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
    """The trained combinations of a base statistic and every system's variance; with_market is None
    where too few lines were known.

    with_market goes on from the figure without, which knows all that no line is needed for.
    """

    version: str
    no_market: Combination
    with_market: MarketCombination | None
    variance: Mapping[str, Variance]
    variance_with_market: Variance | None


def fit_combination(inputs: Mapping[str, Floats], actual: Floats) -> Combination:
    """Non-negative least squares of what players did, float64[n], on the inputs and a free
    intercept.

    Lawson & Hanson, Solving Least Squares Problems, ch. 23. Means are taken out first, which frees
    the intercept's sign.
    """
    from scipy.optimize import nnls

    names = sorted(inputs)
    table = np.column_stack([inputs[name] for name in names])
    centre, target = table.mean(axis=0), float(actual.mean())
    weights, _ = nnls(table - centre, actual - target)
    rounded = np.round(weights, 6)
    return Combination(
        intercept=round(target - float(centre @ rounded), 6),
        weights={name: float(weight) for name, weight in zip(names, rounded, strict=True)},
    )


def fill_means(means: Mapping[str, Floats], stat: Stat) -> dict[str, Floats]:
    """The means of the systems that speak of the statistic, where one could not predict the mean of
    those that could; NaN where none could.
    """
    systems = speaking_systems(stat)
    table = np.column_stack([means[name] for name in systems])
    known = ~np.isnan(table)
    count = known.sum(axis=1)
    total = np.where(known, table, 0.0).sum(axis=1)
    average = np.divide(total, count, out=np.full(len(table), np.nan), where=count > 0)
    return {name: np.where(np.isnan(means[name]), average, means[name]) for name in systems}


@dataclass(frozen=True)
class Combined:
    """What ensemble_v1 makes of a base statistic for n rows.

    without and alone are mean and spread without any line, mean and sd those that are said;
    has_own_line is where the statistic's own line is in them, uses_market where any line is.
    """

    stat: Stat
    version: str
    without: Floats
    alone: Floats
    mean: Floats
    sd: Floats
    has_own_line: NDArray[np.bool_]
    uses_market: NDArray[np.bool_]
    reason: tuple[str, ...]


def combine(
    means: Mapping[str, Floats], features: Features, line: Floats, model: EnsembleModel, stat: Stat, missed: str = ""
) -> Combined:
    """Mean, spread and reason of n rows from the other systems' means, and the statistic's main
    lines (NaN: none known). missed: what the reason says of systems that were left out.
    """
    inputs = fill_means(means, stat)
    without = np.maximum(model.no_market.of(inputs), stat.lowest_mean)
    has_line = np.zeros(len(line), dtype=bool)
    alone = np.sqrt(model.variance[ENSEMBLE].of(without, stat))
    mean, spread = without, alone
    if model.with_market is not None and model.variance_with_market is not None:
        has_line = ~np.isnan(line) & ~np.isnan(without)
        lined = np.maximum(model.with_market.of(without, line, features, stat), stat.lowest_mean)
        mean = np.where(has_line, lined, without)
        spread = np.where(has_line, np.sqrt(model.variance_with_market.of(lined, stat)), spread)
    plain = model.no_market.describe()
    market = "" if model.with_market is None else f"{plain}, {model.with_market.describe()}"
    reason = tuple((market if used else plain) + missed for used in has_line)
    return Combined(stat, model.version, without, alone, mean, spread, has_line, has_line, reason)


def output_of(combined: Combined) -> SystemOutput:
    """What is said of the n rows; error no_inputs where none of the other systems could predict.

    Where a line is known, the figure uses it and forecast_no_market is the one without.
    """
    return output(
        combined.stat,
        ENSEMBLE,
        combined.version,
        combined.mean,
        combined.sd,
        combined.reason,
        (NO_INPUTS, ("none of the systems could predict",) * len(combined.mean)),
        uses_market=combined.uses_market,
        forecast_no_market=point_forecast(combined.without, combined.alone, combined.stat),
    )


def contributions(
    parts: Mapping[str, Mapping[str, Floats]],
    means: Mapping[str, Floats],
    features: Features,
    line: Floats,
    model: EnsembleModel,
    stat: Stat,
) -> dict[str, Floats]:
    """What adds to `combine`'s mean, float64[n] by name: the systems' contributions (`parts`) by
    their weights, same names added up.

    Exact, since all is linear: they add up to the mean where no floor was met. A system without a
    mean (NaN in `means`) is filled in as in `fill_means`. Where the line is used, the market's
    terms are added to the figure without: the line counts by how far it lies from it. BASE has the
    intercepts.
    """
    systems = speaking_systems(stat)
    names = sorted({BASE, *(name for part in parts.values() for name in part)})
    place = {name: position for position, name in enumerate(names)}
    table = np.zeros((len(systems), len(line), len(names)))
    for system, part in parts.items():
        columns = [place[name] for name in part]
        table[systems.index(system)][:, columns] = np.stack(list(part.values()), axis=1)
    known = ~np.isnan(np.stack([means[system] for system in systems]))[:, :, None]
    average = np.where(known, table, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    table = np.where(known, table, average)

    weight = [model.no_market.weights.get(system, 0.0) for system in systems]
    intercept = [model.no_market.intercept if name == BASE else 0.0 for name in names]
    total = np.asarray(np.tensordot(weight, table, axes=1) + intercept)
    found = {name: total[:, position] for position, name in enumerate(names)}
    if model.with_market is None:
        return found
    used = ~np.isnan(line)
    found[BASE] = found[BASE] + np.where(used, model.with_market.intercept, 0.0)
    for name, added in model.with_market.terms(total.sum(axis=1), line, features, stat).items():
        found[name] = found.get(name, np.zeros(len(line))) + np.where(used, added, 0.0)
    return found


def describe_left_out(outputs: Sequence[SystemOutput]) -> str:
    """What the reason adds where systems were left out for all rows: the mean of the others stands
    in for them.
    """
    return "".join(_without(outputs, code) for code in (BREAKER_OPEN, SYSTEM_FAILED, MODEL_DAMAGED))


def _without(outputs: Sequence[SystemOutput], code: str) -> str:
    left_out = [one.system_id for one in outputs if one.error_code and one.error_code[0] == code]
    return f"; without {', '.join(left_out)} ({code})" if left_out else ""
