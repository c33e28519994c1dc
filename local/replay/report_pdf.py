"""An official injury report drawn as the league publishes it: a landscape page, seven columns,
the lines of a long reason around the middle of their row.

A line of a cell is drawn at once, as the league's program did until 2023. The one after it draws
word by word, which takes twice as long to read.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.rl_accel import escapePDF
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from shared.core.clock import NEW_YORK
from shared.nba.injury_report.page_parts import COLUMNS
from shared.nba.injury_report.read import NOT_SUBMITTED
from shared.nba.teams import team_by_abbr

# In points (1/72 inch), as in the reports of 2023-24 and later.
_LEFTS = (23.0, 119.6, 200.0, 264.2, 425.0, 585.7, 666.1)
_TITLE_AT, _HEADS_AT, _FIRST_ROW, _OTHER_PAGES, _LAST_ROW, _NUMBER_AT = 533.0, 480.0, 459.0, 507.0, 80.0, 50.0
_ROW, _LINE = 22.0, 14.0
_FONT, _SIZE = "Helvetica", 9
_RIGHT_EDGE = 820.0


@dataclass(frozen=True)
class Entry:
    """One player of a team's list; his name as it is spoken."""

    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class ReportedGame:
    """A game of the report. A team that `lists` does not name has not submitted yet; one with an
    empty list names nobody.
    """

    game_date: date
    tipoff_at: datetime
    away: str
    home: str
    lists: Mapping[str, Sequence[Entry]] = field(default_factory=dict)


def draw_report(report_time: datetime, games: Sequence[ReportedGame]) -> bytes:
    """The PDF of a report; the same bytes for the same report."""
    buffer = BytesIO()
    pages = list(_pages(list(_rows(games))))
    canvas = Canvas(buffer, pagesize=landscape(A4), invariant=1, pageCompression=0)
    stated = report_time.astimezone(NEW_YORK)
    for number, lines in enumerate(pages, start=1):
        canvas.setFont(_FONT, _SIZE)
        if number == 1:
            _show(canvas, 289.0, _TITLE_AT, f"Injury Report: {stated:%m/%d/%y} {stated:%I:%M} {stated:%p}")
            for left, name in zip(_LEFTS, COLUMNS, strict=True):
                _show(canvas, left, _HEADS_AT, name)
        _show(canvas, 398.0, _NUMBER_AT, f"Page {number} of {len(pages)}")
        for column, height, text in lines:
            _show(canvas, _LEFTS[column] + 1, height, text)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _show(canvas: Canvas, left: float, height: float, text: str) -> None:
    """Draw a text in ASCII, moved to its place by two numbers as the league's program does. The
    canvas' own drawString takes a matrix of six and a line's end: a third more time to draw and to
    read.
    """
    canvas.addLiteral(f"BT {left:g} {height:g} Td ({escapePDF(_plain(text))}) Tj ET")


# A drawn line: its column, its height on the page, its text.
_Line = tuple[int, float, str]


def _rows(games: Sequence[ReportedGame]) -> Iterator[list[str]]:
    """The cells of each row; a cell is empty where it says what the row above says.

    A team that lists nobody has no row, but for one of a game whose teams both list nobody: a game
    without a row would look as if no list covered it.
    """
    before: tuple[str, str, str, str] = ("", "", "", "")
    for game in sorted(games, key=lambda each: (each.game_date, each.tipoff_at, each.away, each.home)):
        time = f"{game.tipoff_at.astimezone(NEW_YORK):%I:%M} (ET)"
        both_empty = {game.away, game.home} <= game.lists.keys() and not any(game.lists.values())
        nobody = [("", "", "")] if both_empty else []
        for team in (game.away, game.home):
            listed = game.lists.get(team)
            named = team_by_abbr(team)
            full_name = named.nba_name if named else team
            of_players = [("", "", NOT_SUBMITTED)] if listed is None else [_cells(entry) for entry in listed] or nobody
            for cells in of_players:
                now = (f"{game.game_date:%m/%d/%Y}", time, f"{game.away}@{game.home}", full_name)
                same = next((n for n in range(4) if now[n] != before[n]), 4)
                before = now
                yield [*("" if n < same else now[n] for n in range(4)), *cells]


def _cells(entry: Entry) -> tuple[str, str, str]:
    return family_name_first(entry.name), entry.status.capitalize(), _plain(entry.reason) or "-"


def family_name_first(name: str) -> str:
    """A name as the league prints it: "Luka Dončić" is "Doncic, Luka", "Tim Hardaway Jr." is
    "Hardaway Jr., Tim".
    """
    given, _, family = _plain(name).partition(" ")
    return f"{family}, {given}" if family else given


def _plain(text: str) -> str:
    """In ASCII, as the league writes names."""
    folded = unicodedata.normalize("NFKD", text)
    return "".join(c for c in folded if not unicodedata.combining(c)).encode("ascii", "ignore").decode()


def _pages(rows: Sequence[Sequence[str]]) -> Iterator[list[_Line]]:
    """The lines of each page; a reason goes on over its end."""
    page: list[_Line] = []
    height = _FIRST_ROW
    for row in rows:
        reason = list(_wrap(row[-1], _RIGHT_EDGE - _LEFTS[-1]))
        middle = height - _LINE * (len(reason) - 1) / 2
        if middle < _LAST_ROW:
            yield page
            page, height = [], _OTHER_PAGES
            middle = height - _LINE * (len(reason) - 1) / 2
        page += [(column, middle, text) for column, text in enumerate(row[:-1]) if text]
        for number, line in enumerate(reason):
            if height < _LAST_ROW:
                yield page
                page, height = [], _OTHER_PAGES
            page.append((len(COLUMNS) - 1, height, line))
            height -= _LINE if number < len(reason) - 1 else _ROW
    yield page


def _wrap(text: str, width: float) -> Iterator[str]:
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and stringWidth(longer, _FONT, _SIZE) > width:
            yield line
            longer = word
        line = longer
    yield line
