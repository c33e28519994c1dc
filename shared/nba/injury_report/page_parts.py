"""What stands on a report's pages beside its rows: the title with the report's time, the heads of
the columns, and the number of the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.clock import NEW_YORK
from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.injury_report.words import Word

COLUMNS = ("Game Date", "Game Time", "Matchup", "Team", "Player Name", "Current Status", "Reason")
# Each without blanks: one program draws the words of a line one by one, another the line at once.
_TITLE = re.compile(r"injuryreport:(\d\d/\d\d/\d\d)(\d\d:\d\d[ap]m)")
_PAGE = re.compile(r"page(\d+)of(\d+)")
_HEADS = re.compile("".join(name.replace(" ", "") for name in COLUMNS).lower())
# "Game Date ... Reason" is drawn as at most so many words.
_MOST_WORDS = 11


@dataclass(frozen=True)
class Page:
    """A page taken apart; None: it does not say."""

    rows: Sequence[Word]
    report_time: datetime | None
    columns: Sequence[float] | None
    """Where each of COLUMNS begins."""
    number: tuple[int, int] | None
    """Of "Page 2 of 8": 2 and 8."""


def take_apart(words: Sequence[Word]) -> Page:
    """Raises ElementRefused for a title whose time is none."""
    rest = list(words)
    title, number = _take(rest, _TITLE, "injury"), _take(rest, _PAGE, "page")
    heads = _take(rest, _HEADS, "game")
    columns = None if heads is None else _lefts(heads[1])
    return Page(
        rest,
        None if title is None else _report_time(*title[0].groups()),
        columns,
        None if number is None else (int(number[0][1]), int(number[0][2])),
    )


def _take(words: list[Word], pattern: re.Pattern[str], begins: str) -> tuple[re.Match[str], list[Word]] | None:
    """The first words that together read as the pattern, taken out; None where there are none."""
    for first, word in enumerate(words):
        text = _letters(word)
        # few words of a page begin so, and the others need no closer look
        if not (text.startswith(begins) or begins.startswith(text)):
            continue
        text = ""
        for last, part in enumerate(words[first : first + _MOST_WORDS], start=first):
            text += _letters(part)
            found = pattern.fullmatch(text)
            if found is not None:
                taken = words[first : last + 1]
                del words[first : last + 1]
                return found, taken
    return None


def _letters(word: Word) -> str:
    return word.text.replace(" ", "").lower()


def _lefts(words: Sequence[Word]) -> tuple[float, ...]:
    """Raises ElementRefused where heads are drawn as one, so that nobody knows where they begin."""
    lefts, text = [], ""
    for word in words:
        if not text:
            lefts.append(word.left)
        text += _letters(word)
        if text == COLUMNS[len(lefts) - 1].replace(" ", "").lower():
            text = ""
    if len(lefts) != len(COLUMNS) or list(lefts) != sorted(set(lefts)):
        shown = " ".join(word.text for word in words)
        raise ElementRefused(f"the columns {show_value(shown)} do not stand beside each other")
    return tuple(lefts)


def _report_time(day: str, time: str) -> datetime:
    try:
        stated = datetime.strptime(f"{day} {time.upper()}", "%m/%d/%y %I:%M%p").replace(tzinfo=NEW_YORK)
    except ValueError:
        raise ElementRefused(f"the report's time is {show_value(f'{day} {time}')}") from None
    return stated.astimezone(UTC)
