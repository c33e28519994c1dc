"""Time: the one place that knows New York's calendar. `now` always comes from an injected Clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")

# A game is history from three hours after its tip-off: games last about 2 h 20, with overtimes
# rarely over 3 h.
GAME_LENGTH = timedelta(hours=3)
ASSUMED_TIPOFF = time(19, 0)
# Training and backtest see what the last prediction run of a day would have seen (pre-game
# predictions).
HISTORICAL_CUTOFF = time(17, 30)
# Years a game can be of: from the league's first to what only a slip of the finger asks for.
YEARS = range(1946, 2100)
FIRST_GAME_DAY = date(1946, 11, 1)  # New York at Toronto, the league's first game
# A season's schedule is published in August, some eleven months before its last game; a year and a
# half is generous.
FURTHEST_AHEAD = timedelta(days=550)
# Where a lease is put to end it: before any moment that a clock of ours shows.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where time comes from; timezone-aware UTC."""

    def now(self) -> datetime:
        """The current moment, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def new_york_date(moment: datetime) -> date:
    """The New York calendar day of a moment."""
    return moment.astimezone(NEW_YORK).date()


def at_new_york(day: date, clock_time: time) -> datetime:
    """The UTC moment of a New York wall-clock time on a day (the first of the two on the autumn DST
    night).
    """
    return datetime.combine(day, clock_time, tzinfo=NEW_YORK).astimezone(UTC)


def assumed_tipoff(day: date) -> datetime:
    """19:00 New York: the tip-off assumed where neither schedule nor odds feed says one."""
    return at_new_york(day, ASSUMED_TIPOFF)


def as_of_after(moment: datetime) -> datetime:
    """The first whole second after a moment: what was fetched at the moment lies strictly before
    it.
    """
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def parse_timestamp(text: str) -> datetime:
    """Parse a moment as messages write it, in UTC; without a zone it is UTC already.

    Raises ValueError for anything else, and for a year that no game can be of: near the years 1 and
    9999 no zone can be converted and no day be added.
    """
    moment = datetime.fromisoformat(text)
    if moment.year not in YEARS:
        raise ValueError(f"{text[:80]!r} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_timestamp(moment: datetime) -> str:
    """Write a moment with a zone as exports and feeds do, to the second: 2025-11-14T22:30:00Z."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def format_timestamp_us(moment: datetime) -> str:
    """Write a moment with a zone to the microsecond, so that texts compare as moments do."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def format_age(seconds: float | None) -> str:
    """45 s, 12 min, 3 h, 2 d; ? where it is not known."""
    if seconds is None:
        return "?"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


def resolve_date(word: str, now: datetime) -> date:
    """A game_date as messages write it: ISO, or TODAY, TOMORROW, YESTERDAY in New York.

    Raises ValueError for anything else.
    """
    offsets = {"TODAY": 0, "TOMORROW": 1, "YESTERDAY": -1}
    text = word.strip()
    if text.upper() in offsets:
        return new_york_date(now) + timedelta(days=offsets[text.upper()])
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"game_date {word[:80]!r} is neither an ISO date (2025-12-31) nor TODAY, TOMORROW or YESTERDAY"
        ) from None
    if day.year not in YEARS:
        raise ValueError(f"game_date {word!r} is not in the years {YEARS[0]} to {YEARS[-1]}")
    return day
