"""What a value can be: for every column of the raw tables its lowest and highest value, and where
that is known from.

A value beyond its bounds is no record but an error of the feed; its row is refused and named.
Bounds leave room above the records, so that a new one is not refused. The schemas' descriptions say
the same (tests compare them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.clock import YEARS
from shared.nba.stats import HIGHEST_LINE, LOWEST_LINE


@dataclass(frozen=True, slots=True)
class Bound:
    """Both ends are allowed."""

    low: int | float
    high: int | float
    source: str

    def __str__(self) -> str:
        return f"{self.low} to {self.high}: {self.source}"


def _attempts(makes: str, record: str, high: int) -> Mapping[str, Bound]:
    return {makes: Bound(0, high, record), f"{makes[:-1]}a": Bound(0, 2 * high, f"twice the bound of {makes}")}


YEAR = Bound(YEARS[0], YEARS[-1], "the league's first season began in 1946")
PLAYER_ID = Bound(1, 9_999_999_999, "NBA.com's ids have at most ten digits")
SCORE = Bound(0, 300, "the record is 186, Detroit at Denver 1983")

PLAYER_BOX: Mapping[str, Bound] = {
    "player_id": PLAYER_ID,
    "minutes": Bound(0, 90, "the longest game, six overtimes in 1951, had 78"),
    "points": Bound(0, 150, "the record is 100, Wilt Chamberlain 1962"),
    "rebounds": Bound(0, 80, "the record is 55, Wilt Chamberlain 1960"),
    "offensive_rebounds": Bound(0, 40, "the record is 21, Moses Malone 1982"),
    "defensive_rebounds": Bound(0, 60, "the record of all rebounds is 55"),
    "assists": Bound(0, 50, "the record is 30, Scott Skiles 1990"),
    "steals": Bound(0, 25, "the record is 11, Kendall Gill 1999"),
    "blocks": Bound(0, 30, "the record is 17, Elmore Smith 1973"),
    "turnovers": Bound(0, 30, "the record is 14, John Drew 1978"),
    "fouls": Bound(0, 10, "six disqualify; the record is 8, Don Otten 1949"),
    "plus_minus": Bound(-100, 100, "the largest margin of a game is 73, Memphis 2021"),
    **_attempts("fgm", "the record is 36, Wilt Chamberlain 1962", 60),
    **_attempts("fg3m", "the record is 14, Klay Thompson 2018", 35),
    **_attempts("ftm", "the record is 28, Wilt Chamberlain 1962", 50),
}
TEAM_BOX: Mapping[str, Bound] = {
    "minutes": Bound(0, 450, "240 a game and 25 an overtime; six overtimes make 390"),
    "points": SCORE,
    "rebounds": Bound(0, 200, "the record is 109, Boston 1960"),
    "offensive_rebounds": Bound(0, 100, "half of the bound of all rebounds"),
    "defensive_rebounds": Bound(0, 150, "three quarters of the bound of all rebounds"),
    "assists": Bound(0, 120, "the record is 53, Milwaukee 1978"),
    "steals": Bound(0, 60, "the record is 27, Seattle 1997"),
    "blocks": Bound(0, 60, "the record is 23, Toronto 2001"),
    "turnovers": Bound(0, 80, "the record is 45, San Francisco 1973"),
    "fouls": Bound(0, 100, "the record is 66, Anderson 1949"),
    "plus_minus": Bound(-150, 150, "the largest margin of a game is 73, Memphis 2021"),
    **_attempts("fgm", "the record is 74, Denver and Detroit 1983", 120),
    **_attempts("fg3m", "the record is 29, Milwaukee 2020", 70),
    **_attempts("ftm", "the record is 61, Phoenix 1990", 100),
}
PROPS: Mapping[str, Bound] = {
    "line": Bound(
        LOWEST_LINE, HIGHEST_LINE, "the records of points, rebounds and assists together; each statistic has its own"
    ),
    "over_price": Bound(-100_000, 20_000, "books pay at most some 200 to 1; the shortest seen is -100000"),
    "under_price": Bound(-100_000, 20_000, "books pay at most some 200 to 1; the shortest seen is -100000"),
}
GAME_LINES: Mapping[str, Bound] = {
    "home_spread": Bound(-75, 75, "the largest margin of a game is 73, Memphis 2021"),
    "total": Bound(100, 400, "119 is the lowest of a game with a shot clock, 1955; 370 the highest, 1983"),
}
SCHEDULE: Mapping[str, Bound] = {"home_points": SCORE, "away_points": SCORE}
_OF_PLAYER_AND_TEAM = "a team's bound of field goals"
ZONES: Mapping[str, Bound] = {
    "player_id": PLAYER_ID,
    **{f"{zone}_fga": Bound(0, 240, f"{_OF_PLAYER_AND_TEAM} attempted")
       for zone in ("restricted", "paint", "mid", "corner3", "above_break3")},
    **{f"{zone}_fgm": Bound(0, 120, f"{_OF_PLAYER_AND_TEAM} made")
       for zone in ("restricted", "paint", "mid", "corner3", "above_break3")},
}  # fmt: skip
BOUNDS: Mapping[str, Mapping[str, Bound]] = {
    "nba_raw.nbac_player_boxscores": PLAYER_BOX,
    "nba_raw.nbac_team_boxscores": TEAM_BOX,
    "nba_raw.odds_api_player_props": PROPS,
    "nba_raw.odds_api_game_lines": GAME_LINES,
    "nba_raw.nbac_schedule": SCHEDULE,
    "nba_raw.shot_zones": ZONES,
    "nba_raw.injury_report": {"player_id": PLAYER_ID},
    "nba_raw.injury_report_teams": {},
}
"""By table; columns of moments and days are all within YEAR."""
# Whoever makes a shot has attempted it.
MAKES = (("fgm", "fga"), ("fg3m", "fg3a"), ("ftm", "fta"), ("fg3m", "fgm"), ("fg3a", "fga"))

# Characters of a text. The longest name of a player so far has 26, an event's id 32, a bookmaker's
# key 14.
LONGEST_NAME = 100
LONGEST_KEY = 100
# ESPN's short comments are two or three sentences; what is longer is cut off.
LONGEST_REASON = 500
