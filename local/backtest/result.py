"""What a backtest leaves: backtest.json, the page, and the closing table on the screen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from local.backtest import availability
from local.backtest.learning import describe_learning
from local.backtest.overview import describe_judging, find_headlines, statistics_of
from local.backtest.worlds import LISTS
from local.console.plain import plain
from shared.science.evaluation import Scored, alarms, summarise
from shared.science.systems.output import ENSEMBLE
from shared.science.training.leaks import Scan

JSON_FILE, PAGE_FILE = "backtest.json", "backtest.html"
# The bootstrap's.
SEED = 1


def figures_of(lists: Mapping[str, Sequence[Scored]]) -> dict[str, list[dict[str, Any]]]:
    """One object per system and variant of each list; an empty list where it has no row."""
    return {
        name: [summarise(one, SEED) for one in systems] if systems and len(systems[0]) else []
        for name, systems in lists.items()
    }


def alarms_of(figures: Mapping[str, Sequence[Mapping[str, Any]]], leaks_found: Sequence[Scan]) -> list[str]:
    """Features that know the result, then figures too good to be true."""
    suspects = [one for found in leaks_found for one in found.suspects]
    leaks = [f"{one}: it knows the result, and no figure below can be believed." for one in suspects]
    return [*leaks, *(sentence for name, each in figures.items() for one in each for sentence in alarms(one, name))]


def leak_summary(leaks: Scan) -> dict[str, Any]:
    """Of a statistic the feature that explains most, its share and the limit; None where too few
    rows were scanned.
    """
    feature, share = next(iter(leaks.shares.items()), (None, 0.0))
    return {
        "stat": leaks.stat,
        "feature": feature,
        "share": round(share, 6),
        "limit": round(leaks.limit, 6),
        "n": leaks.n,
    }


def write(folder: Path, document: Mapping[str, Any], lists: Mapping[str, Sequence[Scored]]) -> tuple[Path, Path]:
    """backtest.json and backtest.html, each whole or not at all. Raises OSError."""
    # matplotlib takes a second to load, and only here
    from local.backtest.page import write_page

    file, page = folder / JSON_FILE, folder / PAGE_FILE
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    partial.replace(file)
    write_page(page, document, {name: systems for name, systems in lists.items() if document.get(name)})
    return file, page


def show(console: Console, document: Mapping[str, Any], files: Sequence[Path]) -> None:
    """Alarms first, in red; then the main figures of each list, who played, what was left out, what
    is wrong with the archive's lines, a line a statistic, and where the files are.

    Of several statistics the lists are of the ensemble alone: the page has the others.
    """
    for sentence in document["alarms"]:
        console.print(plain(f"ALARM: {sentence}"), style="bold red", highlight=False)
    if learning := describe_learning(document):
        console.print(plain(learning), highlight=False)
    several = len(statistics_of(document)) > 1
    for name in LISTS:
        shown = [one for one in document[name] if not several or one["system"] == ENSEMBLE]
        if shown:
            console.print(_table(name, [_row(one) for one in shown], named=3))
    played = availability.rows_of(document["availability"])
    if played:
        console.print(_table(availability.TITLE, played, named=1))
    for sentence in _notes(document):
        console.print(plain(sentence), highlight=False)
    headlines = [one for one in find_headlines(document) if one["market"]]
    if headlines:
        console.print(_table("with market, by the list of 17:30", [_headline(one) for one in headlines], named=2))
    for file in files:
        console.print(plain(str(file)), highlight=False, soft_wrap=True)


def _notes(document: Mapping[str, Any]) -> Iterator[str]:
    """What was left out, the leak scan, the times, and what is wrong with the archive's lines."""
    for name, lists in document["rows"].items():
        for rows in lists:
            out = "; ".join(f"{count} {reason}" for reason, count in rows["left_out"].items()) or "none left out"
            yield (
                f"{name}, {rows['stat']}: {rows['asked']:,} rows asked ({rows['source']}), {rows['predicted']:,}"
                f" predicted by all; {out}"
            )
    for scan in document["leak_scan"]:
        if scan["feature"] is not None:
            yield (
                f"Leak scan: no feature explains more of what form leaves of the {scan['stat']} than {scan['feature']},"
                f" {scan['share']:.2%} (limit {scan['limit']:.1%})"
            )
    yield f"Seconds: {', '.join(f'{name} {value:.1f}' for name, value in document['timings'].items())}"
    for flaw in document["flaws"]:
        yield f"The archive's lines of {flaw['stat']}, {flaw['season']}: {flaw['what']}. So: {flaw['effect']}."
    for stat in statistics_of(document):
        if sentence := describe_judging(stat):
            yield sentence


def _table(name: str, rows: Sequence[Mapping[str, str]], named: int) -> Table:
    """The first `named` columns are the row's name, the others numbers."""
    table = Table(title=name, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    used = [head for head in rows[0] if any(row[head] for row in rows)]
    for number, head in enumerate(used):
        table.add_column(head, justify="left" if number < named else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(row[head] for head in used))
    return table


def _row(one: Mapping[str, Any]) -> dict[str, str]:
    """The main figures by their heads; what does not apply is empty, and a column empty in all rows
    is left out.
    """
    low, high = one["line_diff_low"], one["line_diff_high"]
    lined = one["line_mae"] is not None
    return {
        "statistic": one["stat"],
        "system": one["system"],
        "market": "with" if one["market"] else "without",
        "n": f"{one['n']:,}",
        "MAE": _text(one["mae"], "{:.3f}"),
        "line": _text(one["line_mae"], "{:.3f}"),
        "difference (95%)": _text(one["line_diff"], "{:+.3f}") + (f" ({low:+.3f} to {high:+.3f})" if low else ""),
        "season": "" if lined else _text(one["season_avg_mae"], "{:.3f}"),
        "CRPS": "" if lined else _text(one["crps"], "{:.3f}"),
        "log loss": _text(one["log_loss"], "{:.4f}"),
        "books'": _text(one["book_log_loss"], "{:.4f}"),
        "hit rate": _text(one["hit_rate"], "{:.1%}"),
        "ROI": _text(one["roi"], "{:+.1%}"),
    }


def _headline(one: Mapping[str, Any]) -> dict[str, str]:
    """A statistic's line at the end of the screen."""
    row = _row(one)
    return {
        "statistic": row["statistic"],
        "rows": one["rows"],
        **{name: row[name] for name in ("n", "MAE", "line", "difference (95%)")},
        "season": _text(one["season_avg_mae"], "{:.3f}"),
        "CRPS": _text(one["crps"], "{:.3f}"),
        "log loss": row["log loss"],
        "books'": row["books'"],
        "calibration error": _text(one["calibration_error"], "{:.4f}"),
    }


def _text(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)
