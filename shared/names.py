"""Names of players as keys for joining feeds that have no ids."""

from __future__ import annotations

import unicodedata

# Generational suffixes that one feed writes and another leaves out.
_SUFFIXES = ("jr", "sr", "ii", "iii", "iv")
# Letters that have no decomposition into an ASCII letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})


def player_lookup(name: str) -> str:
    """Lower-case ASCII letters and digits of a name: "Luka Dončić" -> "lukadoncic"."""
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    # lower once more: the decomposition of a sign may have capitals (the service mark's is "SM")
    return "".join(c for c in folded if c.isascii() and c.isalnum()).lower()


def player_lookup_base(name: str) -> str:
    """player_lookup without a generational suffix: "Jimmy Butler III" -> "jimmybutler"."""
    words = [player_lookup(word) for word in name.split()]
    words = [word for word in words if word]
    while len(words) > 2 and words[-1] in _SUFFIXES:
        words.pop()
    return "".join(words)
