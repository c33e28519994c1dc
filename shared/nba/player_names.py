"""Names of players as keys for joining feeds that have no ids."""

from __future__ import annotations

import unicodedata

# Generational suffixes that one feed writes and another leaves out.
_SUFFIXES = ("jr", "sr", "ii", "iii", "iv")
# Letters that have no decomposition into an ASCII letter and an accent.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th",
                         "ħ": "h", "ŧ": "t", "ŋ": "n"})  # fmt: skip


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


def natural_order(name: str) -> str:
    """A name as it is spoken, single spaces in it: "Hardaway Jr., Tim" -> "Tim Hardaway Jr.".

    What stands before a comma is the family name, unless all that follows are suffixes ("Tim
    Hardaway, Jr.").
    """
    parts = [words for words in (part.split() for part in name.split(",")) if words]
    suffixes: list[str] = []
    for words in parts:
        while words and player_lookup(words[-1]) in _SUFFIXES and (len(words) > 1 or words is not parts[0]):
            suffixes.insert(0, words.pop())
    parts = [words for words in parts if words]
    if len(parts) > 2 or not parts:
        return " ".join(name.split())
    return " ".join([word for words in reversed(parts) for word in words] + suffixes)
