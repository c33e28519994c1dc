"""How phase 1 reads what it needs of a feed's elements: one that is odd is named and left out, the
rest goes on.

The raw file keeps every element as it came; phase 2 reads all of it, and names what it refuses
itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.redaction import excerpt

# Whatever a parser raises on one element makes it a refused element.
ODD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_LONGEST_WHY = 200


def why(error: Exception) -> str:
    """What a parser said of an element, short and printable: it may have quoted all of it."""
    return excerpt(str(error), _LONGEST_WHY).encode("utf-8", "backslashreplace").decode()


def describe_unreadable(what: str, odd: Sequence[str]) -> str:
    """How many elements were left out, and why the first."""
    return f"{len(odd)} {what} left out, the first so: {odd[0]}"
