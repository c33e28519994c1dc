"""The readers of a seed: the real monitor and the real dashboard look at the world in the midst of
its faults, and change nothing of it.

When they look and what they ask is drawn from a generator of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from random import Random
from typing import Any

import flask
from werkzeug.test import EnvironBuilder, TestResponse

from functions.dashboard.app import create_app
from functions.dashboard.identity import Verifiers
from functions.monitor.main import monitor
from shared.core.errors import LeaseHeld, PipelineError
from shared.core.pipeline import MONITOR, load_pipeline
from shared.operations.incidents.records import COLLECTION, Incident
from shared.stores.runtime import Runtime, get_runtime, use_runtime
from tests.simulation.memory import Message
from tests.simulation.plan import Plan
from tests.simulation.process import BusPort, Port
from tests.simulation.reader_ports import ReaderClock, ReaderProcess, ReaderWorld, faults_of_readers
from tests.simulation.world import SETTINGS, Delivery, SimulatedPipeline, envelope

READER = "reader@example.com"
_SETTINGS = replace(SETTINGS, dashboard_readers=READER)
# The monitor's message is delivered until it is done: its execution ends, as Pub/Sub would have it.
_ATTEMPTS, _BACK_OFF = 40, 60
_PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5_coordinator", "phase5_consolidation", "phase6", "grading")
_CHECK_FAILED = "the check itself failed"


@dataclass(frozen=True)
class Look:
    """A moment at which the monitor runs, and what the dashboard is then asked (paths)."""

    number: int
    at: datetime
    asks: tuple[str, ...]


def draw_looks(plan: Plan) -> tuple[Look, ...]:
    """Two or three looks of a seed: among its first faults, among its last ones or later, and
    within an outage of a store where there is one.
    """
    rng = Random(f"readers-{plan.seed}")
    first, last = plan.windows[0], plan.windows[-1]
    times = [_draw_time(rng, first.start, first.end), _draw_time(rng, last.start, last.end + timedelta(hours=2))]
    outages = [each for each in plan.outages if each.what in ("state", "warehouse", "bus")]
    times += [_draw_time(rng, each.start, each.end) for each in rng.sample(outages, min(1, len(outages)))]
    day = plan.game_date
    looks = []
    for number, at in enumerate(sorted(times), start=1):
        asked = [
            f"grid?days=3&to={day}",
            f"dates/{day}/phases/{rng.choice(_PHASES)}",
            f"batches/batch_{day}_r1",
            rng.choice(("dead-letters", "deferred", "breakers", "switches")),
            "alerts",
        ]
        asks = tuple(rng.sample(asked, 3))
        # while a store is down people look at the checks
        is_down = any(each.holds(at) for each in outages)
        looks.append(Look(number, at, (*asks, "health") if is_down else asks))
    return tuple(looks)


def _draw_time(rng: Random, start: datetime, end: datetime) -> datetime:
    return (start + (end - start) * rng.random()).replace(microsecond=0)


class Readers:
    """The readers of one play. What they do wrong is in `found`."""

    def __init__(
        self,
        world: SimulatedPipeline,
        plan: Plan,
        spared: frozenset[str],
        found: list[str],
        looks: tuple[Look, ...],
    ) -> None:
        self.world = world
        self.looks = looks
        self._found = found
        self._clock = ReaderClock(world.hub)
        self._ports = ReaderWorld(world, self._clock, faults_of_readers(plan, spared), self._on_violation)
        if looks:
            self._clock.start(looks[0].at, self._look_all)
        world.hub.between = self._clock.run_until

    def look_once_more(self) -> None:
        """Look at the quiet world, in which no fault strikes any more; its time stands still."""
        at = self.world.hub.now()
        self._clock.start(at, partial(self._look, Look(len(self.looks) + 1, at, ("alerts",))))
        self._clock.run_until(at + timedelta(hours=1))

    def end(self) -> None:
        """Nobody looks any more."""
        self._clock.end()

    # --- one look ---

    def _look_all(self) -> None:
        """One look after the other, for one runtime is installed at a time."""
        for look in self.looks:
            self._clock.sleep(max(0.0, (look.at - self._clock.now()).total_seconds()))
            self._look(look)

    def _look(self, look: Look) -> None:
        self._watch(look)
        for number, path in enumerate(look.asks, start=1):
            self._ask(f"dashboard {look.number}.{number}", path)

    def _watch(self, look: Look) -> None:
        """Deliver the monitor's message until it is acknowledged."""
        (subscription,) = load_pipeline().functions[MONITOR].subscriptions
        data = b'{"game_date": "TODAY"}'
        message = Message(f"90{look.number}", subscription.topic, data, {}, f"look {look.number}", look.at)
        failed_before = False
        for attempt in range(1, _ATTEMPTS + 1):
            process = ReaderProcess(self._ports, f"monitor {look.number}, attempt {attempt}")
            body, status = self._push(envelope(Delivery(message, subscription, attempt)), process)
            self._judge_monitor(process, status, body, failed_before)
            failed_before = failed_before or bool(process.failures)
            if status == 200:
                return
            self._clock.sleep(_BACK_OFF)

    def _push(self, data: bytes, process: ReaderProcess) -> tuple[dict[str, Any], int]:
        request = flask.Request(EnvironBuilder(method="POST", path="/", data=data).get_environ())
        with using(self._runtime(process)):
            try:
                answer, status, _ = monitor(request)
            except PipelineError as error:
                return {"status": "raised", "reason": f"{type(error).__name__}: {error}"}, 500
        return json.loads(answer), status

    def _judge_monitor(self, process: ReaderProcess, status: int, body: dict[str, Any], failed_before: bool) -> None:
        """It does its work, or says what it could not do, and that a store failed is why.

        `failed_before`: a store failed in an attempt before, whose outcome this one may give.
        """
        says, whole = str(body.get("reason") or ""), body.get("status") == "success"
        self._log(process, f"{status} {body.get('status')}: {says[:200]}")
        if status == 500:
            self._on_violation(f"{process.name} answered 500: {says[:300]}")
        elif not says:
            self._on_violation(f"{process.name} answered {status} {body.get('status')} and does not say why")
        elif process.failures:
            if whole and not any(
                failure in each.says for failure in process.failures for each in self._list_seen(process)
            ):
                self._on_violation(f"{process.name} found everything, and met what it does not say: {process.failures}")
        elif body.get("error_type") != LeaseHeld.__name__:
            if not whole and not failed_before:
                self._on_violation(f"{process.name} could not look while every store worked: {says[:300]}")
            for incident in self._list_seen(process):
                if incident.says.startswith(_CHECK_FAILED):
                    self._on_violation(f"{process.name} failed while every store worked: {incident.says[:300]}")

    def _list_seen(self, process: ReaderProcess) -> list[Incident]:
        """Incidents that this run has seen."""
        incidents = map(Incident.from_document, self.world.state.query(COLLECTION))
        return [each for each in incidents if each.last_seen_at >= process.started_at]

    def _ask(self, name: str, path: str) -> None:
        process = ReaderProcess(self._ports, name)
        is_there = not path.startswith("batches/") or self.world.state.get(path) is not None
        with using(self._runtime(process)):
            response = _dashboard().test_client().get(f"/api/v1/{path}", headers={"Authorization": "Bearer signed"})
        self._judge_answer(process, path, response, (200, 503) if is_there else (200, 404, 503))

    def _judge_answer(
        self, process: ReaderProcess, path: str, response: TestResponse, expected: tuple[int, ...]
    ) -> None:
        """It answers; where a store failed it answers 503 or what it has, and says so."""
        status, text = response.status_code, response.get_data(as_text=True)
        self._log(process, f"{path}: {status} {text.strip()[:200] if status != 200 else ''}")
        if status == 503 and not process.failures:
            self._on_violation(f"{process.name} answered 503 to {path} while every store worked: {text[:300]}")
        elif status not in expected:
            self._on_violation(f"{process.name} answered {status} to {path}: {text[:300]}")
        elif process.failures and not any(json.dumps(each)[1:-1] in text for each in process.failures):
            self._on_violation(f"{process.name} does not say of {path} that {process.failures[0]}")

    # --- its parts ---

    def _runtime(self, process: ReaderProcess) -> Runtime:
        ports = {
            name: Port(process, name, getattr(self.world, name)) for name in ("warehouse", "state", "raw", "exports")
        }
        ports["bus"] = BusPort(process, "bus", self.world.bus)
        return Runtime(
            settings=_SETTINGS,
            clock=self._clock,
            models=self.world.base.models,
            instance=process.instance,
            **ports,  # type: ignore[arg-type]  # a Port has the methods of the port it stands for
        )

    def _log(self, process: ReaderProcess, sentence: str) -> None:
        self.world.log(f"({process.name}) {sentence}", self._clock.now())

    def _on_violation(self, sentence: str) -> None:
        self.world.log(f"VIOLATION: {sentence}", self._clock.now())
        self._found.append(sentence)


@contextmanager
def using(runtime: Runtime) -> Iterator[None]:
    """The runtime that entry points find in this block."""
    use_runtime(runtime)
    try:
        yield
    finally:
        use_runtime(None)


@cache
def _dashboard() -> flask.Flask:
    """The application of whatever runtime is in use, which one reader may ask."""

    def verify(_token: str) -> dict[str, Any]:
        return {"email": READER, "email_verified": True}

    return create_app(get_runtime, load_pipeline(), lambda _: Verifiers(verify, verify))
