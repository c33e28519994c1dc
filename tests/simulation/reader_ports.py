"""What readers reach the world by: the same ports with faults of their own, a clock that moves
nothing, and a watch on everything that they write.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import greenlet

from shared.core.errors import PipelineError
from shared.core.pipeline import load_pipeline
from shared.stores.ports import Document, Transaction
from tests.simulation.faults import Faults
from tests.simulation.hub import Hub
from tests.simulation.plan import Plan
from tests.simulation.process import ERRORS, WRITES, Killed, Process

if TYPE_CHECKING:
    from tests.simulation.world import SimulatedPipeline

# What each reader may write: by port, the beginnings of paths, tables and subscriptions.
OWN: dict[str, dict[str, tuple[str, ...]]] = {
    "monitor": {
        "state": (
            "executions/monitor.",
            "incidents/",
            "incident_subjects/",
            "deliveries/",
            "row_loads/",
            "health/monitor-probe",
        ),
        "warehouse": ("nba_monitoring.pipeline_latency", "nba_monitoring.alerts", "nba_monitoring.audit_log"),
        "raw": ("monitoring/outages/",),
        "bus": (load_pipeline().pull_subscriptions[load_pipeline().alerts_topic],),
    },
    "dashboard": {"state": ("health/monitor-probe",)},
}
# That a row of what people did is loaded is noted beside it.
AUDIT, AUDIT_FIELDS = "audit/", frozenset({"loaded"})
_STORES_FAIL = frozenset(ERRORS) - {"source error"}


class ReaderClock:
    """Time of readers. What they do happens between two events of the hub, of which it has none:
    neither their number nor their time is any part of the play.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._now: datetime | None = None
        self._waiting: list[tuple[datetime, int, greenlet.greenlet]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._now or self._hub.now()

    def start(self, at: datetime, body: Callable[[], None]) -> None:
        """Begin a task at a moment."""
        self._wake(at, greenlet.greenlet(body))

    def sleep(self, seconds: float) -> None:
        """Let the world go on until that much time has passed. Only for tasks."""
        task = greenlet.getcurrent()
        self._wake(self.now() + timedelta(seconds=seconds), task)
        assert task.parent is not None
        task.parent.switch()

    def run_until(self, moment: datetime) -> None:
        """Let readers do what is due up to a moment."""
        while self._waiting and self._waiting[0][0] <= moment:
            self._now, _, task = heapq.heappop(self._waiting)
            task.parent = greenlet.getcurrent()
            task.switch()
        self._now = None

    def end(self) -> None:
        """Nobody goes on."""
        for _, _, task in self._waiting:
            if task:
                self._hub.end(task, Killed("the readers"))
        self._waiting.clear()

    def _wake(self, at: datetime, task: greenlet.greenlet) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, task))


@dataclass
class ReaderWorld:
    """The world as readers' processes see it; the stores are the pipeline's."""

    pipeline: SimulatedPipeline
    hub: ReaderClock
    faults: Faults
    on_violation: Callable[[str], None]

    def log(self, sentence: str) -> None:
        """Readers add no line for each fault."""

    def effect(
        self, process: Process, port: str, method: str, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Carry out one call of a port; a write of what is not the reader's own is a violation."""
        reader = process.name.partition(" ")[0]

        def note(path: str, fields: frozenset[str] = frozenset()) -> None:
            if not is_own(reader, port, path, fields):
                self.on_violation(f"{reader}, a reader, has changed what is not its own: {port}.{method} of {path}")

        if (port, method) == ("state", "transaction"):
            (body,) = args
            return function(lambda transaction: body(WatchedTransaction(transaction, note)))
        if f"{port}.{method}" in WRITES:
            changed = frozenset(args[1]) if port == "state" and method == "update" else frozenset[str]()
            for path in args[0] if method == "drop" else [args[0]]:
                note(path, changed)
        return function(*args, **kwargs)


def is_own(reader: str, port: str, path: str, fields: frozenset[str] = frozenset()) -> bool:
    """Whether a reader may write there; `fields`: those of an update, none of any other write."""
    if reader == "monitor" and port == "state" and path.startswith(AUDIT):
        return bool(fields) and fields <= AUDIT_FIELDS
    return path.startswith(OWN[reader].get(port, ())) if OWN[reader].get(port) else False


@dataclass
class WatchedTransaction:
    """A transaction whose writes are noted."""

    whole: Transaction
    note: Callable[..., None]

    def get(self, path: str) -> Document | None:
        return self.whole.get(path)

    def create(self, path: str, data: Any) -> None:
        self.note(path)
        self.whole.create(path, data)

    def set(self, path: str, data: Any) -> None:
        self.note(path)
        self.whole.set(path, data)

    def update(self, path: str, fields: Any) -> None:
        self.note(path, frozenset(fields))
        self.whole.update(path, fields)


class ReaderProcess(Process):
    """A reader's process; `failures` are the sentences of the stores' failures that it met."""

    def __init__(self, world: ReaderWorld, name: str) -> None:
        super().__init__(cast("SimulatedPipeline", world), name, f"reader-{name.replace(' ', '-').replace(',', '')}")
        self.started_at = world.hub.now()
        self.failures: list[str] = []

    def call(self, port: str, method: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
        struck = len(self.world.faults.injected)
        try:
            return super().call(port, method, function, args, kwargs)
        except PipelineError as error:
            if len(self.world.faults.injected) > struck:
                self.failures.append(error.message)
            raise


def faults_of_readers(plan: Plan, spared: frozenset[str]) -> Faults:
    """The stores' failures of a plan, drawn at the readers' own places; no reader dies."""
    return Faults(replace(plan, kinds=plan.kinds & _STORES_FAIL), spared)
