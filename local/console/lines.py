"""Lines for a person on standard output and standard error.

They may quote feeds, messages and errors of others.
"""

from __future__ import annotations

import sys

from shared.core.printable import many_lines
from shared.core.redaction import redact


class ReaderGone(BaseException):
    """Whoever read the output, such as `head`, has gone.

    No failure: nothing that handles those may take it for one.
    """


def say(*what: object, sep: str = " ") -> None:
    """Print to standard output what may be shown of the texts, at once."""
    try:
        print(_join_printable(what, sep), flush=True)
    except BrokenPipeError:
        raise ReaderGone from None


def complain(*what: object, sep: str = " ") -> None:
    """The same to standard error."""
    print(_join_printable(what, sep), file=sys.stderr, flush=True)


def _join_printable(what: tuple[object, ...], sep: str) -> str:
    return redact(many_lines(sep.join(str(each) for each in what)))
