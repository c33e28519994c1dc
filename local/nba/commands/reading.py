"""What is: the grid of dates and phases, the checks, how long things take, who did what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import click
from rich.console import Console

from local.nba import calls, completion
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.days import DAY, write_day
from local.nba.exit_codes import ATTENTION, HEALTHY
from local.nba.place import Place
from local.nba.rendering import Column, Kind, render, value_of
from local.nba.showing import seconds, table

# Verdicts of a cell that need a person, or soon will.
SHORT = ("short", "failed")


def times(value: float) -> str:
    """2.5 times."""
    return f"{value:.1f}"


def percent(value: float) -> str:
    """75%."""
    return f"{value:.0%}"


FINDINGS = Kind(
    sentences=("says",),
    rows="findings",
    columns=(
        Column("level", "level"),
        Column("check", "check"),
        Column("about", "subject"),
        Column("what", "says"),
        Column("next", "next_step"),
    ),
    empty="Nothing was checked.",
)
CELLS = Kind(
    sentences=("sentence",),
    rows="cells",
    columns=(
        Column("phase", "phase"),
        Column("verdict", "verdict"),
        Column("have", "have"),
        Column("should", "should"),
        Column("attempts", "attempts"),
        Column("seconds", "seconds", seconds),
        Column("usual", "usual.p50", seconds),
        Column("what", "says"),
    ),
)
EXECUTIONS = Kind(
    title="Executions",
    rows="executions",
    columns=(
        Column("run", "run_id"),
        Column("function", "function"),
        Column("status", "status"),
        Column("attempts", "attempts"),
        Column("seconds", "seconds", seconds),
        Column("error", "error"),
        Column("next", "next_step"),
    ),
    empty="No execution.",
)
SLOWDOWNS = Kind(
    rows="rows",
    columns=(
        Column("level", "level"),
        Column("function", "function"),
        Column("mode", "mode"),
        Column("seconds", "seconds", seconds),
        Column("usual", "mean_seconds", seconds),
        Column("times", "times", times),
        Column("of time-out", "share", percent),
        Column("what", "says"),
    ),
    empty="Nothing has run in the last week.",
)
LATENCIES = Kind(
    sentences=("says",),
    rows="dates",
    columns=(
        Column("date", "game_date"),
        Column("games", "games"),
        Column("last final", "last_final_at"),
        Column("graded", "graded_at"),
        Column("hours", "hours", times),
        Column("what", "says"),
    ),
    empty="No date in these days.",
)
REGRESSIONS = Kind(
    title="Regressions",
    rows="regressions",
    columns=(
        Column("function", "function"),
        Column("mode", "mode"),
        Column("began", "began_on"),
        Column("times", "times", times),
        Column("what", "says"),
    ),
    empty="No regression.",
)
WEEKS = Kind(
    title="By week",
    rows="weeks",
    columns=(
        Column("week of", "starts_on"),
        Column("function", "function"),
        Column("mode", "mode"),
        Column("runs", "runs"),
        Column("failures", "failures"),
        Column("p50", "p50", seconds),
        Column("p95", "p95", seconds),
        Column("trend", "change", percent),
    ),
    empty="Nothing has run.",
)
AUDIT = Kind(
    rows="audit",
    columns=(
        Column("at", "at"),
        Column("who", "who"),
        Column("action", "action"),
        Column("why", "reason"),
        Column("of", "details.game_date"),
    ),
    empty="Nobody did anything.",
)


@command("status")
@click.option("--date", "day", type=DAY, help="Of a date; by default of today.")
def status(place: Place, day: date | None) -> Answer:
    """Say whether a date is fine, what is short, and what happens by itself."""
    return calls.read(place, calls.STATUS, CELLS, following="./nba health", game_date=write_day(day))


@command("grid")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How many dates.")
@click.option("--until", type=DAY, help="The last of them; by default today.")
def grid(place: Place, days: int, until: date | None) -> Answer:
    """Show dates by phase: complete, short, running, failed, deferred, not due."""
    with open_client(place) as client:
        found = client.read(calls.GRID, days=str(days), until=write_day(until))
    short = [(day["game_date"], cell["phase"]) for day in found["days"] for cell in day["cells"] if _is_short(cell)]
    following = f"./nba show {short[0][0]} {short[0][1]}{place.options}" if short else ""
    return Answer(found, ATTENTION if short else HEALTHY, partial(_show_grid, found=found), following)


def _is_short(cell: Mapping[str, Any]) -> bool:
    return cell["verdict"] in SHORT or bool(cell.get("overdue"))


def _show_grid(console: Console, *, found: Mapping[str, Any]) -> None:
    phases = list(found["phases"])
    rows = []
    for day in found["days"]:
        cells = {cell["phase"]: cell for cell in day["cells"]}
        rows.append([day["game_date"], *(_verdict(cells[phase]) if phase in cells else "" for phase in phases)])
    console.print(table(["date", *phases], rows))


def _verdict(cell: Mapping[str, Any]) -> str:
    """complete; short 140/146; not due, overdue."""
    counted = f" {cell['have']}/{cell['should']}" if cell["verdict"] in SHORT and cell.get("should") else ""
    return f"{cell['verdict']}{counted}{', overdue' if cell.get('overdue') else ''}"


@command("show")
@click.argument("day", metavar="DATE", type=DAY)
@click.argument("phase", default="", shell_complete=completion.phases)
def show(place: Place, day: date, phase: str) -> Answer:
    """Show a date, or one phase of it: rows, executions, errors, messages."""
    if not phase:
        return calls.read(place, calls.DAY, CELLS, following=f"./nba show {day} PHASE", game_date=write_day(day))
    with open_client(place) as client:
        found = client.read(calls.CELL, game_date=write_day(day), phase=phase)
    short = _is_short(found["cell"])

    def show_cell(console: Console) -> None:
        render(console, {"cells": [found["cell"]]}, CELLS)
        render(console, found, EXECUTIONS)

    following = f'./nba rerun {day} {phase} --why "..."{place.options}' if short else ""
    return Answer(found, ATTENTION if short else HEALTHY, show_cell, following)


@command("health")
@click.option("--window", type=click.IntRange(1, 100_000), default=1_440, show_default=True, help="Minutes back.")
@click.option("--verbose", is_flag=True, help="Also what is green.")
def health(place: Place, window: int, verbose: bool) -> Answer:
    """Run the checks of a morning, of the state store, sources, queues and deployed code."""
    answer = calls.read(place, calls.HEALTH, FINDINGS, window=str(window))
    if verbose or not answer.code:
        return answer
    # a person is shown what needs one; the document stays whole
    shown = {**answer.document, "findings": [each for each in answer.document["findings"] if each["level"] != "green"]}
    return Answer(answer.document, answer.code, lambda console: render(console, shown, FINDINGS), answer.next_command)


@command("slowdown")
@click.option("--function", default="", help="Of one function.", shell_complete=completion.functions)
def slowdown(place: Place, function: str) -> Answer:
    """Compare each function's latest run with its last seven days and its time-out."""
    return calls.read(place, calls.SLOWDOWN, SLOWDOWNS, following="./nba runs --slow", function=function)


@command("latency")
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How many dates.")
def latency(place: Place, days: int) -> Answer:
    """Show how long games took from their end to their grades, against the six hours' target."""
    return calls.read(place, calls.LATENCY, LATENCIES, following="./nba show DATE grading", days=str(days))


@command("report")
@click.option("--weeks", type=click.IntRange(1, 52), default=4, show_default=True, help="How many weeks.")
def report(place: Place, weeks: int) -> Answer:
    """Report runs, failures and seconds by function and week, and the regressions."""
    with open_client(place) as client:
        found = client.read(calls.REPORT, weeks=str(weeks))
    regressed = bool(value_of(found, "regressions"))
    following = f"./nba slowdown{place.options}" if regressed else ""
    kinds = partial(_show_report, found=found)
    return Answer(found, ATTENTION if regressed else HEALTHY, kinds, following)


def _show_report(console: Console, *, found: Mapping[str, Any]) -> None:
    render(console, found, REGRESSIONS, WEEKS)


@command("audit")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="The newest so many.")
def audit(place: Place, limit: int) -> Answer:
    """List what people and recovery functions did on purpose: who, when, what and why."""
    return calls.read(place, calls.AUDIT, AUDIT, limit=str(limit))
