"""An evening of ever more lines and statistics, and what an export of it takes.

`python -m tests.support.export_memory [players]` prints a table for 1, 10 and 50 lines a player and
system, and for 5 lines (as many as are tested) of points alone and of every statistic.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from functions.phase6_export.export import run
from shared.nba.stats import POINTS, STATS
from shared.science.systems.output import SYSTEMS
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    NOW,
    Evening,
    batch,
    evening,
    expected_row,
    message,
    prediction_row,
    schedule_row,
)
from tests.support.stores import reset_counts

LINES = (1, 10, 50)
# The main line and two steps to either side.
TESTED = 5
ONE_STAT, EVERY_STAT = (POINTS.name,), tuple(STATS)
PLAYERS = 24


@dataclass(frozen=True)
class Export:
    """One export, measured."""

    rows: int
    """Current predictions; there are as many grades."""
    peak: int
    """Bytes of Python objects above those before, at the worst moment."""
    files: int
    """Bytes of predictions/{date}.json and results/{date}.json."""
    statements: dict[str, int]


def measure(lines: int, players: int, stats: Sequence[str] = ONE_STAT) -> Export:
    """Export an evening of players with `lines` lines a statistic and system, each predicted and
    graded, over its own files."""
    with TemporaryDirectory() as folder, evening(Path(folder)) as night:
        rows = _fill(night, lines, players, stats)
        run(message(), night.context("phase6_export"))
        reset_counts(night.warehouse)
        tracemalloc.start()
        try:
            outcome = run(message(), night.context("phase6_export"))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        if outcome.status != "success":
            raise AssertionError(f"the export ended as {outcome.status}: {outcome.reason}")
        files = [night.runtime.exports.read(f"v1/{name}/{DAY}.json").data for name in ("predictions", "results")]
        return Export(rows, peak, sum(map(len, files)), night.warehouse.statement_counts)


def _fill(night: Evening, lines: int, players: int, stats: Sequence[str]) -> int:
    of_players = [(EARLY if number % 2 else LATE, number, f"Player {number}") for number in range(1, players + 1)]
    night.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
    night.add_sources()
    night.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
    night.add("nba_monitoring.expected_outputs", [expected_row(*player) for player in of_players])
    rows = list(_predictions(of_players, lines, stats))
    night.add("nba_predictions.player_prop_predictions", rows)
    night.add("nba_predictions.prediction_accuracy", map(_grade, rows))
    return len(rows)


def _predictions(players: Sequence[tuple[str, int, str]], lines: int, stats: Sequence[str]) -> Iterator[dict[str, Any]]:
    for player, stat, system, number in product(players, stats, SYSTEMS, range(lines)):
        kind = "alternate" if number else "main"
        yield prediction_row(*player, str(Decimal("10.5") + number), stat=stat, system=system, kind=kind)


def _grade(row: dict[str, Any]) -> dict[str, Any]:
    copied = ("game_date", "batch_id", "game_id", "player_id", "player_lookup", "stat", "system_id", "line_value")
    return {
        **{
            name: row[name]
            for name in (*copied, "line_kind", "recommendation", "predicted", "p_over", "side", "bookmaker")
        },
        "model_version": row["model_version"],
        "price": row["over_price"],
        "actual": 31,
        "error": -4.876544,
        "absolute_error": 4.876544,
        "outcome": "win",
        "correct": True,
        "profit": 0.909091,
        "graded_at": NOW,
    }


def main(players: int) -> None:
    """Print the table."""
    print("| statistics | lines | rows | files, MiB | peak, MiB | peak / files |\n|--:|--:|--:|--:|--:|--:|")
    for stats, lines in (*((ONE_STAT, lines) for lines in LINES), (ONE_STAT, TESTED), (EVERY_STAT, TESTED)):
        found = measure(lines, players, stats)
        sizes = f"{found.files / 2**20:.1f} | {found.peak / 2**20:.1f} | {found.peak / found.files:.1f}"
        print(f"| {len(stats)} | {lines} | {found.rows:,} | {sizes} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PLAYERS)
