"""Lines for a person on standard output and standard error.

They may quote feeds, messages and errors of others.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from shared.core.printable import many_lines
from shared.core.redaction import redact, redact_json


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


def say_json(document: Any, *, indent: int | None = 2) -> None:
    """Print one JSON document to standard output, its texts redacted."""
    # escaped by json, nothing in it moves a cursor; a letter beyond ASCII stays a letter
    say(json.dumps(redact_json(document), ensure_ascii=False, indent=indent))


def complain(*what: object, sep: str = " ") -> None:
    """The same to standard error."""
    print(_join_printable(what, sep), file=sys.stderr, flush=True)


def _join_printable(what: tuple[object, ...], sep: str) -> str:
    return redact(many_lines(sep.join(str(each) for each in what)))
