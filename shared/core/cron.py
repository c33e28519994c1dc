"""The cron of a schedule, as far as pipeline.yaml has them: every n minutes, daily, weekly; New
York time. Whoever asks when a schedule fires asks here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shared.core.clock import at_new_york, new_york_date
from shared.core.errors import ConfigError

_EVERY = re.compile(r"\*/(?P<minutes>[1-9]\d?) \* \* \* \*")
_DAILY = re.compile(r"(?P<minute>\d{1,2}) (?P<hour>\d{1,2}) \* \* (?P<weekday>\*|[0-7])")
_WEEK = 7
_HOUR = 60


@dataclass(frozen=True)
class Cron:
    """When a schedule fires.

    A time that the spring night leaves out fires an hour later, one that the autumn night repeats
    fires the first time.
    """

    every_minutes: int | None = None
    """Of each hour, counted from its beginning; None: at `at`."""
    at: time = time(0)
    weekday: int | None = None
    """1 Monday to 7 Sunday; None: daily."""

    @classmethod
    def parse(cls, text: str) -> Cron:
        """Read `*/n * * * *`, `m h * * *` or `m h * * weekday`.

        Raises ConfigError for any other form.
        """
        if match := _EVERY.fullmatch(text):
            minutes = int(match["minutes"])
            if minutes < _HOUR:
                return cls(every_minutes=minutes)
        if match := _DAILY.fullmatch(text):
            hour, minute = int(match["hour"]), int(match["minute"])
            if hour < 24 and minute < _HOUR:
                weekday = None if match["weekday"] == "*" else int(match["weekday"]) or _WEEK
                return cls(at=time(hour, minute), weekday=weekday)
        raise ConfigError(
            f"The cron {text!r} is none that is read here.",
            next_step="write */n * * * *, m h * * * or m h * * weekday, or extend shared/core/cron.py.",
        )

    @property
    def is_daily(self) -> bool:
        """Whether it fires once every day."""
        return self.every_minutes is None and self.weekday is None

    def last(self, until: datetime) -> datetime:
        """The newest firing at or before a moment, UTC."""
        if self.every_minutes is not None:
            return self._slot(until)
        day = new_york_date(until)
        while not self._fires_on(day) or at_new_york(day, self.at) > until:
            day -= timedelta(days=1)
        return at_new_york(day, self.at)

    def next(self, after: datetime) -> datetime:
        """The first firing after a moment, UTC."""
        if self.every_minutes is not None:
            slot = self._slot(after)
            hour = slot.replace(minute=0)
            following = slot + timedelta(minutes=self.every_minutes)
            return min(following, hour + timedelta(hours=1))
        day = new_york_date(after)
        while not self._fires_on(day) or at_new_york(day, self.at) <= after:
            day += timedelta(days=1)
        return at_new_york(day, self.at)

    def firings(self, since: datetime, until: datetime) -> list[datetime]:
        """Every firing from `since` to `until`, both included, the oldest first."""
        found = []
        at = self.last(until)
        while at >= since:
            found.append(at)
            at = self.last(at - timedelta(microseconds=1))
        return found[::-1]

    def _fires_on(self, day: date) -> bool:
        return self.weekday is None or day.isoweekday() == self.weekday

    def _slot(self, moment: datetime) -> datetime:
        """New York's minutes are UTC's: its offset is whole hours, on both nights that change
        it.
        """
        assert self.every_minutes is not None
        utc = moment.astimezone(UTC)
        return utc.replace(minute=utc.minute - utc.minute % self.every_minutes, second=0, microsecond=0)
