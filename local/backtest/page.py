"""The report page of a backtest: one HTML file with tables and plots, which needs no script and no
network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.backtest import plots, tables
from shared.science.evaluation import Scored

TEMPLATE = "page.html"
SEED = 1
TITLES = {
    "lined": "Players with a line, absences from box scores (an upper bound)",
    "all": "All player-games, absences from box scores (an upper bound)",
    "lined_day_before": "Players with a line, absences known only from the day before",
    "all_day_before": "All player-games, absences known only from the day before",
}


def write_page(path: Path, document: Mapping[str, Any], scored: Mapping[str, Sequence[Scored]]) -> None:
    """Write the page of a backtest.json (`document`) whole or not at all.

    `scored` has the rows behind the document's lists by the same names; plots are of "lined" and
    "all". A list that is missing or empty has no section. Raises OSError.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    sections = [_section(name, document[name]) for name in TITLES if document.get(name)]
    comparisons = [
        (TITLES[name], tables.absences(document[name], document[f"{name}_day_before"]))
        for name in ("lined", "all")
        if document.get(name) and document.get(f"{name}_day_before")
    ]
    pictures = {
        "lined": plots.draw_lined(scored.get("lined", ()), SEED),
        "all": plots.draw_unlined(scored.get("all", ())),
    }
    training, timings = document.get("training", ()), document.get("timings", {})
    rows = [{"list": name, **asked} for name, asked in document.get("rows", {}).items()]
    page = environment.get_template(TEMPLATE).render(
        document=document,
        alarms=document["alarms"],
        sections=sections,
        pictures=pictures,
        comparisons=comparisons,
        rows=tables.table_of_figures(rows) if rows else None,
        training=tables.table_of_figures(training) if training else None,
        timings=tables.table_of_figures([{"what": name, "value": value} for name, value in timings.items()])
        if timings
        else None,
    )
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)


def _section(name: str, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    edges = [
        (f"{each['system']} {'with' if each['market'] else 'without'} market", tables.by_edge(each))
        for each in figures
        if each["by_edge"]
    ]
    edges.sort(key=lambda entry: entry[0] != f"{plots.ENSEMBLE} with market")
    bets = tables.bets(figures) if any(each["probability_n"] or each["bets"] for each in figures) else None
    return {"name": name, "title": TITLES[name], "errors": tables.errors(figures), "bets": bets, "edges": edges}
