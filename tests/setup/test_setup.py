"""The two commands of the README on a machine that has nothing but Python, the day after every
dependency got a newer release: what is installed is what is locked.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.setup.conftest import Clone
from tests.setup.newer_releases import NEWER, read_locked, write_newer_releases

OLDEST_PIP = "23.2.1"  # what Python 3.11 brings along


def choose_pip(clone: Clone, pip: str) -> None:
    """The clone's environment with another pip than its Python brings along."""
    clone.run("make", ".venv/bin/pip")
    wanted = ["--upgrade", "pip"] if pip == "newest" else [f"pip=={pip}"]
    clone.run(".venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)


def list_installed(clone: Clone) -> dict[str, str]:
    command = (".venv/bin/python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    listed = json.loads(clone.run(*command).stdout)
    return {re.sub(r"[-_.]+", "-", each["name"]).lower(): each["version"] for each in listed}


def assert_installed(clone: Clone, group: str) -> None:
    """What is installed is what the group's lock says (but for what it has for other systems), and
    nothing newer.
    """
    lock, found = read_locked(clone.folder / "requirements" / f"{group}.txt"), list_installed(clone)
    assert len(found) > 50
    assert {name: version for name, version in found.items() if name in lock} == {
        name: version for name, version in lock.items() if name in found
    }
    assert {name for name, version in found.items() if version == NEWER} == set()


@pytest.mark.heavy
def test_both_commands_with_the_oldest_pip(clone: Clone) -> None:
    choose_pip(clone, OLDEST_PIP)
    clone.run("make", "run", "HISTORY_SEASONS=1")
    assert (clone.folder / ".local" / "exports" / "v1" / "status.json").is_file()
    assert_installed(clone, "local")
    clone.run("make", "test", "ARGS=tests/unit/core/test_clock.py tests/setup -m 'not heavy'")
    assert_installed(clone, "dev")
    assert {"pytest", "hypothesis", "mypy", "ruff"} <= set(list_installed(clone))


@pytest.mark.heavy
def test_the_set_up_with_the_newest_pip(clone: Clone) -> None:
    choose_pip(clone, "newest")
    assert clone.run("make", "clean-local").stdout.endswith("Nothing to forget: there is no .local\n")
    assert_installed(clone, "local")


def test_every_installation_of_ours_leaves_nothing_to_resolve() -> None:
    """Of every group: complete locks with hashes, installed without resolution, then checked."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    installations = [line for line in makefile.splitlines() if "pip install" in line and not line.startswith("#")]
    assert len(installations) == 1, "one macro serves all groups"
    [options] = installations
    assert {"--no-deps", "--require-hashes", "--only-binary=:all:"} <= set(options.split())
    assert "pip check" in makefile
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "pip install" not in ci, "CI sets up as everybody does"


def test_a_newer_release_of_every_package_is_offered(tmp_path: Path) -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    folder = write_newer_releases(tmp_path / "newer", locks)
    names = {wheel.name.split("-")[0].replace("_", "-") for wheel in folder.iterdir()}
    assert names == set().union(*(read_locked(lock) for lock in locks))
    assert {"google-auth", "pytest", "checkov", "bqemulator", "uv"} <= names
