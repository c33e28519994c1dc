"""Where a series changes its level for longer than an episode.

At each place the values just before and just after are compared by their ranks: H. B. Mann and
D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than the
other", Annals of Mathematical Statistics 18 (1), 1947. So neither a few extremes nor the shape of
the noise matter. Only neighbours are compared: a level that rose and fell again is found, which a
test of the whole series does not see.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# Values on either side that are compared; with fewer than the least on one side nothing is said.
MOST, LEAST = 14, 5
# Standard deviations of the test. 14 values against 5 that are all greater have 3.24.
LIMIT = 3.2


def find_changes(values: Sequence[float]) -> list[int]:
    """Places, in order, of the first value of each new level; empty of a single level.

    Of changes in the same direction closer than 14 values the clearest counts, and no level has
    fewer than 5 values.
    """
    scores = {place: rank_score(values, place) for place in range(LEAST, len(values) - LEAST + 1)}
    found: list[int] = []
    for place in sorted(scores, key=lambda place: (-abs(scores[place]), place)):
        if abs(scores[place]) < LIMIT:
            break
        if all(_are_two(scores, place, other) for other in found):
            found.append(place)
    return sorted(found)


def _are_two(scores: dict[int, float], place: int, other: int) -> bool:
    is_same = (scores[place] > 0) == (scores[other] > 0)
    return abs(place - other) >= (MOST if is_same else LEAST)


def rank_score(values: Sequence[float], place: int) -> float:
    """The test at a place: standard deviations by which the values from there on are greater than
    those before, 14 at most of each; of equal values half counts as greater.
    """
    before = sorted(values[max(0, place - MOST) : place])
    after = values[place : place + MOST]
    greater = sum((bisect_left(before, each) + bisect_right(before, each)) / 2 for each in after)
    m, n = len(before), len(after)
    return (greater - m * n / 2) / math.sqrt(m * n * (m + n + 1) / 12)
