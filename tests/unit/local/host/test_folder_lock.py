"""One process owns a state folder; the others learn which one, and what the dead leave counts for
nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.host.folder_lock import FolderBusy, FolderGone, lock_folder
from tests.conftest import ROOT
from tests.support.embedded import START, ManualClock


def read_runtime_file(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "runtime.json").read_text())
    return found


def test_the_owner_tells_who_and_where_it_is(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "new", clock=ManualClock()) as folder:
        assert read_runtime_file(folder.path) == {"pid": os.getpid(), "port": 0, "started_at": START.isoformat()}
        folder.write_owner(port=8080)
        assert read_runtime_file(folder.path)["port"] == 8080
    assert not (tmp_path / "new" / "runtime.json").exists()


def test_a_second_one_is_told_who_owns_it_and_what_to_do(tmp_path: Path) -> None:
    with lock_folder(tmp_path) as folder:
        folder.write_owner(port=8080)
        with pytest.raises(FolderBusy, match=f"process {os.getpid()}.*port 8080.*nba publish") as caught:
            lock_folder(tmp_path).__enter__()
    assert caught.value.owner is not None
    assert caught.value.owner.port == 8080
    with lock_folder(tmp_path):
        pass


def test_an_owner_that_has_not_told_yet(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        (tmp_path / "runtime.json").unlink()
        with pytest.raises(FolderBusy, match="just starting") as caught:
            lock_folder(tmp_path).__enter__()
    assert caught.value.owner is None


def test_an_owner_notices_that_its_folder_was_removed(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "state") as folder:
        folder.check()
        shutil.rmtree(folder.path)
        with pytest.raises(FolderGone, match="was removed while"):
            folder.check()
        with lock_folder(tmp_path / "state"), pytest.raises(FolderGone):  # another one in its place
            folder.check()


HOLDER = """
import sys
from pathlib import Path
from local.host.folder_lock import lock_folder
with lock_folder(Path(sys.argv[1])) as folder:
    folder.write_owner(port=1)
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_another_process_owns_it_until_it_dies_however_it_dies(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(FolderBusy, match=f"process {holder.pid}, which serves on port 1"):
            lock_folder(tmp_path).__enter__()
        os.kill(holder.pid, signal.SIGKILL)
    assert read_runtime_file(tmp_path)["pid"] == holder.pid
    with lock_folder(tmp_path):
        assert read_runtime_file(tmp_path)["pid"] == os.getpid()
