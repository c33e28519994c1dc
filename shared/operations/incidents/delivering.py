"""Messages about incidents: recorded with the incident in one write, sent, marked; sent again until
that is done.

    owed --one transaction--> deliveries/{id}, incidents/{id}.channels --send--> marked

What a channel does not take waits for a later run, is a finding of the check `delivery`, and is in
nobody's way: after its first failure a channel is left alone until the next run.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import timedelta

from shared.core.errors import ConfigError, PreconditionFailed
from shared.core.settings import Settings
from shared.operations.incidents.channels.message import Channel, Message, NotDelivered
from shared.operations.incidents.channels.opening import open_channels
from shared.operations.incidents.claiming import Desk, claim, note_arrival, settle
from shared.operations.incidents.deliveries import (
    GIVEN_UP_AFTER,
    Delivery,
    DeliveryStatus,
    Kind,
    pending_deliveries,
    wait_after,
)
from shared.operations.incidents.observing import list_unsettled
from shared.operations.incidents.quiet import QuietHours
from shared.operations.incidents.records import Incident, sort_worst_first
from shared.operations.incidents.routes import Route, parse_routes
from shared.operations.incidents.sightings import cut_text
from shared.operations.incidents.texts import Page
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

# More incidents than these, due at once on a channel, are one message, which names at most so many;
# what is beyond is due at the next run.
MOST_SINGLE, MOST_NAMED = 5, 50
# All sending of one run together: a dead receiver is not what a run is for.
MOST_SECONDS = 30.0
_LONGEST_ERROR = 300


@dataclass(frozen=True)
class Delivered:
    """What one run did: ids of messages sent, and of those that a channel did not take."""

    sent: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    """Ids of incidents about which nothing more is to be sent."""


@dataclass
class _Run:
    """One run, as it goes."""

    runtime: Runtime
    desk: Desk
    until: float
    sent: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def deliver(runtime: Runtime) -> Delivered:
    """Send what is owed about incidents, and again what was not taken; bounded by MOST_SECONDS.

    A channel that fails raises nothing. State: two queries, two writes of each message, one of each
    incident that ends; no statement. Raises StoreUnavailable where the state store does not answer.
    """
    settings = runtime.settings
    channels = open_channels(settings).ready
    desk = Desk(
        runtime=runtime,
        routes=read_routes(settings, tuple(channels)),
        quiet=read_quiet_hours(settings),
        page=Page(settings.name_prefix, settings.dashboard_url),
        pending=pending_deliveries(runtime),
    )
    incidents = [each for each in list_unsettled(runtime) if each.epoch == runtime.epoch]
    run = _Run(runtime, desk, until=time.monotonic() + MOST_SECONDS)
    for route in desk.routes:
        _deliver_to(run, route, channels[route.channel], incidents)
    routed = {route.channel for route in desk.routes}
    for delivery in desk.pending:
        if delivery.channel not in routed:  # nobody sends there any more
            _end(runtime, delivery, DeliveryStatus.GIVEN_UP)
    settled = [each.id for each in incidents if settle(desk, each)]
    return Delivered(tuple(run.sent), tuple(run.failed), tuple(settled))


def read_routes(settings: Settings, configured: tuple[str, ...]) -> tuple[Route, ...]:
    """As ALERT_CHANNELS has them; of a wrong setting, which is a finding, the default's."""
    try:
        return parse_routes(settings.alert_channels, configured)
    except ConfigError:
        return parse_routes(Settings.alert_channels, configured)


def read_quiet_hours(settings: Settings) -> QuietHours:
    """As QUIET_HOURS has them; of a wrong setting, which is a finding, the default's."""
    try:
        return QuietHours.parse(settings.quiet_hours)
    except ConfigError:
        return QuietHours.parse(Settings.quiet_hours)


def _deliver_to(run: _Run, route: Route, channel: Channel, incidents: list[Incident]) -> None:
    """What a channel is to be sent again, then what it is owed; nothing after its first failure."""
    now = run.runtime.clock.now()
    at_work = {each.id for each in incidents if each.is_open}
    for delivery in run.desk.pending:
        if delivery.channel != route.channel or delivery.due_at > now:
            continue
        if now - delivery.created_at > GIVEN_UP_AFTER:
            _end(run.runtime, delivery, DeliveryStatus.GIVEN_UP)
        elif delivery.kind in (Kind.OPENED, Kind.STILL, Kind.ESCALATED) and at_work.isdisjoint(delivery.incidents):
            _end(run.runtime, delivery, DeliveryStatus.SUPERSEDED)
        elif (taken := _take(run.runtime, delivery)) is not None and not _send(run, channel, taken):
            return
    for kind, group in _group(run.desk, route, incidents):
        if time.monotonic() >= run.until:
            return
        recorded = claim(run.desk, route, kind, group)
        if recorded is not None and not _send(run, channel, recorded):
            return


def _group(desk: Desk, route: Route, incidents: list[Incident]) -> list[tuple[Kind | None, list[Incident]]]:
    """What is due now, as messages: each incident alone (None), or many as a digest or bundle."""
    digest: list[Incident] = []
    single: list[Incident] = []
    for incident in sort_worst_first(incidents):
        due = desk.plan(incident, route)
        if due is not None and due.at <= desk.runtime.clock.now():
            (digest if due.digest else single).append(incident)
    groups: list[tuple[Kind | None, list[Incident]]] = []
    if len(single) > MOST_SINGLE:
        groups.append((Kind.BUNDLE, single[:MOST_NAMED]))
    else:
        groups += [(None, [each]) for each in single]
    if digest:
        groups.append((Kind.DIGEST, digest[:MOST_NAMED]))
    return groups


def _send(run: _Run, channel: Channel, delivery: Delivery) -> bool:
    """Send a message that is recorded and taken, and mark how it went; False: leave the channel."""
    state, now = run.runtime.state, run.runtime.clock.now()
    message = Message(delivery.id, delivery.title, delivery.body, now, tuple(delivery.incidents))
    try:
        remark = channel.send(message)
    except NotDelivered as error:
        text = cut_text(str(error), _LONGEST_ERROR)
        wait = max(wait_after(delivery.attempts), error.wait or timedelta())
        state.update(delivery.path, Delivery.fields(last_error=text, due_at=now + wait))
        logger.warning("%s did not take %s: %s", channel.name, delivery.id, text)
        run.failed.append(delivery.id)
        return error.alone
    fields = Delivery.fields(status=DeliveryStatus.SENT, pending=False, sent_at=now, last_error=remark)
    state.update(delivery.path, fields)
    if delivery.attempts > 1:
        note_arrival(run.runtime, delivery, now)
    run.sent.append(delivery.id)
    return True


def _take(runtime: Runtime, delivery: Delivery) -> Delivery | None:
    """A message that was not taken, for one more attempt; None where another run has it."""
    attempts = delivery.attempts + 1
    fields = Delivery.fields(attempts=attempts, due_at=runtime.clock.now() + wait_after(attempts))
    try:
        runtime.state.update(delivery.path, fields, if_version=delivery.version)
    except PreconditionFailed:
        return None
    found = runtime.state.get(delivery.path)
    return None if found is None else Delivery.from_document(found)


def _end(runtime: Runtime, delivery: Delivery, status: DeliveryStatus) -> None:
    """A message that is not sent any more; what another run made of it meanwhile stays."""
    try:
        fields = Delivery.fields(status=status, pending=False)
        runtime.state.update(delivery.path, fields, if_version=delivery.version)
    except PreconditionFailed:
        logger.info("%s was taken by another run", delivery.id)
