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
_TITLE = re.compile(r"InjuryReport:(\d\d/\d\d/\d\d)(\d\d:\d\d[AP]M)", re.IGNORECASE)
_PAGE = re.compile(r"Page(\d+)of(\d+)", re.IGNORECASE)
_HEADS = re.compile("".join(name.replace(" ", "") for name in COLUMNS), re.IGNORECASE)
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
    title, number, heads = _take(rest, _TITLE), _take(rest, _PAGE), _take(rest, _HEADS)
    columns = None if heads is None else _lefts(heads[1])
    return Page(
        rest,
        None if title is None else _report_time(*title[0].groups()),
        columns,
        None if number is None else (int(number[0][1]), int(number[0][2])),
    )


def _take(words: list[Word], pattern: re.Pattern[str]) -> tuple[re.Match[str], list[Word]] | None:
    """The first words that together read as the pattern, taken out; None where there are none."""
    for first in range(len(words)):
        text = ""
        for last in range(first, min(first + _MOST_WORDS, len(words))):
            text += words[last].text.replace(" ", "")
            found = pattern.fullmatch(text)
            # "Page 1 of 1" goes on where the number is drawn digit by digit: no report does
            if found is not None:
                taken = words[first : last + 1]
                del words[first : last + 1]
                return found, taken
    return None


def _lefts(words: Sequence[Word]) -> tuple[float, ...]:
    """Raises ElementRefused where heads are drawn as one, so that nobody knows where they begin."""
    lefts, text = [], ""
    for word in words:
        if not text:
            lefts.append(word.left)
        text += word.text.replace(" ", "")
        if text.lower() == COLUMNS[len(lefts) - 1].replace(" ", "").lower():
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
