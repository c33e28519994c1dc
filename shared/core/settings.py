"""Settings, read once from the environment: every one has a default that works or says what is
missing.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from shared.core.errors import ConfigError
from shared.core.secret_settings import (
    check_base_url,
    check_key,
    check_proxy_url,
    protect_hook,
    protect_key,
    protect_proxy,
)

_SWITCH = {"true": True, "1": True, "false": False, "0": False}


def _switch(text: str) -> bool:
    if text.strip().lower() not in _SWITCH:
        raise ValueError(text)
    return _SWITCH[text.strip().lower()]


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # no comparison with it says anything
        raise ValueError(text)
    return number


def check_limit(name: str, text: str) -> None:
    """Raises ConfigError for a whole number below 1; what is none is refused by its type."""
    if text.strip().removeprefix("-").isdecimal() and int(text) < 1:
        raise ConfigError(f"{name}={text!r} allows none.", next_step="set it to 1 or more.")


_KINDS: dict[str, Callable[[str], object]] = {"str": str, "int": int, "float": _finite, "bool": _switch}
Check = Callable[[str, str], None]


def _address(default: str) -> str:
    """A setting that is logged and kept, and so may hold no login."""
    check: Check = check_base_url
    return field(default=default, metadata={"check": check})


def _limit(default: int) -> int:
    """A setting that allows at least one of something."""
    check: Check = check_limit
    return field(default=default, metadata={"check": check})


def _secret(check: Check, protect: Callable[[str], None]) -> str:
    """A setting that is checked without being quoted, shown by no repr, and known to the
    redaction.
    """
    return field(default="", repr=False, metadata={"check": check, "protect": protect})


def _channel_secret(protect: Callable[[str], None]) -> str:
    """A secret of a channel of alerts: a wrong one is an incident, told by the other channels
    (shared/operations/incidents/channels.py), and stops nothing.
    """
    return field(default="", repr=False, metadata={"protect": protect})


@dataclass(frozen=True)
class Settings:
    """One field a setting; the environment variable is the field's name in capitals."""

    dataset_prefix: str = ""
    """Put before every dataset name: isolates environments. Comes from the deployment only."""
    project_id: str = ""
    """Google Cloud project of the deployed ports; GOOGLE_CLOUD_PROJECT where PROJECT_ID is not
    set.
    """
    name_prefix: str = ""
    """Put before every topic's and subscription's name: several environments in one project."""
    firestore_database: str = "(default)"
    """Firestore database that holds the state."""
    state_epoch: int = 1
    """Raised after the state was restored or the tables were made anew: ids that are used up are
    not met again.
    """
    raw_bucket: str = ""
    """Bucket of the responses as they came, of kept messages and of a batch's requests."""
    exports_bucket: str = ""
    """Bucket of the JSON that a front end reads."""
    models_bucket: str = ""
    """Bucket of the trained models."""
    bigquery_location: str = "US"
    """Location of the datasets, and so of every job."""
    max_bytes_billed: int = 53_687_091_200
    """Most bytes one query may be billed for (50 GiB, about a season of every table); more makes it
    fail at once.
    """
    function_timeout_seconds: int = 540
    """After so long the function's request is ended: what it waits for (jobs, requests, retries)
    has less time.
    """
    nba_base_url: str = _address("https://stats.nba.com/stats")
    """NBA.com's stats API."""
    odds_base_url: str = _address("https://api.the-odds-api.com")
    """The Odds API."""
    espn_base_url: str = _address("https://site.api.espn.com")
    """ESPN's site API (injuries)."""
    official_reports_base_url: str = _address("https://ak-static.cms.nba.com/referee/injury")
    """Where the league publishes its injury reports; empty: left out, ESPN's list serves."""
    zones_base_url: str = _address("")
    """Shot zones by game; empty: the optional source is not configured and is left out."""
    odds_api_key: str = _secret(check_key, protect_key)
    """Key of The Odds API, from Secret Manager; never logged."""
    odds_stats: str = ""
    """Statistics whose lines The Odds API is asked for, with commas between; each costs quota.
    Empty: all of shared/nba/stats.py.
    """
    proxy_url: str = _secret(check_proxy_url, protect_proxy)
    """HTTP proxy for NBA.com and the league's reports, which refuse cloud addresses; with its
    password, and never logged.
    """
    http_timeout_seconds: float = 30.0
    """Longest wait for one response of a source, from connecting to its last byte."""
    http_max_bytes: int = 16 * 1024 * 1024
    """Most bytes of one response, unpacked; a larger one is refused while it streams."""
    http_attempts: int = 4
    """Tries per request of a source, the first included."""
    http_backoff_seconds: float = 1.0
    """First wait between tries (doubling, with jitter); 0 in tests."""
    http_requests_per_second: float = 4.0
    """Rate limit per host; 0: none (the replay server)."""
    dashboard_readers: str = ""
    """E-mails of the people who may look at the dashboard, commas between them."""
    dashboard_operators: str = ""
    """E-mails of the people who may act on it as well."""
    dashboard_audiences: str = ""
    """Audiences that an identity token may be for; without one nobody is let in."""
    dashboard_iap_audience: str = ""
    """The audience of IAP's assertion; where it is set, that assertion alone counts."""
    min_minutes: float = 15.0
    """Players below this mean of minutes over their last 10 games are left out."""
    min_quality: float = 50.0
    """Players whose feature quality is below are left out."""
    max_units: int = 20
    """Most units of a batch; more players than that are grouped, by the work that they are."""
    min_coverage: float = 0.8
    """Share of the expected players that current predictions must cover before an export."""
    assumed_price: int = -110
    """American odds assumed where no book offers the tested line."""
    min_expected_value: float = 0.02
    """Least expected profit per unit staked for OVER or UNDER."""
    min_confidence: float = 0.54
    """Least win probability, given no push, for OVER or UNDER."""
    best_bets_per_player: int = _limit(1)
    """Most bets on one player in one game on the list of best bets, each on another statistic: they
    win and lose together.
    """
    withhold_picks_without_injuries: bool = False
    """Whether best bets leave out the games for which no injury list was in force; else each pick
    says so.
    """

    alert_channels: str = "slack:warning, email:escalation, webhook:info"
    """Channels of alerts in the order of escalation, each with the least severity that it is sent
    at once; escalation: only critical ones that nobody acknowledged in 30 minutes. One whose
    address is not set is left out.
    """
    quiet_hours: str = "23:00-08:00"
    """New York; warnings of that time come as one digest at its end. Empty: no such time."""
    dashboard_url: str = _address("")
    """Address of the dashboard, for the link in an alert; empty: no link."""
    slack_webhook: str = _channel_secret(protect_hook)
    """Slack's incoming web-hook; who knows it can post."""
    alert_webhook: str = _channel_secret(protect_hook)
    """Where alerts are posted as JSON."""
    webhook_key: str = _channel_secret(protect_key)
    """Key of the signature (HMAC-SHA256) on what is posted there."""
    smtp_host: str = ""
    """Mail server; empty: no e-mail."""
    smtp_port: int = 587
    """Its port: 465 is TLS from the start, any other STARTTLS."""
    smtp_user: str = ""
    """Login at the mail server; empty: none."""
    smtp_password: str = _channel_secret(protect_key)
    """Password of that login."""
    email_from: str = ""
    """Sender of alerts."""
    email_to: str = ""
    """Who gets them: addresses, with commas between them."""
    alert_ca_file: str = ""
    """File of further authorities that may sign the certificates of mail server and web-hook."""

    def __post_init__(self) -> None:
        # before anything can quote them; a wrong one too, which from_environment and its user
        # refuse
        for setting in fields(self):
            protect = setting.metadata.get("protect")
            if protect is not None:
                protect(getattr(self, setting.name))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises ConfigError naming a variable whose value does not fit; of a secret it names the
        rule, never the value.
        """
        source = dict(os.environ if environment is None else environment)
        # Google's own name for the project, which its environments and tools set.
        source.setdefault("PROJECT_ID", source.get("GOOGLE_CLOUD_PROJECT", ""))
        values: dict[str, object] = {}
        for setting in fields(cls):
            text = source.get(setting.name.upper())
            if text is None:
                continue
            check: Check | None = setting.metadata.get("check")
            if check is not None:
                check(setting.name.upper(), text)
            kind = _KINDS[str(setting.type)]
            try:
                values[setting.name] = kind(text)
            except ValueError as error:
                raise ConfigError(
                    f"{setting.name.upper()}={text!r} is not a {setting.type}.",
                    next_step="correct the variable.",
                ) from error
        return cls(**values)  # type: ignore[arg-type]  # each value was made with its field's own type
