"""Where dates stand: today, the grid, a date, a phase of it, a batch, a pick's way back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import click
from rich.console import Console

from local.console.plain import plain
from local.nba import calls, completion
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.commands.alerts import identity
from local.nba.days import DAY, write_day
from local.nba.place import Place
from local.nba.rendering import Column, Document, Kind, attention, by_stat, format_timestamp, of, render, yes
from local.nba.showing import seconds, table

# Verdicts of a cell that a person has to look at (shared/operations/status/model.py).
TROUBLE = ("short", "failed", "deferred")
# The last command of a next step that says why it is given.
_COMMAND = re.compile(r'\./nba (?:(?!\./nba ).)*?--why "\.\.\."')

CELLS = Kind(
    rows=of("cells"),
    columns=(
        Column("phase", "phase"),
        Column("verdict", "verdict"),
        Column("have", "have"),
        Column("should", "should"),
        Column("attempts", "attempts"),
        Column("seconds", "seconds", seconds),
        Column("usual", "usual.p50", seconds),
        Column("deadline", "deadline", format_timestamp),
        Column("overdue", "overdue", yes),
        Column("what", "says"),
    ),
)
EXECUTIONS = Kind(
    title="Executions",
    rows=of("executions"),
    columns=(
        Column("run", "run.run_id"),
        Column("status", "run.status"),
        Column("started", "run.started_at", format_timestamp),
        Column("seconds", "run.seconds", seconds),
        Column("attempts", "run.attempts"),
        Column("by", "run.trigger_source"),
        Column("error", "error"),
        Column("next", "next_step"),
    ),
    empty="None is on record.",
)
ROWS = Kind(
    title="Rows",
    rows=of("rows"),
    columns=(Column("table", "table"), Column("rows", "rows"), Column("newest", "newest", format_timestamp)),
)
RESTARTS = Kind(
    title="Restarted by self-heal",
    rows=of("restarts"),
    columns=(Column("at", "at", format_timestamp), Column("reason", "reason"), Column("run", "run_id")),
)
INCIDENTS = Kind(
    title="Open incidents",
    rows=of("incidents"),
    columns=(
        Column("id", "path", identity),
        Column("severity", "severity"),
        Column("since", "opened_at", format_timestamp),
        Column("what", "says"),
        Column("next", "next_step"),
    ),
    empty="None is about it.",
)
NOTES = Kind(
    title="Notes",
    rows=of("notes"),
    columns=(
        Column("at", "at", format_timestamp),
        Column("who", "who"),
        Column("text", "text"),
        Column("incident", "incident"),
    ),
)
UNITS = Kind(
    title="Units",
    rows=of("units"),
    columns=(
        Column("unit", "unit"),
        Column("status", "status"),
        Column("rows", "rows"),
        Column("players", "players"),
        Column("error", "error"),
    ),
)
EXPORTED = Kind(
    title="Exported",
    rows=of("picks"),
    columns=(
        Column("list", "list_id"),
        Column("rank", "rank"),
        Column("statistic", "stat"),
        Column("system", "system_id"),
        Column("line", "line"),
        Column("side", "side"),
        Column("bookmaker", "bookmaker"),
        Column("price", "price"),
    ),
    empty="In no exported list.",
)
PREDICTIONS = Kind(
    title="Predictions",
    rows=of("predictions"),
    columns=(
        Column("batch", "batch_id"),
        Column("statistic", "stat"),
        Column("system", "system_id"),
        Column("model", "model_version"),
        Column("line", "line"),
        Column("forecast", "predicted"),
        Column("advice", "recommendation"),
        Column("features as of", "features_as_of", format_timestamp),
    ),
)
INJURIES = Kind(
    title="Injuries, as the features knew them",
    rows=lambda document: [document["injuries"]] if document.get("injuries") else [],
    columns=(
        Column("his team's list", "team_list"),
        Column("source", "source"),
        Column("known", "known_at", format_timestamp),
        Column("opponent's list", "opponent_list"),
        Column("he is", "status"),
        Column("reason", "reason"),
    ),
    empty="Nothing is on record.",
)
LINES = Kind(
    title="Lines",
    rows=of("lines"),
    columns=(
        Column("statistic", "stat"),
        Column("bookmaker", "bookmaker"),
        Column("line", "line"),
        Column("main", "is_main", yes),
        Column("at", "snapshot_time", format_timestamp),
    ),
)
GAMES = Kind(
    title="Games before",
    rows=of("games"),
    columns=(
        Column("date", "game_date"),
        Column("opponent", "opponent"),
        Column("he had", "values", by_stat),
        Column("known at", "known_at", format_timestamp),
    ),
)
FILES = Kind(
    title="Raw files",
    rows=of("files"),
    columns=(
        Column("kind", "kind"),
        Column("about", "game_date"),
        Column("file", "path"),
        Column("at", "snapshot_time", format_timestamp),
        Column("run", "run_id"),
    ),
)


def in_trouble(cell: Mapping[str, Any]) -> bool:
    """Whether a person has to look at a cell."""
    return cell["verdict"] in TROUBLE or bool(cell["overdue"])


def mend(cell: Mapping[str, Any]) -> str:
    """The command that mends a cell: its incident's, else its rerun; where none does, the one that
    shows what is wrong.
    """
    if cell["incident"]:
        return _press(cell["next_step"], cell["incident"])
    day, phase = cell["game_date"], cell["phase"]
    return f'./nba rerun {day} {cell["rerun"]} --why "..."' if cell["rerun"] else f"./nba show {day} {phase}"


def follow(day: Document) -> str:
    """The command that mends a date: of its worst incident, else of the first cell in trouble."""
    if day["incident"]:
        return _press(day["next_step"], day["incident"])
    trouble = [cell for cell in day["cells"] if in_trouble(cell)]
    return mend(trouble[0]) if trouble else ""


def _press(next_step: str, incident: str) -> str:
    """The command that a next step ends with; the incident where it names none."""
    commands: list[str] = _COMMAND.findall(next_step)
    return commands[-1] if commands else f"./nba alerts show {incident}"


@command("status")
@click.option("--date", "day", type=DAY, help="Of a date; by default of today.")
def status(place: Place, day: date | None) -> Answer:
    """Say whether a date is fine, what is short, and what happens by itself."""
    return _of_a_day(place, day)


def _of_a_day(place: Place, day: date | None) -> Answer:
    with open_client(place) as client:
        found = calls.ask(client, calls.GRID, days="1", to=write_day(day))
    (only,) = found["days"]
    trouble = [cell for cell in only["cells"] if in_trouble(cell)]
    following = follow(only)

    def show_day(console: Console) -> None:
        _print_stops(console, found)
        render(console, only, [CELLS], ("sentence",))

    is_short = bool(trouble) or not only["is_well"]
    return Answer(found, attention(is_short), show_day, f"{following}{place.options}" if following else "")


def _print_stops(console: Console, found: Document) -> None:
    """That the pipeline is paused, or its exports halted, goes before everything else."""
    for word in ("paused", "halted"):
        if found[word] is not None:
            console.print(plain(f"{word}: {found[word]}"))


@command("grid")
@click.option("--days", type=click.IntRange(1, 60), default=14, show_default=True, help="How many dates.")
@click.option("--to", "last", type=DAY, help="The last of them; by default today.")
def grid(place: Place, days: int, last: date | None) -> Answer:
    """Show dates by phase: complete, short, running, failed, deferred, not due."""
    with open_client(place) as client:
        found = calls.ask(client, calls.GRID, days=str(days), to=write_day(last))
    trouble = [cell for each in found["days"] for cell in each["cells"] if in_trouble(cell)]
    following = f"./nba show {trouble[-1]['game_date']} {trouble[-1]['phase']}{place.options}" if trouble else ""
    bad = [each for each in found["days"] if not each["is_well"]]
    if bad and not following:
        following = f"./nba status --date {bad[-1]['game_date']}{place.options}"
    return Answer(found, attention(bool(trouble or bad)), partial(_show_grid, found=found), following)


def _show_grid(console: Console, *, found: Document) -> None:
    _print_stops(console, found)
    phases = list(found["phases"])
    rows = []
    for each in found["days"]:
        cells = {cell["phase"]: cell for cell in each["cells"]}
        verdicts = (_verdict(cells[phase]) if phase in cells else "" for phase in phases)
        rows.append([each["game_date"], each["games"], *verdicts])
    # a screen is not wide enough for phase5_consolidation
    console.print(table(["date", "games", *(phase.removeprefix("phase5_") for phase in phases)], rows))


def _verdict(cell: Mapping[str, Any]) -> str:
    """complete; short 140/146; not due, overdue."""
    figures = f" {cell['have']}/{cell['should']}" if cell["verdict"] in TROUBLE and cell["should"] is not None else ""
    return f"{cell['verdict']}{figures}{', overdue' if cell['overdue'] else ''}"


@command("show")
@click.argument("day", metavar="DATE", type=DAY)
@click.argument("phase", default="", shell_complete=completion.phases)
@click.option("--player", metavar="LOOKUP", help="A pick's way back instead: features, lines, games, raw files, model.")
def show(place: Place, day: date, phase: str, player: str | None) -> Answer:
    """Show a date, one phase of it (rows, executions, errors), or a --player's way back."""
    if player is not None:
        if phase:
            raise click.UsageError(f"--player {player} and the phase {phase} are two questions: ask one of them.")
        kinds = (EXPORTED, PREDICTIONS, INJURIES, LINES, GAMES, FILES)
        return calls.read(place, calls.LINEAGE, *kinds, game_date=write_day(day), player=player)
    if not phase:
        return _of_a_day(place, day)
    with open_client(place) as client:
        found = calls.ask(client, calls.CELL, game_date=write_day(day), phase=phase)
    cell = found["cell"]
    trouble = in_trouble(cell)

    def show_cell(console: Console) -> None:
        render(
            console,
            {**found, "cells": [cell]},
            [CELLS, INCIDENTS, NOTES, EXECUTIONS, ROWS, RESTARTS],
            ("sentence", "cell.next_step"),
        )

    following = f"{mend(cell)}{place.options}" if trouble and (cell["rerun"] or cell["incident"]) else ""
    return Answer(found, attention(trouble), show_cell, following)


@command("batch")
@click.argument("batch_id", metavar="BATCH")
def batch(place: Place, batch_id: str) -> Answer:
    """Show a batch: its units, rows and guards; who supersedes it."""
    return calls.read(
        place,
        calls.BATCH,
        UNITS,
        code=_of_batch,
        following="./nba dlq",
        sentences=("says", "failure"),
        batch_id=batch_id,
    )


def _of_batch(found: Document) -> int:
    return attention(found["status"] == "FAILED" or any(unit["status"] == "failed" for unit in found["units"]))
