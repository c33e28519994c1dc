"""`make run` on a disk that fills up in the middle of the day: one sentence, and the same command
ends the day.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from local.host.runtime import STATE_FILE
from tests.conftest import ALLOWED_IN_CI, ROOT

# The league, its history and the models take 30 MiB, the whole day some 60 before the warehouse's
# log is folded in.
SMALL, LARGE = "36m", "300m"


def resize(folder: Path, *options: str) -> bool:
    return subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False).returncode == 0


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or not resize(folder, "-t", "tmpfs", "-o", f"size={SMALL}", "small"):
        pytest.skip(f"{ALLOWED_IN_CI} a disk of its own needs the right to mount one")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(state: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LOCAL_DIR": str(state), "HISTORY_SEASONS": "0", "PORT": "0"}
    for name in ("ARCHIVE", "DATE", "RUNTIME"):
        environment.pop(name, None)
    command = [sys.executable, "-m", "local.cli.run"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.heavy
def test_a_day_that_met_a_full_disk_is_played_to_its_end_by_the_same_command(disk: Path) -> None:
    state = disk / "state"
    for sentence in ("cannot be written: ", "less than 16 MiB free"):
        failed = run(state)
        assert failed.returncode == 1
        assert sentence in failed.stderr
        assert "make room on the disk of " in failed.stderr
        assert "the same command then goes on by itself" in failed.stderr
        assert "Traceback" not in failed.stderr + failed.stdout
        assert len(failed.stderr.splitlines()) <= 2, "one sentence, and where the log ends"
    assert resize(disk, "-o", f"remount,size={LARGE}")
    done = run(state)
    assert done.returncode == 0, done.stderr
    assert ", 0 dead letters" in done.stdout
    assert "Graded, points: mean absolute errors" in done.stdout
    with closing(SqliteFile(state / STATE_FILE)) as file:
        assert [each.data for each in SqliteState(file).query("breakers")] == []
