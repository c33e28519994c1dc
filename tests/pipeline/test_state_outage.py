"""Another process holds the state database in the middle of a run: the run waits, goes on, and
nothing is lost.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local.cli.compare import main as compare
from local.league import write_league
from tests.conftest import ROOT

pytestmark = pytest.mark.heavy  # a whole day in a process of its own

# More than twice the busy time-out: whoever tries only once fails.
HELD_SECONDS = 12


def _environment(folder: Path, league: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("ARCHIVE", "DATE", "LOCAL_DIR")}
    settings = {"PYTHONPATH": str(ROOT), "ARCHIVE": str(league), "LOCAL_DIR": str(folder), "HISTORY_SEASONS": "1"}
    return kept | settings


def _run(folder: Path, league: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.cli.run"],
        cwd=ROOT, env=_environment(folder, league), capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=2, teams=4, games_per_team=24)
    return folder


@pytest.fixture(scope="module")
def base(league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with history and models, the day still to be played."""
    folder = tmp_path_factory.mktemp("base") / "state"
    command = [sys.executable, "-m", "tests.pipeline.play_day", "prepare", str(folder), str(league)]
    subprocess.run(command, cwd=ROOT, env=_environment(folder, league), check=True, timeout=300)
    return folder


def test_the_run_finishes_after_the_store_is_back_and_nothing_is_lost(base: Path, league: Path, tmp_path: Path) -> None:
    undisturbed, locked = tmp_path / "undisturbed", tmp_path / "locked"
    shutil.copytree(base, undisturbed)
    shutil.copytree(base, locked)
    done = _run(undisturbed, league)
    assert done.returncode == 0, done.stderr[-2000:]
    command = [sys.executable, "-m", "tests.pipeline.lock_state", str(locked), str(HELD_SECONDS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "looking\n"
        disturbed = _run(locked, league)
        output = holder.stdout.read()
    assert holder.returncode == 0
    assert output.endswith("let go\n")
    assert disturbed.returncode == 0, disturbed.stderr[-2000:]
    screen = " ".join(disturbed.stdout.split())
    assert "the state store" in screen  # the path behind it may be cut off at the width of the screen
    logged = (locked / "logs" / "functions.jsonl").read_text(encoding="utf-8")
    assert "state.sqlite does not answer" in logged
    assert "state.sqlite answers again" in logged
    summary = json.loads((locked / "summary.json").read_text(encoding="utf-8"))
    assert summary["messages"]["dead_lettered"] == 0
    assert compare([str(undisturbed), str(locked)]) == 0
