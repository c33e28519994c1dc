"""What stops work and lets it through: the pause switch, the breakers, the sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from local.console.plain import plain
from local.nba import completion
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import Client, open_client
from local.nba.command import command
from local.nba.delivering import Delivered, see_through
from local.nba.exit_codes import ATTENTION, DONE
from local.nba.place import Place
from local.nba.showing import count_noun, table
from shared.core.errors import DataError
from shared.core.pipeline import BATCH_SWEEP, load_pipeline, trigger_of

GOES_ON = "What was asked for is recorded; ./nba sweep goes on with it."


@command("pause")
@acts
def pause(place: Place, consent: Consent) -> Answer:
    """Defer new work, losing none; what runs finishes."""
    with open_client(place) as client:
        before = client.read("/admin/pause")
        already = f"It is paused already, by {before['who']}: nothing changes." if before["paused"] else ""
        consent.ask([already or "Defers new work of every function from now on, losing none. What runs finishes."])
        switch = client.act("/admin/pause", consent.signature)
    return Answer(
        switch, DONE, lambda console: _show_switch(console, switch), f'./nba resume --why "..."{place.options}'
    )


@command("resume", then=GOES_ON)
@acts
def resume(place: Place, consent: Consent) -> Answer:
    """Let work through again, and publish what was deferred."""
    with open_client(place) as client:
        waiting = client.read("/admin/dead-letters")["deferred"]
        consent.ask([f"Lets work through again, and publishes {count_noun(len(waiting), 'deferred message')}."])
        switch = client.act("/admin/resume", consent.signature)
        swept = sweep_now(client, consent)
    document = {"pause": switch, "sweep": swept.document}
    return Answer(
        document, swept.code, lambda console: _show_switch(console, switch), swept.next_command(place.options)
    )


def _show_switch(console: Console, switch: Mapping[str, Any]) -> None:
    by = f"by {switch['who']}: {switch['reason']}" if "who" in switch else "nobody ever paused"
    console.print(plain(f"{'paused' if switch['paused'] else 'running'}, {by}"))


@command("breakers")
def breakers(place: Place) -> Answer:
    """List the circuit breakers that have failures, open or not."""
    with open_client(place) as client:
        found = client.read("/admin/breakers")
    failing = found["breakers"]
    stopping = [each for each in failing if each["state"] != "closed"]

    def show(console: Console) -> None:
        if not failing:
            console.print("No breaker has failures.")
            return
        heads = ("breaker", "state", "failures", "last error")
        console.print(table(heads, ([e["name"], e["state"], e["failures"], e["last_error"]] for e in failing)))

    following = f'./nba reset-breaker {stopping[0]["name"]} --why "..."{place.options}' if stopping else ""
    return Answer(found, ATTENTION if stopping else DONE, show, following)


@command("reset-breaker", then=GOES_ON)
@acts
@click.argument("name")
def reset_breaker(place: Place, consent: Consent, name: str) -> Answer:
    """Close a breaker once its cause is mended, and publish what it deferred."""
    with open_client(place) as client:
        failing = {each["name"]: each for each in client.read("/admin/breakers")["breakers"]}
        if name in failing:
            one = failing[name]
            error = f"{one['state']}, {count_noun(one['failures'], 'failure')} in a row, {one['last_error']}"
            consent.ask([f"Closes {name} ({error}), and publishes what it deferred."])
        left = client.act("/admin/reset-breaker", {"name": name, **consent.signature})["breakers"]
        swept = sweep_now(client, consent)
    document = {"closed": name, "breakers": left, "sweep": swept.document}
    return Answer(
        document,
        swept.code,
        lambda console: console.print(plain(f"{name} is closed")),
        swept.next_command(place.options),
    )


@command("sweep", then=GOES_ON)
@acts
@click.option("--at", default="", metavar="MOMENT", help="At a moment of simulated time, such as 2025-11-14T18:10.")
def sweep(place: Place, consent: Consent, at: str) -> Answer:
    """Recover now what stalled, was not sent or was left over, as every ten minutes."""
    with open_client(place) as client:
        consent.ask([f"Publishes 1 message to {trigger_of(BATCH_SWEEP)}; stalled batches are closed, outboxes sent."])
        swept = sweep_now(client, consent, at)
    return Answer(swept.document, swept.code, next_command=swept.next_command(place.options))


def sweep_now(client: Client, consent: Consent, at: str = "") -> Delivered:
    """Publish a sweep, and see it through."""
    message = json.dumps({"game_date": "TODAY"})
    asked = {"topic": trigger_of(BATCH_SWEEP), "message": message, "attributes": {}, "at": at, **consent.signature}
    return see_through(client.publish(asked))


@command("publish", then="What was not delivered yet stays in the queue.")
@acts
@click.argument("topic", shell_complete=completion.topics)
@click.argument("message", metavar="JSON")
@click.option("--attributes", default="{}", metavar="JSON", help="Attributes of the message, an object of texts.")
@click.option("--at", default="", metavar="MOMENT", help="At a moment of simulated time, such as 2025-11-14T17:45.")
def publish(place: Place, consent: Consent, topic: str, message: str, attributes: str, at: str) -> Answer:
    """Publish a message, such as a phase's trigger, and see it through."""
    _object("JSON", message)
    asked = {"topic": topic, "message": message, "attributes": _object("--attributes", attributes), "at": at}
    preview = _preview(topic, message)
    with open_client(place) as client:
        consent.ask([preview])
        delivered = see_through(client.publish({**asked, **consent.signature}))
    following = delivered.next_command(place.options)
    if place.on_google and not following:
        following = f"./nba runs{place.options}"
    return Answer(delivered.document, delivered.code, next_command=following)


def _object(name: str, text: str) -> Any:
    """A JSON object. Raises DataError for what is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        example = """'{"game_date": "2025-11-14"}'"""
        raise DataError(f"{name} is no JSON object: {text[:80]!r}.", next_step=f"quote it for the shell: {example}.")
    return found


def _preview(topic: str, message: str) -> str:
    """Raises DataError for a topic that is not there, with those that are."""
    pipeline = load_pipeline()
    names = completion.topic_names()
    if topic not in names:
        raise DataError(f"There is no topic {topic!r}; there are: {', '.join(names)}.")
    started = ", ".join(pipeline.function_of_topic(topic))
    follows = [pipeline.functions[name].announces for name in pipeline.function_of_topic(topic)]
    goes_on = "; what follows comes by the chain" if any(follows) else ""
    return f"Publishes 1 message to {topic}: {message} {started or 'Nobody'} takes it{goes_on}."
