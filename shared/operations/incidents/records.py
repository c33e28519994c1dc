"""The documents of incidents: the incident, and which one is the latest of a fingerprint."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.core.severity import Severity
from shared.stores.records import ALWAYS_WRITTEN, StoredRecord

COLLECTION = "incidents"
SUBJECTS = "incident_subjects"
# Of a fingerprint, what stands in an id that people type; the digest makes it one of a kind.
_NAME = 60
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")


def subject_path(fingerprint: str) -> str:
    """The document of a fingerprint."""
    name = _NOT_IN_NAMES.sub("-", fingerprint)[:_NAME].strip("-")
    return f"{SUBJECTS}/{name}-{hashlib.sha256(fingerprint.encode()).hexdigest()[:8]}"


def incident_id(fingerprint: str, number: int) -> str:
    """The id of a fingerprint's opening."""
    return f"{subject_path(fingerprint).rpartition('/')[2]}.{number}"


def incident_path(name: str) -> str:
    """The document of an incident's id."""
    return f"{COLLECTION}/{name}"


@dataclass(frozen=True, kw_only=True)
class Incident(StoredRecord):
    """One opening of what a fingerprint names, until it is resolved.

    An acknowledgement and a mute are of the severity that they saw: they say nothing of a worse
    one.
    """

    check: str
    subject: str
    number: int
    """Which opening of the fingerprint it is; 1 is the first."""
    epoch: int
    """The repetition of simulated time that it was opened in."""
    severity: Severity
    severity_since: datetime
    says: str
    """One sentence with the value, as it was last."""
    detail: str = ""
    """What an alert says besides."""
    next_step: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    game_date: date | None = None
    opened_at: datetime
    last_seen_at: datetime
    by_alert: bool = False
    """Whether functions raised it and its check never found it: then only a green finding about it
    resolves it, for the check may not look at its date.
    """
    count: int
    """How often it was seen: findings, and alerts (one that is delivered twice counts twice)."""
    previous: str = ""
    """Id of the incident before, of the same fingerprint."""
    openings: int = 1
    """How often it opened: more than once only while it flaps."""
    green_since: datetime | None = None
    """Of a flapping one: since when its check is green."""
    resolved_at: datetime | None = None
    resolution: str = ""
    acknowledged_by: str = ""
    acknowledged_why: str = ""
    acknowledged_at: datetime | None = None
    acknowledged_severity: Severity | None = None
    muted_by: str = ""
    muted_why: str = ""
    muted_until: datetime | None = None
    muted_severity: Severity | None = None
    notes: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """{who, at, text}, oldest first."""
    channels: Mapping[str, Any] = field(default_factory=dict)
    """By channel the last message: {at, kind, number, severity, delivery}; number 0 is of the
    incident before.
    """
    deliveries: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """The latest messages {id, channel, kind, at}, oldest first."""
    turns: Sequence[Mapping[str, Any]] = field(default_factory=list)
    """Each opening and resolution {change, at}: rows of nba_monitoring.alerts."""
    rows_loaded: int = 0
    """How many of them are in the warehouse."""
    rows_due: bool = field(default=True, metadata=ALWAYS_WRITTEN)
    settled: bool = field(default=False, metadata=ALWAYS_WRITTEN)
    """Whether it is resolved and every message about it was made."""
    expires_at: datetime | None = None
    """When the deployed store deletes it."""

    @property
    def fingerprint(self) -> str:
        return f"{self.check}:{self.subject}"

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def is_flapping(self) -> bool:
        """Whether it opens and closes so often that only a longer green resolves it."""
        return self.openings > 1

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody knows of it, as bad as it now is."""
        seen = self.acknowledged_severity
        return self.acknowledged_at is not None and seen is not None and seen.rank >= self.severity.rank

    def is_muted(self, now: datetime) -> bool:
        """Whether nobody is to be told of it now, as bad as it is."""
        seen = self.muted_severity
        if self.muted_until is None or seen is None or now >= self.muted_until:
            return False
        return seen.rank >= self.severity.rank


@dataclass(frozen=True, kw_only=True)
class Subject(StoredRecord):
    """What is known of a fingerprint: its latest incident, and when it opened of late."""

    fingerprint: str
    number: int
    latest: str
    """Id of the latest incident."""
    epoch: int
    opened: Sequence[datetime]
    """The latest openings, oldest first."""
    expires_at: datetime


def sort_worst_first(incidents: Iterable[Incident]) -> list[Incident]:
    """The worst first, then the oldest."""
    return sorted(incidents, key=lambda each: (-each.severity.rank, each.opened_at, each.id))
