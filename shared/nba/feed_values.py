"""What a feed writes, read once: a value within its bounds, None where it is missing, or
ElementRefused with the why.

Nothing below these readings sees a raw value. They raise nothing but ElementRefused, whatever JSON
can hold. NaN is how some feeds write a missing value: it is read as None, and said in `notes`,
since no feed should send it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from shared.core.printable import one_line
from shared.core.redaction import redact
from shared.nba.bounds import LONGEST_NAME, YEAR, Bound
from shared.nba.teams import FORMER_CODES, team_by_abbr

_GAME_ID = re.compile(r"[0-9]{10}")
_SURROGATE = re.compile("[\ud800-\udfff\x00]")
_SHOWN = 80  # characters of a text in a message
_LONG = 40  # digits of a whole number that are still written out
# Binary fractions: 231.00000000000003 is what a feed's arithmetic makes of 231.
_NOISE = 1e-6
_DECIMALS = 3


class ElementRefused(ValueError):
    """The value or element is not what it should be; the message says which it is."""


def show_value(value: object) -> str:
    """A value for a message: short, on one line, printable whatever it is."""
    if isinstance(value, str):
        value = redact(value)  # a source may echo what it was asked with
        return repr(value) if len(value) <= _SHOWN else f"{value[:_SHOWN]!r} and {len(value) - _SHOWN} characters more"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 3 * _LONG:
        return f"a whole number of some {value.bit_length() * 3 // 10} digits"
    if isinstance(value, Mapping):
        return f"an object of {len(value)}"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    return repr(value)


def is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value


def missing(value: object, what: str, notes: list[str]) -> bool:
    """Whether there is no value. NaN is none too, and is noted."""
    if is_nan(value):
        notes.append(f"{what} is NaN, taken as missing")
        return True
    return value is None


def text(value: object, what: str, longest: int = LONGEST_NAME) -> str:
    """A text that any store can hold and any screen can show, and that says something.

    Raises ElementRefused.

    What steers a terminal or a page instead of being read (colours, control characters, marks of
    direction) is left out, so that all that is stored, joined, shown and exported is the text
    without it.
    """
    if not isinstance(value, str) or not value.strip():
        raise ElementRefused(f"{what} is {show_value(value)}, not a text")
    if len(value) > longest:
        raise ElementRefused(f"{what} is {show_value(value)}, longer than {longest} characters")
    if _SURROGATE.search(value):
        raise ElementRefused(f"{what} is {show_value(value)}, with characters that no text has")
    printable = one_line(value).strip() if one_line(value) != value else value
    if not printable:
        raise ElementRefused(f"{what} is {show_value(value)}, of characters that are not printed")
    return printable


def optional_text(value: object, what: str, notes: list[str], longest: int = LONGEST_NAME) -> str | None:
    """A text, or None where it is missing or empty. Raises ElementRefused."""
    return None if missing(value, what, notes) or value == "" else text(value, what, longest)


def require_object(value: object, what: str) -> Mapping[str, Any]:
    """Raises ElementRefused."""
    if not isinstance(value, Mapping):
        raise ElementRefused(f"{what} is {show_value(value)}, not an object")
    return value


def require_list(value: object, what: str) -> list[Any]:
    """Raises ElementRefused."""
    if not isinstance(value, list):
        raise ElementRefused(f"{what} is {show_value(value)}, not a list")
    return value


def number(value: object, what: str, bound: Bound, notes: list[str], kind: str = "number") -> int | float | None:
    """A finite number within its bound. Raises ElementRefused."""
    if missing(value, what, notes):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ElementRefused(f"{what} is {show_value(value)}, not a {kind}")
    if not bound.low <= value <= bound.high:
        raise ElementRefused(f"{what} is {show_value(value)}, not within {bound.low} to {bound.high}")
    return value


def whole(value: object, what: str, bound: Bound, notes: list[str]) -> int | None:
    """A whole number within its bound; a float that is whole is one. Raises ElementRefused."""
    read = number(value, what, bound, notes, "whole number")
    if read is None:
        return None
    if abs(read - round(read)) > _NOISE:
        raise ElementRefused(f"{what} is {show_value(value)}, not a whole number")
    return round(read)


def exact(value: object, what: str, bound: Bound, notes: list[str]) -> Decimal | None:
    """A decimal of at most three places, without the noise of binary fractions.

    Raises ElementRefused.
    """
    read = number(value, what, bound, notes)
    if read is None:
        return None
    if abs(read - round(read, _DECIMALS)) > _NOISE:
        raise ElementRefused(f"{what} is {show_value(value)}, with more than {_DECIMALS} decimals")
    return Decimal(str(round(read, _DECIMALS)))


def parse_feed_timestamp(value: object, what: str) -> datetime:
    """Parse a feed's moment in UTC; unlike a message's it must have a time zone and a sane year.

    Raises ElementRefused.
    """
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise ElementRefused(f"{what} is {show_value(value)}, not a moment with a time zone")
    if parsed.tzinfo is None:
        raise ElementRefused(f"{what} is {show_value(value)}, without a time zone")
    _check_year(parsed, value, what)
    return parsed.astimezone(UTC)


def day(value: object, what: str) -> date:
    """The day of a date or of a local moment, in a sane year. Raises ElementRefused."""
    try:
        parsed = date.fromisoformat(value[:10]) if isinstance(value, str) and value[10:11] in ("", "T", " ") else None
    except ValueError:
        parsed = None
    if parsed is None:
        raise ElementRefused(f"{what} is {show_value(value)}, not a date")
    _check_year(parsed, value, what)
    return parsed


def is_game_id(value: object) -> bool:
    """Whether a value is the NBA's game id: ten ASCII digits (str.isdigit takes superscripts
    too).
    """
    return isinstance(value, str) and _GAME_ID.fullmatch(value) is not None


def game_id(value: object, what: str) -> str:
    """Raises ElementRefused."""
    if not isinstance(value, str) or not is_game_id(value):
        raise ElementRefused(f"{what} is {show_value(value)}, not 10 digits")
    return value


def team_code(value: object, what: str) -> str:
    """The code of an NBA team of today or of earlier days. Raises ElementRefused."""
    if not isinstance(value, str) or (team_by_abbr(value) is None and value not in FORMER_CODES):
        raise ElementRefused(f"{what} is {show_value(value)}, no NBA team")
    return value


def _check_year(parsed: date, value: object, what: str) -> None:
    if not YEAR.low <= parsed.year <= YEAR.high:
        raise ElementRefused(f"{what} is {show_value(value)}, not in the years {YEAR.low} to {YEAR.high}")
