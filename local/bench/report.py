"""The figures of a benchmark as tables for a person, and as bench.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from local.console.plain import plain

Figures = Mapping[str, Any]
Titled = tuple[str, Table]


def write(path: Path, figures: Figures) -> None:
    """Write bench.json whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)


def show(console: Console, figures: Figures) -> None:
    """The closing tables."""
    for title, table in (
        loader_table(figures["batch_loader"]),
        merge_table(figures["staging_merge"]),
        whole_batch_table(figures["staging_merge"]),
        growth_table(figures["chain_run"]["sizes"]),
        phases_table(figures["chain_run"]["sizes"]),
        statistics_table(figures["statistics"]),
        serving_table(figures["serving"]),
        grid_table(figures["grid"]),
    ):
        console.print(plain(title), style="bold", highlight=False)
        console.print(table)
    growth, bus, machine = figures["chain_run"]["growth"], figures["bus"], figures["machine"]
    for sentence in (
        f"{growth['games_times']} times the games take {growth['seconds_times']} times the seconds: "
        f"{growth['seconds_per_further_game']:.2f} s for each further game, and no further warehouse statement.",
        f"Bus: {bus['delivered_per_second']} messages a second through HTTP and a function that does nothing, "
        f"{bus['published_per_second']} published a second.",
        f"{figures['seconds']:.0f} s in all on {machine['cpus']} CPUs; load average "
        f"{machine['load_before']:.1f} before, {machine['load_after']:.1f} after. "
        "Where others use the machine, times are longer.",
    ):
        console.print(plain(sentence), highlight=False)


def loader_table(loader: Figures) -> Titled:
    title, table = _table(
        f"Last 30 games of {loader['players']} players ({loader['rows']} rows, identical both ways)",
        ("way", "queries", "ms", "times"),
    )
    table.add_row("one query for all", "1", _ms(loader["batch_ms"]), "1")
    table.add_row("one query a player", str(loader["players"]), _ms(loader["per_player_ms"]), f"{loader['ratio']:.1f}")
    return title, table


def merge_table(merge: Figures) -> Titled:
    title, table = _table(
        f"The same {merge['compared_rows']} rows ({merge['compared_tables']} staging tables) written two ways, "
        "equal tables after each revision",
        ("way", "inserts, ms", "updates, ms", "times"),
    )
    merges, loads, upserts = (merge[f"compared_{name}_ms"] for name in ("merge", "loads", "upserts"))
    both = [one + other for one, other in zip(merges, loads, strict=True)]
    table.add_row("one MERGE", _ms(merges[0]), _ms(merges[1]), "1")
    table.add_row("staging loads and one MERGE", _ms(both[0]), _ms(both[1]), f"{both[1] / merges[1]:.1f}")
    table.add_row("an upsert a row", _ms(upserts[0]), _ms(upserts[1]), f"{merge['ratio_merge']:.1f}")
    return title, table


def whole_batch_table(merge: Figures) -> Titled:
    title, table = _table(f"MERGE of a batch: {merge['tables']} tables, {merge['rows']} rows", ("statement", "ms"))
    table.add_row("first of the process (SQL translated anew), inserts", _ms(merge["first_merge_ms"]))
    table.add_row("next revision (other staging tables), updates", _ms(merge["next_revision_merge_ms"]))
    table.add_row("the same statement again", _ms(merge["same_statement_again_ms"]))
    table.add_row("before it: the staging loads, by the workers", _ms(merge["staging_loads_ms"]))
    return title, table


def growth_table(sizes: Sequence[Figures]) -> Titled:
    title, table = _table(
        "One chain run, phase 1's trigger to the export's end, all with the same history",
        ("games", "players", "rows", "s", "s a game", "deliveries", "SQL"),
    )
    for size in sizes:
        counts = [str(size[name]) for name in ("games", "players", "rows")]
        seconds = [f"{size['seconds']:.2f}", f"{size['seconds_per_game']:.2f}"]
        table.add_row(*counts, *seconds, str(size["deliveries"]), str(size["warehouse_statements"]))
    return title, table


def phases_table(sizes: Sequence[Figures]) -> Titled:
    title, table = _table("Its seconds by phase", ("phase", *(f"{size['games']} games" for size in sizes)))
    for phase in sizes[0]["seconds_by_phase"]:
        table.add_row(phase, *(f"{size['seconds_by_phase'][phase]:.2f}" for size in sizes))
    return title, table


def statistics_table(compared: Figures) -> Titled:
    points, every, ratios = compared["points"], compared["all"], compared["ratios"]
    title, table = _table(
        f"All statistics against points alone, an evening of {points['games']} games: {every['rows']} rows against "
        f"{points['rows']}, {every['warehouse_statements']} SQL statements both",
        ("work", "points alone", "all", "times"),
    )
    for work, name, form in (
        ("chain run, s", "seconds", ".2f"),
        ("training, s", "training_seconds", ".2f"),
        ("staging MERGE, ms", "merge_ms", ".0f"),
    ):
        table.add_row(work, format(points[name], form), format(every[name], form), f"{ratios[name]:.1f}")
    return title, table


def serving_table(served: Figures) -> Titled:
    title, table = _table(
        f"Serve {served['players']} players: five systems, {served['rows']} rows, {served['explained']} explained; "
        "one thread, models loaded",
        ("way", "all in one call, ms", "times", "a call each, ms", "times"),
    )
    one, units = (f"{served[name]:.1f}" for name in ("ratio", "units_ratio"))
    table.add_row("without explanations", _ms(served["without_ms"]), "1", _ms(served["units_without_ms"]), "1")
    table.add_row("with explanations", _ms(served["with_ms"]), one, _ms(served["units_with_ms"]), units)
    return title, table


def grid_table(grid: Sequence[Figures]) -> Titled:
    title, table = _table("The dashboard's grid, read from the stores", ("dates", "ms", "times", "SQL"))
    for each in grid:
        table.add_row(str(each["dates"]), _ms(each["ms"]), f"{each['times']:.1f}", str(each["warehouse_statements"]))
    return title, table


def _table(title: str, columns: Sequence[str]) -> Titled:
    table = Table(box=SIMPLE_HEAD)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    return title, table


def _ms(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
