"""How a command ends: by SIGTERM, or because nobody reads its output any more, with a sentence and
the usual code.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from local.console.exit_codes import INTERRUPTED, READER_GONE, TERMINATED
from local.console.lines import ReaderGone, complain
from local.console.uncaught import show_failures_as_they_read


class Terminated(BaseException):
    """SIGTERM came: what is open is closed in order, as after Ctrl-C."""


def run_command(work: Callable[[], int], *, then: str) -> int:
    """Do a command's work and return its exit code: 130 after Ctrl-C, 143 after SIGTERM, 141 where
    the reader of the output has gone.

    Args:
        then: the sentence that says what of the work is kept, and what to do next; empty for work
            that changes nothing, which ends without a word.
    """

    def end(_signal: int, _frame: FrameType | None) -> None:
        # at once, and whatever else is being printed; a second signal ends at once
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if then:
            with suppress(OSError):
                os.write(2, f"Ended by SIGTERM. {then}\n".encode())
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    show_failures_as_they_read()
    try:
        code = work()
        sys.stdout.flush()
        return code
    except Terminated:
        return TERMINATED
    except KeyboardInterrupt:
        if then:
            complain(f"Interrupted. {then}")
        return INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        if not _reader_has_gone():
            raise
        with suppress(OSError):
            if then:
                complain(f"Ended: nobody reads the output any more. {then}")
        return READER_GONE


def _reader_has_gone() -> bool:
    """Whether standard output is a pipe that nobody reads; it leads nowhere then, so that Python
    can end quietly.
    """
    look = select.poll()
    look.register(sys.stdout.fileno(), select.POLLOUT)
    if not any(flags & (select.POLLERR | select.POLLHUP) for _, flags in look.poll(0)):
        return False
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return True
