"""Injury reports drawn cell by cell, for what a parser has to understand: any page, any cell."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table

from shared.nba.injury_report.page_parts import COLUMNS

TITLE = "Injury Report: 12/05/24 05:30 PM"
GAME = ("12/05/2024", "07:00 (ET)", "DAL@WAS")
OUT = (*GAME, "Dallas Mavericks", "Exum, Dante", "Out", "Injury/Illness - Right Wrist; Surgery")
_LEFTS = (23, 119, 200, 264, 425, 586, 667)

Cells = Sequence[str]
"""A row's; a reason of several lines has line ends in it."""


def draw(
    *pages: Sequence[Cells],
    title: str = TITLE,
    heads: Sequence[str] = COLUMNS,
    number: str = "Page {} of {}",
    turned: bool = False,
) -> bytes:
    """A report, each cell drawn at once.

    Args:
        number: the page's, of itself and all; empty: pages have none.
        turned: drawn on upright pages that are shown turned, as until 2023.
    """
    buffer = BytesIO()
    width, height = landscape(A4)
    canvas = Canvas(buffer, pagesize=A4 if turned else (width, height))
    for index, rows in enumerate(pages, start=1):
        if turned:
            canvas.setPageRotation(90)
            canvas.translate(height, 0)
            canvas.rotate(90)
        if index == 1:
            canvas.drawString(300, 533, title)
            for left, head in zip(_LEFTS, heads, strict=False):
                canvas.drawString(left, 480, head)
        if number:
            canvas.drawString(400, 50, number.format(index, len(pages)))
        _draw_rows(canvas, rows, 460)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_rows(canvas: Canvas, rows: Sequence[Cells], top: int) -> None:
    for row in rows:
        lines = 1
        for left, cell in zip(_LEFTS, row, strict=True):
            for line, text in enumerate(cell.splitlines()):
                canvas.drawString(left + 1, top - 11 * line, text)
            lines = max(lines, len(cell.splitlines()))
        top -= 11 * lines + 5


def draw_table(rows: Sequence[Cells]) -> bytes:
    """A report whose layout a table's program finds: long cells wrap, rows go over pages."""
    buffer = BytesIO()
    style = getSampleStyleSheet()["BodyText"]
    shown: list[list[object]] = [[*COLUMNS]]
    shown += [[Paragraph(cell, style) for cell in row] for row in rows]
    table = Table(shown, colWidths=[75, 70, 70, 95, 95, 85, 110], repeatRows=1)
    story: list[Flowable] = [Paragraph(TITLE, style), table]
    SimpleDocTemplate(buffer, pagesize=landscape(A4)).build(story)
    return buffer.getvalue()
