"""The simulated seasons' calendar: who plays whom on which New York day, and when the ball goes
up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from shared.core.clock import at_new_york
from shared.nba.schedule import season_name

SEASON_DAYS = 175  # the real league plays its 82 games in about 174 days
DAYS_PER_ROUND = 2.73  # 64 rounds in 175 days: about the real league's share of back-to-backs
PART_OF_LAST_SEASON = 0.4  # how much of the last season has been played when the archive ends

_EVENING: tuple[time, ...] = (time(19, 0), time(19, 0), time(19, 30), time(20, 0), time(20, 30))
_MOUNTAIN: tuple[time, ...] = (time(21, 0),)
_PACIFIC: tuple[time, ...] = (time(22, 0), time(22, 30))
_MATINEES: tuple[time, ...] = (time(13, 0), time(15, 30))
_MATINEE_SHARE = 0.25  # of weekend games
_MOUNTAIN_TEAMS = frozenset({"DEN", "UTA", "PHX"})
_PACIFIC_TEAMS = frozenset({"GSW", "LAC", "LAL", "POR", "SAC"})


@dataclass(frozen=True, slots=True)
class Game:
    """A game of the calendar; teams are indices into the league's teams."""

    game_id: str
    day: date
    season: str
    home: int
    away: int
    tipoff: datetime


def season_start(start_year: int) -> date:
    """The third Tuesday of October, when the real league opens."""
    first = date(start_year, 10, 1)
    return first + timedelta(days=(1 - first.weekday()) % 7 + 14)


def season_games(
    abbrs: list[str],
    start_year: int,
    rounds: int,
    *,
    whole_season_rounds: int,
    rng: np.random.Generator,
    last_day_games: int | None,
) -> list[list[Game]]:
    """The games of a season, one list a game day, in order of days.

    Every round pairs all teams once, and rounds have days of their own, so no team plays twice a
    day. `last_day_games`: the archive ends with this season, on a day of exactly so many games;
    None: it goes on.
    """
    span = min(SEASON_DAYS, round(DAYS_PER_ROUND * whole_season_rounds))
    edges = [number * span // whole_season_rounds for number in range(whole_season_rounds + 1)]
    first = season_start(start_year)
    days: dict[int, list[tuple[int, int]]] = {}
    order = rng.permutation(len(abbrs))
    for number in range(rounds):
        window = np.arange(edges[number], edges[number + 1])
        pairs = _pairs(order, number)
        flips = rng.random(len(pairs)) < 0.5
        matches = [(b, a) if flip else (a, b) for (a, b), flip in zip(pairs, flips, strict=True)]
        if last_day_games is not None and number == rounds - 1:
            chosen = np.where(np.arange(len(pairs)) < last_day_games, edges[number] + 2, edges[number])
            chosen = chosen[rng.permutation(len(pairs))]
        else:
            chosen = rng.choice(window, size=len(pairs))
        for match, offset in zip(matches, chosen.tolist(), strict=True):
            days.setdefault(offset, []).append(match)

    season, serial, calendar = season_name(start_year), 0, []
    last = max(days)
    for offset in sorted(days):
        day = first + timedelta(days=offset)
        games = []
        for home, away in sorted(days[offset]):
            serial += 1
            tipoff = at_new_york(
                day, _tipoff(abbrs[home], day, rng, evening=last_day_games is not None and offset == last)
            )
            games.append(Game(f"002{start_year % 100:02d}{serial:05d}", day, season, home, away, tipoff))
        calendar.append(games)
    return calendar


def _pairs(order: np.ndarray, number: int) -> list[tuple[int, int]]:
    """One round of the circle method: everybody meets everybody once in len(order) - 1 rounds."""
    size = len(order)
    turned = [int(order[0])] + [int(order[1 + (i + number) % (size - 1)]) for i in range(size - 1)]
    return [(turned[i], turned[size - 1 - i]) for i in range(size // 2)]


def _tipoff(home: str, day: date, rng: np.random.Generator, *, evening: bool) -> time:
    """Wall-clock time in New York.

    The archive's last day is all evenings, so a whole day can be played on it.
    """
    draw = rng.random(2)
    if not evening and day.weekday() >= 5 and draw[0] < _MATINEE_SHARE:
        times = _MATINEES
    elif home in _PACIFIC_TEAMS:
        times = _PACIFIC
    elif home in _MOUNTAIN_TEAMS:
        times = _MOUNTAIN
    else:
        times = _EVENING
    return times[int(draw[1] * len(times))]
