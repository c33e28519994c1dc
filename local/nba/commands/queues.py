"""What waits for a person or for time: dead letters, deferred messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from local.nba import calls, completion
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, DONE
from local.nba.place import Place
from local.nba.showing import table
from shared.core.clock import format_age

_reason = click.option("--reason", default="", help="Those of a reason, such as max_delivery_attempts.")
_subscription = click.option(
    "--subscription", default="", help="Those of a dead-letter subscription.", shell_complete=completion.subscriptions
)


@command("dlq")
@_reason
@_subscription
def dlq(place: Place, reason: str, subscription: str) -> Answer:
    """List the dead letters; none is taken away."""
    with open_client(place) as client:
        found = calls.ask(client, calls.DEAD_LETTERS, reason=reason, subscription=subscription)
    letters = found["dead_letters"]

    def show(console: Console) -> None:
        if not letters:
            console.print("No dead letters such as these." if reason or subscription else "No dead letters.")
            return
        heads = ("id", "subscription", "reason", "age", "bytes", "error, or data")
        console.print(table(heads, map(_row, letters)))

    following = f'./nba redrive {letters[0]["key"]} --why "..."{place.options}' if letters else ""
    return Answer(found, ATTENTION if letters else DONE, show, following)


def _row(letter: Mapping[str, Any]) -> tuple[object, ...]:
    where = letter["id"], letter["subscription"], letter["reason"]
    return *where, format_age(letter["age_seconds"]), letter["bytes"], describe_error(letter)


def describe_error(letter: Mapping[str, Any]) -> str:
    """The error, or the data where none is known; of what the message is to blame for, that it
    is.
    """
    text = str(letter["error"] or letter["preview"])
    return f"The message is to blame: {text}" if letter["blames"] == "message" else text


@command("redrive")
@acts
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_reason
@_subscription
@click.option("--all", "everything", is_flag=True, help="All of them.")
def redrive(
    place: Place, consent: Consent, ids: tuple[str, ...], reason: str, subscription: str, everything: bool
) -> Answer:
    """Publish dead letters once more, and see them through."""
    values = {"ids": list(ids), "reason": reason, "subscription": subscription, "all": everything or None}
    return calls.act(place, consent, "redrive", values)


@command("deferred")
def list_deferred(place: Place) -> Answer:
    """List the messages that a pause or an open breaker keeps back."""
    with open_client(place) as client:
        found = calls.ask(client, calls.DEFERRED)
    waiting = found["deferred"]

    def show(console: Console) -> None:
        if not waiting:
            console.print("No deferred messages.")
            return
        counts = Counter((each["function"], each["gate"], each["reason"]) for each in waiting)
        rows = [(function, count, gate, reason) for (function, gate, reason), count in sorted(counts.items())]
        console.print(table(("function", "count", "stopped by", "reason"), rows))

    paused = any(each["gate"] == "pause" for each in waiting)
    following = f"./nba {'switches' if paused else 'breakers'}{place.options}" if waiting else ""
    return Answer(found, ATTENTION if waiting else DONE, show, following)


@command("release-deferred")
@acts
def release_deferred(place: Place, consent: Consent) -> Answer:
    """Publish the deferred messages that nothing stops any more."""
    return calls.act(place, consent, "release-deferred", {})
