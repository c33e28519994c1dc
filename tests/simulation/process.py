"""A function's process: ports through which faults strike, and a life that a crash ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any

import greenlet
import httpx

from shared.core.errors import PipelineError, StoreUnavailable, WriteConflict
from shared.stores.ports import Publication
from tests.simulation.hub import Hub

if TYPE_CHECKING:
    from tests.simulation.world import SimulatedPipeline

WRITES = frozenset(
    [
        "state.create",
        "state.update",
        "state.delete",
        "state.transaction",
        "warehouse.execute",
        "warehouse.load",
        "bus.publish",
        "bus.ack",
        "warehouse.replace_partition",
        "warehouse.drop",
        "raw.write",
        "exports.write",
        "models.write",
    ]
)
_BUCKETS = ("raw", "exports", "models")
# Faults go by the name of a call: how much of an object is read is nothing to them.
_NAMED_AS = {"read_start": "read"}
# Beyond every function's timeout and lease, some beyond the ack deadline too.
_ZOMBIE_SECONDS = (100, 400, 640, 900, 1700)
_SLOW_SECONDS = (2, 20, 45, 90)
_LATENCIES = (0.0, 0.0, 0.0, 0.0, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25)
_LIFE_WRITE = [("crash before", 1.0), ("crash after", 1.0), ("zombie", 0.7), ("slow process", 0.7)]
_LIFE_READ = [("crash before", 0.2), ("zombie", 0.2), ("slow process", 0.3)]
_BY_PORT: dict[tuple[str, bool], list[tuple[str, float]]] = {
    ("state", True): [("state aborted", 1.0), ("state lost before", 1.0), ("state lost after", 1.5)],
    ("state", False): [("state lost before", 0.3)],
    ("warehouse", True): [
        ("warehouse conflict", 1.5),
        ("warehouse quota", 1.0),
        ("warehouse timed out before", 1.5),
        ("warehouse timed out after", 2.5),
    ],
    ("warehouse", False): [("warehouse quota", 0.5)],
    ("bus", True): [("publish failed", 1.5), ("publish reported failed", 1.5)],
    ("source", False): [("source error", 4.0)],
}
_BUCKET_WRITE = [("bucket failed before", 1.0), ("bucket failed after", 1.5)]
_BUCKET_READ = [("bucket failed before", 0.3)]
# An export writes dozens of players' files: with as much at each, nearly every fault of a seed
# would strike there.
_MANY, _SHARE_OF_MANY = "/tonight/player/", 0.1
_POINT = [("crash at a named point", 4.0), ("zombie", 1.5)]

ERRORS: dict[str, Callable[[str], PipelineError]] = {
    "state aborted": lambda at: WriteConflict(f"ABORTED: {at}: too much contention on these documents."),
    "state lost before": lambda at: StoreUnavailable(f"{at}: the connection was lost."),
    "state lost after": lambda at: StoreUnavailable(f"{at}: the connection was lost."),
    "warehouse conflict": lambda at: WriteConflict(f"{at}: Could not serialize access due to concurrent update."),
    "warehouse quota": lambda at: StoreUnavailable(f"{at}: Exceeded rate limits."),
    "warehouse timed out before": lambda at: StoreUnavailable(f"{at}: no answer in time."),
    "warehouse timed out after": lambda at: StoreUnavailable(f"{at}: no answer in time."),
    "publish failed": lambda at: StoreUnavailable(f"{at}: 503."),
    "publish reported failed": lambda at: StoreUnavailable(f"{at}: deadline exceeded."),
    "bucket failed before": lambda at: StoreUnavailable(f"{at}: 503."),
    "bucket failed after": lambda at: StoreUnavailable(f"{at}: deadline exceeded."),
    "source error": lambda at: StoreUnavailable(f"{at}: 503."),
}
_AFTER = frozenset(kind for kind in ERRORS if kind.endswith((" after", " reported failed")))


class Killed(BaseException):
    """The process died here: not an error that any code may handle."""


class Process:
    """One instance of a function. Everything it does to the world goes through `call`."""

    def __init__(self, world: SimulatedPipeline, name: str, instance: str) -> None:
        self.world = world
        self.name = name  # of the delivery, the same in every replay
        self.instance = instance
        self.alive = True
        self.zombie = False
        self.task: greenlet.greenlet | None = None
        self.called_at = world.hub.now()
        """When it made the call under way: how long the store takes with it is not in its hands."""
        self._calls: Counter[str] = Counter()

    def place(self, what: str) -> str:
        """The name of the next occurrence of something in this process."""
        self._calls[what] += 1
        return f"{self.name} | {what} #{self._calls[what]}"

    def call(self, port: str, method: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
        """One call of a port: others run first, a fault may strike before or after its effect."""
        what = f"{port}.{_NAMED_AS.get(method, method)}"
        named = isinstance(args[0], str) and len(args[0]) < 120 if args else False
        place = self.place(f"{what} {args[0]}" if named else what)
        world, write = self.world, what in WRITES
        hub: Hub = world.hub
        self._check_alive()
        called_at = hub.now()
        hub.sleep(_LATENCIES[int(world.faults.uniform(f"{place}|latency") * len(_LATENCIES))])
        self._check_alive()
        self._outage(port, place)
        kind = world.faults.draw(place, hub.now(), _chances(port, write, many=named and _MANY in args[0]))
        if kind is not None:
            self._before(kind, place)
        self.called_at = called_at
        result = world.effect(self, port, method, function, args, kwargs)
        if kind is not None:
            self._after(kind, place)
        return result

    def on_failpoint(self, point: str) -> None:
        """A named point between two side effects."""
        self._check_alive()
        place = self.place(f"point {point}")
        kind = self.world.faults.draw(place, self.world.hub.now(), _POINT)
        if kind == "crash at a named point":
            self.die(place)
        elif kind == "zombie":
            self._stall(_ZOMBIE_SECONDS, kind, place)

    def die(self, place: str) -> None:
        """End this process here. Raises Killed."""
        self.world.log(f"CRASH of {self.name} at {place.rpartition('| ')[2]}")
        self.alive = False
        raise Killed(place)

    def kill(self) -> None:
        """End this process from outside, where it sleeps."""
        self.alive = False
        if self.task is not None:
            self.world.hub.end(self.task, Killed(self.name))

    def _check_alive(self) -> None:
        if not self.alive:
            raise Killed(self.name)

    def _outage(self, port: str, place: str) -> None:
        outage = self.world.faults.plan.out(port, self.world.hub.now())
        if outage is None or not self.world.faults.strike(
            f"outage {outage.what} {outage.start:%d %H:%M:%S}", f"{port} outage", self.world.hub.now()
        ):
            return
        raise StoreUnavailable(f"The {port} store does not answer.")

    def _before(self, kind: str, place: str) -> None:
        if kind == "crash before":
            self.die(place)
        if kind == "slow process":
            self._stall(_SLOW_SECONDS, kind, place)
        elif kind == "zombie" and self.world.faults.uniform(f"{place}|when") < 0.5:
            self._stall(_ZOMBIE_SECONDS, kind, place)
        elif kind in ERRORS and kind not in _AFTER:
            self.world.log(f"{kind}: {place}")
            raise ERRORS[kind](place.rpartition("| ")[2])

    def _after(self, kind: str, place: str) -> None:
        if kind == "crash after":
            self.die(f"{place}, done")
        if kind == "zombie" and self.world.faults.uniform(f"{place}|when") >= 0.5:
            self._stall(_ZOMBIE_SECONDS, kind, place)
        elif kind in _AFTER:
            self.world.log(f"{kind}: {place}")
            raise ERRORS[kind](place.rpartition("| ")[2])

    def _stall(self, seconds: tuple[int, ...], kind: str, place: str) -> None:
        stalled = self.world.faults.pick(place, seconds)
        self.world.log(f"{kind}: {self.name} stands still for {stalled:.0f} s at {place.rpartition('| ')[2]}")
        self.zombie = self.zombie or kind == "zombie"
        self.world.hub.sleep(stalled)
        self._check_alive()


@cache
def _chances(port: str, write: bool, many: bool) -> list[tuple[str, float]]:
    own = (_BUCKET_WRITE if write else _BUCKET_READ) if port in _BUCKETS else _BY_PORT.get((port, write), [])
    share = _SHARE_OF_MANY if many else 1.0
    return [(kind, weight * share) for kind, weight in [*(_LIFE_WRITE if write else _LIFE_READ), *own]]


class Port:
    """A port as a process sees it."""

    def __init__(self, process: Process, name: str, port: Any) -> None:
        self._process, self._name, self._port = process, name, port

    def __getattr__(self, method: str) -> Any:
        function = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._process.call(self._name, method, function, args, kwargs)

        setattr(self, method, call)
        return call


class BusPort(Port):
    """The bus as a process sees it: of many messages published at once, each may fail by itself."""

    def publish_all(self, topic: str, messages: Sequence[Publication]) -> list[str]:
        return [self.publish(topic, message.data, message.attributes) for message in messages]


class Sources(httpx.BaseTransport):
    """The sources as a process reaches them: the replay, called directly."""

    def __init__(self, process: Process, replay: httpx.BaseTransport) -> None:
        self._process, self._replay = process, replay

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        source = path.split("/")[2]
        process = self._process
        kind: str | None = None
        answer = httpx.Response(503, text="Service Unavailable")
        try:
            answer = process.call("source", "get", self._answer, (path, request), {})
        except StoreUnavailable:
            kind = "source error"
        now, faults = process.world.hub.now(), process.world.faults
        for what in ("down", "half"):
            outage = faults.plan.out(f"{source} {what}", now)
            if (
                outage
                and kind is None
                and faults.strike(f"outage {outage.what} {outage.start:%d %H:%M:%S}", f"source {what}", now)
            ):
                kind = what
        if kind in ("source error", "down"):
            return httpx.Response(503, text="Service Unavailable")
        if kind == "half":
            body = answer.read()
            return httpx.Response(200, content=body[: len(body) // 2], headers={"content-type": "application/json"})
        return answer

    def _answer(self, path: str, request: httpx.Request) -> httpx.Response:
        answer = self._replay.handle_request(request)
        # read whole: what is streamed would be read later, by another moment's clock
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())


_running: ContextVar[Process | None] = ContextVar("running process", default=None)


@contextmanager
def running(process: Process) -> Iterator[None]:
    """What runs in this task is the process."""
    token = _running.set(process)
    try:
        yield
    finally:
        _running.reset(token)


def on_failpoint(point: str) -> None:
    """The hook of shared.core.failpoints."""
    process = _running.get()
    if process is not None:
        process.on_failpoint(point)
