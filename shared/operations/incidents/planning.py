"""Which message about an incident a channel is owed, and when: pure functions of incident and time.

At most one message an incident, channel and hour, whatever happens: an hour later it says how
things stand then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.core.severity import Severity
from shared.operations.incidents.deliveries import Kind
from shared.operations.incidents.quiet import QuietHours, can_wait
from shared.operations.incidents.records import Incident
from shared.operations.incidents.routes import Route

BETWEEN = timedelta(hours=1)
ESCALATED_AFTER = timedelta(minutes=30)
# After so long an open incident that nobody acknowledged is named again; a warning is in each
# morning's digest, an info never.
REMINDED_AFTER = {Severity.CRITICAL: timedelta(hours=1), Severity.ERROR: timedelta(hours=4)}
# Its incident would wait in the very channel that does not work.
DELIVERY_CHECK = "delivery"


@dataclass(frozen=True)
class Owed:
    """A message to a channel, not before `at`; `digest`: it belongs to a morning's digest."""

    kind: Kind
    at: datetime
    digest: bool


def plan_message(
    incident: Incident, route: Route, quiet: QuietHours, now: datetime, *, failing: bool = False
) -> Owed | None:
    """What a channel is owed about an incident; None: nothing, as things are.

    Args:
        failing: whether the channels that were sent it at once do not take their messages: then
            the next one is sent it without waiting.
    """
    if incident.is_muted(now) or (incident.check, incident.subject) == (DELIVERY_CHECK, route.channel):
        return None
    last = incident.channels.get(route.channel, {})
    known = last.get("number", 0) > 0
    if incident.resolved_at is not None:
        return _owe_end(incident, incident.resolved_at, route, quiet, last, known=known)
    if known:
        return _owe_reminder(incident, quiet, last)
    base = _first_due(incident, route, now, failing=failing)
    kind = Kind.OPENED if route.takes(incident.severity) else Kind.ESCALATED
    return None if base is None else _schedule(incident, kind, base, last, quiet)


def _first_due(incident: Incident, route: Route, now: datetime, *, failing: bool) -> datetime | None:
    """When the first message is due; None where the channel is not for it."""
    if route.takes(incident.severity):
        return incident.severity_since
    if route.least is not None or incident.severity is not Severity.CRITICAL or incident.is_acknowledged:
        return None
    return now if failing else incident.severity_since + ESCALATED_AFTER * route.steps


def _owe_reminder(incident: Incident, quiet: QuietHours, last: Mapping[str, Any]) -> Owed | None:
    """What whoever was sent it is owed while it is open."""
    if last["kind"] == Kind.RESOLVED:  # it flaps: what people know last is wrong
        return _schedule(incident, Kind.STILL, incident.turns[-1]["at"], last, quiet)
    if incident.severity.rank > Severity(last["severity"]).rank:
        return _schedule(incident, Kind.STILL, incident.severity_since, last, quiet)
    if incident.is_acknowledged:
        return None
    if incident.severity is Severity.WARNING:
        return Owed(Kind.STILL, quiet.next_end(last["at"] + BETWEEN), digest=True)
    wait = REMINDED_AFTER.get(incident.severity)
    return None if wait is None else _schedule(incident, Kind.STILL, last["at"] + wait, last, quiet)


def _owe_end(
    incident: Incident, resolved_at: datetime, route: Route, quiet: QuietHours, last: Mapping[str, Any], *, known: bool
) -> Owed | None:
    """Whoever was sent it is sent its end; what came and went in quiet hours is in the digest."""
    if known:
        return None if last["kind"] == Kind.RESOLVED else _schedule(incident, Kind.RESOLVED, resolved_at, last, quiet)
    waited = can_wait(incident.severity) and quiet.contains(incident.severity_since)
    if not (waited and route.takes(incident.severity)):
        return None
    due = _schedule(incident, Kind.RESOLVED, resolved_at, last, quiet)
    return Owed(due.kind, due.at, digest=True)


def _schedule(incident: Incident, kind: Kind, base: datetime, last: Mapping[str, Any], quiet: QuietHours) -> Owed:
    """The message at its time, an hour after the last one at the earliest, and not in quiet hours
    where it can wait.
    """
    at = max(base, last["at"] + BETWEEN) if last else base
    if not can_wait(incident.severity):
        return Owed(kind, at, digest=False)
    return Owed(kind, quiet.after(at), digest=quiet.contains(base) or quiet.contains(at))
