"""All statistics against points alone: chain run, training and staging MERGE of the same evening,
side by side in processes of their own.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from local.bench import statistics_side
from local.bench.measure import BenchFailed, Progress, ratio
from local.bench.prepare import Prepared
from shared.nba.stats import POINTS, PREDICTED

GAMES = statistics_side.GAMES
# The sides take turns, so that a busy minute of the machine does not fall on one of them alone.
ROUNDS = 2
_SIDES = {"points": (POINTS.name,), "all": tuple(PREDICTED)}
_TIMES = ("seconds", "training_seconds", "merge_ms")


def measure(prepared: Prepared, folder: Path, progress: Progress) -> dict[str, Any]:
    """Of each side its fastest figures of ROUNDS, and how many times longer all take: "points",
    "all", "ratios" (of chain run, training, MERGE).

    Raises BenchFailed where a side fails, or their warehouse statements differ.
    """
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in _SIDES}
    for done in range(ROUNDS * len(_SIDES)):
        side = list(_SIDES)[done % len(_SIDES)]
        found[side].append(_measure_side(prepared, folder / f"{side}-{done}", _SIDES[side]))
        progress(done + 1, ROUNDS * len(_SIDES))
    best = {side: _fastest(rounds) for side, rounds in found.items()}
    statements = {side: each["warehouse_statements"] for side, each in best.items()}
    if len(set(statements.values())) > 1:
        raise BenchFailed(
            f"Warehouse statements of a chain run by what is predicted: {statements}; they must be the same.",
            next_step="look for a query in a loop over statistics.",
        )
    ratios = {name: ratio(best["all"][name], best["points"][name]) for name in _TIMES}
    return {**best, "ratios": ratios}


def _measure_side(prepared: Prepared, state: Path, stats: tuple[str, ...]) -> dict[str, Any]:
    league = prepared.copy_to(state, GAMES)
    command = [sys.executable, "-m", "local.bench.statistics_side", str(state), str(league.folder), ",".join(stats)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise BenchFailed(
            f"The side of {', '.join(stats)} failed: {' '.join(last)}", next_step=f"run {' '.join(command[1:])}."
        )
    found: dict[str, Any] = json.loads((state / statistics_side.RESULT).read_text(encoding="utf-8"))
    shutil.rmtree(state)
    return found


def _fastest(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return {**rounds[0], **{name: min(each[name] for each in rounds) for name in _TIMES}}
