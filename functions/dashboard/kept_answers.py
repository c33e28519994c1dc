"""Answers kept for some seconds: an open page asks every ten, and BigQuery bills every table it
reads.

Each instance keeps its own, a bounded number, by what was asked. No read model depends on who asks:
a role decides what a page offers, and that is decided at every request. An action that this
instance performs ends them all.

    read ---- kept: 30 s while something runs, else 60 s ----> read again
               an action: forgotten at once, and for two minutes kept for 5 s only, since what it
               started is not there yet when its page is opened
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.core.clock import Clock
from shared.operations.status.batch import BatchDetail
from shared.operations.status.cell import CellDetail
from shared.operations.status.model import Grid

SECONDS_AT_WORK, SECONDS_AT_REST = 30.0, 60.0
# A message of an action is taken within seconds; the first phases of what it starts take a minute.
SECONDS_AFTER_ACTION, ACTION_SHOWS_WITHIN = 5.0, 120.0
# A few people's pages; the longest answer, a grid of sixty dates, has about a megabyte.
MOST_KEPT = 64


@dataclass(frozen=True)
class Reading:
    """An answer, and when it was read: what it says was so then."""

    answer: Any
    read_at: datetime


class KeptAnswers:
    """Answers of one instance; safe to use from many threads.

    Args:
        stopwatch: seconds that only grow.
    """

    def __init__(self, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Reading]] = OrderedDict()
        self._acted_at = float("-inf")
        self._actions = 0

    def ask(self, key: Hashable, clock: Clock, read: Callable[[], Any]) -> Reading:
        """The answer kept under the key, or a new one. Raises what `read` does, and keeps nothing
        then.
        """
        with self._lock:
            until, kept = self._kept.get(key, (float("-inf"), None))
            actions = self._actions
        if kept is not None and self._stopwatch() < until:
            return kept
        reading = Reading(read_at=clock.now(), answer=read())
        with self._lock:
            # what was read while an action was performed may be from before it
            if actions == self._actions:
                self._keep(key, reading)
        return reading

    def forget(self) -> None:
        """An action was performed: nothing of before is answered any more."""
        with self._lock:
            self._kept.clear()
            self._acted_at = self._stopwatch()
            self._actions += 1

    def __len__(self) -> int:
        return len(self._kept)

    def _keep(self, key: Hashable, reading: Reading) -> None:
        now = self._stopwatch()
        seconds = _seconds(reading.answer)
        if now < self._acted_at + ACTION_SHOWS_WITHIN:
            seconds = SECONDS_AFTER_ACTION
        self._kept[key] = now + seconds, reading
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def ask_store(clock: Clock, read: Callable[[], Any]) -> Reading:
    """A new answer, where none is kept."""
    return Reading(read_at=clock.now(), answer=read())


def _seconds(answer: Any) -> float:
    """How long an answer is kept: the longer time where it says that nothing is at work."""
    match answer:
        case Grid() | BatchDetail():
            is_running = answer.is_running
        case CellDetail():
            is_running = answer.cell.is_running
        case _:
            is_running = True
    return SECONDS_AT_WORK if is_running else SECONDS_AT_REST
