"""When a line or a price is suspicious: bounds that real lines keep, so that what is beyond them is
an error.

Measured on the last main lines before tip-off of 2023-24 to 2025-26: 494,832 of eight statistics,
with the query of docs/science.md, "Suspicious lines". How far a line is from the other books', and
from form, is judged by each statistic's own bounds (shared/nba/stats.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from shared.nba.stats import Stat
from shared.science.predictions.lines import MOST_DEVIATIONS_ABOVE, MOST_DEVIATIONS_BELOW

# Deviations: between the line and what the player has in a game (his last 20 games, shrunk), as the
# systems' own in shared/science/predictions/lines.py. A bench player may be about to start; a star
# may be back for ten minutes. What both prices of a line imply, together: a book earns what is
# above 1. Real ones are 1.0 (without margin) to 1.16; beyond are 14 rows of one day with -10000 on
# both sides, which is no price.
LEAST_IMPLIED_SUM, MOST_IMPLIED_SUM = 0.9, 1.5
# Implied probability of a side beside the books' median at the same line: real ones are within
# 0.21.
FAR_PRICE = 0.25


def parameters(stats: Iterable[Stat]) -> dict[str, str | float]:
    """What upcoming_player_lines.sql needs to judge lines: the statistics as one JSON list."""
    return {
        "stats": json.dumps([_bounds(stat) for stat in stats]),
        "most_deviations_above": MOST_DEVIATIONS_ABOVE,
        "most_deviations_below": MOST_DEVIATIONS_BELOW,
        "least_implied_sum": LEAST_IMPLIED_SUM,
        "most_implied_sum": MOST_IMPLIED_SUM,
        "far_price": FAR_PRICE,
    }


def _bounds(stat: Stat) -> dict[str, str | float]:
    base, each = stat.variance
    return {
        "name": stat.name,
        "main_market": stat.market,
        "alternate_market": stat.alternate_market,
        "usual": float(stat.usual),
        "variance": float(base),
        "variance_each": float(each),
        "far_from_books": float(stat.far_from_books),
    }
