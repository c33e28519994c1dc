"""Figures of backtest.json as tables of text for the page: which columns, how rounded, and what is
marked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.backtest.flaws import is_judged_by_error

Figures = Mapping[str, Any]
NOTHING = "–"
# What a row is of.
NAMES = ("statistic", "system", "market")
NOT_JUDGED = "not judged by it"
# The goals of the project: calibration error at most this, coverage within this of its level.
CALIBRATED = 0.015
COVERED = 0.015


@dataclass(frozen=True)
class Cell:
    """What stands in a cell; `mark` is "good", "bad" or "" and always said by the text as well."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Heads, and rows as long; the first `named` columns are the row's name, the others numbers."""

    heads: list[str]
    rows: list[list[Cell]]
    named: int = 1


Column = tuple[str, Callable[[Figures], Cell]]


def overview(lists: Sequence[Figures]) -> Table:
    """The figures that a statistic is judged by; `rows` of each says of which list they are."""
    columns: list[Column] = [
        ("n", _whole("n")),
        ("MAE", _points("mae")),
        ("line", _points("line_mae")),
        ("difference to the line [95%]", _difference),
        ("season average", _points("season_avg_mae")),
        ("last 10", _points("last10_mae")),
        ("log loss", _below("log_loss", "book_log_loss")),
        ("books'", _number("book_log_loss", "{:.4f}")),
        ("calibration error", _calibration),
        ("CRPS", _points("crps")),
        ("in 80%", _coverage("coverage_80", 0.8)),
        ("hit rate [95%]", _between("hit_rate", "{:.1%}")),
        ("ROI [95%]", _between("roi", "{:+.1%}")),
    ]
    heads = ["statistic", "market", "rows", *(head for head, _ in columns)]
    rows = []
    for each in lists:
        stat, _, market = _name(each)
        rows.append([stat, market, Cell(each["rows"]), *(cell(each) for _, cell in columns)])
    return Table(heads, rows, named=3)


def errors(lists: Sequence[Figures]) -> Table:
    """Errors, beside the line where there is one, and the distribution's score and coverage."""
    return _table(
        lists,
        ("n", _whole("n")),
        ("MAE", _points("mae")),
        ("line", _points("line_mae")),
        ("difference to the line [95%]", _between("line_diff", "{:+.3f}")),
        ("told apart?", _verdict),
        ("season average", _points("season_avg_mae")),
        ("last 10", _points("last10_mae")),
        ("RMSE", _points("rmse")),
        ("bias", _number("bias", "{:+.3f}")),
        ("CRPS", _points("crps")),
        *((f"in {level}%", _coverage(f"coverage_{level}", level / 100)) for level in (50, 80, 95)),
    )


def bets(lists: Sequence[Figures]) -> Table:
    """P(over) beside the books', and what the recommendations came to."""
    return _table(
        lists,
        ("rows judged", _whole("probability_n")),
        ("log loss", _below("log_loss", "book_log_loss")),
        ("books'", _number("book_log_loss", "{:.4f}")),
        ("Brier", _below("brier", "book_brier")),
        ("books'", _number("book_brier", "{:.4f}")),
        ("calibration error", _calibration),
        ("bets", _count_made("bets")),
        ("pushes", _count_made("pushes")),
        ("PASS", _count_made("passes")),
        ("hit rate [95%]", _between("hit_rate", "{:.1%}")),
        ("ROI [95%]", _between("roi", "{:+.1%}")),
    )


def by_edge(figures: Figures) -> Table:
    """Hit rate and return of one system by what lies between prediction and line."""
    columns: list[Column] = [
        (f"edge, {figures['stat']}", lambda each: Cell(_range(each["edge_from"], each["edge_to"]))),
        ("bets", _whole("bets")),
        ("hit rate [95%]", _between("hit_rate", "{:.1%}")),
        ("ROI [95%]", _between("roi", "{:+.1%}")),
    ]
    rows = [[cell(each) for _, cell in columns] for each in figures["by_edge"]]
    return Table([name for name, _ in columns], rows)


def by_world(worlds: Mapping[str, Sequence[Figures]]) -> Table:
    """The same systems on the same rows, by what is known of absences: errors, and beside the first
    world's what the others differ by.
    """
    found = {title: {_key(each): each for each in figures} for title, figures in worlds.items()}
    first, *others = found
    rows = []
    for key, each in found[first].items():
        cells = [*_name(each), Cell(_text(each["n"], "{:,}")), Cell(_text(each["mae"], "{:.3f}"))]
        for title in others:
            other = found[title].get(key, {"mae": None})
            known = None not in (each["mae"], other["mae"])
            cells.append(Cell(_text(other["mae"] - each["mae"] if known else None, "{:+.3f}")))
        rows.append(cells)
    return Table([*NAMES, "n", f"MAE, {first}", *(f"difference with {title}" for title in others)], rows, len(NAMES))


