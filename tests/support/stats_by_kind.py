"""The statistics by kind: what a box score counts by itself, and sums of these."""

from __future__ import annotations

from shared.nba.stats import STATS

BASES = {name: stat for name, stat in STATS.items() if not stat.is_sum}
SUMS = {name: stat for name, stat in STATS.items() if stat.is_sum}
