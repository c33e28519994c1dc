"""CI's rule on skips, shown on small pytest sessions of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def run_session(folder: Path, body: str, ci: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "conftest.py")
    (folder / "test_inner.py").write_text("import pytest\n" + body, encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(folder),
            str(folder),
        ],
        cwd=folder,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=60,
    )


TEST_SKIPS = "def test_a(): pytest.skip('needs a thing')\ndef test_b(): pass\n"
MODULE_SKIPS = "pytest.skip('needs a thing', allow_module_level=True)\n"


@pytest.mark.parametrize("body", [TEST_SKIPS, MODULE_SKIPS])
def test_a_skip_in_ci_fails_the_session_and_is_named(tmp_path: Path, body: str) -> None:
    session = run_session(tmp_path, body, ci="true")
    assert session.returncode != 0
    assert "test_inner.py" in session.stdout
    assert "needs a thing" in session.stdout.partition("skipped in CI")[2]


def test_the_same_skip_passes_outside_ci(tmp_path: Path) -> None:
    assert run_session(tmp_path, TEST_SKIPS, ci="").returncode == 0


def test_an_allowed_skip_passes_in_ci(tmp_path: Path) -> None:
    body = TEST_SKIPS.replace("needs a thing", "allowed in CI: needs a thing")
    assert run_session(tmp_path, body, ci="true").returncode == 0
