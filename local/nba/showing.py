"""Tables for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from local.console.plain import plain

RIGHT = frozenset(
    {
        *("age", "attempts", "bytes", "count", "failures", "games", "graded", "have", "hours", "p50", "p95"),
        *("players", "records", "rows", "runs", "seconds", "should", "times", "usual", "waiting"),
    }
)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table without lines, as it is read in a terminal and cut by other programs; numbers to the
    right, nothing for None.
    """
    made = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        made.add_column(head, justify="right" if head in RIGHT else "left", overflow="fold")
    for row in rows:
        made.add_row(*(plain("" if each is None else str(each)) for each in row))
    return made


def seconds(value: float | None) -> str:
    """0.42, 7.1, 84; empty where there is none."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:.0f}"


def count_noun(number: int, noun: str) -> str:
    """1 message, 2 messages."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
