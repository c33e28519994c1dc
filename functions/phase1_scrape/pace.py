"""How fast one source is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Pace:
    """Spaces requests evenly: the n-th of a busy second waits for its slot."""

    def __init__(self, per_second: float, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> None:
        self._interval = 1 / per_second if per_second > 0 else 0.0
        self._sleep = sleep
        self._monotonic = monotonic
        self._next = 0.0
        self._turn = threading.Lock()

    def wait(self) -> None:
        if not self._interval:
            return
        with self._turn:
            now = self._monotonic()
            slot = max(now, self._next)
            self._next = slot + self._interval
        if slot > now:
            self._sleep(slot - now)
