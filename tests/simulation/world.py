"""The simulated world: the stores of one seed, the processes of the functions, and Pub/Sub's pushes
to them.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.chain.execution.handler import Response, handle
from shared.core.errors import PipelineError
from shared.core.pipeline import Subscription, load_pipeline
from shared.core.settings import Settings
from shared.stores.runtime import Runtime
from tests.simulation.base import Base
from tests.simulation.faults import Faults
from tests.simulation.hub import Hub
from tests.simulation.memory import MemoryBlobs, MemoryBus, Message
from tests.simulation.process import BusPort, Killed, Port, Process, Sources, running
from tests.support.stores import copy_into_memory

SETTINGS = Settings(
    nba_base_url="http://sources/replay/nba/stats",
    odds_base_url="http://sources/replay/odds",
    espn_base_url="http://sources/replay/espn",
    official_reports_base_url="http://sources/replay/official",
    zones_base_url="http://sources/replay/zones",
    odds_api_key="any",  # too short to be redacted: it is no secret, and logs say "simulated_time"
    http_attempts=2,
    http_backoff_seconds=0.0,
    http_requests_per_second=0.0,
    max_units=5,
    min_minutes=24.0,
)

_DELIVERY = [
    ("duplicate delivery", 3.0),
    ("delayed delivery", 3.0),
    ("delivery past the ack deadline", 1.0),
]
_ANSWER = [("lost acknowledgement", 2.0)]
_DELAYS = (1, 5, 30, 120, 400)
_LONG_DELAYS = (620, 900, 1500)
_DUPLICATE_AFTER = (0, 0.01, 0.1, 1, 10, 60, 500)


@dataclass
class Delivery:
    """One push of a message to a subscription; the next attempt is another."""

    message: Message
    subscription: Subscription
    attempt: int
    copy: int = 1
    answered: bool = False

    @property
    def name(self) -> str:
        doubled = f", copy {self.copy}" if self.copy > 1 else ""
        return f"{self.subscription.function} <- {self.message.name}, attempt {self.attempt}{doubled}"


class Watcher:
    """Told of every effect on the world; the invariants that hold at every moment are watchers."""

    def before(self, process: Process | None, port: str, method: str, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Before an effect; what it returns is given to `after`."""

    def after(
        self, seen: Any, process: Process | None, port: str, method: str, args: Any, kwargs: Any, got: Any
    ) -> None:
        """After the effect."""

    def on_acknowledged(self, delivery: Delivery, response: Response) -> None:
        """A push was answered with 200."""

    def defect(self, delivery: Delivery, what: str) -> None:
        """A function raised what is not an error of ours."""


