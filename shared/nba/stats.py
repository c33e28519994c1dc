"""The statistics of a player's game that people bet on: one record each.

A statistic begins here (docs/contributing.md says what follows): sources ask for its markets, the
table of raw lines keeps them, and tests demand its features. Lines are judged and tested of points
alone.
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
        name: its column in nba_analytics.player_game_summary, and the head of its features' names
            (points_l10).
        box_score: NBA.com's column of a box score.
        market: the Odds API's key of its main lines.
        line_steps: the tested lines, as distances from the main line.
        most: no line of a bookmaker is above it.
        usual: what a usual player has in a game; a short history is drawn towards it.
        variance: (a, b): the variance of a game's value about its mean m is a + b * m, as measured.
        least_mae: a mean absolute error below it, on many rows with a line, is too good to be true.
    """

    name: str
    box_score: str
    market: str
    line_steps: tuple[int, ...]
    most: float
    usual: float
    variance: tuple[float, float]
    least_mae: float

    @property
    def alternate_market(self) -> str:
        """The key of its lines beside the main one."""
        return f"{self.market}_alternate"

    @property
    def markets(self) -> tuple[str, str]:
        return self.market, self.alternate_market


POINTS = Stat(
    name="points",
    box_score="PTS",
    market="player_points",
    line_steps=(-2, -1, 0, 1, 2),
    # nobody has scored more than 100, Wilt Chamberlain 1962
    most=100,
    usual=10,
    # of docs/science.md, "Suspicious lines"
    variance=(9, 2.4),
    # published claims below it have turned out to be leaks; the bookmaker himself is at 5.0 to 5.3
    least_mae=4.5,
)
STATS: Mapping[str, Stat] = {stat.name: stat for stat in (POINTS,)}
"""By name, in the order in which they are shown."""
PREDICTED: Mapping[str, Stat] = {stat.name: stat for stat in (POINTS,)}
"""Those that the systems predict, by name in the same order."""
_PLACES = {name: place for place, name in enumerate(STATS)}


def place_of(name: str) -> tuple[int, str]:
    """Where a statistic stands among others, to sort by: as in STATS, and one that this release
    does not know at the end.
    """
    return _PLACES.get(name, len(_PLACES)), name


PROP_MARKETS = tuple(market for stat in STATS.values() for market in stat.markets)
"""What the Odds API is asked for (each costs quota), and odds_api_player_points_props keeps."""
HIGHEST_LINE = max(stat.most for stat in STATS.values())
# What a box score counts by itself; the other statistics are sums of these.
BASE_STATS = ("points", "rebounds", "assists", "threes")
