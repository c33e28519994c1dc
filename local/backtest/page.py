"""The report page of a backtest: one HTML file with tables and plots, which needs no script and no
network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from local.backtest import availability, plots, tables
from local.backtest.evaluation_rows import ALL, LINED
from local.backtest.learning import describe_learning
from local.backtest.overview import describe_judging, find_headlines, statistics_of
from local.backtest.worlds import WORLDS
from shared.nba.stats import STATS
from shared.science.evaluation import Scored

TEMPLATE = "page.html"
SEED = 1
_OF_KIND = {LINED: "Players with a line", ALL: "All player-games"}
TITLES = {world.list_of(kind): f"{_OF_KIND[kind]}, {world.says}" for world in WORLDS for kind in world.kinds}


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
    headlines = find_headlines(document)
    training, timings = document.get("training", ()), document.get("timings", {})
    played = availability.rows_of(document.get("availability", {}))
    rows = [{"list": name, **asked} for name, lists in document.get("rows", {}).items() for asked in lists]
    page = environment.get_template(TEMPLATE).render(
        document=document,
        alarms=document["alarms"],
        learning=describe_learning(document),
        overview=tables.overview(headlines) if headlines else None,
        statistics=[_statistic(stat, document, scored) for stat in statistics_of(document)],
        least_errors=_least_errors(document),
        availability=tables.table_of_figures(played) if played else None,
        rows=tables.table_of_figures(rows) if rows else None,
        training=tables.table_of_figures(training) if training else None,
        timings=tables.table_of_figures([{"what": name, "value": value} for name, value in timings.items()])
        if timings
        else None,
    )
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    partial.replace(path)


def _statistic(stat: str, document: Mapping[str, Any], scored: Mapping[str, Sequence[Scored]]) -> dict[str, Any]:
    """All that the page says of one statistic."""
    lists = {name: [each for each in document.get(name, ()) if each["stat"] == stat] for name in TITLES}
    rows = {name: [each for each in scored.get(name, ()) if each.stat == stat] for name in (LINED, ALL)}
    comparisons = [
        (
            title,
            tables.by_world({each.says: lists[each.list_of(kind)] for each in WORLDS if kind in each.kinds}),
        )
        for kind, title in _OF_KIND.items()
        if lists[kind]
    ]
    flaws = [
        {name: text for name, text in flaw.items() if name != "stat"}
        for flaw in document.get("flaws", ())
        if flaw["stat"] == stat
    ]
    return {
        "name": stat,
        "title": _title(stat),
        "judging": describe_judging(stat),
        "flaws": tables.table_of_figures(flaws, named=3) if flaws else None,
        "sections": [_section(stat, name, figures) for name, figures in lists.items() if figures],
        "pictures": {
            LINED: plots.draw_lined(rows[LINED], SEED),
            ALL: plots.draw_unlined(rows[ALL]) if rows[ALL] else [],
        },
        "comparisons": comparisons,
    }


def _title(stat: str) -> str:
    """A statistic's heading: of a sum what it is made of."""
    parts = STATS[stat].parts if stat in STATS else (stat,)
    return stat.capitalize() if len(parts) == 1 else f"{stat.upper()}: {' + '.join(parts)}"


def _least_errors(document: Mapping[str, Any]) -> str:
    """The errors that would be too good to be true, of the statistics there are or else of all."""
    there = {each["stat"] for name in TITLES for each in document.get(name, ())}
    return ", ".join(f"{name} {stat.least_mae:g}" for name, stat in STATS.items() if name in there or not there)


def _name(figures: Mapping[str, Any]) -> str:
    return f"{figures['system']} {'with' if figures['market'] else 'without'} market on {figures['stat']}"


def _is_other(figures: Mapping[str, Any]) -> bool:
    """The ensemble with market comes first."""
    return not (figures["system"] == plots.ENSEMBLE and figures["market"])


def _section(stat: str, name: str, figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    edges = [(_name(each), tables.by_edge(each)) for each in sorted(figures, key=_is_other) if each["by_edge"]]
    bets = tables.bets(figures) if any(each["probability_n"] or each["bets"] for each in figures) else None
    return {
        "id": f"{stat}-{name}",
        "name": name,
        "title": TITLES[name],
        "errors": tables.errors(figures),
        "bets": bets,
        "edges": edges,
    }
