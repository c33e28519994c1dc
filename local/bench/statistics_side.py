"""One side of the comparison of statistics: what is predicted is said before anything is imported.

python -m local.bench.statistics_side STATE LEAGUE STATS (comma-separated names): plays the last day
in STATE on the archive LEAGUE, trains, merges a batch of its size, and writes STATE/side.json. A
process of its own, since PREDICTED is a constant.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import shared.nba.stats as stats

RESULT = "side.json"
GAMES = 9
RUNS = 3
# An evening of nine or ten games.
PLAYERS = 150


def measure(state: Path, league: Path) -> dict[str, Any]:
    """Seconds of the fastest of RUNS chain runs (the first warms up), of a training and of a MERGE
    of PLAYERS units; rows and statements of the run.

    Raises BenchFailed where nothing was trained.
    """
    # imported here: after PREDICTED is what this side predicts
    from local.bench import merge
    from local.bench.growth import chain_run, figures
    from local.bench.measure import BenchFailed, time_work
    from local.day.day import Day
    from local.host.runtime import open_runtime
    from local.replay import Archive

    archive = Archive(league)
    # nothing of the trees of the state's own training is taken
    shutil.rmtree(state / "models" / "folds", ignore_errors=True)
    with open_runtime(state, archive=league, deliver_twice=False) as embedded:
        runs = [chain_run(embedded, archive) for _ in range(RUNS)]
        # in an epoch of its own: the one of the history's training has been done
        day = Day(embedded, archive, archive.last_date, lambda label, completed: None)
        training, record = time_work(day.train)
    if not any(phase["record_count"] for phase in record.phases):
        raise BenchFailed(f"The training trained on nothing: {record.phases}", next_step="look at its reason.")
    merged = merge.measure_batch(state / "merge", PLAYERS)
    return {**figures(GAMES, runs[1:]), "training_seconds": round(training, 2), **merged}


def main() -> int:
    """Measure and write what was found."""
    state, league, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3].split(",")
    stats.PREDICTED = {name: stats.STATS[name] for name in names}
    found = measure(state, league)
    (state / RESULT).write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