@dataclass
class SimulatedPipeline:
    """Stores, time and deliveries of one seed."""

    base: Base
    hub: Hub
    faults: Faults
    warehouse: DuckDbWarehouse
    state: SqliteState
    bus: MemoryBus
    raw: MemoryBlobs
    exports: MemoryBlobs
    watchers: list[Watcher] = field(default_factory=list)
    story: list[str] = field(default_factory=list)
    pending: int = 0
    """Deliveries not ended: waiting, running, or to be tried again."""
    seen: dict[str, list[Message]] = field(default_factory=dict)
    _processes: dict[int, Process] = field(default_factory=dict)
    _starts: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.base.clock[0] = self.hub.now
        self.bus.on_publish = self._on_published

    def log(self, sentence: str, at: datetime | None = None) -> None:
        """Add to the story, as of now or of another moment."""
        self.story.append(f"{at or self.hub.now():%d %H:%M:%S.%f}"[:-3] + f"  {sentence}")

    # --- processes ---

    def process(self, name: str) -> Process:
        number = next(self._starts)
        self._processes[number] = Process(self, name, f"process-{number}")
        return self._processes[number]

    def end(self) -> None:
        """No process goes on: what waits somewhere in a block of its own is not left to the garbage
        collector.
        """
        for process in self._processes.values():
            process.kill()

    def runtime(self, process: Process) -> Runtime:
        """The ports as a process gets them."""
        ports = {name: Port(process, name, getattr(self, name)) for name in ("warehouse", "state", "raw", "exports")}
        ports["bus"] = BusPort(process, "bus", self.bus)
        return Runtime(
            settings=SETTINGS,
            clock=self.hub,
            # read only, and one bucket for all: so a model is parsed once, not once a process
            models=self.base.models,
            instance=process.instance,
            source_transport=Sources(process, self.base.replay),
            **ports,  # type: ignore[arg-type]  # a Port has the methods of the port it stands for
        )

    def calm_runtime(self) -> Runtime:
        """The ports themselves, for people's commands and for looking at the world."""
        return Runtime(
            settings=SETTINGS,
            clock=self.hub,
            warehouse=self.warehouse,
            state=self.state,
            bus=self.bus,
            raw=self.raw,
            exports=self.exports,
            models=self.base.models,
            instance="operator",
        )

    def effect(
        self, process: Process, port: str, method: str, function: Callable[..., Any], args: Any, kwargs: Any
    ) -> Any:
        """Carry out one call of a port, watched."""
        seen = [watcher.before(process, port, method, args, kwargs) for watcher in self.watchers]
        result = function(*args, **kwargs)
        for watcher, before in zip(self.watchers, seen, strict=True):
            watcher.after(before, process, port, method, args, kwargs, result)
        return result

    # --- pushes ---

    def publish(self, name: str, topic: str, data: bytes | Mapping[str, Any], **attributes: str) -> Message:
        """Publish from outside: Cloud Scheduler, an operator, nonsense."""
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.bus.publish_as(name, topic, raw, attributes)

    def _on_published(self, message: Message) -> None:
        self.seen.setdefault(message.topic, []).append(message)
        for subscription in load_pipeline().subscriptions.values():
            if subscription.topic == message.topic:
                self._send(Delivery(message, subscription, 1), 0.0)

    def _send(self, delivery: Delivery, wait: float) -> None:
        """Push after `wait` seconds; faults may delay it or push it once more."""
        place = f"{delivery.name} | sent"
        kind = self.faults.draw(place, self.hub.now(), _DELIVERY) if delivery.copy == 1 else None
        if kind == "delayed delivery":
            wait += self.faults.pick(place, _DELAYS)
        elif kind == "delivery past the ack deadline":
            wait += self.faults.pick(place, _LONG_DELAYS)
        if kind is not None:
            self.log(f"{kind}: {delivery.name}")
        if kind == "duplicate delivery":
            copy = Delivery(delivery.message, delivery.subscription, delivery.attempt, delivery.copy + 1)
            self._send(copy, wait + self.faults.pick(place, _DUPLICATE_AFTER))
        self.pending += 1
        self.hub.after(wait, lambda: self._push(delivery))

    def _push(self, delivery: Delivery) -> None:
        process = self.process(delivery.name)
        self.hub.after(
            load_pipeline().functions[delivery.subscription.function].timeout_seconds,
            lambda: self._on_answer(delivery, None, "no answer within the timeout"),
        )
        process.task = self.hub.spawn(lambda: self._run(process, delivery))

    def _run(self, process: Process, delivery: Delivery) -> None:
        """The body of a process that handles one push."""
        name = delivery.subscription.function
        run, model = self.base.functions[name]
        try:
            with running(process):
                response = handle(name, run, model, envelope(delivery), self.runtime(process))
        except Killed:
            self._on_answer(delivery, None, "the process died")
        except PipelineError as error:
            self._on_answer(delivery, Response(500, {"reason": str(error)}), "")
        except Exception as defect:  # a function must not raise what is not ours: told, and raised as a violation
            for watcher in self.watchers:
                watcher.defect(delivery, f"{type(defect).__name__}: {defect}")
            raise
        else:
            self._on_answer(delivery, response, "")

    def _on_answer(self, delivery: Delivery, response: Response | None, instead: str) -> None:
        """Acknowledge, or push again later; an answer after the first one is not heard."""
        if delivery.answered:
            return
        delivery.answered = True
        self.pending -= 1
        place = f"{delivery.name} | answer"
        if response is not None and response.status == 200:
            self.log(f"{delivery.name}: {response.body.get('status')} {str(response.body.get('reason') or '')[:150]}")
            for watcher in self.watchers:
                watcher.on_acknowledged(delivery, response)
            if self.faults.draw(place, self.hub.now(), _ANSWER) and delivery.copy == 1:
                self.log(f"lost acknowledgement: {delivery.name}")
                self._again(delivery, delivery.subscription.ack_deadline_seconds, "the acknowledgement was lost")
            return
        reason = instead if response is None else str(response.body.get("reason"))
        if response is not None and "an error that is not ours" in reason:
            for watcher in self.watchers:
                watcher.defect(delivery, reason)
        self.log(f"{delivery.name}: refused, {reason[:200]}")
        wait: float = delivery.subscription.backoff_seconds(delivery.attempt)
        if response is None and self.faults.uniform(place) < 0.3:
            wait = delivery.subscription.ack_deadline_seconds
        if delivery.copy == 1:
            self._again(delivery, wait, reason)

    def _again(self, delivery: Delivery, wait: float, reason: str) -> None:
        """The next attempt, or the dead letters after the last."""
        if delivery.attempt >= delivery.subscription.max_delivery_attempts:
            self._bury(delivery, reason)
        else:
            self._send(Delivery(delivery.message, delivery.subscription, delivery.attempt + 1), wait)

    def _bury(self, delivery: Delivery, reason: str) -> None:
        """As Pub/Sub forwards to a dead-letter topic, with what the embedded bus adds."""
        message, subscription = delivery.message, delivery.subscription
        attributes = {
            **message.attributes,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(delivery.attempt),
            "CloudPubSubDeadLetterSourceSubscription": subscription.name,
            "dead_letter_reason": "max_delivery_attempts",
            "dead_letter_error": reason[:500],
            "origin_topic": message.topic,
            "origin_subscription": subscription.name,
            "origin_message_id": message.attributes.get("origin_message_id", message.message_id),
            "dead_lettered_at": self.hub.now().isoformat(),
        }
        self.log(f"DEAD LETTER: {delivery.name}: {reason[:120]}")
        self.bus.publish_as(f"buried {message.name}", subscription.dead_letter_topic, message.data, attributes)

    # --- time ---

    def run_until(self, moment: datetime) -> None:
        self.hub.run_until(moment)

    def run_until_quiet(self, limit: timedelta = timedelta(hours=6)) -> bool:
        """Until no delivery is under way; False if that takes longer than the limit."""
        end = self.hub.now() + limit
        while self.pending and self.hub.next_at is not None and self.hub.next_at <= end:
            self.hub.run_until(self.hub.next_at)
        return not self.pending


def envelope(delivery: Delivery) -> bytes:
    message = delivery.message
    body = {
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "messageId": message.message_id,
        "publishTime": message.published_at.astimezone(UTC).isoformat(),
    }
    subscription = f"projects/simulated/subscriptions/{delivery.subscription.name}"
    return json.dumps({"message": body, "subscription": subscription, "deliveryAttempt": delivery.attempt}).encode()


@contextmanager
def open_world(base: Base, faults: Faults, start: datetime) -> Iterator[SimulatedPipeline]:
    """The stores of a seed, all in memory: the base copied."""
    hub = Hub(start)
    file = SqliteFile(Path(":memory:"))
    warehouse = copy_into_memory(base.warehouse)
    try:
        yield SimulatedPipeline(
            base=base,
            hub=hub,
            faults=faults,
            warehouse=warehouse,
            state=SqliteState(file),
            bus=MemoryBus(load_pipeline(), hub),
            raw=base.raw.copy(),
            exports=MemoryBlobs(),
        )
    finally:
        warehouse.close()
        file.close()
