"""Rows of several statistics, told apart and in the order in which files show them.

That order is shared/nba/stats.py's. The schemas say which names a file may have, so that a
statistic that none knows is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from functions.phase6_export.rows import Row
from shared.nba.stats import STATS, place_of


def list_by_stat(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Statistic -> its rows."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["stat"], []).append(row)
    return {stat: found[stat] for stat in sorted(found, key=place_of)}


def figure_of(row: Row, stat: str, over: str = "") -> Any:
    """A figure that a row has by base statistic: what a game brought, or (over: l5, l10, season) an
    average. A sum has what its parts have together; None where one of them is not known, and of a
    statistic that this release does not know.

    Raises KeyError where the row lacks a column of a known one.
    """
    if stat not in STATS:
        return None
    figures = [row[f"{part}_{over}" if over else part] for part in STATS[stat].parts]
    return None if None in figures else sum(figures)
