"""JSON as feeds send it: one reading that ends in a value or in ValueError, whatever the bytes
are.
"""

from __future__ import annotations

import json
from typing import Any


def read_json(data: bytes | str) -> Any:
    """The value of a JSON document.

    Raises ValueError for anything else, nested too deeply included.

    NaN and infinities stay floats and whole numbers of any length are read: which value is missing
    or beyond its bounds is said where the value is, not by refusing the document it stands in. Lone
    surrogates stay in texts.
    """
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None
    except ValueError as error:
        if not str(error).startswith("Exceeds the limit"):
            raise
    # A number of more digits than Python turns into an int (4,300 by default).
    try:
        return json.loads(data, parse_int=_whole)
    except RecursionError:
        raise ValueError("it is nested too deeply to be read") from None


def _whole(digits: str) -> int | float:
    """An int; one of thousands of digits is beyond every bound, as infinity is."""
    return int(digits) if len(digits) < 1000 else float(digits)
