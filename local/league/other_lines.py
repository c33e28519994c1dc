"""The simulated bookmakers' lines of rebounds, assists, threes and the sums, from the distribution
that the box scores are drawn from.

Two books offer them, in the morning and in the afternoon: enough for every statistic to have a line
in force at each run of the day but the first, and a best price, at a fraction of the rows that all
books would need.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from local.league.game_day import Expectation
from local.league.odds import american, normal_cdf
from local.league.players import Floats
from shared.nba.stats import Stat

BOOKS = (0, 1)  # draftkings and fanduel
# Nobody offers a line on less: the mean of a base statistic.
LEAST = {"points": 3.0, "rebounds": 1.5, "assists": 1.2, "threes": 0.6}
# How much a game's expected value varies with the minutes, relative to its mean; of shots with who
# takes them as well (game_day.play draws both).
MINUTES_VARY = 0.15
SHOTS_VARY = 0.25
SKEW = 0.06  # of sums with points: as of points
MOST_COUNTED = 30  # nobody's line of a count is above it


def means_of(view: Expectation) -> dict[str, Floats]:
    """By base statistic, what each player is expected to have (K x ROSTER)."""
    return {"points": view.points, "rebounds": view.rebounds, "assists": view.assists, "threes": view.threes}


def variance_of(stat: Stat, means: Mapping[str, Floats], spread: Floats) -> Floats:
    """The variance of a game's value: of independent counts but for the minutes, which all of them
    share. `spread` is the standard deviation of points.
    """
    of_part = {"points": spread**2, "threes": means["threes"] + (SHOTS_VARY * means["threes"]) ** 2}
    for name in ("rebounds", "assists"):
        of_part[name] = means[name] + (MINUTES_VARY * means[name]) ** 2
    together: Floats = sum((of_part[part] for part in stat.parts), np.zeros_like(spread))
    for number, one in enumerate(stat.parts):
        for other in stat.parts[number + 1 :]:
            together = together + 2 * MINUTES_VARY**2 * means[one] * means[other]
    return together


def line_of(stat: Stat, mean: Floats, variance: Floats) -> tuple[Floats, Floats, Floats]:
    """(line, over, under) of each: the half point nearest the median, and American prices."""
    if "points" in stat.parts:
        sd = np.sqrt(variance)
        line = np.maximum(np.round(mean - SKEW * sd - 0.5) + 0.5, 0.5)
        over = 1 - normal_cdf((line - (mean - SKEW * sd)) / sd)
    else:
        below = count_cdf(mean, variance)
        at = np.abs(below - 0.5).argmin(axis=1)
        line = at + 0.5
        over = 1 - below[np.arange(len(at)), at]
    return line, american(over), american(1 - over)


def count_cdf(mean: Floats, variance: Floats) -> Floats:
    """P(value <= k) for k = 0..MOST_COUNTED - 1 of negative binomial counts: float64[n, k].

    The variance must be above the mean.
    """
    size = mean**2 / (variance - mean)
    part = mean / (size + mean)
    chance = (1 - part) ** size
    chances = [chance]
    for k in range(MOST_COUNTED - 1):
        chance = chance * (k + size) / (k + 1) * part
        chances.append(chance)
    below: Floats = np.cumsum(np.stack(chances, axis=1), axis=1)
    return below


def offered_of(stat: Stat, means: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Who has a line of it: who may be expected to have some of each part."""
    everybody: NDArray[np.bool_] = np.logical_and.reduce([means[part] >= LEAST[part] for part in stat.parts])
    return everybody
