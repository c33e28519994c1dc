"""Sums of statistics, made of the joint distribution of their parts: the mean is the sum of the
means, the spread has the covariances.

What a player has more of one statistic than was expected of him goes with what he has more of
another (a night of more minutes brings all of them), so the variance of a sum is more than the sum
of the variances. Between team-mates' results there is nothing that had to be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from shared.nba.stats import Stat
from shared.science.systems.columns import Floats
from shared.science.systems.ensemble import Combined
from shared.science.systems.output import ENSEMBLE, SystemOutput, output, point_forecast

# What is known before any training: correlations of one player's residuals in 2023-24 and 2024-25,
# out of sample. 2025-26 has 0.29, 0.18 and 0.21.
START_CORRELATIONS = {"points rebounds": 0.29, "points assists": 0.16, "rebounds assists": 0.20}
WITH_MARKET = f"{ENSEMBLE} with market"
"""How a sum's model names ensemble_v1 where a line is in it; without one it is ensemble_v1."""
# Of a version where nothing of a sum is trained.
UNTRAINED = "v1"


@dataclass(frozen=True)
class SumMarket:
    """What a sum's line adds: see joint.py. intercept in the sum's unit; gain is the part of the
    way towards the line that is gone where every part has a line of its own, 0 to 1.
    """

    intercept: float
    gain: float
    price: float


@dataclass(frozen=True)
class SumModel:
    """What is trained of a sum: by system (WITH_MARKET apart) the correlations of its parts'
    residuals, by pair ("points rebounds"), and how much wider the sum's results were than those
    say; with_market is None where too few lines were known.
    """

    version: str
    correlations: Mapping[str, Mapping[str, float]]
    width: Mapping[str, float]
    with_market: SumMarket | None


def pairs_of(stat: Stat) -> list[str]:
    """The pairs of a sum's parts, as a model names them."""
    return [f"{one} {other}" for one, other in combinations(stat.parts, 2)]


def variance_of(spreads: Mapping[str, Floats], correlations: Mapping[str, float], width: float = 1.0) -> Floats:
    """Variance float64[n] of the sum of parts of these spreads (by name, in the sum's order)."""
    total = np.sum([sd**2 for sd in spreads.values()], axis=0)
    for one, other in combinations(spreads, 2):
        total = total + 2.0 * correlations[f"{one} {other}"] * spreads[one] * spreads[other]
    return np.asarray(width * total)


def fit_correlations(
    stat: Stat, residuals: Mapping[str, Floats], spreads: Mapping[str, Floats]
) -> tuple[dict[str, float], float]:
    """Correlations by pair of standardised residuals float64[n] of a sum's parts, and the width:
    what the sum's squared residuals are of the variance that follows. Rows with NaN are left out.
    """
    known = np.all([~np.isnan(residuals[part]) for part in stat.parts], axis=0)
    standard = {part: residuals[part][known] / spreads[part][known] for part in stat.parts}
    found = {
        f"{one} {other}": round(float(np.mean(standard[one] * standard[other])), 6)
        for one, other in combinations(stat.parts, 2)
    }
    total = np.sum([residuals[part][known] for part in stat.parts], axis=0)
    implied = variance_of({part: spreads[part][known] for part in stat.parts}, found)
    return found, round(float(np.sum(total**2) / np.sum(implied)), 6)


def _spread(stat: Stat, spreads: Mapping[str, Floats], system: str, model: SumModel | None) -> Floats:
    if model is None:
        return np.sqrt(variance_of(spreads, START_CORRELATIONS))
    return np.sqrt(variance_of(spreads, model.correlations[system], model.width[system]))


def add_outputs(stat: Stat, parts: Mapping[str, SystemOutput], model: SumModel | None) -> SystemOutput:
    """What a system says of a sum, from what it says of its parts (by name).

    Where it says nothing of one the error is that part's.
    """
    system = next(iter(parts.values())).system_id
    mean = np.sum([part.mean for part in parts.values()], axis=0)
    spread = _spread(stat, {name: part.sd for name, part in parts.items()}, system, model)
    version = UNTRAINED if model is None else model.version
    codes, sentences = _errors_of(parts)
    return output(stat, system, version, mean, spread, _reasons(parts), (codes, sentences))


def add_combined(
    stat: Stat, parts: Mapping[str, Combined], outputs: Mapping[str, SystemOutput], model: SumModel | None
) -> SystemOutput:
    """What ensemble_v1 says of a sum, from what it makes of its parts (by name) and says of
    them.
    """
    mean = np.sum([part.mean for part in outputs.values()], axis=0)
    uses_market = np.any([part.uses_market for part in parts.values()], axis=0)
    spreads = {name: part.sd for name, part in outputs.items()}
    plain = _spread(stat, spreads, ENSEMBLE, model)
    spread = np.where(uses_market, _spread(stat, spreads, WITH_MARKET, model), plain)
    without = np.sum([part.without for part in parts.values()], axis=0)
    alone = _spread(stat, {name: part.alone for name, part in parts.items()}, ENSEMBLE, model)
    codes, sentences = _errors_of(outputs)
    return output(
        stat,
        ENSEMBLE,
        UNTRAINED if model is None else model.version,
        mean,
        spread,
        _reasons(outputs),
        (codes, sentences),
        uses_market=uses_market,
        forecast_no_market=point_forecast(without, alone, stat),
    )


def _errors_of(parts: Mapping[str, SystemOutput]) -> tuple[list[str | None], list[str | None]]:
    """Row by row code and sentence of the first part of which nothing is said."""
    codes: list[str | None] = []
    sentences: list[str | None] = []
    for row in range(len(next(iter(parts.values())).mean)):
        failed = next((name for name, part in parts.items() if part.error_code[row]), None)
        codes.append(parts[failed].error_code[row] if failed else None)
        sentences.append(f"{failed}: {parts[failed].error_message[row]}" if failed else None)
    return codes, sentences


def _reasons(parts: Mapping[str, SystemOutput]) -> tuple[str, ...]:
    names = list(parts)
    means = np.stack([part.mean for part in parts.values()], axis=1)
    return tuple(" + ".join(f"{mean:.1f} {name}" for name, mean in zip(names, row, strict=True)) for row in means)
