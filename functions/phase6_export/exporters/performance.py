"""systems/performance.json: every system on every statistic over the last day, 7 days, 30 days and
season, beside line and average.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from functions.phase6_export.document import points, share
from functions.phase6_export.exporters import best_bets_record
from functions.phase6_export.rows import Row
from shared.nba.stats import place_of

COUNTS = ("n", "wins", "pushes", "passes", "voids", "priced_bets", "n_unlined")
IN_UNITS = ("mae", "bias", "line_mae", "season_avg_mae", "mae_unlined")
SHARES = ("roi", "brier", "calibration_error")
WINDOWS = ("day", "7_days", "30_days", "season")


def content(rows: Sequence[Row], picks: Sequence[Row]) -> dict[str, Any]:
    """Systems by statistic and name, their windows from the shortest, and the record of the best
    bets.

    `rows` are of one day; `picks` of best_bets_record.sql.
    """
    by_system = sorted(rows, key=_key)
    return {
        "best_bets": best_bets_record.record(picks),
        "systems": [
            {
                "stat": stat,
                "system_id": system,
                "windows": [_window(row) for row in sorted(group, key=lambda row: WINDOWS.index(row["window_name"]))],
            }
            for ((_, stat), system), group in groupby(by_system, _key)
        ],
    }


def _key(row: Row) -> tuple[tuple[int, str], str]:
    """Where the row's statistic and system stand."""
    return place_of(row["stat"]), row["system_id"]


def _window(row: Row) -> dict[str, Any]:
    """bets, hit_rate and roi are of the same bets: those that a book priced."""
    from shared.science.evaluation.betting import hit_rate_of

    bets = None if row["pushes"] is None else row["priced_bets"] - row["pushes"]
    hits = {} if bets is None else hit_rate_of(row["wins"], bets)
    return {
        "window": row["window_name"],
        "bets": bets,
        **{name: row[name] for name in COUNTS},
        **{name: points(row[name]) for name in IN_UNITS},
        **{name: share(hits.get(name)) for name in ("hit_rate", "hit_rate_low", "hit_rate_high")},
        **{name: share(row[name]) for name in SHARES},
    }
