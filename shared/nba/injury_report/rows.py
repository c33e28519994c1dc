"""The words of a report's pages as rows of cells.

A report is drawn row by row and cell by cell, so a row ends where the next word stands in an
earlier column. The lines of a long reason follow each other, over the end of a page too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.nba.feed_values import ElementRefused, show_value
from shared.nba.injury_report.page_parts import COLUMNS
from shared.nba.injury_report.words import Word
from shared.nba.teams import team_by_name

GAME_DATE, GAME_TIME, MATCHUP, TEAM, PLAYER, STATUS, REASON = COLUMNS
# A cell's text begins a point right of its head or left of it.
_SLACK = 4.0


@dataclass
class Row:
    """The cells of a row that are not empty, by the names of their columns."""

    number: int
    """From 1 on, over all pages."""
    cells: dict[str, str] = field(default_factory=dict)
    column: int = 0
    """The column of the last word."""

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def add(self, column: int, text: str) -> None:
        self.column = column
        name = COLUMNS[column]
        self.cells[name] = _join(self[name], text)

    def __str__(self) -> str:
        return show_value(" | ".join(self.cells.values()))


def rows_of(pages: Iterable[Sequence[Word]], columns: Sequence[float]) -> list[Row]:
    """The rows in the order of the report; `columns` says where each column begins.

    Raises ElementRefused for a word left of all columns.
    """
    rows: list[Row] = []
    for number, words in enumerate(pages, start=1):
        for word in words:
            column = _column_of(word, columns)
            if column is None:
                raise ElementRefused(f"{show_value(word.text)} on page {number} stands in no column")
            if not rows or _begins_row(rows[-1], column):
                rows.append(Row(len(rows) + 1))
            rows[-1].add(column, word.text)
    return rows


def _column_of(word: Word, columns: Sequence[float]) -> int | None:
    begun = [index for index, left in enumerate(columns) if left <= word.left + _SLACK]
    return begun[-1] if begun else None


def _begins_row(row: Row, column: int) -> bool:
    """A team without a player takes a row of its own: the next team's name is another row's."""
    is_next_team = COLUMNS[column] == TEAM and team_by_name(row[TEAM]) is not None
    return column < row.column or (column == row.column and is_next_team)


def _join(text: str, more: str) -> str:
    """Two pieces of a cell: a word that is broken at its hyphen ("Two-", "Way") is one again."""
    last = text.rpartition(" ")[2]
    return f"{text}{more}" if not text or (last.endswith("-") and last != "-") else f"{text} {more}"
