"""Structured logs: one JSON object a line that Cloud Logging understands, with the message's
context on every line.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from shared.core.printable import many_lines, one_line, printable_json
from shared.core.redaction import redact, redact_json
from shared.core.storable import storable

_context: ContextVar[dict[str, str] | None] = ContextVar("log_context", default=None)
_handler: logging.StreamHandler[TextIO] | None = None

# Libraries that say a line per request at INFO; theirs is not our story.
_QUIET = ("httpx", "httpcore", "werkzeug", "urllib3")


class JsonFormatter(logging.Formatter):
    """severity, message, time, logger, trace and the bound context; the exception with its stack
    where there is one.

    Every text in it is redacted and printable: a log viewer, or `tail`, shows it as it is.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": redact(many_lines(record.getMessage())),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        context = dict(_context.get() or {})
        trace = one_line(context.pop("trace", ""))  # of a request's header
        if trace:
            project = os.environ.get("GOOGLE_CLOUD_PROJECT", "")
            line["logging.googleapis.com/trace"] = f"projects/{project}/traces/{trace}" if project else trace
        line.update(redact_json(printable_json(context)))
        line.update(redact_json(printable_json(getattr(record, "fields", {}))))
        if record.exc_info:
            line["exception"] = redact(many_lines(record.exc_text or self.formatException(record.exc_info)))
        # a line that no stream can encode would be lost, and it quotes what came from outside
        return storable(json.dumps(line, ensure_ascii=False, default=_show_value))


def _show_value(value: object) -> str:
    return redact(one_line(str(value)))


def configure_logging(stream: TextIO | None = None) -> logging.StreamHandler[TextIO]:
    """Send every logger's INFO and above to `stream` (default: standard output) as JSON, once per
    process.

    Returns the handler that does it.

    Under gunicorn the root logger has no handler and drops INFO: this is what makes logger.info
    visible there. A later call with a stream moves the output there.
    """
    global _handler
    root = logging.getLogger()
    root.setLevel(logging.INFO)  # at every call: whoever logs to a file later relies on it
    if _handler is not None:
        if stream is not None:
            _handler.setStream(stream)
        if _handler not in root.handlers:
            root.addHandler(_handler)
        return _handler
    _handler = logging.StreamHandler(stream or sys.stdout)
    _handler.setFormatter(JsonFormatter())
    root.addHandler(_handler)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return _handler


def bound(name: str) -> str:
    """A field of the context bound now (run_id, execution_id ...); empty where it is not bound."""
    return (_context.get() or {}).get(name, "")


@contextlib.contextmanager
def log_context(**fields: str | None) -> Iterator[None]:
    """Bind fields (run_id, game_date, execution_id, batch_id, trace ...) to every line logged
    inside the block.
    """
    merged = {**(_context.get() or {}), **{k: v for k, v in fields.items() if v}}
    token = _context.set(merged)
    try:
        yield
    finally:
        _context.reset(token)
