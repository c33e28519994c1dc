"""Games as NBA.com names and schedules them: seasons, kinds of game, and the entries of
scheduleleaguev2.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from shared.core.clock import NEW_YORK
from shared.nba import feed_values as values
from shared.nba.bounds import SCORE, Bound
from shared.nba.feed_values import ElementRefused, is_game_id
from shared.nba.teams import team_by_abbr

__all__ = [
    "COUNTED_TYPES", "OTHER", "TAKES_PLACE", "ScheduledGame", "is_game_id", "read_game", "schedule_days",
    "schedule_entries", "season_name", "season_of", "season_of_game", "season_type_of", "seasons_between",
]  # fmt: skip

# The kind of game is the third digit of its id; 003 is the All-Star game. 006 is the final of the
# NBA Cup, which tires its teams like any game but counts neither as one of the regular season nor
# in anybody's averages.
_SEASON_TYPES = {"1": "pre_season", "2": "regular_season", "4": "playoffs", "5": "playin", "6": "cup_final"}
OTHER = "other"
# What is scraped, predicted and graded. Pre-season and All-Star line-ups say nothing about the
# games that count.
COUNTED_TYPES = ("regular_season", "playin", "playoffs")

# A season is named after the year it begins in; training camps open at the end of September.
_FIRST_MONTH = 9
# The season the pandemic stopped ended on 11 October 2020, and the next one began in December.
_BUBBLE_END = date(2020, 10, 31)
_BUBBLE_YEAR = 2020

_STATUS = {1: "scheduled", 2: "live", 3: "final"}
_STATUS_BOUND = Bound(1, 3, "scheduled, live, final")
# The statuses of games that take place. A postponed one has another day or will have one, a
# suspended one was broken off, a cancelled one is called off for good.
TAKES_PLACE = ("scheduled", "live", "final")
# The words of gameStatusText, wherever in it, as _folded gives them: "PPD", "Game Postponed",
# "P.P.D.", "Canceled", "CNCL", "Aplazado". A forfeit has a winner, but nobody plays.
_CALLED_OFF = (
    ("cancelled", re.compile(
        r"\b(CANCE?L\w*|CNCL\w*|CXL\w*|CANC?|CNL|ABANDON\w*|VOID(ED)?|CALLED.OFF|NO CONTEST|NO GAME|FORFEIT\w*|FFT"
        r"|WALK-?OVER|ANNUL\w*|ABGESAGT)\b"
    )),
    ("postponed", re.compile(
        r"\b(POSTP\w*|PPD\w*|PSTP\w*|PP|P-P|POSPUEST\w*|APLAZAD\w*|ADIAD[OA]|REPORTEE?|VERSCHOBEN|VERLEGT|RINVIAT\w*"
        r"|DEFERRED)\b"
    )),
    ("suspended", re.compile(r"\b(SUSP\w*|SSPD|INTERR(UPT|OMP|OTT)\w*|STOPPED|UNTERBROCHEN|SOSPES[OA])\b")),
)  # fmt: skip
# What is written of a game that is to come; another word may mean that it is not, and is named.
_TO_COME = re.compile(r"\d{1,2}:\d\d|\b(TBD|TBA|TBC|SCHEDULED|DELAY\w*|PRE-?GAME|IF NECESSARY)\b|^$")
# postponedStatus: N (or A) of a game that stands.
_CODES = {"Y": "postponed", "P": "postponed", "C": "cancelled", "S": "suspended"}
# A game of a series that is played if it must be, once it need not be.
_NOT_NEEDED = re.compile(r"\b(NOT (NECESSARY|NEEDED|REQUIRED|PLAYED)|UNNECESSARY|NO LONGER (NECESSARY|NEEDED))\b")
_SERIES_OVER = re.compile(
    r"\b(WINS?|WON|CLINCH\w*|TAKES?|SWEEPS?|SWEPT)\b.*\bSERIES\b|\bSERIES (IS )?OVER\b|\bELIMINATED\b"
    r"|^(?!.*\b(LEADS?|TIED)\b).*\b(4-[0-3]|[0-3]-4)\b"
)
_UNDETERMINED = ("", "TBD", "TBA", "TBC")
_WORDS = 300  # characters of a text about a game


@dataclass(frozen=True, slots=True)
class ScheduledGame:
    """One game of the schedule; teams are three-letter codes, None while a playoff pairing is open.

    `guest` is the code of a team that is none of the NBA's (pre-season, All-Star), whose place is
    None too.
    """

    game_id: str
    game_date: date
    season: str
    season_type: str
    home_team: str | None
    away_team: str | None
    tipoff_at: datetime | None
    status: str  # scheduled, live, final, postponed, suspended or cancelled
    home_points: int | None
    away_points: int | None
    is_neutral: bool | None
    guest: str | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a game of the regular season, the play-in or the playoffs that takes
        place.
        """
        return self.season_type in COUNTED_TYPES and self.status in TAKES_PLACE

    def has_begun(self, now: datetime) -> bool:
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


def season_type_of(game_id: str) -> str:
    """pre_season, regular_season, playin, playoffs, cup_final or other, by the id's third digit."""
    return _SEASON_TYPES.get(game_id[2], OTHER)


def season_of_game(game_id: str) -> str:
    """The season of a game by its id: "0022500123" -> "2025-26"."""
    digits = int(game_id[3:5])
    return season_name(1900 + digits if digits >= 46 else 2000 + digits)  # the league was founded in 1946


