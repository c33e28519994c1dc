"""Text from outside as a terminal, a log viewer or a page may show it: what steers them instead of
being read is out.

Out are terminal sequences whole (colours, clearing the screen, links), control characters, and what
has no width but an effect: marks that turn the direction of a line, zero-width characters,
separators of lines. Letters keep their accents.
"""

from __future__ import annotations

import json
import re
from typing import Any

# ECMA-48: CSI with its parameters; OSC, DCS, SOS, PM and APC up to their end; the other escapes of
# two characters. A string without an end would swallow all that follows, so of such a one only the
# beginning is taken off.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]P^_X]|[\x9d\x90\x98\x9e\x9f])[^\x1b\x07\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-Z\\-~]"
)
_BREAKS = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029"
# Every character of Unicode's categories Cc (controls), Cf (formats), Zl, Zp (separators) and Cs
# (lone surrogates).
_OUT = (
    "\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u2064\u2066-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
_ANY = re.compile(f"[{_OUT}]")
_ANY_BUT_LINES = re.compile(r"[^\n\t -~\xa0-\xac\xae-\u05ff]")
_SPACE = re.compile(f"[{_BREAKS} ]+")


def one_line(text: str) -> str:
    """The text on one line, breaks and tabs as a space, without what is not printed."""
    if _ANY.search(text) is None:
        return text
    text = _without(_SEQUENCE.sub("", text), but=_BREAKS)
    return _SPACE.sub(lambda match: " " if _ANY.search(match[0]) else match[0], text)


def many_lines(text: str) -> str:
    """The text with its line feeds and tabs, without what else is not printed; a carriage return is
    a line feed.
    """
    if _ANY_BUT_LINES.search(text) is None:
        return text
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    lines = re.sub("[\r\x0b\x0c\x85\u2028\u2029]", "\n", text)
    return _without(lines, but="\n\t")


def _without(text: str, *, but: str) -> str:
    return _ANY.sub(lambda match: match[0] if match[0] in but else "", text)


def printable_json(value: Any) -> Any:
    """A value of JSON with every text on one line, names of fields included.

    A value without anything to take out, which nearly all are, is given back itself.
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return _printable(value)
    return value if is_printable_json(text) else _printable(value)


def is_printable_json(text: str) -> bool:
    """Whether there is nothing to take out of what a value of JSON is written as, without ASCII's
    escapes for other letters.

    Written out, what steers is an escape or no printable character. One look over the text of a
    whole file takes a sixth of the time of one at each of its values.
    """
    return "\\" not in text and text.isprintable()


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {_printable(name): _printable(each) for name, each in value.items()}
    return [_printable(each) for each in value] if isinstance(value, list | tuple) else value
