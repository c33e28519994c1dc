"""Incidents: what is open, and what a person does about it."""

from __future__ import annotations

from datetime import datetime

import click

from local.nba import calls
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.exit_codes import ATTENTION, HEALTHY
from local.nba.lazy import Entry, LazyGroup
from local.nba.place import Place
from local.nba.rendering import Column, Kind, shower

_ids = click.argument("ids", nargs=-1, required=True, metavar="ID...")
NEXT = "./nba alerts list"
INCIDENTS = Kind(
    rows="incidents",
    columns=(
        Column("id", "id"),
        Column("severity", "severity"),
        Column("since", "opened_at"),
        Column("count", "count"),
        Column("what", "says"),
        Column("next", "next_step"),
        Column("acknowledged by", "acknowledged.by"),
    ),
    empty="No incident is open.",
)


@command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are resolved.")
def list_alerts(place: Place, everything: bool) -> Answer:
    """List the open incidents."""
    with open_client(place) as client:
        found = client.read(calls.INCIDENTS, state="all" if everything else "open")
    waiting = [each for each in found["incidents"] if not each.get("resolved_at") and not each.get("acknowledged")]
    following = f'./nba alerts ack {waiting[0]["id"]} --why "..."{place.options}' if waiting else ""
    return Answer(found, ATTENTION if waiting else HEALTHY, shower(found, INCIDENTS), following)


@command("ack")
@acts
@_ids
def ack(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """Say that somebody is on it: no escalation follows."""
    return calls.act(place, consent, "acknowledge", {"ids": list(ids)}, NEXT)


@command("mute")
@acts
@_ids
@click.option("--until", required=True, type=click.DateTime(["%Y-%m-%dT%H:%M"]), help="New York time.")
def mute(place: Place, consent: Consent, ids: tuple[str, ...], until: datetime) -> Answer:
    """Send nothing about incidents until a moment."""
    return calls.act(place, consent, "mute", {"ids": list(ids), "until": until.isoformat(timespec="minutes")}, NEXT)


@command("resolve")
@acts
@_ids
def resolve(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """Close incidents by hand; one whose check is still red opens again."""
    return calls.act(place, consent, "resolve", {"ids": list(ids)}, NEXT)


@command("test")
@acts
@click.argument("channel")
def prove(place: Place, consent: Consent, channel: str) -> Answer:
    """Send a test through a channel: slack, email or webhook."""
    return calls.act(place, consent, "send-test", {"channel": channel}, NEXT)


_HERE = "local.nba.commands.alerts"
_FAMILY = "Incidents"
alerts = LazyGroup(
    "alerts",
    {
        "list": Entry(f"{_HERE}:list_alerts", "List the open incidents.", _FAMILY),
        "ack": Entry(f"{_HERE}:ack", "Say that somebody is on it: no escalation follows.", _FAMILY),
        "mute": Entry(f"{_HERE}:mute", "Send nothing about incidents until a moment.", _FAMILY),
        "resolve": Entry(
            f"{_HERE}:resolve", "Close incidents by hand; one whose check is still red opens again.", _FAMILY
        ),
        "test": Entry(f"{_HERE}:prove", "Send a test through a channel: slack, email or webhook.", _FAMILY),
    },
    about="Incidents: list them, acknowledge, mute, resolve, send a test.",
    default="list",
)
