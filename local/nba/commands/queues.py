"""What waits for a person or for time: dead letters, deferred messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click
from rich.console import Console

from local.console.plain import plain
from local.nba import completion
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, DONE, FAILED
from local.nba.place import Place
from local.nba.showing import age, count_noun, table
from shared.core.errors import DataError

Letters = Sequence[Mapping[str, Any]]
_reason = click.option("--reason", default="", help="Those of a reason, such as max_delivery_attempts.")
_subscription = click.option(
    "--subscription", default="", help="Those of a subscription.", shell_complete=completion.subscriptions
)


@command("dlq")
@_reason
@_subscription
def dlq(place: Place, reason: str, subscription: str) -> Answer:
    """List the dead letters; none is taken away."""
    with open_client(place) as client:
        found = client.read("/admin/dead-letters", reason=reason, subscription=subscription)
    letters = found["dead_letters"]

    def show(console: Console) -> None:
        if not letters:
            console.print("No dead letters such as these." if reason or subscription else "No dead letters.")
            return
        heads = ("id", "origin", "reason", "age", "bytes", "error, or data")
        console.print(table(heads, ([*_facts(each), _error(each)] for each in letters)))

    following = f'./nba redrive {letters[0]["id"]} --why "..."{place.options}' if letters else ""
    return Answer(found, ATTENTION if letters else DONE, show, following)


def _facts(letter: Mapping[str, Any]) -> tuple[object, ...]:
    return letter["id"], letter["origin_subscription"], letter["reason"], age(letter["age_seconds"]), letter["size"]


def _error(letter: Mapping[str, Any]) -> str:
    """The error, or the data where none is known; of what the message is to blame for, that it
    is.
    """
    text = str(letter["error"] or letter["preview"])
    return f"The message is to blame: {text}" if letter["blames"] == "message" else text


@command("redrive", then="What is published goes on at the next delivery.")
@acts
@click.argument("ids", nargs=-1, metavar="[ID]...")
@_reason
@_subscription
@click.option("--all", "everything", is_flag=True, help="All of them.")
def redrive(
    place: Place, consent: Consent, ids: tuple[str, ...], reason: str, subscription: str, everything: bool
) -> Answer:
    """Publish dead letters once more, and see them through."""
    if not (ids or reason or subscription or everything):
        raise DataError("Say which dead letters: ids, --reason, --subscription or --all.", next_step="./nba dlq")
    filters = {"reason": reason, "subscription": subscription}
    with open_client(place) as client:
        before = client.read("/admin/dead-letters", **filters)["dead_letters"]
        chosen = [each for each in before if not ids or {each["id"], f"{each['subscription']}.{each['id']}"} & {*ids}]
        if not before or (not chosen and not ids):
            return Answer(
                {"redriven": [], "again": []}, DONE, lambda console: console.print("No dead letters such as these.")
            )
        consent.ask(preview_redrive(chosen))
        asked = {"ids": list(ids), "all": everything, **filters, **consent.signature}
        redriven = client.act("/admin/redrive", asked)["redriven"]
        client.act("/admin/idle")
        again = _failed_again(redriven, client.read("/admin/dead-letters")["dead_letters"])
    refused = [each for each in redriven if not each["redrivable"]]

    def show(console: Console) -> None:
        for letter in redriven:
            console.print(plain(f"{letter['id']} of {letter['origin_subscription']}: {letter['message']}"))
        for letter in again:
            console.print(plain(f"failed again, now dead letter {letter['id']}: {_error(letter)}"))

    code = FAILED if again or refused else DONE
    return Answer({"redriven": redriven, "again": again}, code, show, f"./nba dlq{place.options}" if code else "")


def preview_redrive(chosen: Letters) -> list[str]:
    """What publishing these letters once more would do, a sentence each."""
    topics = Counter(each["origin_topic"] for each in chosen if each["redrivable"])
    says = [
        f"Publishes {count_noun(count, 'dead letter')} once more to {topic}." for topic, count in sorted(topics.items())
    ]
    blamed = sum(each["blames"] == "message" for each in chosen)
    if blamed:
        says.append(f"Of {blamed} the message itself is to blame: as they are, they come back.")
    says += [f"{each['id']} cannot be published: {each['not_redrivable']}" for each in chosen if not each["redrivable"]]
    return says


def _failed_again(redriven: Letters, left: Letters) -> list[Mapping[str, Any]]:
    """Letters that came of those redriven."""
    known = {(each["subscription"], each["id"]) for each in redriven}
    origins = {each["origin_message_id"] for each in redriven}
    return [e for e in left if e["origin_message_id"] in origins and (e["subscription"], e["id"]) not in known]


@command("deferred")
def list_deferred(place: Place) -> Answer:
    """List the messages that a pause or an open breaker keeps back."""
    with open_client(place) as client:
        waiting = client.read("/admin/dead-letters")["deferred"]
        switch = client.read("/admin/pause")

    def show(console: Console) -> None:
        if not waiting:
            console.print("No deferred messages.")
            return
        counts = Counter((each["function"], each["gate"], each["reason"]) for each in waiting)
        rows = [(function, count, gate, reason) for (function, gate, reason), count in sorted(counts.items())]
        console.print(table(("function", "count", "stopped by", "reason"), rows))

    mended = "resume" if switch["paused"] else "breakers"
    why = ' --why "..."' if switch["paused"] else ""
    following = f"./nba {mended}{why}{place.options}" if waiting else ""
    return Answer({"deferred": waiting, "pause": switch}, ATTENTION if waiting else DONE, show, following)
