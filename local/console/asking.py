"""Asking the person at the terminal."""

from __future__ import annotations

import select
import sys

from local.console.lines import complain

_LOOK_SECONDS = 0.2


def can_ask() -> bool:
    """Whether somebody is there to answer: input and standard error are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_yes(question: str) -> bool:
    """Ask on standard error, so that standard output stays the answer's; anything but yes is no."""
    complain(f"{question} [y/N]")
    # a signal that comes just before a read is noticed when the read ends; of a look, in a moment
    while not select.select([sys.stdin], [], [], _LOOK_SECONDS)[0]:
        continue
    return sys.stdin.readline().strip().lower() in ("y", "yes")