def table_of_figures(entries: Sequence[Figures], named: int = 1) -> Table:
    """Any objects, a column for each name that one of them has; the first `named` are words."""
    heads = list(dict.fromkeys(name for each in entries for name in each))
    rows = [[Cell(_plain(each.get(name))) for name in heads] for each in entries]
    return Table([name.replace("_", " ") for name in heads], rows, named)


def _table(lists: Sequence[Figures], *columns: Column) -> Table:
    """One row a statistic, system and variant; columns that say nothing of any of them are left
    out.
    """
    rows = [[cell(each) for _, cell in columns] for each in lists]
    used = [i for i in range(len(columns)) if any(row[i].text != NOTHING for row in rows)]
    heads = [*NAMES, *(columns[i][0] for i in used)]
    named = [[*_name(each), *(row[i] for i in used)] for each, row in zip(lists, rows, strict=True)]
    return Table(heads, named, len(NAMES))


def _name(figures: Figures) -> list[Cell]:
    return [Cell(figures["stat"]), Cell(figures["system"]), Cell("with" if figures["market"] else "without")]


def _key(figures: Figures) -> tuple[str, str, bool]:
    return figures["stat"], figures["system"], figures["market"]


def _text(value: Any, form: str) -> str:
    return NOTHING if value is None else form.format(value).replace("-", "−")


def _number(name: str, form: str) -> Callable[[Figures], Cell]:
    return lambda figures: Cell(_text(figures[name], form))


def _points(name: str) -> Callable[[Figures], Cell]:
    return _number(name, "{:.3f}")


def _whole(name: str) -> Callable[[Figures], Cell]:
    return _number(name, "{:,}")


def _count_made(name: str) -> Callable[[Figures], Cell]:
    """A count of recommendations; nothing where none was made, not even to pass."""

    def cell(figures: Figures) -> Cell:
        made = any(figures[each] for each in ("bets", "pushes", "passes"))
        return _whole(name)(figures) if made else Cell(NOTHING)

    return cell


def _between(name: str, form: str) -> Callable[[Figures], Cell]:
    def cell(figures: Figures) -> Cell:
        value, low, high = (figures[key] for key in (name, f"{name}_low", f"{name}_high"))
        if value is None or low is None:
            return Cell(_text(value, form))
        return Cell(f"{_text(value, form)} [{_text(low, form)}, {_text(high, form)}]")

    return cell


def _verdict(figures: Figures) -> Cell:
    low, high = figures["line_diff_low"], figures["line_diff_high"]
    if low is None or high is None:
        return Cell(NOTHING)
    if not is_judged_by_error(figures["stat"]):
        return Cell(NOT_JUDGED)
    if high < 0:
        return Cell("better than the line", "good")
    return Cell("worse than the line", "bad") if low > 0 else Cell("not told apart")


def _difference(figures: Figures) -> Cell:
    """With its interval, marked where it is told apart from the line."""
    text, verdict = _between("line_diff", "{:+.3f}")(figures).text, _verdict(figures)
    return Cell(f"{text} ✓", "good") if verdict.mark == "good" else Cell(text, verdict.mark)


def _below(name: str, other: str) -> Callable[[Figures], Cell]:
    def cell(figures: Figures) -> Cell:
        value, limit = figures[name], figures[other]
        return _mark_met(value, "{:.4f}", limit is not None and value is not None and value < limit)

    return cell


def _calibration(figures: Figures) -> Cell:
    value, chance = figures["calibration_error"], figures["calibration_error_by_chance"]
    cell = _mark_met(value, "{:.4f}", value is not None and value <= CALIBRATED)
    return cell if chance is None else Cell(f"{cell.text} (chance {chance:.4f})", cell.mark)


def _coverage(name: str, level: float) -> Callable[[Figures], Cell]:
    def cell(figures: Figures) -> Cell:
        value = figures[name]
        return _mark_met(value, "{:.1%}", value is not None and abs(value - level) <= COVERED)

    return cell


def _mark_met(value: Any, form: str, met: bool) -> Cell:
    return Cell(f"{_text(value, form)} ✓", "good") if met else Cell(_text(value, form))


def _range(start: float | None, end: float | None) -> str:
    if start is None:
        return f"below {end:g}"
    return f"{start:g} and more" if end is None else f"{start:g} to {end:g}"


def _plain(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
