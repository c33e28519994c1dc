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


@command("backfill")
@acts
@click.argument("first", metavar="FROM", type=DAY)
@click.argument("last", metavar="TO", type=DAY)
@click.option("--what", type=click.Choice(["missing", "failed", "all"]), default="missing", show_default=True)
@click.option("--order", type=click.Choice(["oldest", "newest"]), default="oldest", show_default=True)
@click.option("--at-once", type=click.IntRange(1, 14), default=1, show_default=True, help="How many dates at a time.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing; needs no --why.")
def backfill(
    place: Place,
    consent: Consent,
    first: date,
    last: date,
    what: str,
    order: str,
    at_once: int,
    dry_run: bool,
) -> Answer:
    """Fill dates gone by: what is missing of them, what failed, or all."""
    span = {"first": write_day(first), "last": write_day(last)}
    values = {**span, "what": what, "order": order, "at_once": at_once}
    if dry_run:
        return calls.preview(place, "backfill", values)
    return calls.act(place, consent, "backfill", values, "./nba grid")


@command("roll-back-model")
@acts
@click.argument("version", default="previous")
def roll_back_model(place: Place, consent: Consent, version: str) -> Answer:
    """Let an earlier model version serve again; by default the one before."""
    return calls.act(place, consent, "roll-back-model", {"version": version}, "./nba status")
