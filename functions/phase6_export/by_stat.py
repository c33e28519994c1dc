"""Rows of several statistics, told apart and in the order in which files show them.

That order is shared/nba/stats.py's. The schemas say which names a file may have, so that a
statistic that none knows is refused.
"""

from __future__ import annotations

from functions.phase6_export.rows import Rows
from shared.nba.stats import place_of


def split_by_stat(rows: Rows) -> dict[str, Rows]:
    """Statistic -> its rows."""
    found = {stat: of_it for (stat,), of_it in rows.groups("stat").items()}
    return {stat: found[stat] for stat in sorted(found, key=place_of)}
