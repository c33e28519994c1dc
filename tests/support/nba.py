"""./nba run as a process, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conftest import ROOT

# What would mean another place, or ask somebody.
_LEFT_OUT = ("ARCHIVE", "LOCAL_DIR", "RUNTIME", "PROJECT_ID", "NAME_PREFIX", "PORT", "WHO", "COLUMNS", "_NBA_COMPLETE")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def nba(*arguments: str | Path, cwd: Path = ROOT, given: str = "", settings: Mapping[str, str] | None = None) -> Ended:
    """Run `python -P -m local.nba`, which ./nba starts; standard input is no terminal."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "local.nba", *map(str, arguments)], cwd=cwd, env=environment(**(settings or {})),
        input=given, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)
