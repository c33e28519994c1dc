"""Lines of the functions' log in a state folder: which are wanted, the latest, and what comes."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.core.errors import NotFound

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FILE = Path("logs") / "functions.jsonl"
_LOOK_EVERY_SECONDS = 0.2
Line = Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which lines: of a run, of a function, from a level on. Empty: of any."""

    run_id: str = ""
    function: str = ""
    level: str = "INFO"

    def has(self, line: Line) -> bool:
        severity = str(line.get("severity", "INFO"))
        return (
            (not self.run_id or line.get("run_id") == self.run_id)
            and (not self.function or line.get("function") == self.function)
            and (severity not in LEVELS or LEVELS.index(severity) >= LEVELS.index(self.level))
        )


class LogFile:
    """The file that a state folder's runtime appends to.

    Raises NotFound where there is none.
    """

    def __init__(self, folder: Path, wanted: Wanted) -> None:
        self.name = str(folder / FILE)
        self._path = folder / FILE
        self._wanted = wanted
        self._read_to = 0
        if not self._path.is_file():
            raise NotFound(
                f"There is no log {self.name}.", next_step="./nba play first, or name its folder with --dir."
            )

    def latest(self, count: int) -> list[Line]:
        """The latest so many lines, the oldest first."""
        return list(deque(self._wanted_lines(), maxlen=count))

    def following(self) -> Iterator[Line]:
        """Lines as they are written, without an end."""
        while True:
            yield from self._wanted_lines()
            time.sleep(_LOOK_EVERY_SECONDS)

    def _wanted_lines(self) -> Iterator[Line]:
        """From where reading stopped to the end of the last whole line."""
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            for text in file:
                if not text.endswith(b"\n"):
                    return
                self._read_to += len(text)
                line = _parse(text.decode(errors="replace"))
                if self._wanted.has(line):
                    yield line


def _parse(text: str) -> Line:
    """A line as the functions log it; what is none, as a full disk leaves it, is a message."""
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"severity": "WARNING", "message": text.rstrip("\n")}
