"""When a line or a price is suspicious: bounds that real lines keep, so that what is beyond them is
an error.

Measured on the last main lines before tip-off of 2023-24 to 2025-26: 79,191 of thirteen bookmakers,
with the query of docs/science.md, "Suspicious lines".
"""

from __future__ import annotations

from shared.nba.stats import Stat
from shared.science.predictions.lines import MOST_DEVIATIONS_ABOVE, MOST_DEVIATIONS_BELOW

# Points between a book's main line and the median of all books'. Real books stay within 4.0 of the
# others' median: of 65,814 lines with two other books or more 7 are 3 points away or more, 3 are 4,
# none is 5. They were taken once a day; in the minutes after the news that a star sits out, one
# book has moved a line that another still shows: hence the room.
FAR_FROM_BOOKS = 10.0
# Deviations: between the line and what the player scores (his last 20 games, shrunk), as the
# systems' own in shared/science/predictions/lines.py. A bench player may be about to start; a star
# may be back for ten minutes. What both prices of a line imply, together: a book earns what is
# above 1. Real ones are 1.0 (without margin) to 1.16; beyond are 14 rows of one day with -10000 on
# both sides, which is no price.
LEAST_IMPLIED_SUM, MOST_IMPLIED_SUM = 0.9, 1.5
# Implied probability of a side beside the books' median at the same line: real ones are within
# 0.21.
FAR_PRICE = 0.25


def parameters(stat: Stat) -> dict[str, str | float]:
    """What upcoming_player_lines.sql needs to judge the lines of one statistic."""
    base, each = stat.variance
    return {
        "stat": stat.name,
        "main_market": stat.market,
        "alternate_market": stat.alternate_market,
        "usual": float(stat.usual),
        "variance": float(base),
        "variance_each": float(each),
        "far_from_books": FAR_FROM_BOOKS,
        "most_deviations_above": MOST_DEVIATIONS_ABOVE,
        "most_deviations_below": MOST_DEVIATIONS_BELOW,
        "least_implied_sum": LEAST_IMPLIED_SUM,
        "most_implied_sum": MOST_IMPLIED_SUM,
        "far_price": FAR_PRICE,
    }