def schedule_entries(schedule: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The games of a scheduleleaguev2 answer, day by day.

    Raises KeyError or TypeError where it is another shape.
    """
    for day in schedule["leagueSchedule"]["gameDates"]:
        yield from day["games"]


def schedule_days(schedule: object) -> list[Any]:
    """leagueSchedule.gameDates of an answer, as they are.

    Raises ElementRefused where it is no schedule at all.
    """
    body = values.require_object(values.require_object(schedule, "the answer").get("leagueSchedule"), "leagueSchedule")
    return values.require_list(body.get("gameDates"), "gameDates")


def read_game(entry: object, notes: list[str] | None = None) -> ScheduledGame:
    """One entry of the schedule.

    Raises ElementRefused saying which field is missing or wrong, and its value.

    `notes` takes what was read as missing although something stood there.
    """
    notes = [] if notes is None else notes
    fields = values.require_object(entry, "the game")
    game_id = values.game_id(fields.get("gameId"), "gameId")
    game_date = values.day(fields.get("gameDateEst"), f"gameDateEst of {game_id}")
    season_type = season_type_of(game_id)
    status = _status(fields, game_id, notes)
    home, away = (values.require_object(fields.get(side), f"{side} of {game_id}") for side in ("homeTeam", "awayTeam"))
    (home_team, guest), (away_team, other) = (
        _team(team.get("teamTricode"), f"teamTricode of {side} of {game_id}", season_type, notes)
        for side, team in (("homeTeam", home), ("awayTeam", away))
    )
    if home_team is not None and home_team == away_team:
        raise ElementRefused(f"both teams of {game_id} are {home_team}")
    scores: list[int | None] = [None, None]
    if status == "final":
        scores = [values.whole(team.get("score"), f"score of {game_id}", SCORE, notes) for team in (home, away)]
    # NBA.com writes 0 before the final, and no game ends 0 : 0; an archive may lack a result.
    known = all(scores)
    return ScheduledGame(
        game_id=game_id,
        game_date=game_date,
        season=season_of_game(game_id),
        season_type=season_type,
        home_team=home_team,
        away_team=away_team,
        tipoff_at=_tipoff(fields, game_id, notes),
        status=status,
        home_points=scores[0] if known else None,
        away_points=scores[1] if known else None,
        is_neutral=_neutral(fields, game_id, notes),
        guest=guest or other,
    )


def _status(entry: Mapping[str, Any], game_id: str, notes: list[str]) -> str:
    words = _words_in(entry, "gameStatusText", game_id, notes)
    code = _words_in(entry, "postponedStatus", game_id, notes)
    for status, pattern in _CALLED_OFF:
        if pattern.search(words) or pattern.search(code) or _CODES.get(code) == status:
            return status
    read = values.whole(entry.get("gameStatus"), f"gameStatus of {game_id}", _STATUS_BOUND, notes)
    if read is None:
        raise ElementRefused(f"gameStatus of {game_id} is None, not 1, 2 or 3")
    status = _STATUS[read]
    if status == "scheduled":
        about = [_words_in(entry, name, game_id, notes) for name in ("gameLabel", "gameSubLabel", "seriesText")]
        if any(_NOT_NEEDED.search(each) for each in (words, *about)) or _SERIES_OVER.search(about[-1]):
            return "cancelled"
        if not _TO_COME.search(words):
            text = values.show_value(entry.get("gameStatusText"))
            notes.append(f"gameStatusText of {game_id} is {text}, no word that is known, taken as scheduled")
    return status


def _words_in(entry: Mapping[str, Any], name: str, game_id: str, notes: list[str]) -> str:
    """A text of the entry for looking for words in it; "" where there is none."""
    value = entry.get(name)
    if isinstance(value, str) and not value.strip():
        return ""
    return _fold(values.optional_text(value, f"{name} of {game_id}", notes, _WORDS) or "")


@lru_cache(maxsize=1024)  # a season has 1,300 games and few texts
def _fold(text: str) -> str:
    """Capitals without accents, one kind of dash without spaces around it, no dots or spaces within
    "P.P.D.".
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).upper()
    dashed = re.sub(r"\s*[-\u2010-\u2015\u2212]\s*", "-", letters)
    return re.sub(r"(?<=\b\w)[. ]+(?=\w\b)", "", dashed).strip()


def _team(code: object, what: str, season_type: str, notes: list[str]) -> tuple[str | None, str | None]:
    """(an NBA team's code, None), (None, a guest's code), or (None, None) while it is to be
    determined.
    """
    blank = isinstance(code, str) and not code.strip()
    read = "" if blank else (values.optional_text(code, what, notes) or "").strip().upper()
    if read in _UNDETERMINED:
        return None, None
    if team_by_abbr(read) is not None:
        return read, None
    if season_type in (*COUNTED_TYPES, "cup_final"):
        raise ElementRefused(f"{what} is {values.show_value(code)}, no NBA team")
    return None, read


def _tipoff(entry: Mapping[str, Any], game_id: str, notes: list[str]) -> datetime | None:
    """The tip-off in UTC.

    Midnight in New York is how NBA.com writes a time that is not decided yet.
    """
    text = entry.get("gameDateTimeUTC")
    what = f"gameDateTimeUTC of {game_id}"
    if (
        values.missing(text, what, notes)
        or text == ""
        or _words_in(entry, "gameStatusText", game_id, []) in _UNDETERMINED[1:]
    ):
        return None
    tipoff = values.parse_feed_timestamp(text, what)
    return None if tipoff.astimezone(NEW_YORK).time() == time(0) else tipoff


def _neutral(entry: Mapping[str, Any], game_id: str, notes: list[str]) -> bool | None:
    neutral = entry.get("isNeutral")
    if neutral is None or isinstance(neutral, bool):
        return neutral
    notes.append(f"isNeutral of {game_id} is {values.show_value(neutral)}, taken as unknown")
    return None
