"""./nba itself: it sets up once, and runs from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# As the Makefile's target does: it says something on standard output, and leaves its stamp.
MAKEFILE = """
local-environment:
\t@echo Installing the packages
\t@echo "MAKEFLAGS=$(filter-out -%,$(MAKEFLAGS))"
\t@mkdir -p .venv/bin
\t@printf '#!/bin/sh\\nexec {python} "$$@"\\n' > .venv/bin/python
\t@chmod +x .venv/bin/python
\t@touch .venv/.ready-local-$$(cksum < requirements/local.txt | tr ' ' '-')
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose packages are this one's, with an environment still to be made."""
    root = tmp_path / "my project"
    (root / "requirements").mkdir(parents=True)
    shutil.copy2(ROOT / "nba", root / "nba")
    shutil.copy2(ROOT / "requirements" / "local.txt", root / "requirements" / "local.txt")
    (root / "Makefile").write_text(MAKEFILE.replace("{python}", sys.executable), encoding="utf-8")
    for name in ("local", "shared", "pipeline.yaml"):
        (root / name).symlink_to(ROOT / name)
    return root


def run(program: Path | str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [program, *arguments], cwd=cwd, env=kept | {"MAKEFLAGS": "A=1", "MAKELEVEL": "1"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_it_sets_up_once_and_says_so_on_standard_error(project: Path) -> None:
    first = run(project / "nba", "completion", "fish", "--json", cwd=project)
    assert first.returncode == 0, first.stderr
    assert first.stderr.splitlines() == ["Installing the packages", "MAKEFLAGS="]
    assert first.stdout.startswith("{")
    again = run(project / "nba", "completion", "fish", "--json", cwd=project)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)
    lock = project / "requirements" / "local.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert "Installing the packages" in run(project / "nba", "--help", cwd=project).stderr


def test_from_any_folder_with_paths_of_the_caller(project: Path, tmp_path: Path) -> None:
    run(project / "nba", "--help", cwd=project)
    caller = tmp_path / "caller"
    (caller / "shared").mkdir(parents=True)  # not imported in place of ours
    (caller / "there").symlink_to(project / "nba")
    for program in (str(project / "nba"), "../my project/nba", "./there"):
        ended = run(program, "dlq", "--dir", "state", cwd=caller)
        assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
        assert ended.stderr == "state holds no state. Next: ./nba play first, or name its folder with --dir.\n"


def test_without_an_environment_it_ends_with_2(project: Path) -> None:
    (project / "Makefile").write_text("local-environment:\n\t@echo No Python. >&2; exit 1\n", encoding="utf-8")
    ended = run(project / "nba", "dlq", cwd=project)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("No Python.\n")


def test_the_real_makefile_makes_the_stamp_that_the_script_looks_for() -> None:
    """Its target and its stamp, as make itself spells them."""
    printed = subprocess.run(
        ["make", "-n", "-B", "local-environment"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
    ).stdout  # fmt: skip
    lock = (ROOT / "requirements" / "local.txt").read_bytes()
    summed = subprocess.run(["cksum"], input=lock, capture_output=True, check=True).stdout.decode()
    assert f"touch .venv/.ready-local-{summed.strip().replace(' ', '-')}" in printed


def test_it_is_posix_and_executable() -> None:
    assert os.access(ROOT / "nba", os.X_OK)
    assert (ROOT / "nba").read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", ROOT / "nba"], check=True)
