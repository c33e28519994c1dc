"""Real seconds between the named points that every unit passes; the worker itself is not changed to
be measured.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, thread_time

from local.host.dispatcher import Completed
from shared.core import failpoints
from shared.core.pipeline import WORKER

CLOSED = "batch.closed"


class Stopwatch:
    """Told of every point reached and of every push that ended, in whatever thread."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._mine = threading.local()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        # of the thread alone: without what it waits for others, who on a busy machine are many
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self.times: Counter[str] = Counter()
        self.pushes: Counter[str] = Counter()
        self.push_seconds: defaultdict[str, float] = defaultdict(float)
        self.refused: Counter[str] = Counter()
        self.first_request = 0.0
        self.closed = 0.0
        self.ended: dict[str, float] = {}

    def on_failpoint(self, point: str) -> None:
        """A point of this process, on its way."""
        now = perf_counter()
        if point == CLOSED:
            self.closed = now
        elif point == "handler.taken":
            self._begin("predict and stage", now)
        elif point == "worker.staged":
            self._end("predict and stage", now)
            self._begin("complete", now)
        elif point == "handler.ran":
            self._end("complete", now)

    def _begin(self, step: str, now: float) -> None:
        self._mine.step, self._mine.since, self._mine.cpu_since = step, now, thread_time()

    def _end(self, step: str, now: float) -> None:
        """A step of this thread ends, if it is the one that began (other functions pass the same
        points).
        """
        if getattr(self._mine, "step", "") == step:
            with self._turn:
                self.seconds[step] += now - self._mine.since
                self.cpu_seconds[step] += thread_time() - self._mine.cpu_since
                self.times[step] += 1
            self._mine.step = ""

    def on_completed(self, one: Completed) -> None:
        """A push that ended."""
        now = perf_counter()
        with self._turn:
            begun = now - one.seconds
            if one.function == WORKER and not self.first_request:
                self.first_request = begun
            self.pushes[one.function] += 1
            self.push_seconds[one.function] += one.seconds
            self.refused[one.function] += not one.acknowledged
            self.ended[one.function] = now

    @contextmanager
    def running(self) -> Iterator[None]:
        """Hear of the points while the block lasts."""
        failpoints.install(self.on_failpoint)
        try:
            yield
        finally:
            failpoints.install(None)
