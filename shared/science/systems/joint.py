"""The lines of sums: what a bookmaker's line of points, rebounds and assists together says of
each.

The parts' expectations of one player are uncertain together. A sum's line, moved by its price, is
an observation of their sum with an error of its own; the parts move towards it by the rule of
Kalman (1960), each by its share of what is not known. So the sum's expectation stays the sum of the
parts', whatever lines there are, and the order of the lines does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shared.nba.stats import STATS, Stat
from shared.science.systems.columns import Features, Floats
from shared.science.systems.ensemble import Combined
from shared.science.systems.market import HALF_LIFE, prior_precision, shift_by_price
from shared.science.systems.sums import START_CORRELATIONS, WITH_MARKET, SumMarket, SumModel, pairs_of

# Where a part has no line of its own, this many times as much variance of its expectation is not
# known as where it has: by how far a sum's line moves the sum in 2023-24, when half of its players
# had lines of all parts (gains 0.37 and 0.79).
UNLINED = 6.0
# Tried gains of a line where every part has its own; what is believed before any row.
_GAINS = np.arange(0.05, 0.96, 0.05)
PRIOR_GAIN, PRIOR_PRICE = 0.35, 0.5

Parts = Mapping[str, Combined]


@dataclass(frozen=True)
class _Belief:
    """What is not known of n rows' parts: covariances float64[n, parts, parts] as they are, and as
    they were if every part had a line of its own.
    """

    names: tuple[str, ...]
    mean: Floats
    covariance: NDArray[np.float64]
    lined: NDArray[np.float64]

    def direction(self, stat: Stat) -> Floats:
        """1 for each part of the sum, else 0: float64[parts]."""
        return np.array([1.0 if name in stat.parts else 0.0 for name in self.names])


def _believe(parts: Parts, correlations: Mapping[str, float]) -> _Belief:
    names = tuple(parts)
    spread = np.stack([parts[name].sd for name in names], axis=1)
    factor = np.stack([np.where(parts[name].has_own_line, 1.0, np.sqrt(UNLINED)) for name in names], axis=1)
    together = np.eye(len(names))
    for pair, value in correlations.items():
        if all(name in names for name in pair.split()):
            one, other = (names.index(name) for name in pair.split())
            together[one, other] = together[other, one] = value
    lined = spread[:, :, None] * together * spread[:, None, :]
    return _Belief(
        names,
        np.stack([parts[name].mean for name in names], axis=1),
        lined * factor[:, :, None] * factor[:, None, :],
        lined,
    )


def _quadratic(direction: Floats, covariance: NDArray[np.float64]) -> Floats:
    return np.asarray(np.einsum("i,nij,j->n", direction, covariance, direction))


def _gain(gain: float, ours: Floats, lined: Floats) -> Floats:
    """How far the sum moves towards its line, 0 to 1, float64[n]: the line's own error is such that
    with lines of all parts it is `gain`.
    """
    return np.asarray(ours / (ours + lined * (1.0 - gain) / gain))


def fit_sum_market(
    stat: Stat,
    parts: Parts,
    correlations: Mapping[str, float],
    line: Floats,
    features: Features,
    actual: Floats,
    age: Floats,
) -> SumMarket:
    """Fit what the line of a sum is worth on n rows that all have one, and all of the parts.

    actual is the sum that the player had, age in days: a row weighs half as much as one that is
    HALF_LIFE days younger. For each gain that is tried intercept and price by least squares (price
    towards PRIOR_PRICE); the gain is the one that errs least, towards PRIOR_GAIN.
    """
    belief = _believe(parts, correlations)
    direction = belief.direction(stat)
    expected = belief.mean @ direction
    ours, lined = _quadratic(direction, belief.covariance), _quadratic(direction, belief.lined)
    shift = shift_by_price(line, features[stat.price_feature], stat)
    root, firm = np.sqrt(0.5 ** (age / HALF_LIFE)), np.sqrt(prior_precision(stat))
    found: list[tuple[float, SumMarket]] = []
    for gain in _GAINS:
        moved = _gain(float(gain), ours, lined)
        table = np.vstack([np.column_stack([moved, moved * shift]) * root[:, None], [0.0, firm]])
        target = np.append((actual - expected - moved * (line - expected)) * root, firm * PRIOR_PRICE)
        (intercept, price), *_ = np.linalg.lstsq(table, target, rcond=None)
        price = max(0.0, float(price))
        left = target - table @ np.array([intercept, price])
        wrong = float(left @ left) + prior_precision(stat) * float(gain - PRIOR_GAIN) ** 2
        found.append((wrong, SumMarket(round(float(intercept), 6), round(float(gain), 6), round(price, 6))))
    return min(found, key=lambda each: each[0])[1]


@dataclass(frozen=True)
class Moved:
    """The parts after the sums' lines, and what each line added: name of the line's feature -> part
    -> float64[n].
    """

    parts: Parts
    added: Mapping[str, Mapping[str, Floats]]


def correlations_of(models: Mapping[str, SumModel]) -> dict[str, float]:
    """Of every pair the correlation with market, of the first model that has it."""
    found = dict(START_CORRELATIONS)
    for stat in reversed(list(STATS.values())):
        if stat.name in models:
            found.update({pair: models[stat.name].correlations[WITH_MARKET][pair] for pair in pairs_of(stat)})
    return found


def move(parts: Parts, models: Mapping[str, SumModel], lines: Mapping[str, Floats], features: Features) -> Moved:
    """Move base statistics' expectations by the lines of their sums.

    parts: by name, of the same n rows; models and lines (float64[n], NaN: none) by the sum's name.
    A row without a sum's line, or that lacks one of the parts, stays as it is to the last bit.
    """
    wanted = [
        stat
        for stat in STATS.values()
        if stat.is_sum
        and stat.name in lines
        and stat.name in models
        and models[stat.name].with_market is not None
        and all(part in parts for part in stat.parts)
    ]
    if not wanted:
        return Moved(parts, {})
    used = {name: part for name, part in parts.items() if any(name in stat.parts for stat in wanted)}
    belief = _believe(used, correlations_of(models))
    mean, covariance = belief.mean.copy(), belief.covariance.copy()
    touched = np.zeros(len(mean), dtype=bool)
    added: dict[str, dict[str, Floats]] = {}
    for stat in wanted:
        market = models[stat.name].with_market
        assert market is not None
        direction = belief.direction(stat)
        line = lines[stat.name]
        has_line = ~np.isnan(line) & ~np.isnan(mean).any(axis=1)
        shift = shift_by_price(line, features[stat.price_feature], stat)
        surprise = line + market.price * shift + market.intercept - mean @ direction
        error = _quadratic(direction, belief.lined) * (1.0 - market.gain) / market.gain
        toward = covariance @ direction
        gain = toward / (_quadratic(direction, covariance) + error)[:, None]
        step = np.where(has_line[:, None], gain * surprise[:, None], 0.0)
        mean = mean + step
        covariance = covariance - np.where(has_line[:, None, None], gain[:, :, None] * toward[:, None, :], 0.0)
        touched |= has_line
        added[stat.line_feature] = {name: step[:, place] for place, name in enumerate(belief.names)}
    moved = dict(parts)
    for place, name in enumerate(belief.names):
        part = used[name]
        floored = np.maximum(mean[:, place], part.stat.lowest_mean)
        total = mean[:, place] - part.mean
        moved[name] = replace(
            part,
            mean=np.where(touched, floored, part.mean),
            uses_market=part.uses_market | touched,
            reason=tuple(
                f"{reason}, {step:+.1f} by lines of sums" if is_touched else reason
                for reason, step, is_touched in zip(part.reason, total, touched, strict=True)
            ),
        )
    return Moved(moved, added)
