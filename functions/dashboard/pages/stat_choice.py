"""One statistic of several on a page: which is shown, and links to the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import request

from shared.core.errors import DataError
from shared.nba.stats import STATS, place_of


@dataclass(frozen=True)
class StatChoice:
    """What a page offers, and what the address chose of it."""

    chosen: str | None
    """None: all of them."""
    rows: Mapping[str, int]
    """How many rows there are of each statistic, in the order of shared/nba/stats.py."""

    def shows(self, stat: str) -> bool:
        return self.chosen in (None, stat)


def choose_stat(rows: Iterable[str], *, first: str | None) -> StatChoice:
    """What the address asks for by `stat`.

    Args:
        rows: the statistic of each row that the page has.
        first: shown where the address names none, if there are rows of it, else the first that has
            some; None: all are.

    Raises DataError for a statistic that neither this release nor a row knows.
    """
    found = Counter(rows)
    counts = {stat: found[stat] for stat in sorted(found, key=place_of)}
    asked = request.args.get("stat")
    if not asked:
        return StatChoice(first if first is None or first in counts else next(iter(counts), None), counts)
    known = sorted({*STATS, *counts}, key=place_of)
    if asked not in known:
        raise DataError(f"{asked[:80]!r} is no statistic.", next_step=f"ask for one of {', '.join(known)}.")
    return StatChoice(asked, counts)
