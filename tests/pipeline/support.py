"""A real embedded runtime on a folder, driven by hand: deliveries one at a time, and a process that
can be killed.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from functions.phase5_consolidation import consolidate
from functions.phase5_coordinator import coordinate
from functions.phase5_worker import predict_unit
from local.embedded.bus import Delivery, SqliteBus
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from local.host.dispatcher import envelope
from local.host.runtime import recover
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import Response, handle
from shared.chain.messages.messages import PhaseMessage, PredictionRequest
from shared.core import failpoints
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.ports import Publication
from shared.stores.runtime import Runtime
from tests.support.lent_warehouses import lent_warehouse
from tests.support.stores import append

NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)
Run = Callable[[Any, Context], Outcome]
# What is delivered in-process; messages to other functions stay in the queue.
PHASE5: Mapping[str, tuple[Run, type[PhaseMessage]]] = {
    "phase5_coordinator": (coordinate.run, PhaseMessage),
    "phase5_worker": (predict_unit.run, PredictionRequest),
    "phase5_consolidation": (consolidate.run, PhaseMessage),
}


class Killed(BaseException):
    """The process died here: not an error that any code may handle."""


class _Life:
    """Whether the process lives."""

    ended = False


class _Mortal:
    """A port used by a process: once that is dead, nothing it still tries reaches the store."""

    def __init__(self, port: Any, life: _Life) -> None:
        self._port, self._life = port, life

    def __getattr__(self, name: str) -> Any:
        if self._life.ended:
            raise Killed(name)
        return getattr(self._port, name)


class RecordingBus(SqliteBus):
    """The embedded bus, with a list of all that was ever published (it forgets messages that were
    delivered).
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.published: list[tuple[str, bytes, dict[str, str]]] = []

    def publish(
        self, topic: str, data: bytes, attributes: Mapping[str, str] | None = None, *, message_id: str | None = None
    ) -> str:
        published = super().publish(topic, data, attributes, message_id=message_id)
        self.published.append((topic, data, dict(attributes or {})))
        return published

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        published = super().publish_all(topic, messages)
        self.published += [(topic, message.data, dict(message.attributes)) for message in messages]
        return published


