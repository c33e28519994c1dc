"""A second evening made by hand, for what the first leaves NULL, zero or one-sided: PHX in a
playoff game at DAL.
"""

from __future__ import annotations

from datetime import date, time, timedelta

from shared.core.clock import at_new_york
from tests.support.features_evening import USUAL
from tests.support.features_fixture import FeatureFixture, Row

FIRST, DAY = date(2026, 2, 1), date(2026, 4, 20)
AS_OF = at_new_york(DAY, time(17, 30, 1))
FADING, TALL, SPARE, FIRST_MAN = 21, 22, 23, 24
FADING_MAN = (FADING, "Fading Man")


def write_evening(world: FeatureFixture) -> None:
    """Fifty league games and eleven of the two teams, all with shot data; lines and game lines of
    two books.

    A usual team makes 15 of its 20 twos in the paint, 5 from mid-range. Dallas allows Houston 28
    twos, 25 of them in the paint, 5 threes and 30 free throws.
    """
    for i in range(50):
        _usual(world, FIRST + timedelta(days=i), "GSW", "SAC")
    _phoenix(world)
    for i in range(5):
        day = date(2026, 4, 9) + timedelta(days=2 * i)
        world.game(day, "DAL", "HOU")
        _team(world, day, "DAL", "HOU", home=True)
        houston = {**USUAL, "threes": 5, "twos": 28, "free_throws": 30}
        world.team_box(day, "HOU", "DAL", home=False, **houston)
        world.zones(day, None, "HOU", "DAL", home=False, paint=25, mid=3)
        for number, name in enumerate(("First Foe", "Second Foe")):
            world.box(day, (31 + number, name), "DAL", "HOU", home=True, minutes=24.0, twos=5)
    world.game(DAY, "DAL", "PHX", status="scheduled", season_type="playoffs")
    for name, team, status in (
        ("Tall Mate", "PHX", "OUT"),
        ("Spare Mate", "PHX", "DOUBTFUL"),
        ("First Man", "PHX", "QUESTIONABLE"),
        ("Fading Man", "PHX", "PROBABLE"),
        ("First Foe", "DAL", "OUT"),
        ("Second Foe", "DAL", "OUT"),
    ):
        world.injury(DAY, name, team, status, at=at_new_york(DAY, time(12)))
    morning, afternoon = at_new_york(DAY, time(9)), at_new_york(DAY, time(16))
    world.game_line(DAY, "DAL", "PHX", "-3.0", "210.0", at=afternoon, book="draftkings")
    for book, line, at in (("betmgm", "18.5", morning), ("betmgm", "14.5", afternoon), ("fanduel", "17.5", afternoon)):
        world.line(DAY, "DAL", "PHX", "Fading Man", line, at=at, book=book)


def _phoenix(world: FeatureFixture) -> None:
    """Six games against Utah, every second one at home: two minutes more, one two less and a
    turnover more each time.

    The first man scores 24 in 20 minutes, on twos alone.
    """
    for i in range(6):
        day, home = date(2026, 4, 6) + timedelta(days=2 * i), i % 2 == 0
        _usual(world, day, *(("PHX", "UTA") if home else ("UTA", "PHX")))
        shots: Row = {"threes": 1, "missed_threes": 3, "twos": 8 - i, "misses": 4}
        line: Row = {"free_throws": 3, "missed_free_throws": 1, "minutes": 20.0 + 2 * i}
        world.box(day, FADING_MAN, "PHX", "UTA", home=home, turnovers=i, **shots, **line)
        world.zones(day, FADING, "PHX", "UTA", home=home, paint=6 - i, mid=2)
        shots = {"threes": 2, "missed_threes": 4, "twos": 4, "misses": 2}
        line = {"free_throws": 5, "missed_free_throws": 1, "minutes": 30.0}
        world.box(day, (TALL, "Tall Mate"), "PHX", "UTA", home=home, **shots, **line)
        world.box(day, (SPARE, "Spare Mate"), "PHX", "UTA", home=home, minutes=20.0)
        world.box(day, (FIRST_MAN, "First Man"), "PHX", "UTA", home=home, minutes=20.0, twos=12)


def _usual(world: FeatureFixture, day: date, home: str, away: str) -> None:
    world.game(day, home, away)
    _team(world, day, home, away, home=True)
    _team(world, day, away, home, home=False)


def _team(world: FeatureFixture, day: date, team: str, opponent: str, *, home: bool) -> None:
    world.team_box(day, team, opponent, home=home, **USUAL)
    world.zones(day, None, team, opponent, home=home, paint=15, mid=5)
