"""A fresh clone in an empty environment, as a newcomer has it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.setup.newer_releases import write_newer_releases


@dataclass(frozen=True)
class Clone:
    """A copy of the project's files without anything that was installed or built beside them."""

    folder: Path
    newer: Path
    """Wheels that pip finds besides its index."""

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command in the clone; of this process's environment it has PATH, HOME and pip's
        settings.
        """
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME") or k.startswith("PIP_")}
        found = " ".join(filter(None, (kept.get("PIP_FIND_LINKS"), str(self.newer))))
        done = subprocess.run(
            command, cwd=self.folder, env={**kept, "PIP_FIND_LINKS": found}, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=1200,
        )  # fmt: skip
        if check and done.returncode:
            pytest.fail(
                f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-2000:]} {done.stderr[-3000:]}"
            )
        return done


def project_files() -> list[str]:
    """What git knows or would add, as the working tree has it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [name for name in listed if (ROOT / name).is_file()]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    folder = tmp_path / "clone"
    for name in project_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    return Clone(folder, write_newer_releases(tmp_path / "newer", sorted((folder / "requirements").glob("*.txt"))))