@dataclass
class PipelineHarness:
    """The stores of a folder, and the runtime of the process that is alive.

    Restarting makes another process.
    """

    file: SqliteFile
    clock: SimClock
    state: SqliteState
    bus: RecordingBus
    warehouse: DuckDbWarehouse
    raw: FileBlobs
    exports: FileBlobs
    models: FileBlobs
    settings: Settings = field(default_factory=Settings)
    starts: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new process on the stores, as the embedded runtime starts."""
        self.starts += 1
        self.life = _Life()
        ports: dict[str, Any] = {
            name: _Mortal(getattr(self, name), self.life)
            for name in ("state", "bus", "warehouse", "raw", "exports", "models")
        }
        self.runtime = Runtime(settings=self.settings, clock=self.clock, instance=f"process-{self.starts}", **ports)
        recover(self.runtime, self.bus)

    def kill(self) -> None:
        self.life.ended = True

    @contextmanager
    def kill_at(self, point: str, occasion: int = 1) -> Iterator[None]:
        """The process dies when the point is reached for the occasion-th time, then never again."""
        seen = 0

        def hook(reached: str) -> None:
            nonlocal seen
            if reached == point:
                seen += 1
                if seen == occasion:
                    self.kill()
                    raise Killed(point)

        failpoints.install(hook)
        try:
            yield
        finally:
            failpoints.install(None)

    def move(self, **by: float) -> None:
        self.clock.set(self.clock.now() + timedelta(**by))

    def swap(self, **ports: Any) -> None:
        """Give the process another port, one that fails or is slow."""
        self.runtime = replace(self.runtime, **ports)

    # --- messages ---

    def publish(self, topic: str, message: Mapping[str, Any], **attributes: str) -> str:
        return self.bus.publish(topic, json.dumps(message).encode(), attributes)

    def deliver(self, delivery: Delivery, functions: Mapping[str, tuple[Run, type[PhaseMessage]]] = PHASE5) -> Response:
        """Push one claimed delivery, and acknowledge or refuse it as Pub/Sub would."""
        name = delivery.subscription.function
        run, model = functions[name]
        response = handle(name, run, model, envelope(delivery), self.runtime)
        if response.status == 200:
            self.bus.acknowledge(delivery)
        else:
            self.bus.refuse(delivery, str(response.body))
        return response

    def run_until_idle(
        self, functions: Mapping[str, tuple[Run, type[PhaseMessage]]] = PHASE5, *, wait: bool = True
    ) -> list[tuple[str, Response]]:
        """Deliver to these functions until nothing is left for them; `wait` moves the clock to
        later retries.
        """
        answers: list[tuple[str, Response]] = []
        while True:
            claimed = self.bus.due(dict.fromkeys(functions, 1))
            for delivery in claimed:
                answers.append((delivery.subscription.function, self.deliver(delivery, functions)))
            if claimed:
                continue
            due = self._next_due(functions)
            if due is None or not wait:
                return answers
            self.clock.advance_to(due)

    def _next_due(self, functions: Mapping[str, Any]) -> datetime | None:
        """When the next delivery to one of these functions is due (others' stay in the queue)."""
        names = [s.name for s in load_pipeline().subscriptions.values() if s.function in functions]
        with self.file.read() as connection:
            marks = ", ".join("?" * len(names))
            found = connection.execute(
                f"SELECT MIN(due_at) FROM deliveries WHERE subscription IN ({marks})", names
            ).fetchone()[0]
        return None if found is None else datetime.fromisoformat(found)

    def list_published(self, topic: str) -> list[dict[str, Any]]:
        """Messages ever published to a topic, oldest first."""
        return [json.loads(data) for name, data, _ in self.bus.published if name == topic]

    def alerts(self) -> list[dict[str, Any]]:
        return self.list_published("nba-alerts")

    # --- stores ---

    def documents(self, collection: str) -> list[dict[str, Any]]:
        return [document.data for document in self.state.query(collection)]

    def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        return self.warehouse.query(sql, params).to_pylist()

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Append rows to a declared table, columns by name; those that no row has are NULL."""
        # never an id of the world that this one is a copy of: such a load would add nothing
        append(self.warehouse, table, rows, f"test-{uuid4()}")

    def staging_tables(self) -> list[str]:
        return sorted(self.warehouse.tables("nba_staging", "_staging_"))


def make_template(folder: Path) -> Path:
    """A warehouse with every declared table, to be copied: creating them takes most of a small
    test's time.
    """
    path = folder / "template.duckdb"
    DuckDbWarehouse(path).close()
    return path


@contextmanager
def open_world(
    folder: Path, template: Path, settings: Settings | None = None, now: datetime = NOW, *, on_disk: bool = False
) -> Iterator[PipelineHarness]:
    """The stores of a folder, at NOW; the warehouse begins as a copy of the template.

    It is a lent one, so its rows end with the world, unless `on_disk` asks for a file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "warehouse.duckdb"
    with ExitStack() as stack:
        file = stack.enter_context(closing(SqliteFile(folder / "state.sqlite")))
        if on_disk:
            shutil.copyfile(template, path)
            warehouse = stack.enter_context(closing(DuckDbWarehouse(path)))
        else:
            warehouse = stack.enter_context(lent_warehouse(path, template))
        clock = SimClock(SimulationNotes(file))
        clock.set(now)
        yield PipelineHarness(
            file=file,
            clock=clock,
            state=SqliteState(file),
            bus=RecordingBus(file, load_pipeline(), clock),
            warehouse=warehouse,
            raw=FileBlobs(folder / "raw"),
            exports=FileBlobs(folder / "exports"),
            models=FileBlobs(folder / "models"),
            settings=settings or Settings(),
        )


def push(
    data: bytes | str | Mapping[str, Any] | None,
    *,
    message_id: str = "1",
    attributes: Mapping[str, str] | None = None,
    subscription: str = "",
    attempt: int = 1,
    published_at: str | None = None,
) -> bytes:
    """A push request's body. data: bytes or text as they stand, an object as JSON, None: no
    data.
    """
    message: dict[str, Any] = {"messageId": message_id, "attributes": dict(attributes or {})}
    if published_at is not None:
        message["publishTime"] = published_at
    if data is not None:
        raw = data if isinstance(data, bytes) else (data if isinstance(data, str) else json.dumps(data)).encode()
        message["data"] = base64.b64encode(raw).decode()
    name = f"projects/p/subscriptions/{subscription}"
    return json.dumps({"message": message, "subscription": name, "deliveryAttempt": attempt}).encode()
