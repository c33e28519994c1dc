"""A Pub/Sub that delivers by itself: what it still owes is known, and a push tells the simulated
moment.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from local.emulators.emulated.bus import PlayedBus
from local.emulators.emulated.pushes import Pushes, Silence
from local.host.dispatcher import Completed
from shared.stores.ports import Publication
from tests.simulation.memory import MemoryBus
from tests.support.embedded import ATTEMPTS, START, ManualClock, small_pipeline

PIPELINE = small_pipeline()


class Function:
    """A function's app that keeps what it was sent and answers what it is told to."""

    def __init__(self, status: str = "200 OK") -> None:
        self.status = status
        self.bodies: list[bytes] = []
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        self.meanwhile()
        start_response(self.status, [("Content-Type", "application/json")])
        return [b'{"status": ', b'"success"}']


def envelope(message_id: str = "1", subscription: str = "first-a", attempt: int = 1) -> bytes:
    message = {"messageId": message_id, "data": base64.b64encode(b"{}").decode(), "publishTime": "2031-01-01T00:00:00Z"}
    full = f"projects/p/subscriptions/{subscription}"
    return json.dumps({"message": message, "subscription": full, "deliveryAttempt": attempt}).encode()


def push(pushes: Pushes, app: Function, body: bytes, function: str = "first") -> tuple[str, bytes]:
    """What the emulator is answered: status and body."""
    heads: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        heads.append(status)
        return lambda data: None

    environ = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    answer = b"".join(pushes.relay(function, app)(environ, start_response))
    return heads[0], answer


@pytest.fixture
def pushes() -> Pushes:
    return Pushes(PIPELINE, ManualClock(), silence=3.0)


def test_a_push_reaches_the_function_and_its_answer_the_emulator(pushes: Pushes) -> None:
    function = Function("503 SERVICE UNAVAILABLE")
    assert push(pushes, function, envelope()) == ("503 SERVICE UNAVAILABLE", b'{"status": "success"}')
    assert len(function.bodies) == 1


def test_every_subscription_of_the_topic_is_waited_for() -> None:
    pushes = Pushes(PIPELINE, ManualClock(), silence=0.3)
    pushes.on_published("a", ["1"])
    assert pushes.pending == 2
    push(pushes, Function(), envelope())
    with pytest.raises(Silence, match=r"1 deliveries are outstanding.*message 1 to second-a"):
        pushes.run_until_idle()
    push(pushes, Function(), envelope(subscription="second-a"), "second")
    pushes.run_until_idle()
    assert pushes.counters == {"published": 1, "delivered": 2, "redelivered": 0, "dead_lettered": 0}


def test_a_push_that_comes_before_the_publisher_knows_the_id_counts(pushes: Pushes) -> None:
    push(pushes, Function(), envelope(subscription="second-b"), "second")
    pushes.on_published("b", ["1"])
    assert pushes.pending == 0


def test_a_refused_push_stays_outstanding_until_its_last_attempt(pushes: Pushes) -> None:
    pushes.on_published("b", ["1"])
    for attempt in range(1, ATTEMPTS + 1):
        assert pushes.pending == 1
        push(pushes, Function("500 ERROR"), envelope("1", "second-b", attempt), "second")
    assert pushes.pending == 0
    assert pushes.counters == {"published": 1, "delivered": 5, "redelivered": 4, "dead_lettered": 1}


def start_once_heard(pushes: Pushes, work: Callable[[], object]) -> threading.Thread:
    """A thread that begins its work when somebody waits, however late that is on a busy machine."""

    def wait_and_work() -> None:
        pause = threading.Event()
        while not pushes._listeners:
            pause.wait(0.01)
        work()

    thread = threading.Thread(target=wait_and_work)
    thread.start()
    return thread


def test_waiting_ends_when_another_thread_delivers(pushes: Pushes) -> None:
    pushes.on_published("b", ["1"])
    seen: list[Completed] = []
    late = start_once_heard(pushes, lambda: push(pushes, Function(), envelope(subscription="second-b"), "second"))
    pushes.run_until_idle(seen.append)
    late.join()
    assert [(one.function, one.delivery.message_id, one.acknowledged, one.answer) for one in seen] == [
        ("second", "1", True, {"status": "success"})
    ]


def test_what_a_listener_raises_is_raised_where_one_waits(pushes: Pushes) -> None:
    pushes.on_published("b", ["1"])

    def failing(completed: Completed) -> None:
        raise OSError("disk full")

    def deliver() -> None:
        with pytest.raises(OSError, match="disk full"):
            push(pushes, Function(), envelope(subscription="second-b"), "second")

    late = start_once_heard(pushes, deliver)
    with pytest.raises(OSError, match="disk full"):
        pushes.run_until_idle(failing)
    late.join()


def test_a_push_tells_the_simulated_moment_of_its_first_delivery() -> None:
    clock, function = ManualClock(), Function("503 SERVICE UNAVAILABLE")
    pushes = Pushes(PIPELINE, clock)
    push(pushes, function, envelope())
    clock.move(minutes=10)
    push(pushes, function, envelope(attempt=2))
    assert {json.loads(body)["message"]["publishTime"] for body in function.bodies} == {START.isoformat()}


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b'{"message": {}}', envelope(subscription="of-another")])
def test_what_no_subscription_of_ours_pushed_goes_through_uncounted(pushes: Pushes, body: bytes) -> None:
    function = Function("400 BAD REQUEST")
    assert push(pushes, function, body)[0] == "400 BAD REQUEST"
    assert pushes.counters["delivered"] == 0


def test_no_more_run_at_a_time_than_instances_would_take(pushes: Pushes) -> None:
    running, most, turn = 0, 0, threading.Lock()
    function = Function()

    def meanwhile() -> None:
        nonlocal running, most
        with turn:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with turn:
            running -= 1

    function.meanwhile = meanwhile
    threads = [threading.Thread(target=push, args=(pushes, function, envelope(str(n)))) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 < most <= 8
    assert pushes.counters["delivered"] == 24


def test_the_played_bus_publishes_once_under_a_name(pushes: Pushes) -> None:
    bus = PlayedBus(MemoryBus(PIPELINE, ManualClock()), PIPELINE, pushes)
    first = bus.publish("b", b"one", message_id="day-trigger")
    assert bus.publish("b", b"one", message_id="day-trigger") == first
    assert bus.publish("b", b"one", message_id="another") != first
    assert bus.pending() == 2


def test_the_played_bus_tells_what_it_publishes_and_shows_dead_letters(pushes: Pushes) -> None:
    bus = PlayedBus(MemoryBus(PIPELINE, ManualClock()), PIPELINE, pushes)
    ids = [bus.publish("b", b"one"), *bus.publish_all("b", [Publication(b"two", {}), Publication(b"three", {})])]
    assert len(set(ids)) == 3
    assert bus.pending() == 3
    mark = bus.last_number()
    assert bus.dead_letters_since(mark) == []
    subscription = next(iter(PIPELINE.subscriptions.values()))
    bus.publish(subscription.dead_letter_topic, b"poison")
    assert bus.pending() == 3, "a dead letter is nobody's to deliver"
    (letter,) = bus.dead_letters_since(mark)
    assert letter.data == b"poison"
    bus.ack(subscription.dead_letter_subscription, [letter.ack_id])
    assert bus.pull(subscription.dead_letter_subscription) == []
