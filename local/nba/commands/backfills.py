"""Backfills: begin one, see how far each is, cancel or resume one."""

from __future__ import annotations

from datetime import date

import click

from local.nba import calls
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.command import command
from local.nba.days import DAY, write_day
from local.nba.place import Place
from local.nba.rendering import Column, Kind, of

FOLLOWING = "./nba backfills"
LIST = Kind(
    rows=of("backfills"),
    columns=(
        Column("key", "key"),
        Column("from", "first"),
        Column("to", "last"),
        Column("which", "which"),
        Column("who", "who"),
        Column("how far", "says"),
    ),
    empty="Nobody began one.",
)
UNITS = Kind(
    rows=of("units"),
    columns=(
        Column("from", "first"),
        Column("to", "last"),
        Column("progress", "progress"),
        Column("attempt", "attempt"),
        Column("run", "run_id"),
    ),
)
_key = click.argument("key")


@command("backfill")
@acts
@click.argument("first", metavar="FROM", type=DAY)
@click.argument("last", metavar="TO", type=DAY)
@click.option("--which", type=click.Choice(["missing", "failed", "all"]), default="missing", show_default=True)
@click.option("--order", type=click.Choice(["oldest", "newest"]), default="oldest", show_default=True)
@click.option("--at-once", type=click.IntRange(1, 9), default=1, show_default=True, help="So many messages at a time.")
@click.option("--fetch-again", is_flag=True, help="Ask sources for what the raw bucket has, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing; needs no --why.")
def backfill(
    place: Place,
    consent: Consent,
    first: date,
    last: date,
    which: str,
    order: str,
    at_once: int,
    fetch_again: bool,
    dry_run: bool,
) -> Answer:
    """Fill dates gone by: what is missing of them, what failed, or all; a sweep goes on with it."""
    values = {
        "from": write_day(first),
        "to": write_day(last),
        "which": which,
        "order": f"{order} first",
        "at_once": at_once,
        "fetch_again": fetch_again,
    }
    if dry_run:
        return calls.preview(place, "backfill", values)
    return calls.act(place, consent, "backfill", values, FOLLOWING)


@command("backfills")
@click.argument("key", required=False)
def backfills(place: Place, key: str | None) -> Answer:
    """List the backfills and how far each is, or show one."""
    if key is None:
        return calls.read(place, calls.BACKFILLS, LIST)
    return calls.read(place, calls.BACKFILL, UNITS, backfill=key)


@command("cancel-backfill")
@acts
@_key
def cancel_backfill(place: Place, consent: Consent, key: str) -> Answer:
    """Publish nothing more of a backfill; what runs finishes."""
    return calls.act(place, consent, "cancel-backfill", {"backfill": key}, FOLLOWING)


@command("resume-backfill")
@acts
@_key
def resume_backfill(place: Place, consent: Consent, key: str) -> Answer:
    """Go on with a backfill that was cancelled, and try again what failed."""
    return calls.act(place, consent, "resume-backfill", {"backfill": key}, FOLLOWING)
