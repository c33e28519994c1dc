"""How long the past of a source is asked for, day after day, while it fails."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import date

from functions.phase1_scrape.failures import SourceRefused
from shared.core.errors import SourceUnavailable

# So many failures mean that the source is down, not a day broken: the rest is not even tried.
GIVE_UP_AFTER = 5
# About one event or day, and the same tomorrow: no such event, no such moment, a parameter that
# does not fit it.
FOR_GOOD = (400, 404, 410, 422)
# About the key, its quota, our address or the proxy: the same of every event and day.
EVERYWHERE = (401, 402, 403, 407)


class NotTried(SourceUnavailable):
    """Not asked, since the source had failed too often: no failure more."""


@dataclass
class Patience:
    """How often the source failed; spent at once where it refuses the key.

    Permanent answers are no failures of it. Safe to use from many threads.
    """

    failed: int = 0
    spent: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, error: SourceUnavailable) -> None:
        if isinstance(error, NotTried) or is_for_good(error):
            return
        with self.turn:
            self.failed += 1
            everywhere = isinstance(error, SourceRefused) and error.status in EVERYWHERE
            self.spent = self.spent or everywhere or self.failed >= GIVE_UP_AFTER

    def check(self, day: date) -> None:
        """Raises NotTried once it is spent."""
        if self.spent:
            raise NotTried(
                f"{day} was not tried after the source had failed {self.failed} times.",
                next_step="publish the same backfill again once the source answers: it fetches what is missing.",
            )


def is_for_good(error: SourceUnavailable) -> bool:
    """Whether the same is answered however often it is asked for."""
    return isinstance(error, SourceRefused) and error.status in FOR_GOOD
