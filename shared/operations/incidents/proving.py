"""Whether the channels work: a finding of each, and a message that proves one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.core.clock import format_timestamp_us
from shared.core.errors import ConfigError, NotFound
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.incidents.channels.message import Message, NotDelivered
from shared.operations.incidents.channels.opening import open_channels
from shared.operations.incidents.deliveries import (
    KEPT,
    Delivery,
    DeliveryStatus,
    Kind,
    delivery_path,
    pending_deliveries,
)
from shared.operations.incidents.planning import DELIVERY_CHECK
from shared.operations.incidents.quiet import QuietHours
from shared.operations.incidents.rendering import render
from shared.operations.incidents.routes import CHANNELS, parse_routes
from shared.operations.incidents.sightings import cut_text
from shared.operations.incidents.texts import Page, compose_test, write_span
from shared.operations.levels import Finding, Level
from shared.stores.runtime import Runtime

# A message that waits longer than this is not late: the channel does not work.
RED_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class Tested:
    """How a test message went."""

    channel: str
    delivery: str
    """Its id."""
    arrived: bool
    says: str


def delivery_findings(runtime: Runtime) -> list[Finding]:
    """Of each channel whether it takes its messages, and of each wrong setting of alerts: one
    query. Check `delivery`.
    """
    found = _wrong_settings(runtime.settings)
    channels = open_channels(runtime.settings)
    for name, error in channels.broken.items():
        found.append(_finding(name, Level.RED, f"{name} cannot be used: {error.message}", error.next_step))
    pending = pending_deliveries(runtime)
    for name in channels.ready:
        found.append(_look_at(runtime, name, [each for each in pending if each.channel == name and each.last_error]))
    if not channels.ready and not channels.broken:
        says = "No channel is set: incidents are on the page and in ./nba alerts list alone."
        found.append(Finding(DELIVERY_CHECK, "channels", Level.GREEN, says))
    return found


def _look_at(runtime: Runtime, name: str, stuck: Sequence[Delivery]) -> Finding:
    if not stuck:
        return Finding(DELIVERY_CHECK, name, Level.GREEN, f"{name} has taken its messages.")
    waited = runtime.clock.now() - stuck[0].created_at
    level = Level.RED if waited > RED_AFTER else Level.YELLOW
    messages = "1 message" if len(stuck) == 1 else f"{len(stuck)} messages"
    says = f"{name} has not taken {messages}, the oldest for {write_span(waited)}: "
    step = f"mend it, then ./nba alerts test {name}; what waits is sent by itself."
    return _finding(name, level, says + stuck[-1].last_error, step, len(stuck))


def _wrong_settings(settings: Settings) -> list[Finding]:
    found = []
    for name, parse in (
        ("ALERT_CHANNELS", lambda: parse_routes(settings.alert_channels, ())),
        ("QUIET_HOURS", lambda: QuietHours.parse(settings.quiet_hours)),
    ):
        try:
            parse()
        except ConfigError as error:
            found.append(_finding(name, Level.RED, f"{error.message} The default is used.", error.next_step))
    return found


def _finding(subject: str, level: Level, says: str, next_step: str, stuck: int = 0) -> Finding:
    figures = {"waiting": stuck} if stuck else {}
    return Finding(DELIVERY_CHECK, subject, level, says, next_step, figures, Severity.ERROR)


def send_test(runtime: Runtime, channel: str) -> Tested:
    """Send one message that proves a channel; it is recorded, and not sent again.

    Raises NotFound for a channel that is none or not set, ConfigError for one set wrongly.
    """
    channels = open_channels(runtime.settings)
    if channel in channels.broken:
        raise channels.broken[channel]
    if channel not in channels.ready:
        what = "not set" if channel in CHANNELS else f"none of {', '.join(CHANNELS)}"
        raise NotFound(f"The channel {channel[:80]!r} is {what}.", next_step='see "Who is told" in docs/deploy.md.')
    now = runtime.clock.now()
    name = f"test.{channel}.{format_timestamp_us(now).replace(':', '')}"
    page = Page(runtime.settings.name_prefix, runtime.settings.dashboard_url)
    text = render(channel, name, Kind.TEST, (), compose_test(now, page), now, page)
    recorded = Delivery(
        path=delivery_path(name),
        channel=channel,
        kind=Kind.TEST,
        severity=Severity.INFO,
        incidents=[],
        title=text.title,
        body=text.body,
        status=DeliveryStatus.PENDING,
        pending=False,
        created_at=now,
        attempts=1,
        due_at=now,
        expires_at=now + KEPT,
    )
    runtime.state.create(recorded.path, recorded.to_document())
    try:
        remark = channels.ready[channel].send(Message(name, text.title, text.body, now))
    except NotDelivered as error:
        failed = Delivery.fields(status=DeliveryStatus.GIVEN_UP, last_error=cut_text(str(error)))
        runtime.state.update(recorded.path, failed)
        return Tested(channel, name, arrived=False, says=str(error))
    runtime.state.update(recorded.path, Delivery.fields(status=DeliveryStatus.SENT, sent_at=now, last_error=remark))
    return Tested(channel, name, arrived=True, says=remark or "sent: look whether it has come.")
