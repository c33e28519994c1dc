"""Incidents: what is open, and what a person does about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console

from local.nba import calls
from local.nba.acting import Consent, acts
from local.nba.answer import Answer
from local.nba.client import open_client
from local.nba.command import command
from local.nba.days import MOMENT
from local.nba.lazy import Entry, LazyGroup
from local.nba.place import Place
from local.nba.rendering import Column, Document, Kind, attention, format_timestamp, of, render

_ids = click.argument("ids", nargs=-1, required=True, metavar="ID...")
LIST = "./nba alerts list"


def identity(path: str) -> str:
    """An incident's id: the last part of its document's path."""
    return path.rpartition("/")[2]


_COLUMNS = (
    Column("id", "path", identity),
    Column("severity", "severity"),
    Column("since", "opened_at", format_timestamp),
    Column("count", "count"),
    Column("what", "says"),
    Column("next", "next_step"),
    Column("acknowledged by", "acknowledged_by"),
    Column("muted until", "muted_until", format_timestamp),
)
OPEN = Kind(rows=of("open"), columns=_COLUMNS, empty="No incident is open.")
LATELY = Kind(
    title="Resolved lately",
    rows=of("lately"),
    columns=(*_COLUMNS[:5], Column("resolved", "resolved_at", format_timestamp), Column("how", "resolution")),
)
INCIDENT = Kind(rows=lambda document: [document["incident"]], columns=_COLUMNS)
DELIVERIES = Kind(
    title="Messages",
    rows=of("deliveries"),
    columns=(
        Column("at", "created_at", format_timestamp),
        Column("channel", "channel"),
        Column("kind", "kind"),
        Column("status", "status"),
        Column("attempts", "attempts"),
        Column("error", "last_error"),
    ),
    empty="None was sent.",
)
BEFORE = Kind(title="Before it", rows=of("before"), columns=LATELY.columns)


def _waits(incident: Mapping[str, Any]) -> bool:
    """Whether nobody has said that he is on it."""
    return not incident["acknowledged_by"]


@command("list")
@click.option("--days", type=click.IntRange(1, 365), default=7, show_default=True, help="Resolved within so many days.")
def list_alerts(place: Place, days: int) -> Answer:
    """List the open incidents, and those resolved lately."""
    with open_client(place) as client:
        found = calls.ask(client, calls.ALERTS, days=str(days))
    waiting = [each for each in found["open"] if _waits(each)]

    def show(console: Console) -> None:
        render(console, found, [OPEN, LATELY])

    following = f'./nba alerts ack {identity(waiting[0]["path"])} --why "..."{place.options}' if waiting else ""
    return Answer(found, attention(bool(waiting)), show, following)


@command("show")
@click.argument("incident", metavar="ID")
def show_alert(place: Place, incident: str) -> Answer:
    """Show an incident, its messages, and those before it."""
    kinds = (INCIDENT, DELIVERIES, BEFORE)
    return calls.read(place, calls.ALERT, *kinds, code=_of_incident, following=LIST, incident=incident)


def _of_incident(found: Document) -> int:
    return attention(found["incident"]["resolved_at"] is None and _waits(found["incident"]))


@command("ack")
@acts
@_ids
def ack(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """Say that somebody is on it: no reminder, no escalation."""
    return calls.act(place, consent, "acknowledge", {"ids": list(ids)}, LIST)


@command("mute")
@acts
@_ids
@click.option("--until", required=True, type=MOMENT, help="Such as 2025-11-14T09:00, in New York.")
def mute(place: Place, consent: Consent, ids: tuple[str, ...], until: str) -> Answer:
    """Send nothing about incidents until a time, unless they become worse."""
    return calls.act(place, consent, "mute", {"ids": list(ids), "until": until}, LIST)


@command("unmute")
@acts
@_ids
def unmute(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """End a mute."""
    return calls.act(place, consent, "unmute", {"ids": list(ids)}, LIST)


@command("resolve")
@acts
@_ids
def resolve(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """Say that incidents are over; what a check still finds opens another."""
    return calls.act(place, consent, "resolve", {"ids": list(ids)}, LIST)


@command("note")
@acts
@_ids
def note(place: Place, consent: Consent, ids: tuple[str, ...]) -> Answer:
    """Write the reason (--why) beside incidents."""
    return calls.act(place, consent, "note", {"ids": list(ids)}, LIST)


@command("test")
@acts
@click.argument("channel")
def prove(place: Place, consent: Consent, channel: str) -> Answer:
    """Prove a channel with one message: slack, email or webhook."""
    return calls.act(place, consent, "send-test", {"channel": channel}, LIST)


_HERE = "local.nba.commands.alerts"
_FAMILY = "Incidents"
alerts = LazyGroup(
    "alerts",
    {
        "list": Entry(f"{_HERE}:list_alerts", "List the open incidents, and those resolved lately.", _FAMILY),
        "show": Entry(f"{_HERE}:show_alert", "Show an incident, its messages, and those before it.", _FAMILY),
        "ack": Entry(f"{_HERE}:ack", "Say that somebody is on it: no reminder, no escalation.", _FAMILY),
        "mute": Entry(f"{_HERE}:mute", "Send nothing about incidents until a time, unless they become worse.", _FAMILY),
        "unmute": Entry(f"{_HERE}:unmute", "End a mute.", _FAMILY),
        "resolve": Entry(
            f"{_HERE}:resolve", "Say that incidents are over; what a check still finds opens another.", _FAMILY
        ),
        "note": Entry(f"{_HERE}:note", "Write the reason (--why) beside incidents.", _FAMILY),
        "test": Entry(f"{_HERE}:prove", "Prove a channel with one message: slack, email or webhook.", _FAMILY),
    },
    about="Incidents: list them, show one, acknowledge, mute, resolve, note, test a channel.",
    default="list",
)
