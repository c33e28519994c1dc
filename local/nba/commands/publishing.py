"""Messages published by hand."""

from __future__ import annotations

import json
from typing import Any

import click

from local.nba import completion
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command, kept_when_interrupted
from local.nba.delivering import see_through
from local.nba.place import Place
from shared.core.errors import DataError
from shared.core.pipeline import BATCH_SWEEP, load_pipeline, trigger_of

MESSAGE = json.dumps({"game_date": "TODAY"})
QUEUED = "What was not delivered yet stays in the queue."


@command("sweep")
@acts
@click.option("--at", default="", metavar="MOMENT", help="At a moment of simulated time, such as 2025-11-14T18:10.")
def sweep(place: Place, consent: Consent, at: str) -> Answer:
    """Recover now what stalled, was not sent or was left over, as every ten minutes."""
    with open_client(place) as client:
        consent.ask([f"Publishes 1 message to {trigger_of(BATCH_SWEEP)}; stalled batches are closed, outboxes sent."])
        with kept_when_interrupted(QUEUED):
            asked = {"topic": trigger_of(BATCH_SWEEP), "message": MESSAGE, "attributes": {}, "at": at}
            swept = see_through(client.publish({**asked, **consent.sign(place)}))
    return Answer(swept.document, swept.code, next_command=swept.next_command(place.options))


@command("publish")
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
        with kept_when_interrupted(QUEUED):
            delivered = see_through(client.publish({**asked, **consent.sign(place)}))
    following = delivered.next_command(place.options)
    if place.on_google and not following:
        following = f"./nba runs{place.options}"
    return Answer(delivered.document, delivered.code, next_command=following)


def _object(name: str, text: str) -> Any:
    """A JSON object. Raises DataError for what is none."""
    try:
        found = json.loads(text)
        text.encode()  # what a shell gives in another coding is no text
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
