"""./nba runs: what has run lately, and what runs now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from local.nba import calls, completion
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, DONE
from local.nba.place import Place
from local.nba.showing import seconds, table

HEADS = ("date", "function", "mode", "status", "seconds", "usual", "records", "attempts", "run", "reason")


@command("runs")
@click.option("--days", type=click.IntRange(1, 90), default=2, show_default=True, help="Of the dates of so many days.")
@click.option("--function", default="", help="Of a function.", shell_complete=completion.functions)
@click.option("--slow", is_flag=True, help="Those alone that took over twice the usual.")
def runs(place: Place, days: int, function: str, slow: bool) -> Answer:
    """List what has run lately beside its usual seconds, and what runs now."""
    with open_client(place) as client:
        found = calls.ask(client, calls.RUNS, days=str(days), function=function, slow="true" if slow else "")
    rows = found["runs"]

    def show(console: Console) -> None:
        if not rows:
            console.print("Nothing slow." if slow else "Nothing has run.")
            return
        console.print(table(HEADS, map(_row, rows)))

    following = f"./nba logs --run {rows[0]['run_id']}{place.options}" if rows else ""
    return Answer(found, ATTENTION if slow and rows else DONE, show, following)


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    taken = f"{seconds(one['seconds'])}{' slow' if one['slow'] else ''}"
    usual, of = seconds(one["usual_seconds"]), (one["record_count"], one["attempts"], one["run_id"], one["reason"])
    return one["game_date"], one["function"], one["mode"], one["status"], taken, usual, *of
