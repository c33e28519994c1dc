"""The scheduler: simulated time, and tasks (greenlets) of which exactly one runs until it sleeps or
ends.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import greenlet


class Over(Exception):
    """Nothing further is to happen."""


class Hub:
    """Events by time; of several at one time the one that was put first.

    The clock of the simulated world.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._events: list[tuple[datetime, int, Callable[[], Any]]] = []
        self._count = 0
        self._main = greenlet.getcurrent()
        self.over: Callable[[], bool] = lambda: False
        """Asked after each event; true ends the play with Over."""
        self.between: Callable[[datetime], None] = lambda moment: None
        """Called before each event with its time, when nothing else happens until then."""

    def now(self) -> datetime:
        return self._now

    def at(self, moment: datetime, action: Callable[[], Any]) -> None:
        """Call `action` at a moment (now, where that is past)."""
        self._count += 1
        heapq.heappush(self._events, (max(moment, self._now), self._count, action))

    def after(self, seconds: float, action: Callable[[], Any]) -> None:
        self.at(self._now + timedelta(seconds=seconds), action)

    def spawn(self, body: Callable[[], Any]) -> greenlet.greenlet:
        """A task that begins now, when the running one sleeps or ends."""
        task = greenlet.greenlet(body, parent=self._main)
        self.after(0, task.switch)
        return task

    def sleep(self, seconds: float) -> None:
        """Let others run until that much time has passed. Only for tasks."""
        task = greenlet.getcurrent()
        self.after(seconds, task.switch)
        self._main.switch()

    def end(self, task: greenlet.greenlet, reason: BaseException) -> None:
        """Raise `reason` in a task where it sleeps; its own later wake-up finds it ended and does
        nothing.
        """
        if not task.dead:
            with suppress(type(reason)):  # of one that did not begin it comes back here
                task.throw(reason)

    def run_until(self, moment: datetime) -> None:
        """Let everything happen that is due up to a moment, which is then now.

        Raises Over where that is so.
        """
        while self._events and self._events[0][0] <= moment:
            self.between(self._events[0][0])
            self._now, _, action = heapq.heappop(self._events)
            task = getattr(action, "__self__", None)
            if isinstance(task, greenlet.greenlet) and task.dead:
                continue
            action()
            if self.over():
                raise Over
        self.between(moment)
        self._now = max(self._now, moment)

    @property
    def next_at(self) -> datetime | None:
        """When the next event is due; None without any."""
        return self._events[0][0] if self._events else None
