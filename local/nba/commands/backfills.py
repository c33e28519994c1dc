"""Backfills: begin one, see how far each is, cancel or resume one."""

from __future__ import annotations

from datetime import date

import click

from local.cloud.backfill import Asked, on_a_folder, on_google
from local.cloud.runs import Waiting
from local.console.lines import say
from local.nba import calls
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command, kept_when_interrupted
from local.nba.days import DAY, write_day
from local.nba.exit_codes import DONE
from local.nba.place import Place
from local.nba.rendering import Column, Kind, of
from shared.core.settings import Settings
from shared.nba.odds_markets import choose_markets, event_cost
from shared.operations.actions.signature import Signature
from shared.stores.ports import DateRange

FOLLOWING = "./nba backfills"
GOES_ON = "What is published goes on by itself; the same command goes on from here."
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
@click.option("--follow", is_flag=True, help="All of the dates, seen through a month at a time, oldest first.")
@click.option(
    "--minutes", type=click.FloatRange(0, 10_000, min_open=True), default=120.0, help="A month's, with --follow."
)
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
    follow: bool,
    minutes: float,
    dry_run: bool,
) -> Answer:
    """Fill dates gone by: what is missing of them, what failed, or all; a sweep goes on with it.

    With --follow it stays until every month is through; the same command goes on where it stopped.
    """
    if follow and not dry_run:
        return _follow(place, consent, Asked(DateRange(first, last), minutes, anew=fetch_again))
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


def _follow(place: Place, consent: Consent, asked: Asked) -> Answer:
    """Raises NotThrough where a month is not, ConfigError where ODDS_STATS names what is no
    statistic.
    """
    wanted = asked.wanted
    odds_stats = Settings.from_environment(place.environment).odds_stats
    most = event_cost(choose_markets(odds_stats), past=True)
    of_what = f"of ODDS_STATS={odds_stats}" if odds_stats else "of every statistic, as ODDS_STATS names none"
    again = "all of it is fetched and done anew" if asked.anew else "what is through is not done again"
    consent.ask(
        [
            f"Fills {wanted.first} to {wanted.last}, phases 1 to 4, one month after the other; {again}.",
            f"Past lines that the raw bucket lacks cost up to {most} of the odds API's quota a game: {of_what}.",
        ]
    )
    signature = Signature(**consent.sign(place))
    with kept_when_interrupted(GOES_ON):
        if place.on_google:
            from local.host.deployed import settings  # Google's clients cost a second
            from shared.stores.runtime import open_deployed_runtime

            runtime = open_deployed_runtime(settings(place.environment))
            on_google(runtime, asked, Waiting(asked.minutes), say, signature)
        else:
            with open_client(place) as client:
                on_a_folder(client.act, asked, say, signature)
    done = {"first": write_day(wanted.first), "last": write_day(wanted.last), "outcome": "every month is through"}
    return Answer(done, DONE, lambda console: console.print(done["outcome"]), f"{FOLLOWING}{place.options}")


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
