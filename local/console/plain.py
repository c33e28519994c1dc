"""rich's console for texts from outside: [bold] in a name is a name, and nothing in it moves the
cursor.
"""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text

from local.console.lines import ReaderGone
from shared.core.printable import many_lines
from shared.core.redaction import redact


class PlainConsole(Console):
    """A Console that takes every string as it reads: no markup, no emoji codes, nothing that is not
    printed.

    Strings of print(), of tables' cells and titles all come through render_str. A Text is a
    sentence of ours.
    """

    def on_broken_pipe(self) -> NoReturn:
        self.quiet = True
        raise ReaderGone

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(redact(many_lines(text)), **{**options, "markup": False, "emoji": False})


def plain(text: str) -> Text:
    """A text as it reads, for whatever console is given."""
    return Text(redact(many_lines(text)))


def open_console(width_of_files: int | None = None) -> PlainConsole:
    """The console on standard output.

    In a file or a pipe there is no screen to fit: it has `width_of_files` then.
    """
    fits = sys.stdout.isatty() or "COLUMNS" in os.environ
    return PlainConsole(width=None if fits else width_of_files, markup=False, highlight=False, emoji=False)
