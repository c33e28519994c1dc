"""What steers a terminal or a page is out of every text; what is read stays."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from shared.observability.printable import many_lines, one_line, printable_json

OUT = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_every_control_format_and_separator_is_out_and_every_letter_stays() -> None:
    for number in range(sys.maxunicode + 1):
        sign = chr(number)
        category = unicodedata.category(sign)
        if category in OUT:
            assert sign not in one_line(f"a{sign}b"), hex(number)
            assert sign in "\n\t" or sign not in many_lines(f"a{sign}b"), hex(number)
        elif category[0] in "LMNPSZ":
            assert one_line(f"a{sign}b") == many_lines(f"a{sign}b") == f"a{sign}b", hex(number)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("\x1b[2J\x1b[HNikola \x1b[31;1mJokić\x1b[0m", "Nikola Jokić"),
        ("\x1b]8;;https://evil.example\x1b\\Luka\x1b]8;;\x07 Dončić", "Luka Dončić"),
        ("\x9b31mred\x9d0;title\x9c", "red"),
        ("\x1b]0;never ended Jokić", "0;never ended Jokić"),
        ("LeBron\rJames\r\nJr\t.", "LeBron James Jr ."),
        ("abc\u202edef\u2066g\u2069", "abcdefg"),
        ("Jay\u200bson\ufeff Ta\u2060tum", "Jayson Tatum"),
        ("one\u2028two\u2029three\x85four", "one two three four"),
        ("[bold]Big[/bold] :smile: [link=x]", "[bold]Big[/bold] :smile: [link=x]"),
        ("\x1b", ""),
        ("ends with \x1b[", "ends with ["),
    ],
)
def test_a_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_lines_keep_their_line_feeds_and_tabs() -> None:
    assert (
        many_lines("Traceback:\n\tfile\r\n\x1b[31mred\x1b[0m\rover\u2028next") == "Traceback:\n\tfile\nred\nover\nnext"
    )
    assert printable_json({"a\x1b[1mb": ["x\ny", 1, ("z\x07",)]}) == {"ab": ["x y", 1, ["z"]]}
