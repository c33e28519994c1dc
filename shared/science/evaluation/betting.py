"""Bets: hit rate and return with their intervals, over all and by edge.

PASS is no bet; a push is a stake, no hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, isinf, sqrt
from typing import Any

import numpy as np

from shared.science.evaluation.arrays import Floats, mean_of_known
from shared.science.evaluation.bootstrap import DayBootstrap

# Two-sided 95% of the normal distribution.
Z_95 = 1.959963984540054
# Points between prediction and line towards the side of the bet; below 0 the price alone speaks for
# it.
EDGES = (-inf, 0.0, 1.0, 2.0, 3.0, inf)


def wilson_interval(wins: int, bets: int, z: float = Z_95) -> tuple[float, float] | None:
    """The Wilson score interval of a hit rate (Wilson 1927); None without a bet."""
    if bets == 0:
        return None
    rate = wins / bets
    centre = (rate + z * z / (2 * bets)) / (1 + z * z / bets)
    half = z * sqrt(rate * (1 - rate) / bets + z * z / (4 * bets * bets)) / (1 + z * z / bets)
    return max(0.0, centre - half), min(1.0, centre + half)


def hit_rate_of(wins: int, bets: int) -> dict[str, float | None]:
    """hit_rate of settled bets, pushes apart, with Wilson's interval; None without a bet."""
    low, high = wilson_interval(wins, bets) or (None, None)
    return {"hit_rate": wins / bets if bets else None, "hit_rate_low": low, "hit_rate_high": high}


def return_on_investment(profit: Floats) -> float | None:
    """Mean profit per unit staked over the bets that had a price (NaN: none); pushes are stakes
    too.
    """
    return mean_of_known(profit)


def hit_rate_interval(won: Floats, days: DayBootstrap) -> tuple[float, float] | None:
    """95% interval of a hit rate; `won` is 1, 0, or NaN where nothing was settled.

    The wider of two: Wilson's holds for few bets, where resampling knows nothing of what did not
    occur; the bootstrap over days sees that bets of one night win and lose together.
    """
    known = won[~np.isnan(won)]
    wilson, resampled = wilson_interval(int(known.sum()), len(known)), days.mean_interval(won)
    if wilson is None or resampled is None:
        return wilson
    return min(wilson[0], resampled[0]), max(wilson[1], resampled[1])


def by_edge(
    edge: Floats, won: Floats, profit: Floats, days: DayBootstrap, edges: Sequence[float] = EDGES
) -> list[dict[str, Any]]:
    """One entry per bucket [edges[i], edges[i+1]) that has a bet, all arrays float64[n] over the
    rows of `days`.

    `edge` is NaN where no bet was made, `won` as in hit_rate_interval, `profit` per unit staked,
    NaN without a price. An open end is None. Figures are None where no bet says them.
    """
    found = []
    for start, end in pairwise(edges):
        inside = (edge >= start) & (edge < end)
        if not inside.any():
            continue
        hits, gains = np.where(inside, won, np.nan), np.where(inside, profit, np.nan)
        bounds = {"edge_from": None if isinf(start) else start, "edge_to": None if isinf(end) else end}
        found.append({**bounds, **betting_figures(hits, gains, days)})
    return found


def betting_figures(won: Floats, profit: Floats, days: DayBootstrap) -> dict[str, Any]:
    """bets (settled, pushes apart), hit_rate and roi, each with its 95% interval, under the names
    of backtest.json.
    """
    hit, gain = hit_rate_interval(won, days), days.mean_interval(profit)
    return {
        "bets": int((~np.isnan(won)).sum()),
        "hit_rate": mean_of_known(won),
        "hit_rate_low": hit[0] if hit else None,
        "hit_rate_high": hit[1] if hit else None,
        "roi": return_on_investment(profit),
        "roi_low": gain[0] if gain else None,
        "roi_high": gain[1] if gain else None,
    }
