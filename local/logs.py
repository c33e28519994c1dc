"""Where the functions' JSON logs go on the embedded runtime: a file, so that the terminal stays a person's."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from local.embedded.storage_faults import file_errors
from shared.observability.logs import configure_logging


class _LogFile(io.TextIOBase):
    """A file that is appended to, each text at once. What a full disk does not take is lost, and that is said once:
    a stack trace for each line would hide the sentence that says what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._told = False
        self._file = path.open("ab", buffering=0)

    def write(self, text: str) -> int:
        try:
            self._file.write(text.encode())
        except OSError as error:
            if not self._told:
                print(f"{self._path} takes no more lines: {error.strerror}.", file=sys.stderr)
            self._told = True
        return len(text)

    def close(self) -> None:
        self._file.close()
        super().close()


@contextmanager
def logs_to(path: Path) -> Iterator[None]:
    """Append every logger's lines to a file while the block lasts; a line is in the file when it is logged."""
    with file_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = _LogFile(path)
    with opened as stream:
        configure_logging(cast(TextIO, stream))
        try:
            yield
        finally:
            root = logging.getLogger()
            for handler in list(root.handlers):
                if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                    handler.setStream(sys.__stderr__ or sys.stderr)  # never closed: the next user flushes it
                    root.removeHandler(handler)
