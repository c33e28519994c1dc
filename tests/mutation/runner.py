"""Plays the tests of a mutated file in a copy of the project, and keeps what came of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.mutation.mutants import Mutant

KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"
# What the tests read of a project.
COPIED = ("functions", "shared", "local", "tests", "pipeline.yaml", "pyproject.toml")
# Tests are given so many times what they take unmutated, and never less than so many seconds.
PATIENCE, LEAST_SECONDS = 4.0, 60.0
_PASSED = 0


class Unusable(Exception):
    """The tests fail, or cannot be played, where nothing is changed."""


@dataclass
class Copy:
    """A copy of a project to change files in; the project itself stays as it is."""

    folder: Path
    project: Path
    _writes: int = field(default=0, init=False)
    _server: subprocess.Popen[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        for name in COPIED:
            source = self.project / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, self.folder / name)

    def read(self, file: str) -> str:
        return (self.folder / file).read_text(encoding="utf-8")

    def key(self, mutant: Mutant, tests: Sequence[str]) -> str:
        """What an outcome is of: the mutant, its file and the tests as they stand here."""
        parts = [repr(mutant), self.read(mutant.file), *(self.read(test.partition("::")[0]) for test in tests)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def write(self, file: str, text: str) -> None:
        """The file with this text, newer than any byte code of it: a mutant may be as long, in the
        same second.
        """
        path = self.folder / file
        path.write_text(text, encoding="utf-8")
        self._writes += 1
        moment = time.time() + 2 * self._writes
        os.utime(path, (moment, moment))

    def play(self, tests: Sequence[str], most_seconds: float | None) -> int | None:
        """pytest's exit code, stopping at the first failure; None where it took longer than
        that.
        """
        server = self._server or self._start()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(list(tests)) + "\n")
        server.stdin.flush()
        child = int(server.stdout.readline())
        late = threading.Event()

        def give_up() -> None:
            late.set()
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)

        timer = threading.Timer(most_seconds, give_up) if most_seconds else None
        if timer:
            timer.start()
        code = int(server.stdout.readline())
        if timer:
            timer.cancel()
        return None if late.is_set() else code

    def _start(self) -> subprocess.Popen[str]:
        # no plugins: ours need none, and they take longer to load than most tests
        environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("server.py"))],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return self._server

    def close(self) -> None:
        if self._server:
            self._server.communicate()

    def time_unmutated(self, tests: Sequence[str]) -> float:
        """Seconds that the tests take where nothing is changed.

        Raises Unusable where they do not pass.
        """
        started = time.monotonic()
        code = self.play(tests, None)
        if code != _PASSED:
            raise Unusable(f"{' '.join(tests)} end with {code} before anything is changed")
        return time.monotonic() - started

    def outcome(self, mutant: Mutant, tests: Sequence[str], usual_seconds: float) -> str:
        """Whether the tests notice the mutant."""
        text = self.read(mutant.file)
        self.write(mutant.file, mutant.apply(text))
        try:
            code = self.play(tests, max(LEAST_SECONDS, PATIENCE * usual_seconds))
        finally:
            self.write(mutant.file, text)
        if code is None:
            return TIMED_OUT
        # whatever else pytest says (failed, cannot import, cannot start), it did not say so before
        return SURVIVED if code == _PASSED else KILLED


class Journal:
    """Outcomes by what was played: a run that was interrupted goes on, and a changed test or file
    is played again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self._known: dict[str, str] = {entry["key"]: entry["outcome"] for entry in map(json.loads, lines)}

    def find_known(self, key: str) -> str | None:
        return self._known.get(key)

    def add(self, key: str, mutant: Mutant, outcome: str) -> None:
        self._known[key] = outcome
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as file:
            file.write(json.dumps({"key": key, "mutant": str(mutant), "outcome": outcome}) + "\n")
