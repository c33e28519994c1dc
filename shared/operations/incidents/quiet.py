"""Quiet hours in New York: what can wait until the morning waits, and comes as one digest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from shared.core.clock import NEW_YORK, at_new_york
from shared.core.errors import ConfigError
from shared.core.severity import Severity

# When a digest comes where there are no quiet hours.
MORNING = time(8, 0)
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class QuietHours:
    """From `start` to `end`, New York's clock; over midnight where the end is earlier.

    Equal: none.
    """

    start: time = MORNING
    end: time = MORNING

    @classmethod
    def parse(cls, text: str) -> QuietHours:
        """Read 23:00-08:00; empty: none. Raises ConfigError."""
        if not text.strip():
            return cls()
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ConfigError(f"QUIET_HOURS={text[:80]!r} are no hours.", next_step="write them as 23:00-08:00.")
        hours = [int(each) for each in found.groups()]
        return cls(time(hours[0], hours[1]), time(hours[2], hours[3]))

    def contains(self, moment: datetime) -> bool:
        """Whether it is quiet then; the end is not."""
        clock = moment.astimezone(NEW_YORK).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def next_end(self, moment: datetime) -> datetime:
        """The first end of quiet hours after a moment, UTC; in a night that has one hour less or
        twice, by the clock on the wall.
        """
        day = moment.astimezone(NEW_YORK).date()
        ends = (at_new_york(day + timedelta(days=more), self.end) for more in range(3))
        return next(end for end in ends if end > moment)

    def after(self, moment: datetime) -> datetime:
        """The moment, or the end of the quiet hours that it lies in."""
        return self.next_end(moment) if self.contains(moment) else moment


def can_wait(severity: Severity) -> bool:
    """Whether nobody is woken for it."""
    return severity.rank <= Severity.WARNING.rank
