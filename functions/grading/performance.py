"""Figures of every system over the windows that end at a day, all from the one evaluation
module.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from shared.science.evaluation import Graded, performance

if TYPE_CHECKING:
    import pyarrow as pa

# Days a window reaches back, its last day included; the season's begins with its first scheduled
# game.
WINDOW_DAYS = {"day": 1, "7_days": 7, "30_days": 30}
SEASON = "season"


def figures(graded: pa.Table, last_day: date) -> list[dict[str, Any]]:
    """One row per statistic, system and window, in this order, with the columns of
    system_daily_performance.

    `graded` has the columns of sql/window.sql, of one season up to last_day. A window without rows
    of a system and statistic has no row: a system that was silent for a week has no performance in
    it.
    """
    import numpy as np

    columns = graded.to_pydict()
    days = np.array(columns["game_date"], dtype="datetime64[D]")
    stats, systems = (np.array(columns[name], dtype=np.str_) for name in ("stat", "system_id"))
    everything = Graded.of(columns)
    rows = []
    for stat, system in sorted(set(zip(columns["stat"], columns["system_id"], strict=True))):
        for window, length in {**WINDOW_DAYS, SEASON: None}.items():
            chosen = (stats == stat) & (systems == system)
            if length is not None:
                chosen &= days > np.datetime64(last_day - timedelta(days=length))
            if chosen.any():
                part = Graded(**{name: values[chosen] for name, values in vars(everything).items()})
                rows.append({"window_name": window, "stat": stat, "system_id": system, **performance(part).as_row()})
    return rows
