"""One evening made by hand, so small that every feature of it can be worked out on paper: BOS at
home to LAL.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from shared.core.clock import at_new_york
from shared.nba.stats import STATS
from tests.support.features_fixture import FeatureFixture, Row

DAY = date(2025, 11, 24)
AS_OF = at_new_york(DAY, time(17, 30, 1))
AFTER = at_new_york(DAY + timedelta(days=2), time(12))
RISING, MATE, BENCH, FOE, FOE_OUT, FOE_SMALL, BUSY = 1, 2, 3, 11, 12, 13, 14
STAR = (RISING, "Rising Star Jr.")
BOSTON_DAYS = [date(2025, 11, 1) + timedelta(days=2 * i) for i in range(12)]
# What a team scores in a usual game: 95 points from 100 possessions.
USUAL = {"threes": 10, "twos": 20, "free_throws": 25, "misses": 50, "turnovers": 9}


# The star's lines of the other statistics.
LINES = {"rebounds": "11.5", "assists": "3.5", "pra": "33.5", "threes": "1.5", "pr": "29.5", "pa": "20.5", "ra": "15.5"}


def _busy_game(day: date, team_at_home: str, opponent: str, minutes: float, **counted: int) -> Row:
    return {"day": day, "team_at_home": team_at_home, "opponent": opponent, "minutes": minutes, **counted}


# A man of Los Angeles whose rebounds, assists and threes go up and down, at home and away: oldest
# first.
BUSY_GAMES: list[Row] = [
    _busy_game(date(2025, 3, 10), "BOS", "BOS", 20.0, rebounds=5, assists=2, threes=3),
    _busy_game(date(2025, 11, 2), "SAC", "SAC", 20.0, rebounds=3, assists=4, threes=3),
    _busy_game(date(2025, 11, 4), "SAC", "SAC", 25.0, rebounds=6, assists=3, threes=2),
    _busy_game(date(2025, 11, 10), "LAL", "SAC", 30.0, rebounds=8, assists=5, threes=3),
    _busy_game(date(2025, 11, 12), "LAL", "SAC", 28.0, rebounds=7, assists=6, threes=2),
    _busy_game(date(2025, 11, 14), "LAL", "SAC", 32.0, rebounds=9, assists=4, threes=4),
    _busy_game(date(2025, 11, 16), "LAL", "SAC", 35.0, rebounds=11, assists=7, threes=5),
    _busy_game(date(2025, 11, 18), "LAL", "SAC", 30.0, rebounds=10, assists=8, threes=6),
]


def at(hour: int, minute: int = 0, day: date = DAY) -> datetime:
    """A New York wall-clock time."""
    return at_new_york(day, time(hour, minute))


def write_evening(world: FeatureFixture) -> None:
    """History, reports and lines of the evening.

    The star scores 10, 11 ... 21 in twelve games for Boston, a point more each time, all in 30
    minutes; before that, for Denver, 8 and 12. He takes 1, 2 ... 12 rebounds and gives 12, 11 ... 1
    assists there. His team-mate plays 36 minutes for 20 points in all but the last, and a book has
    a line of him still. LA plays fast and allows twos.
    """
    _league(world)
    _denver(world)
    _boston(world)
    _los_angeles(world)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    report = at(12)
    world.injury(DAY, "Steady Mate", "BOS", "OUT", at=report)
    world.injury(DAY, "Doubtful Foe", "LAL", "DOUBTFUL", at=report)
    world.injury(DAY, "Small Foe", "LAL", "OUT", at=report)
    for book, spread, total in (("draftkings", "-4.5", "220.5"), ("fanduel", "-5.5", "221.5")):
        world.game_line(DAY, "BOS", "LAL", spread, total, at=at(16), book=book)
    lines = (
        ("draftkings", "15.5", at(9), -110, -110, "player_points"),
        ("draftkings", "17.5", at(16), -110, -110, "player_points"),
        ("betmgm", "16.5", at(9), -110, -110, "player_points"),
        ("betmgm", "17.5", at(16), -130, 110, "player_points"),
        ("fanduel", "16.5", at(15), -120, 100, "player_points"),
        ("fanduel", "17.5", at(15), 120, -150, "player_points_alternate"),
    )
    for book, line, moment, over, under, market in lines:
        answer = at(16) if moment > at(9) else moment
        prices: Row = {"over": over, "under": under}
        world.line(DAY, "BOS", "LAL", "Rising Star", line, at=moment, answer=answer, book=book, market=market, **prices)
    world.line(DAY, "BOS", "LAL", "Steady Mate", "19.5", at=at(16))
    for stat, line in LINES.items():
        for book, over, under in (("draftkings", -120, 100), ("fanduel", -140, 110)):
            market = STATS[stat].market
            named: Row = {"book": book, "over": over, "under": under, "market": market}
            world.line(DAY, "BOS", "LAL", "Rising Star", line, at=at(16), **named)


def _league(world: FeatureFixture) -> None:
    """Fifty usual games of two other teams, last season."""
    for i in range(50):
        day = date(2025, 2, 1) + timedelta(days=i)
        world.game(day, "GSW", "SAC")
        world.team_box(day, "GSW", "SAC", home=True, **USUAL)
        world.team_box(day, "SAC", "GSW", home=False, **USUAL)


def _denver(world: FeatureFixture) -> None:
    first, second = date(2025, 3, 1), date(2025, 3, 3)
    world.game(first, "DEN", "LAL")
    few: Row = {"rebounds": 3, "assists": 10, "steals": 0, "blocks": 0, "fouls": 2, "plus_minus": 1}
    world.box(first, STAR, "DEN", "LAL", home=True, minutes=20.0, twos=4, misses=4, **few)
    world.game(second, "LAL", "DEN")
    world.box(second, STAR, "DEN", "LAL", home=False, minutes=20.0, twos=6, misses=2, **few)


def _boston(world: FeatureFixture) -> None:
    for i, day in enumerate(BOSTON_DAYS):
        home = i % 2 == 0
        world.game(day, *(("BOS", "NYK") if home else ("NYK", "BOS")))
        world.team_box(day, "BOS", "NYK", home=home, **USUAL)
        world.team_box(day, "NYK", "BOS", home=not home, **USUAL)
        balls: Row = {
            "rebounds": 1 + i,
            "assists": 12 - i,
            "steals": 2 if i > 7 else 0,
            "blocks": 3,
            "fouls": 4 - i % 2,
        }
        shots: Row = {"threes": 1, "twos": 3, "free_throws": 1 + i, "misses": 6}
        world.box(day, STAR, "BOS", "NYK", home=home, plus_minus=5 - 2 * i, **shots, **balls)
        few: Row = {"minutes": 10.0, "twos": 2, "misses": 2, "rebounds": 2, "assists": 1}
        world.box(day, (BENCH, "Bench Man"), "BOS", "NYK", home=home, **few)
        if day != BOSTON_DAYS[-1]:
            many: Row = {"minutes": 36.0, "twos": 10, "misses": 10, "rebounds": 7, "assists": 4}
            world.box(day, (MATE, "Steady Mate"), "BOS", "NYK", home=home, **many)


def _los_angeles(world: FeatureFixture) -> None:
    quick = {**USUAL, "misses": 60}
    for i in range(5):
        day = date(2025, 11, 10) + timedelta(days=2 * i)
        world.game(day, "LAL", "SAC")
        world.team_box(day, "LAL", "SAC", home=True, **quick)
        generous = {**quick, "twos": 30, "misses": 50, "rebounds": 50, "assists": 30}
        world.team_box(day, "SAC", "LAL", home=False, **generous)
        world.box(day, (FOE, "Usual Foe"), "LAL", "SAC", home=True, threes=5, rebounds=15, assists=9)
        doubtful: Row = {"minutes": 24.0, "threes": 4, "rebounds": 6, "assists": 2}
        world.box(day, (FOE_OUT, "Doubtful Foe"), "LAL", "SAC", home=True, **doubtful)
        small: Row = {"minutes": 12.0, "threes": 2, "rebounds": 1, "assists": 0}
        world.box(day, (FOE_SMALL, "Small Foe"), "LAL", "SAC", home=True, **small)
    for game in BUSY_GAMES:
        home = game["team_at_home"] == "LAL"
        if not home:
            world.game(game["day"], game["team_at_home"], "LAL")
        counted = {name: game[name] for name in ("minutes", "rebounds", "assists", "threes")}
        world.box(game["day"], (BUSY, "Busy Foe"), "LAL", game["opponent"], home=home, **counted)
