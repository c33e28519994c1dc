"""An answer of the API as a person reads it: sentences on top, then tables.

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


@dataclass(frozen=True)
class Column:
    """A column: its head, the field that it shows (usual.p95 is of an object within), and how."""

    head: str
    field: str
    shown: Callable[[Any], str] = str


@dataclass(frozen=True)
class Kind:
    """One table of an answer: which rows of it, in which columns. `empty` stands for no rows;
    nothing is shown then where it is empty itself.
    """

    rows: Callable[[Document], Sequence[Document]]
    columns: tuple[Column, ...]
    empty: str = ""
    title: str = ""


def of(field: str) -> Callable[[Document], Sequence[Document]]:
    """The rows that are in a field of the answer."""
    return lambda document: value_of(document, field) or []


def render(console: Console, document: Document, kinds: Sequence[Kind], sentences: Sequence[str] = ()) -> None:
    """Show an answer: the texts in the fields `sentences`, then its tables."""
    for field in sentences:
        found = value_of(document, field)
        for sentence in [found] if isinstance(found, str) else found or []:
            console.print(plain(sentence))
    for kind in kinds:
        _render_rows(console, kind.rows(document), kind)


def _render_rows(console: Console, rows: Sequence[Document], kind: Kind) -> None:
    if kind.title and (rows or kind.empty):
        console.print(plain(f"\n{kind.title}"))
    if rows:
        shown = [[_cell(row, column) for column in kind.columns] for row in rows]
        console.print(table([column.head for column in kind.columns], shown))
    elif kind.empty:
        console.print(plain(kind.empty))


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


def shower(document: Document, *kinds: Kind, sentences: Sequence[str] = ()) -> Callable[[Console], None]:
    """What an Answer takes to show a document."""
    return partial(render, document=document, kinds=kinds, sentences=sentences)


def by_exit_code(document: Document) -> int:
    """As the answer itself says it ends."""
    return min(int(document["exit_code"]), FAILED)


def by_levels(field: str) -> Callable[[Document], int]:
    """Healthy where all rows of a field are green."""
    return lambda document: attention(any(row["level"] != GREEN for row in document[field]))


def attention(needed: bool) -> int:
    """The exit code of what needs attention, or does not."""
    return ATTENTION if needed else HEALTHY


# --- how values read ------------------------------------------------------------------------------


def times(value: float) -> str:
    """2.5: so many times as long."""
    return f"{value:.1f}"


def percent(value: float) -> str:
    """75%."""
    return f"{value:.0%}"


def hours(value: float) -> str:
    """4.2: seconds as hours."""
    return f"{value / 3_600:.1f}"


def by_stat(values: Document) -> str:
    """22 points, 5 rebounds: a value by statistic; – where one is not known."""
    return ", ".join(f"{'–' if value is None else value} {stat}" for stat, value in values.items())


def format_timestamp(value: str) -> str:
    """2025-11-14 17:00Z of an ISO time."""
    return f"{value[:16].replace('T', ' ')}Z"


def yes(value: bool) -> str:
    """yes, or nothing."""
    return "yes" if value else ""
