"""A whole day in a process of its own, as `make run` plays it, and the folders that tests of it
begin with.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.league import write_league
from tests.conftest import ROOT


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("ARCHIVE", "DATE", "LOCAL_DIR")}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def child(module: str, *arguments: str, check: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT, env=environment(**settings), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    if check and done.returncode:
        pytest.fail(f"{module} {arguments} ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-2000:]}")
    return done


def make_run(folder: Path, league: Path, *, check: bool = False, **settings: str) -> subprocess.CompletedProcess[str]:
    return child(
        "local.cli.run", check=check, ARCHIVE=str(league), LOCAL_DIR=str(folder), HISTORY_SEASONS="1", **settings
    )


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text(encoding="utf-8")))


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that whichever of the workers comes first makes, and the others wait for; none may
    change it.
    """
    own = factory.getbasetemp()
    # workers of one run have the folder above theirs in common; without workers that is other runs'
    # too
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder, partial = shared / name, shared / f"{name}.partial"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make(partial)
            partial.rename(folder)
    return folder


def make_league(folder: Path) -> None:
    """Eight teams whose last day has three games."""
    write_league(folder, seed=5, seasons=2, teams=8, games_per_team=24)


def prepare(folder: Path, league: Path) -> None:
    """History and models, the day still to be played."""
    child("tests.pipeline.play_day", "prepare", str(folder), str(league), check=True)
