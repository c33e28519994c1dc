"""systems/performance.json: every system over the last day, 7 days, 30 days and season, beside line and average."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from functions.phase6_export.document import points, share
from functions.phase6_export.exporters import best_bets_record
from functions.phase6_export.reading import Row

COUNTS = ("n", "bets", "wins", "pushes", "passes", "voids", "priced_bets", "n_unlined")
IN_POINTS = ("mae", "bias", "line_mae", "season_avg_mae", "mae_unlined")
SHARES = ("hit_rate", "hit_rate_low", "hit_rate_high", "roi", "brier", "calibration_error")
WINDOWS = ("day", "7_days", "30_days", "season")


def content(rows: Sequence[Row], picks: Sequence[Row]) -> dict[str, Any]:
    """Systems by name, their windows from the shortest, and the record of the best bets.

    `rows` are of one day, by system; `picks` of best_bets_record.sql.
    """
    return {
        "best_bets": best_bets_record.record(picks),
        "systems": [
            {
                "system_id": system,
                "windows": [_window(row) for row in sorted(group, key=lambda row: WINDOWS.index(row["window_name"]))],
            }
            for system, group in groupby(rows, lambda row: row["system_id"])
        ],
    }


def _window(row: Row) -> dict[str, Any]:
    return {
        "window": row["window_name"],
        **{name: row[name] for name in COUNTS},
        **{name: points(row[name]) for name in IN_POINTS},
        **{name: share(row[name]) for name in SHARES},
    }
