"""`make load`: batches of growing size, each in a process of its own; prints a table, writes
load.json.

Exit codes: 0 close to linear, 1 failed or a step above the limit, 2 wrong input. `RUNS` measures
every size so often and keeps the fastest.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from rich.console import Console

from local.bench.load.one import RESULT, LoadFailed
from local.bench.load.report import MOST, show, too_steep
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain
from local.console.plain import open_console, plain
from local.console.values import number
from local.host.folder_lock import lock_folder, state_folder
from shared.core.errors import ConfigError, PipelineError

SIZES = (500, 1000, 2000)
DEFAULT_UNITS, MOST_UNITS = 5000, 20_000


def sizes_up_to(units: int) -> list[int]:
    """The sizes measured: some smaller ones, and the one asked for."""
    return [*(size for size in SIZES if size < units), units]


def measure(folder: Path, units: int, runs: int, console: Console) -> list[dict[str, Any]]:
    """All sizes, smallest first; of `runs` turns (each through all sizes) the fastest of a size.

    Raises LoadFailed.
    """
    found: dict[int, list[dict[str, Any]]] = {size: [] for size in sizes_up_to(units)}
    for run in range(runs):
        for size, results in found.items():
            console.print(plain(f"{size} units, run {run + 1} of {runs}"), highlight=False)
            results.append(_one(folder / f"units-{size}", size))
    return [min(results, key=lambda each: float(each["to_consolidated"])) for results in found.values()]


def _one(folder: Path, size: int) -> dict[str, Any]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "local.bench.load.one", str(folder), str(size)]
    started = perf_counter()
    if subprocess.run(command, env=_environment(size), check=False).returncode:
        raise LoadFailed(f"The batch of {size} units failed.", next_step=f"see {folder}/logs/functions.jsonl.")
    result = dict(json.loads((folder / RESULT).read_text(encoding="utf-8")))
    result["process_seconds"] = round(perf_counter() - started, 1)
    shutil.rmtree(folder)
    return result


def _environment(size: int) -> Mapping[str, str]:
    """One player a unit, however many there are."""
    return {**os.environ, "MAX_UNITS": str(size)}


def main() -> int:
    """Measure in LOCAL_DIR/load, LOCAL_DIR owned; the reason of a failure is one sentence on
    standard error.
    """
    console = open_console(140)
    try:
        units, runs = (
            number(os.environ, name, usual, least=1, most=most)
            for name, usual, most in (("UNITS", DEFAULT_UNITS, MOST_UNITS), ("RUNS", 1, 10))
        )
        state = state_folder(os.environ)
    except ConfigError as error:
        complain(error)
        return WRONG_INPUT
    before = os.getloadavg()[0]
    try:
        with lock_folder(state):
            sizes = measure(state / "load", units, runs, console)
        load = [round(before, 2), round(os.getloadavg()[0], 2)]
        figures = {"sizes": sizes, "cpus": os.cpu_count(), "load_average": load}
        (state / RESULT).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    except (PipelineError, OSError) as error:
        complain(f"Failed: {error}")
        return FAILED
    show(console, sizes)
    console.print(
        plain(f"{os.cpu_count()} CPUs, load average {load[0]} before, {load[1]} after. All figures: {state / RESULT}"),
        highlight=False,
    )
    steep = too_steep(sizes)
    for name, ratio in sorted(steep.items()):
        complain(f"{name} grows {ratio:.2f} times linearly, more than {MOST}.")
    return FAILED if steep else DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="Next: run it again."))
