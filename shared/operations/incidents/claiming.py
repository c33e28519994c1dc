"""A message is recorded with the incidents that it names, in one transaction: of two runs at once
one sends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.operations.incidents import planning
from shared.operations.incidents.deliveries import KEPT, TAKEN_FOR, Delivery, DeliveryStatus, Kind, delivery_path
from shared.operations.incidents.quiet import QuietHours
from shared.operations.incidents.records import Incident, incident_path
from shared.operations.incidents.rendering import render
from shared.operations.incidents.routes import Route
from shared.operations.incidents.texts import Named, Page, compose, severity_of
from shared.stores.ports import Transaction
from shared.stores.runtime import Runtime

# Of an incident, the latest messages that it names.
MOST_KEPT = 30


@dataclass(frozen=True)
class Desk:
    """What a run needs to decide who is sent what."""

    runtime: Runtime
    routes: Sequence[Route]
    quiet: QuietHours
    page: Page
    pending: Sequence[Delivery]

    def plan(self, incident: Incident, route: Route) -> planning.Owed | None:
        """What a channel is owed about an incident, and when."""
        now = self.runtime.clock.now()
        return planning.plan_message(incident, route, self.quiet, now, failing=self._is_failing(incident))

    def _is_failing(self, incident: Incident) -> bool:
        """Whether all channels that are sent it at once have a message about it that failed."""
        first = {route.channel for route in self.routes if route.takes(incident.severity)}
        stuck = {each.channel for each in self.pending if incident.id in each.incidents and each.last_error}
        return bool(first) and first <= stuck


def claim(desk: Desk, route: Route, kind: Kind | None, incidents: Sequence[Incident]) -> Delivery | None:
    """Record a message about those of the incidents that are still due, taken for sending.

    Args:
        kind: of a message about many; None: about one, of the kind that it is owed.
    Returns None where another run was first, or a person has acted.
    """
    now = desk.runtime.clock.now()
    before = [each for each in desk.pending if _is_superseded(each, route, incidents)]

    def body(transaction: Transaction) -> Delivery | None:
        named = _read_due(desk, route, incidents, transaction, now)
        stale = [each for each in (transaction.get(each.path) for each in before) if each is not None]
        if not named:
            return None
        recorded = _make(desk, route, kind or named[0].kind, named, now)
        transaction.create(recorded.path, recorded.to_document())
        for each in named:
            after = _note(each, route, recorded, now)
            transaction.set(after.path, after.to_document())
        for document in stale:
            if Delivery.from_document(document).pending:
                fields = Delivery.fields(status=DeliveryStatus.SUPERSEDED, pending=False)
                transaction.update(document.path, fields)
        return recorded

    return desk.runtime.state.transaction(body)


def _is_superseded(delivery: Delivery, route: Route, incidents: Sequence[Incident]) -> bool:
    """Whether a message that waits is about the one incident that a later message is about."""
    return delivery.channel == route.channel and len(incidents) == 1 and list(delivery.incidents) == [incidents[0].id]


def _read_due(
    desk: Desk, route: Route, incidents: Sequence[Incident], transaction: Transaction, now: datetime
) -> list[Named]:
    """The incidents as they are now, with what the channel is owed about each."""
    named = []
    for incident in incidents:
        document = transaction.get(incident.path)
        if document is None:
            continue
        current = Incident.from_document(document)
        due = desk.plan(current, route)
        if due is not None and due.at <= now:
            named.append(Named(current, due.kind))
    return named


def _make(desk: Desk, route: Route, kind: Kind, named: Sequence[Named], now: datetime) -> Delivery:
    parts = [f"{each.incident.id}.{route.channel}.{_number(each.incident, route)}" for each in named]
    name = parts[0]
    if kind in (Kind.DIGEST, Kind.BUNDLE):
        name = f"{kind.value}.{route.channel}.{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:16]}"
    text = compose(named, kind, now, desk.page)
    content = render(route.channel, name, kind, named, text, now, desk.page)
    return Delivery(
        path=delivery_path(name),
        channel=route.channel,
        kind=kind,
        severity=severity_of(named),
        incidents=[each.incident.id for each in named],
        title=content.title,
        body=content.body,
        status=DeliveryStatus.PENDING,
        pending=True,
        created_at=now,
        attempts=1,
        due_at=now + TAKEN_FOR,
        expires_at=now + KEPT,
    )


def _number(incident: Incident, route: Route) -> int:
    """Which message about the incident the next one to the channel is."""
    return int(incident.channels.get(route.channel, {}).get("number", 0)) + 1


def _note(named: Named, route: Route, recorded: Delivery, now: datetime) -> Incident:
    """The incident with what the channel was sent last."""
    incident = named.incident
    last = {
        "at": now,
        "kind": named.kind.value,
        "number": _number(incident, route),
        "severity": incident.severity.value,
        "delivery": recorded.id,
    }
    message = {"id": recorded.id, "channel": route.channel, "kind": named.kind.value, "at": now}
    return replace(
        incident,
        channels={**incident.channels, route.channel: last},
        deliveries=[*incident.deliveries, message][-MOST_KEPT:],
    )


def settle(desk: Desk, incident: Incident) -> bool:
    """Mark a resolved incident about which no channel is owed anything."""
    if incident.is_open:
        return False

    def body(transaction: Transaction) -> bool:
        document = transaction.get(incident.path)
        if document is None:
            return False
        current = Incident.from_document(document)
        if current.is_open or any(desk.plan(current, route) for route in desk.routes):
            return False
        transaction.update(current.path, Incident.fields(settled=True))
        return True

    return desk.runtime.state.transaction(body)


def note_arrival(runtime: Runtime, delivery: Delivery, now: datetime) -> None:
    """Of a message that came late: the hour until the next one begins now."""
    for name in delivery.incidents:

        def body(transaction: Transaction, path: str = incident_path(name)) -> None:
            document = transaction.get(path)
            if document is None:
                return
            channels = Incident.from_document(document).channels
            last = channels.get(delivery.channel, {})
            if last.get("delivery") == delivery.id:
                changed = {**channels, delivery.channel: {**last, "at": now}}
                transaction.update(path, Incident.fields(channels=changed))

        runtime.state.transaction(body)
