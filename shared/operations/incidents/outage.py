"""While the state store does not answer no incident can be kept: people are told all the same, once
an hour, and the incident is made once the store is back.

    announce: monitoring/outages/{day}/{time} in the raw bucket, created once --> channels
    recover:  those of two days that are new --> an incident, opened when it was announced
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from shared.core.errors import PreconditionFailed
from shared.operations.incidents.channels.message import Message, NotDelivered
from shared.operations.incidents.channels.opening import open_channels
from shared.operations.incidents.deliveries import Kind
from shared.operations.incidents.delivering import read_routes
from shared.operations.incidents.history import LOADS
from shared.operations.incidents.life import open_incident
from shared.operations.incidents.observing import see_alerts
from shared.operations.incidents.outage_markers import PREFIX, Marker, read_markers
from shared.operations.incidents.planning import BETWEEN
from shared.operations.incidents.records import Incident, incident_path
from shared.operations.incidents.rendering import render
from shared.operations.incidents.sightings import bound, cut_text, sightings_of
from shared.operations.incidents.texts import Named, Page, compose
from shared.operations.levels import Finding
from shared.stores.ports import Transaction
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

_UNTIL = f"{LOADS}/outages"


@dataclass(frozen=True, kw_only=True)
class _Until(StoredRecord):
    """Up to when outages have become incidents."""

    until: datetime


def announce_outage(runtime: Runtime, finding: Finding) -> tuple[str, ...]:
    """Send a finding about the state store without that store; returns the channels that took it.

    At most once an hour. What a channel does not take is in the log alone. Raises StoreUnavailable
    where the raw bucket does not answer either.
    """
    now = runtime.clock.now()
    if any(now - each.noted_at < BETWEEN for each in read_markers(runtime, now)):
        return ()
    sighting = bound(sightings_of([finding])[0])
    channels = open_channels(runtime.settings).ready
    routes = [each for each in read_routes(runtime.settings, tuple(channels)) if each.takes(sighting.severity)]
    marker = Marker(
        at=now.isoformat(),
        check=sighting.check,
        subject=sighting.subject,
        severity=sighting.severity.value,
        says=sighting.says,
        next_step=sighting.next_step,
        channels=[each.channel for each in routes],
    )
    path = f"{PREFIX}{now:%Y-%m-%d/%H%M}.json"
    try:
        data = json.dumps(asdict(marker)).encode()
        runtime.raw.write(path, data, content_type="application/json", if_generation=0)
    except PreconditionFailed:
        return ()  # another run sends it
    incident = open_incident(sighting, None, None, now, runtime.epoch)
    page = Page(runtime.settings.name_prefix, runtime.settings.dashboard_url)
    named = [Named(incident, Kind.OPENED)]
    text = compose(named, Kind.OPENED, now, page)
    taken = []
    for route in routes:
        name = f"outage.{now:%Y%m%dT%H%M}.{route.channel}"
        content = render(route.channel, name, Kind.OPENED, named, text, now, page)
        try:
            channels[route.channel].send(Message(name, content.title, content.body, now, (incident.id,)))
            taken.append(route.channel)
        except NotDelivered as error:
            logger.warning("%s did not take %s: %s", route.channel, name, cut_text(str(error)))
    return tuple(taken)


def recover_outages(runtime: Runtime) -> tuple[str, ...]:
    """Make incidents of what was sent while the state store was down; returns their ids.

    Whoever was sent it is sent its end, as of any incident. One read of the state where there was
    no outage.
    """
    now = runtime.clock.now()
    document = runtime.state.get(_UNTIL)
    until = now - timedelta(days=2) if document is None else _Until.from_document(document).until
    fresh = [each for each in read_markers(runtime, now) if each.noted_at > until]
    if not fresh:
        return ()
    changes = see_alerts(runtime, [(each.sighting, each.noted_at) for each in fresh])
    for name in changes.opened:
        _backdate(runtime, name, fresh)
    record = _Until(until=fresh[-1].noted_at).to_document()
    runtime.state.transaction(lambda transaction: transaction.set(_UNTIL, record))
    return changes.opened + changes.updated


def _backdate(runtime: Runtime, name: str, markers: Sequence[Marker]) -> None:
    """The incident as it was: opened with its first message, and known to who was sent it."""

    def body(transaction: Transaction) -> None:
        document = transaction.get(incident_path(name))
        if document is None:
            return
        incident = Incident.from_document(document)
        ours = [each for each in markers if each.sighting.fingerprint == incident.fingerprint]
        if not ours:
            return
        first, last = ours[0].noted_at, ours[-1]
        message = {"at": last.noted_at, "kind": Kind.OPENED.value, "number": 1, "delivery": ""}
        transaction.set(
            incident.path,
            replace(
                incident,
                opened_at=first,
                severity_since=first,
                turns=[{**incident.turns[0], "at": first}, *incident.turns[1:]],
                channels={name: {**message, "severity": last.severity} for name in last.channels},
            ).to_document(),
        )

    runtime.state.transaction(body)
