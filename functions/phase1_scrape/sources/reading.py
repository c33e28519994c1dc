"""How phase 1 reads what it needs of a feed's elements: one that is odd is named and left out, the rest goes on.

The raw file keeps every element as it came; phase 2 reads all of it, and names what it refuses itself.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from shared.clock import YEARS

# Whatever a parser raises on one element makes it a refused element.
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# reprlib goes only so deep and so far: an element may be a megabyte, or nested to the limit.
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = _SHORT.maxdict = _SHORT.maxlist = 3

_LONGEST_WHY = 200


def shown(value: object) -> str:
    """A value as it is told to people: short, and printable whatever it is."""
    return _SHORT.repr(value)


def why(error: Exception) -> str:
    """What a parser said of an element, short and printable: it may have quoted all of it."""
    return str(error)[:_LONGEST_WHY].encode("utf-8", "backslashreplace").decode()


def told(what: str, odd: Sequence[str]) -> str:
    """How many elements were left out, and why the first."""
    return f"{len(odd)} {what} left out, the first so: {odd[0]}"


def texts(element: object, *names: str) -> list[str]:
    """Fields that have to be texts. Raises ValueError naming the first that is none, or is empty."""
    if not isinstance(element, Mapping):
        raise ValueError(f"{shown(element)} is no object")
    found = []
    for name in names:
        value = element.get(name)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name} is {shown(value)}, no text")
        found.append(value)
    return found


def moment(text: str) -> datetime:
    """A feed's time, UTC. Raises ValueError for what is no moment with a zone, or of a year without games."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is no moment") from None
    if parsed.tzinfo is None:
        raise ValueError(f"{shown(text)} has no time zone")
    # before it is converted: the first and the last year of the calendar have moments that no other zone has
    if parsed.year not in YEARS:
        raise ValueError(f"{shown(text)} is of no year that games are of")
    return parsed.astimezone(UTC)
