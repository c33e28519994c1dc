"""What steers a terminal or a page is out of every text; what is read stays."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from shared.core.printable import many_lines, one_line, printable_json

OUT = ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_every_control_format_and_separator_is_out_and_every_letter_stays() -> None:
    signs = [chr(number) for number in range(sys.maxunicode + 1)]
    steering = {sign for sign in signs if unicodedata.category(sign) in OUT}
    assert len(steering) > 2_000
    for sign in steering:
        assert sign not in one_line(f"a{sign}b"), hex(ord(sign))
        assert sign in "\n\t" or sign not in many_lines(f"a{sign}b"), hex(ord(sign))
    letters = "".join(sign for sign in signs if unicodedata.category(sign)[0] in "LMNPSZ" and sign not in steering)
    assert len(letters) > 100_000
    assert one_line(letters) == many_lines(letters) == letters
    # what is out does not let a letter go by
    assert one_line(f"{letters}\u202e") == many_lines(f"{letters}\u202e") == letters


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


@pytest.mark.parametrize("part", ["\x9d", "\x1b]", "\x1b[", "\x9b0", " ", " \n", "\x1b[0;", "a\u202e"])
def test_a_long_text_takes_no_longer_than_its_length(part: str) -> None:
    text = part * (200_000 // len(part))
    assert len(one_line(text)) + len(many_lines(text)) <= 2 * len(text)


def test_lines_keep_their_line_feeds_and_tabs() -> None:
    assert (
        many_lines("Traceback:\n\tfile\r\n\x1b[31mred\x1b[0m\rover\u2028next") == "Traceback:\n\tfile\nred\nover\nnext"
    )
    assert printable_json({"a\x1b[1mb": ["x\ny", 1, ("z\x07",)]}) == {"ab": ["x y", 1, ["z"]]}
