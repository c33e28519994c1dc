"""What starts something again for a date, or for many."""

from __future__ import annotations

from datetime import date

import click

from local.nba import calls, completion
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.command import command
from local.nba.days import DAY, write_day
from local.nba.place import Place
from shared.core.errors import DataError
from shared.operations.restore.restoring import PARTS

_date = click.argument("day", metavar="DATE", type=DAY)


@command("rerun")
@acts
@_date
@click.argument("phase", shell_complete=completion.phases)
@click.option("--only", is_flag=True, help="This phase only; nothing follows.")
@click.option("--missing", is_flag=True, help="Only what is missing, from the earliest phase that is short.")
def rerun(place: Place, consent: Consent, day: date, phase: str, only: bool, missing: bool) -> Answer:
    """Start a phase of a date again, from here on, this phase only, or what is missing."""
    if only and missing:
        raise DataError("--only and --missing are two things.", next_step="say one of them, or neither.")
    scope = "only" if only else "missing" if missing else "from_here"
    values = {"game_date": write_day(day), "phase": phase, "scope": scope}
    return calls.act(place, consent, "rerun", values, f"./nba show {day} {phase}")


@command("force")
@acts
@_date
def force(place: Place, consent: Consent, day: date) -> Answer:
    """Predict a date again, in a new batch."""
    return calls.act(place, consent, "force", {"game_date": write_day(day)}, f"./nba show {day}")


@command("consolidate")
@acts
@_date
def consolidate(place: Place, consent: Consent, day: date) -> Answer:
    """Merge a date's latest batch again."""
    return calls.act(place, consent, "consolidate", {"game_date": write_day(day)}, f"./nba show {day}")


@command("export")
@acts
@_date
def export(place: Place, consent: Consent, day: date) -> Answer:
    """Write a date's files again."""
    return calls.act(place, consent, "export", {"game_date": write_day(day)}, f"./nba show {day} phase6")


@command("heal")
@acts
@_date
def heal(place: Place, consent: Consent, day: date) -> Answer:
    """Have self-heal restart what a date is short of."""
    return calls.act(place, consent, "heal", {"game_date": write_day(day)}, f"./nba show {day}")


@command("roll-back-model")
@acts
@click.argument("version", default="previous")
def roll_back_model(place: Place, consent: Consent, version: str) -> Answer:
    """Let an earlier model version serve again; by default the one before."""
    return calls.act(place, consent, "roll-back-model", {"version": version}, "./nba status")


@command("fire")
@acts
@click.argument("schedule")
@_date
def fire(place: Place, consent: Consent, schedule: str, day: date) -> Answer:
    """Publish what a schedule did not, as that firing's own run."""
    values = {"schedule": schedule, "game_date": write_day(day)}
    return calls.act(place, consent, "fire", values, f"./nba show {day}")


@command("rerun-many")
@acts
@click.argument("cells", nargs=-1, required=True, metavar="DATE/PHASE...")
def rerun_many(place: Place, consent: Consent, cells: tuple[str, ...]) -> Answer:
    """Start phases of several dates again, each from there on."""
    return calls.act(place, consent, "rerun-many", {"cells": list(cells)}, "./nba grid")


@command("restore")
@acts
@_date
@click.option("--as-of", "as_of", required=True, help="The moment, such as 2025-11-14T17:00:00Z.")
@click.option("--what", type=click.Choice(list(PARTS)), default="predictions", show_default=True)
def restore(place: Place, consent: Consent, day: date, as_of: str, what: str) -> Answer:
    """Put a date's rows back as they were in the last seven days (Google Cloud alone)."""
    values = {"game_date": write_day(day), "as_of": as_of, "what": what}
    return calls.act(place, consent, "restore", values, f"./nba show {day}")
