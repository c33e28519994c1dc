"""Incidents as the page, the command and the message show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.core.errors import NotFound
from shared.operations.incidents.deliveries import Delivery, read_deliveries
from shared.operations.incidents.observing import list_unsettled
from shared.operations.incidents.records import COLLECTION, Incident, incident_path, sort_worst_first
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

MOST_LISTED, MOST_MESSAGES = 500, 10


@dataclass(frozen=True)
class IncidentDetail:
    """An incident, its latest messages by time, and those of its fingerprint before, newest
    first.
    """

    incident: Incident
    deliveries: tuple[Delivery, ...]
    before: tuple[Incident, ...]


def open_incidents(runtime: Runtime) -> list[Incident]:
    """Open ones, the worst first, then the oldest: one query."""
    found = [each for each in list_unsettled(runtime) if each.is_open and each.epoch == runtime.epoch]
    return sort_worst_first(found)


def incidents_since(runtime: Runtime, since: datetime) -> list[Incident]:
    """Those seen since a moment, open or resolved, the latest first: one query."""
    documents = runtime.state.query(COLLECTION, [Filter("last_seen_at", ">=", since)], order_by="last_seen_at")
    found = [Incident.from_document(each) for each in documents[-MOST_LISTED:]]
    return [each for each in reversed(found) if each.epoch == runtime.epoch]


def read_incident(runtime: Runtime, name: str) -> IncidentDetail:
    """One incident. Raises NotFound."""
    incident = _find(runtime, name)
    if incident is None:
        raise NotFound(f"There is no incident {name!r}.", next_step="list them: ./nba alerts list.")
    before: list[Incident] = []
    at = incident
    while at.previous and len(before) < 5:
        earlier = _find(runtime, at.previous)
        if earlier is None:
            break
        before.append(earlier)
        at = earlier
    messages = read_deliveries(runtime, [each["id"] for each in incident.deliveries[-MOST_MESSAGES:]])
    return IncidentDetail(incident, tuple(messages), tuple(before))


def _find(runtime: Runtime, name: str) -> Incident | None:
    if not name or "/" in name:
        return None
    document = runtime.state.get(incident_path(name))
    return None if document is None else Incident.from_document(document)
