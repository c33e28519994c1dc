"""Where the functions' JSON logs go on the embedded runtime: a file, so that the terminal stays a
person's.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from local.console.lines import complain
from local.embedded.storage_faults import file_errors
from shared.core.clock import Clock
from shared.core.logs import configure_logging


class _SimulatedTime(logging.Filter):
    """Adds the simulated moment to every line, and lets all through."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        record.fields = {**getattr(record, "fields", {}), "simulated_time": self._clock.now().isoformat()}
        return True


class _LogFile(io.TextIOBase):
    """A file that is appended to, each text at once.

    What a full disk does not take is lost, and that is said once: a stack trace for each line would
    hide the sentence that says what to do.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._complained = False
        self._file = path.open("ab", buffering=0)

    def write(self, text: str) -> int:
        try:
            self._file.write(text.encode())
        except OSError as error:
            if not self._complained:
                complain(f"{self._path} takes no more lines: {error.strerror}.")
            self._complained = True
        return len(text)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def logs_to(path: Path, simulated: Clock | None = None) -> Iterator[None]:
    """Append every logger's lines to a file while the block lasts; a line is in the file when it is
    logged.

    Beside `time`, the machine's, a line has the moment of a simulated clock, where there is one, as
    `simulated_time`.
    """
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = _LogFile(path)
    with opened as file:
        stream = cast(TextIO, file)
        handler, root = configure_logging(stream), logging.getLogger()
        marks = [_SimulatedTime(simulated)] if simulated is not None else []
        for mark in marks:
            handler.addFilter(mark)
        try:
            yield
        finally:
            for mark in marks:
                handler.removeFilter(mark)
            if handler.stream is stream:
                handler.setStream(sys.__stderr__ or sys.stderr)  # never closed: the next user flushes it
                root.removeHandler(handler)
