"""Rows of several statistics, told apart and in the order in which files show them."""

from __future__ import annotations

from functions.phase6_export.rows import Rows
from shared.nba.stats import STATS

_PLACES = {name: place for place, name in enumerate(STATS)}


def order_of(stat: str) -> tuple[int, str]:
    """Sorts names of statistics as shared/nba/stats.py has them; others come last, by name.

    The schemas say which names a file may have, so that a statistic that none knows is refused.
    """
    return _PLACES.get(stat, len(_PLACES)), stat


def split_by_stat(rows: Rows) -> dict[str, Rows]:
    """Statistic -> its rows."""
    found = {stat: of_it for (stat,), of_it in rows.groups("stat").items()}
    return {stat: found[stat] for stat in sorted(found, key=order_of)}
