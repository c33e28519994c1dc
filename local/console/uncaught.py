"""What Python itself prints to a terminal, tracebacks and warnings, comes there as everything else
does.
"""

from __future__ import annotations

import io
import sys
import threading
import traceback
import warnings
from typing import TextIO

from local.console.lines import complain


def show_failures_as_they_read() -> None:
    """From now on tracebacks of any thread, and warnings, are redacted and printable.

    What the terminal's encoding does not have is shown as an escape: a name is no reason to fail.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.excepthook = lambda _kind, error, _trace: _exit_failed(error)
    threading.excepthook = lambda failed: _exit_failed(failed.exc_value)
    sys.unraisablehook = lambda failed: _exit_failed(failed.exc_value)
    warnings.showwarning = _warn


def _exit_failed(error: BaseException | None) -> None:
    if error is not None and not isinstance(error, SystemExit):
        complain("".join(traceback.format_exception(error)).rstrip())


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    complain(warnings.formatwarning(message, category, filename, lineno, line).rstrip())
