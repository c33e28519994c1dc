"""An answer of the API as a person reads it: which rows, which columns, and how it ends.

A command is data, so that each is a few lines: the answer's JSON goes out unchanged with --json,
and this is what stands for it otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console

from local.console.plain import plain
from local.nba.exit_codes import ATTENTION, FAILED, HEALTHY
from local.nba.showing import table

Document = Mapping[str, Any]
GREEN = "green"
# Fields of an answer that say how bad it is, the most telling first.
_LEVELS = ("level", "worst")


@dataclass(frozen=True)
class Column:
    """A column: its head, the field that it shows (usual.p95 is of an object within), and how."""

    head: str
    field: str
    shown: Callable[[Any], str] = str


@dataclass(frozen=True)
class Kind:
    """How one kind of answer is shown.

    `sentences` are fields with a text, or a list of texts, that stand on top; `rows` is the field
    with the rows; `empty` stands for no rows.
    """

    sentences: tuple[str, ...] = ()
    rows: str = ""
    columns: tuple[Column, ...] = ()
    empty: str = "Nothing."
    title: str = ""


def render(console: Console, document: Document, *kinds: Kind) -> None:
    """Show an answer, kind after kind of what is in it."""
    for kind in kinds:
        for field in kind.sentences:
            found = value_of(document, field)
            for sentence in [found] if isinstance(found, str) else found or []:
                console.print(plain(str(sentence)))
        if kind.rows:
            _render_rows(console, value_of(document, kind.rows) or [], kind)


def _render_rows(console: Console, rows: Sequence[Document], kind: Kind) -> None:
    if kind.title and rows:
        console.print(plain(f"\n{kind.title}"))
    if not rows:
        console.print(plain(kind.empty))
        return
    shown = [[_cell(row, column) for column in kind.columns] for row in rows]
    console.print(table([column.head for column in kind.columns], shown))


def _cell(row: Document, column: Column) -> str:
    found = value_of(row, column.field)
    return "" if found is None else column.shown(found)


def value_of(document: Any, field: str) -> Any:
    """A field by its path, None where it is not there."""
    for name in field.split("."):
        if not isinstance(document, Mapping) or name not in document:
            return None
        document = document[name]
    return document


def code_of(document: Document, rows: str = "") -> int:
    """How an answer ends: by its own exit_code, else its level, else the worst level of its rows;
    healthy where it has none of them.
    """
    if document.get("exit_code") is not None:
        return min(int(document["exit_code"]), FAILED)
    levels = [document[name] for name in _LEVELS if document.get(name)]
    levels = levels[:1] or [row["level"] for row in document.get(rows) or [] if row.get("level")]
    return HEALTHY if all(level == GREEN for level in levels) else ATTENTION


def shower(document: Document, *kinds: Kind) -> Callable[[Console], None]:
    """What an Answer takes to show a document."""
    return partial(_show, document=document, kinds=kinds)


def _show(console: Console, *, document: Document, kinds: Sequence[Kind]) -> None:
    render(console, document, *kinds)
