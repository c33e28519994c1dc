"""What was noted of the state store's outages: monitoring/outages/{day}/{time}.json in the raw
bucket, by the monitor while the store did not answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.clock import parse_timestamp
from shared.core.severity import Severity
from shared.operations.incidents.sightings import Sighting
from shared.stores.runtime import Runtime

PREFIX = "monitoring/outages/"


@dataclass(frozen=True)
class Marker:
    """What was sent while the store was down."""

    at: str
    check: str
    subject: str
    severity: str
    says: str
    next_step: str
    channels: Sequence[str]

    @property
    def noted_at(self) -> datetime:
        return parse_timestamp(self.at)

    @property
    def sighting(self) -> Sighting:
        return Sighting(self.check, self.subject, Severity(self.severity), self.says, next_step=self.next_step)


def read_markers(runtime: Runtime, now: datetime) -> list[Marker]:
    """Those of yesterday and today (UTC) up to now, oldest first. Raises StoreUnavailable."""
    days = (now - timedelta(days=1), now)
    paths = [path for day in days for path in runtime.raw.list(f"{PREFIX}{day:%Y-%m-%d}/")]
    found = [Marker(**json.loads(runtime.raw.read(path).data)) for path in paths]
    return [each for each in found if each.noted_at <= now]
