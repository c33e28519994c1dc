"""The channels that the settings describe, and what is wrong with one that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.core.errors import ConfigError
from shared.core.secret_settings import check_hook, check_key
from shared.core.settings import Settings
from shared.operations.incidents.channels.mail import Mail
from shared.operations.incidents.channels.message import Channel
from shared.operations.incidents.channels.slack import Slack
from shared.operations.incidents.channels.webhook import WebHook

# Of the key of a signature: 128 bits, were each character one of sixteen.
SHORTEST_KEY = 32
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,190}")
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")


@dataclass(frozen=True)
class Channels:
    """Channels by name: those that can be used, and why others cannot."""

    ready: Mapping[str, Channel]
    broken: Mapping[str, ConfigError]


def open_channels(settings: Settings) -> Channels:
    """Make the channels whose address is set; nothing is connected to yet."""
    wanted: dict[str, Callable[[Settings], Channel]] = {}
    if settings.slack_webhook:
        wanted["slack"] = _slack
    if settings.smtp_host:
        wanted["email"] = _mail
    if settings.alert_webhook:
        wanted["webhook"] = _web_hook
    ready: dict[str, Channel] = {}
    broken: dict[str, ConfigError] = {}
    for name, make in wanted.items():
        try:
            ready[name] = make(settings)
        except ConfigError as error:
            broken[name] = error
    return Channels(ready, broken)


def _slack(settings: Settings) -> Channel:
    check_hook("SLACK_WEBHOOK", settings.slack_webhook)
    return Slack(settings.slack_webhook, settings.alert_ca_file)


def _web_hook(settings: Settings) -> Channel:
    check_hook("ALERT_WEBHOOK", settings.alert_webhook)
    check_key("WEBHOOK_KEY", settings.webhook_key)
    if len(settings.webhook_key) < SHORTEST_KEY:
        raise ConfigError(
            f"WEBHOOK_KEY has fewer than {SHORTEST_KEY} characters (its value is not shown).",
            next_step="make one with `openssl rand -hex 32`, and give it to the receiver.",
        )
    return WebHook(settings.alert_webhook, settings.webhook_key, settings.alert_ca_file)


def _mail(settings: Settings) -> Channel:
    receivers = tuple(each.strip() for each in settings.email_to.split(",") if each.strip())
    for name, address in (("EMAIL_FROM", settings.email_from), *(("EMAIL_TO", each) for each in receivers or ("",))):
        if not _ADDRESS.fullmatch(address):
            raise ConfigError(f"{name} has {address[:80]!r}, no address.", next_step="write it as name@example.com.")
    if not _HOST.fullmatch(settings.smtp_host) or not 0 < settings.smtp_port < 65_536:
        where = f"{settings.smtp_host[:80]}:{settings.smtp_port}"
        raise ConfigError(f"SMTP_HOST and SMTP_PORT are {where!r}.", next_step="name a host and a port, as 587.")
    if settings.smtp_user and not settings.smtp_password:
        raise ConfigError("SMTP_USER has no SMTP_PASSWORD.", next_step="set both, or neither.")
    if settings.smtp_password and not settings.smtp_password.isprintable():
        raise ConfigError("SMTP_PASSWORD has what cannot be printed.", next_step="store it in one line.")
    return Mail(
        settings.smtp_host,
        settings.smtp_port,
        settings.email_from,
        receivers,
        settings.smtp_user,
        settings.smtp_password,
        settings.alert_ca_file,
    )
