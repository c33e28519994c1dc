"""The statistics of a player's game that people bet on: one record each.

A statistic begins here (docs/contributing.md says what follows): sources ask for its markets, the
table of raw lines keeps them, and its lines are judged. PREDICTED names those that are predicted as
well; tests demand their features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Below it there is nothing to bet on: every count begins at 0.
LOWEST_LINE = 0.5


@dataclass(frozen=True, slots=True)
class Stat:
    """One statistic.

    Attributes:
        name: what messages, tables and exports call it.
        parts: the names of the base statistics that it is the sum of; of a base its own.
        column: of a base, its column in nba_analytics.player_game_summary. Its features begin with
            its name (points_l10). Empty for a sum, which has neither.
        box_score: of a base, NBA.com's column of a box score. Empty for a sum.
        market: the Odds API's key of its main lines.
        line_steps: the tested lines, as distances from the main line.
        most: no line of a bookmaker is above it.
        usual: what a usual player has in a game; a short history is drawn towards it.
        variance: (a, b): the variance of a game's value about its mean m is a + b * m, as measured.
        shift: how far the negative binomial of its counts is shifted: it says how skewed they are
            (shared/science/systems/distribution.py, which says how it was found).
        far_from_books: so far from the median of the books' main lines a line is an error.
        least_mae: a mean absolute error below it, on many rows with a line, is too good to be true.
    """

    name: str
    parts: tuple[str, ...]
    column: str
    box_score: str
    market: str
    line_steps: tuple[int, ...]
    most: float
    usual: float
    variance: tuple[float, float]
    shift: float
    far_from_books: float
    least_mae: float

    @property
    def lowest_mean(self) -> float:
        """Nobody who plays is expected to have less; also keeps the parameters of the distribution
        finite.
        """
        return self.usual / 100.0

    @property
    def line_feature(self) -> str:
        """The column of the feature store with its main line. Points came first: theirs has no name
        before it.
        """
        return "line" if self.name == "points" else f"{self.name}_line"

    @property
    def price_feature(self) -> str:
        """The column with the books' probability of the over at its main line."""
        return f"{self.line_feature}_p_over"

    @property
    def usual_variance(self) -> float:
        """Of a usual player's game, in the statistic's unit squared: the scale of what one
        statistic takes over from another.
        """
        return self.variance[0] + self.variance[1] * self.usual

    @property
    def alternate_market(self) -> str:
        """The key of its lines beside the main one."""
        return f"{self.market}_alternate"

    @property
    def markets(self) -> tuple[str, str]:
        return self.market, self.alternate_market

    @property
    def is_sum(self) -> bool:
        return len(self.parts) > 1


_STEPS = (-2, -1, 0, 1, 2)


# Where variance and far_from_books come from: docs/science.md, "Suspicious lines". least_mae: of
# points, published claims below 4.5 have turned out to be leaks; the bookmaker himself is at 5.0 to
# 5.3. Of the others it is nine tenths of the best season of the archive's lines, of sums of two, of
# which it has one season, a little less.
def _base(
    name: str,
    box_score: str,
    *,
    column: str = "",
    most: float,
    usual: float,
    variance: tuple[float, float],
    shift: float,
    far_from_books: float,
    least_mae: float,
) -> Stat:
    market, column = f"player_{name}", column or name
    return Stat(
        name, (name,), column, box_score, market, _STEPS, most, usual, variance, shift, far_from_books, least_mae
    )


def _sum(
    name: str, *parts: Stat, variance: tuple[float, float], shift: float, far_from_books: float, least_mae: float
) -> Stat:
    """Of a sum no more can be offered than of its parts together, and a usual player has as
    much.
    """
    market = "_".join(("player", *(part.name for part in parts)))
    most, usual = sum(part.most for part in parts), sum(part.usual for part in parts)
    names = tuple(part.name for part in parts)
    return Stat(name, names, "", "", market, _STEPS, most, usual, variance, shift, far_from_books, least_mae)


# nobody has scored more than 100, Wilt Chamberlain 1962
POINTS = _base("points", "PTS", most=100, usual=10, variance=(9, 2.4), shift=7, far_from_books=10, least_mae=4.5)
# nobody has had more than 55, Wilt Chamberlain 1960
REBOUNDS = _base("rebounds", "REB", most=55, usual=4, variance=(0.9, 1.35), shift=0.5, far_from_books=5, least_mae=1.8)
# nobody has had more than 30, Scott Skiles 1990
ASSISTS = _base("assists", "AST", most=30, usual=2.5, variance=(0.3, 1.25), shift=0.25, far_from_books=5, least_mae=1.4)
# nobody has made more than 14, Klay Thompson 2018
THREES = _base(
    "threes", "FG3M", column="fg3m", most=14, usual=1, variance=(0.2, 1.1), shift=0.1, far_from_books=3, least_mae=1.0
)
STATS: Mapping[str, Stat] = {
    stat.name: stat
    for stat in (
        POINTS,
        REBOUNDS,
        ASSISTS,
        _sum("pra", POINTS, REBOUNDS, ASSISTS, variance=(31, 1.85), shift=12, far_from_books=15, least_mae=5.4),
        THREES,
        _sum("pr", POINTS, REBOUNDS, variance=(23, 2), shift=8, far_from_books=12, least_mae=5.1),
        _sum("pa", POINTS, ASSISTS, variance=(17, 2.1), shift=6, far_from_books=12, least_mae=4.8),
        _sum("ra", REBOUNDS, ASSISTS, variance=(3.5, 1.25), shift=2, far_from_books=6, least_mae=2.4),
    )
}
"""Whose lines are collected: by name, in the order in which they are shown."""
OTHERS: Mapping[str, Stat] = {name: stat for name, stat in STATS.items() if stat is not POINTS}
"""All but points, whose line has columns of its own (line, line_p_over)."""
PREDICTED: Mapping[str, Stat] = STATS
"""Those that the systems predict, by name in the same order."""
STAT_OF_MARKET: Mapping[str, Stat] = {market: stat for stat in STATS.values() for market in stat.markets}
"""By the Odds API's key of a market: what odds_api_player_props keeps."""

_PLACES = {name: place for place, name in enumerate(STATS)}


def place_of(name: str) -> tuple[int, str]:
    """Where a statistic stands among others, to sort by: as in STATS, and one that this release
    does not know at the end.
    """
    return _PLACES.get(name, len(_PLACES)), name


HIGHEST_LINE = max(stat.most for stat in STATS.values())
BASE_STATS = tuple(stat.name for stat in STATS.values() if not stat.is_sum)
"""Names of what a box score counts by itself; the others are sums of these."""
