"""Where the functions' JSON logs go on the embedded runtime: a file, so that the terminal stays a person's."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.observability.logs import configure_logging


@contextmanager
def logs_to(path: Path) -> Iterator[None]:
    """Append every logger's lines to a file while the block lasts; a line is in the file when it is logged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as stream:
        configure_logging(stream)
        try:
            yield
        finally:
            root = logging.getLogger()
            for handler in list(root.handlers):
                if isinstance(handler, logging.StreamHandler) and handler.stream is stream:
                    handler.setStream(sys.__stderr__ or sys.stderr)  # never closed: the next user flushes it
                    root.removeHandler(handler)
