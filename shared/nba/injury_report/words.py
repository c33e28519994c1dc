"""The words of a PDF with their places, page by page, in the order in which they are drawn."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from shared.nba.feed_values import ElementRefused, show_value

# A report has up to 16 pages and 250 kB: what is far longer is none.
MOST_PAGES = 60
MOST_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Word:
    """What the PDF draws at once: a word, or the line of a cell."""

    text: str
    left: float
    """From the page's left edge as it is looked at, in points (1/72 inch)."""


def read_words(data: bytes) -> list[list[Word]]:
    """The words of each page.

    Raises ElementRefused for what is no PDF, is damaged, locked or far too long.
    """
    if len(data) > MOST_BYTES:
        raise ElementRefused(f"a file of {len(data)} bytes is no injury report, at most {MOST_BYTES} are read")
    if not data.lstrip()[:5] == b"%PDF-":
        raise ElementRefused(f"the file is no PDF: it begins with {show_value(repr(data[:20]))}")
    # here, since it takes a tenth of a second to load and few runs read a report
    from pypdf import PdfReader, apply_configuration

    # of every byte that it finds odd it writes a line; what comes of them is said by the refusal
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        # no recovery: of a damaged page it would keep the first rows, and nobody would know
        with apply_configuration(zlib_maximum_recovery_input_length=0, zlib_maximum_output_length=MOST_BYTES):
            reader = PdfReader(BytesIO(data))
            pages = len(reader.pages)
            if pages > MOST_PAGES:
                raise ElementRefused(f"a report of {pages} pages is none, at most {MOST_PAGES} are read")
            return [_words_of(page) for page in reader.pages]
    except ElementRefused:
        raise
    except Exception as error:
        # where a byte is wrong pypdf raises whatever it leads to, a KeyError or a RecursionError
        raise ElementRefused(f"the PDF is damaged: {type(error).__name__}: {show_value(str(error))}") from error


def _words_of(page: Any) -> list[Word]:
    found: list[Word] = []
    turn, edge = page.rotation % 360, _edge_of(page)

    def keep(text: str, transform: Sequence[float], matrix: Sequence[float], *_: Any) -> None:
        # several lines of a cell may be drawn at once
        found.extend(
            Word(" ".join(line.split()), _measure_left(turn, edge, transform, matrix))
            for line in text.splitlines()
            if line.strip()
        )

    page.extract_text(visitor_text=keep)
    return found


def _edge_of(page: Any) -> float:
    """Where the left edge of a page lies as it is looked at. Looked up once: pypdf searches the
    page's parents for it each time.
    """
    box = page.mediabox
    return float({0: box.left, 90: box.bottom, 180: box.right, 270: box.top}[page.rotation % 360])


def _measure_left(turn: int, edge: float, transform: Sequence[float], matrix: Sequence[float]) -> float:
    """How far from the left edge text begins, the page turned as it is looked at (ISO 32000-1,
    8.3: a point is multiplied by the text's matrix, then by the page's).
    """
    x = matrix[4] * transform[0] + matrix[5] * transform[2] + transform[4]
    y = matrix[4] * transform[1] + matrix[5] * transform[3] + transform[5]
    return {0: x - edge, 90: y - edge, 180: edge - x, 270: edge - y}[turn]
