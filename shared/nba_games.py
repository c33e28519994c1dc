"""Games as NBA.com names and schedules them: seasons, kinds of game, and the entries of scheduleleaguev2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from shared.clock import NEW_YORK

# The kind of game is the third digit of its id; 003 is the All-Star game, 006 the final of the NBA Cup, which counts
# neither as a regular-season game nor in anybody's averages.
_SEASON_TYPES = {"1": "pre_season", "2": "regular_season", "4": "playoffs", "5": "playin"}
OTHER = "other"
# What is scraped, predicted and graded. Pre-season and All-Star line-ups say nothing about the games that count.
COUNTED_TYPES = ("regular_season", "playin", "playoffs")

# A season is named after the year it begins in; training camps open at the end of September.
_FIRST_MONTH = 9
# The season the pandemic stopped ended on 11 October 2020, and the next one began in December.
_BUBBLE_END = date(2020, 10, 31)
_BUBBLE_YEAR = 2020

_STATUS = {1: "scheduled", 2: "live", 3: "final"}


@dataclass(frozen=True, slots=True)
class ScheduledGame:
    """One game of the schedule; teams are three-letter codes, None while a playoff pairing is open."""

    game_id: str
    game_date: date
    season: str
    season_type: str
    home_team: str | None
    away_team: str | None
    tipoff_at: datetime | None
    status: str  # scheduled, live, final or postponed
    home_points: int | None
    away_points: int | None
    is_neutral: bool | None

    @property
    def counts(self) -> bool:
        """Whether it is a game of the regular season, the play-in or the playoffs that takes place."""
        return self.season_type in COUNTED_TYPES and self.status != "postponed"

    def begun(self, now: datetime) -> bool:
        """Whether it has tipped off: NBA.com says so, or its time has come."""
        return self.status in ("live", "final") or (self.tipoff_at is not None and self.tipoff_at <= now)


def season_name(year: int) -> str:
    """The season that begins in a year: 2025 -> "2025-26"."""
    return f"{year}-{(year + 1) % 100:02d}"


def season_of(day: date) -> str:
    """The season a day belongs to; the summer belongs to the season before it."""
    if day.year == _BUBBLE_YEAR and day <= _BUBBLE_END:
        return season_name(_BUBBLE_YEAR - 1)
    return season_name(day.year if day.month >= _FIRST_MONTH else day.year - 1)


def seasons_between(first: date, last: date) -> list[str]:
    """Every season that a range of days touches, oldest first."""
    return [season_name(year) for year in range(int(season_of(first)[:4]), int(season_of(last)[:4]) + 1)]


def is_game_id(game_id: object) -> bool:
    """Whether a value is the NBA's 10-digit game id."""
    return isinstance(game_id, str) and len(game_id) == 10 and game_id.isdigit()


def season_type_of(game_id: str) -> str:
    """pre_season, regular_season, playin, playoffs or other, by the id's third digit."""
    return _SEASON_TYPES.get(game_id[2], OTHER)


def season_of_game(game_id: str) -> str:
    """The season of a game by its id: "0022500123" -> "2025-26"."""
    digits = int(game_id[3:5])
    return season_name(1900 + digits if digits >= 46 else 2000 + digits)  # the league was founded in 1946


def schedule_entries(schedule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The games of a scheduleleaguev2 answer, day by day. Raises KeyError or TypeError where it is another shape."""
    for day in schedule["leagueSchedule"]["gameDates"]:
        yield from day["games"]


def read_game(entry: Mapping[str, Any]) -> ScheduledGame:
    """One entry of the schedule. Raises ValueError saying which field is missing or wrong, and its value."""
    game_id = entry.get("gameId")
    if not is_game_id(game_id):
        raise ValueError(f"gameId is {game_id!r}, not 10 digits")
    assert isinstance(game_id, str)
    day = str(entry.get("gameDateEst") or "")[:10]
    try:
        game_date = date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"gameDateEst of {game_id} is {entry.get('gameDateEst')!r}, not a date") from None
    status = _status(entry, game_id)
    home, away = _team(entry, "homeTeam", game_id), _team(entry, "awayTeam", game_id)
    scores = (home.get("score"), away.get("score")) if status == "final" else (None, None)
    # NBA.com writes 0 before the final, and no game ends 0 : 0; an archive may lack a result.
    known = all(isinstance(score, int) and score > 0 for score in scores)
    neutral = entry.get("isNeutral")
    return ScheduledGame(
        game_id=game_id,
        game_date=game_date,
        season=season_of_game(game_id),
        season_type=season_type_of(game_id),
        home_team=home.get("teamTricode") or None,
        away_team=away.get("teamTricode") or None,
        tipoff_at=_tipoff(entry, game_id),
        status=status,
        home_points=scores[0] if known else None,
        away_points=scores[1] if known else None,
        is_neutral=neutral if isinstance(neutral, bool) else None,
    )


def _status(entry: Mapping[str, Any], game_id: str) -> str:
    text = str(entry.get("gameStatusText") or "").strip().upper()
    if entry.get("postponedStatus") == "Y" or text.startswith(("PPD", "POSTPONED")):
        return "postponed"
    status = _STATUS.get(entry.get("gameStatus"))  # type: ignore[arg-type]  # any other value is refused below
    if status is None:
        raise ValueError(f"gameStatus of {game_id} is {entry.get('gameStatus')!r}, not 1, 2 or 3")
    return status


def _team(entry: Mapping[str, Any], side: str, game_id: str) -> Mapping[str, Any]:
    team = entry.get(side)
    if not isinstance(team, Mapping):
        raise ValueError(f"{side} of {game_id} is {team!r}, not an object")
    return team


def _tipoff(entry: Mapping[str, Any], game_id: str) -> datetime | None:
    """The tip-off in UTC. Midnight in New York is how NBA.com writes a time that is not decided yet."""
    text = entry.get("gameDateTimeUTC")
    if not text or str(entry.get("gameStatusText") or "").strip().upper() == "TBD":
        return None
    try:
        tipoff = datetime.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f"gameDateTimeUTC of {game_id} is {text!r}, not a moment") from None
    if tipoff.tzinfo is None:
        raise ValueError(f"gameDateTimeUTC of {game_id} is {text!r}, without a time zone")
    return None if tipoff.astimezone(NEW_YORK).time() == time(0) else tipoff
