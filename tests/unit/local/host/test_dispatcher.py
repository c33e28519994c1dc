"""Push delivery over real HTTP to functions that functions-framework loaded, on simulated time."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.embedded.bus import SqliteBus
from local.embedded.sqlite_file import SqliteFile
from local.host.dispatcher import Completed, Dispatcher
from local.host.server import Server, mount_functions
from local.host.simulated_clock import SimClock, SimulationNotes
from shared.core.pipeline import Pipeline
from tests.support.embedded import (
    ATTEMPTS,
    MAX_BACKOFF,
    MIN_BACKOFF,
    START,
    function_spec,
    small_pipeline,
    write_function,
)


class Bench:
    """A pipeline with functions on disk, served and delivered to.

    `calls` is what the functions were sent.
    """

    def __init__(self, tmp_path: Path, pipeline: Pipeline, **options: Any) -> None:
        self.file = SqliteFile(tmp_path / "state.sqlite")
        self.clock = SimClock(SimulationNotes(self.file))
        self.clock.set(START)
        self.bus = SqliteBus(self.file, pipeline, self.clock, **options)
        self.server = Server()
        self.dispatcher = Dispatcher(self.bus, self.clock, pipeline, self.server.base_url, self.server.token)
        self.completed: list[Completed] = []

    def run(self) -> list[Completed]:
        """Deliver until idle; what completed this time."""
        before = len(self.completed)
        self.dispatcher.run_until_idle(self.completed.append)
        return self.completed[before:]

    def close(self) -> None:
        self.dispatcher.close()
        self.server.stop()
        self.file.close()


BenchOf = Callable[..., Bench]


@pytest.fixture
def bench_of(tmp_path: Path) -> Iterator[BenchOf]:
    """Bench of a pipeline; its apps are plain WSGI functions `app(push) -> (status, answer)` by
    name.
    """
    benches: list[Bench] = []

    def make(pipeline: Pipeline, apps: dict[str, Callable[[dict[str, Any]], tuple[int, Any]]], **options: Any) -> Bench:
        bench = Bench(tmp_path, pipeline, **options)
        for name, app in apps.items():
            bench.server.mount(f"/functions/{name}", wsgi(app))
        bench.server.start()
        benches.append(bench)
        return bench

    yield make
    for bench in benches:
        bench.close()


def wsgi(app: Callable[[dict[str, Any]], tuple[int, Any]]) -> Any:
    def serve(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status, answer = app(json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))))
        start_response(f"{status} X", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    return serve


ONE = small_pipeline(function_spec("one", "a"))

ECHO = """
    import json, logging
    import functions_framework

    @functions_framework.http
    def {name}(request):
        body = request.get_json()
        return {{"function": "{name}", "module": __name__, "file": __file__, "got": body, "path": request.path}}
"""


def test_a_message_reaches_functions_that_the_framework_loaded(tmp_path: Path) -> None:
    pipeline = small_pipeline()
    for name in pipeline.functions:
        write_function(tmp_path / "functions", name, ECHO.format(name=name))
    bench = Bench(tmp_path, pipeline)
    mount_functions(bench.server, pipeline.functions, tmp_path / "functions")
    bench.server.start()
    message_id = bench.bus.publish("a", "Dončić".encode(), {"schedule": "daily"})
    completed = sorted(bench.run(), key=lambda each: each.function)
    bench.close()
    assert [(each.function, each.status_code, each.acknowledged) for each in completed] == [
        ("first", 200, True),
        ("second", 200, True),
    ]
    for each in completed:
        assert each.answer["function"] == each.function
        assert each.answer["file"] == str(tmp_path / "functions" / each.function / "main.py")
        assert each.answer["path"] == "/"
        assert each.answer["got"] == {
            "message": {
                "data": base64.b64encode("Dončić".encode()).decode(),
                "attributes": {"schedule": "daily"},
                "messageId": message_id,
                "message_id": message_id,
                "publishTime": "2025-11-14T12:00:00.000000+00:00",
                "publish_time": "2025-11-14T12:00:00.000000+00:00",
            },
            "subscription": f"projects/local/subscriptions/{each.function}-a",
            "deliveryAttempt": 1,
        }


def test_nothing_to_deliver_ends_at_once(bench_of: BenchOf) -> None:
    assert bench_of(ONE, {}).run() == []


def test_a_refused_message_is_retried_when_simulated_time_has_come(bench_of: BenchOf) -> None:
    tried: list[tuple[int, timedelta]] = []

    def one(push: dict[str, Any]) -> tuple[int, Any]:
        tried.append((push["deliveryAttempt"], bench.clock.now() - START))
        return (503, {"reason": "not yet"}) if len(tried) < 3 else (204, "")

    bench = bench_of(ONE, {"one": one})
    bench.bus.publish("a", b"x")
    completed = bench.run()
    assert tried == [
        (1, timedelta()),
        (2, timedelta(seconds=MIN_BACKOFF)),
        (3, timedelta(seconds=3 * MIN_BACKOFF)),
    ]
    assert [each.acknowledged for each in completed] == [False, False, True]
    assert bench.bus.pending() == 0


@pytest.mark.parametrize("status", [199 + 101, 400, 404, 429, 500, 503])
def test_anything_but_2xx_ends_in_the_dead_letters_with_its_reason(bench_of: BenchOf, status: int) -> None:
    bench = bench_of(ONE, {"one": lambda push: (status, {"reason": "will not"})})
    bench.bus.publish("a", b"x")
    assert [each.status_code for each in bench.run()] == [status] * ATTEMPTS
    (letter,) = bench.bus.pull("one-a-dead-letter")
    assert letter.attributes["dead_letter_error"] == f"HTTP {status}: will not"


def test_a_function_that_is_not_there_is_a_failure_too(bench_of: BenchOf) -> None:
    bench = bench_of(ONE, {})
    bench.bus.publish("a", b"x")
    assert {each.status_code for each in bench.run()} == {404}


def test_no_connection_is_a_failure_with_its_cause(bench_of: BenchOf) -> None:
    bench = bench_of(ONE, {})
    bench.server.stop()
    bench.bus.publish("a", b"x")
    completed = bench.run()
    assert [each.status_code for each in completed] == [0] * ATTEMPTS
    assert "ConnectionRefusedError" in bench.bus.pull("one-a-dead-letter")[0].attributes["dead_letter_error"]


def test_a_function_slower_than_its_timeout_is_a_failure(bench_of: BenchOf) -> None:
    release = threading.Event()

    def slow(push: dict[str, Any]) -> tuple[int, Any]:
        if push["deliveryAttempt"] == 1:
            release.wait()
        return 200, {}

    bench = bench_of(small_pipeline(function_spec("one", "a", timeout=1)), {"one": slow})
    bench.bus.publish("a", b"x")
    first, second = bench.run()
    release.set()
    assert (first.status_code, first.error) == (0, "no answer within the 1 s of its timeout")
    assert second.acknowledged


def test_what_a_function_publishes_is_delivered_in_the_same_run(bench_of: BenchOf) -> None:
    def first(push: dict[str, Any]) -> tuple[int, Any]:
        bench.bus.publish("b", b"next")
        return 200, {}

    pipeline = small_pipeline(function_spec("first", "a", announces="b"), function_spec("second", "b"))
    bench = bench_of(pipeline, {"first": first, "second": lambda push: (200, {"status": "success"})})
    bench.bus.publish("a", b"x")
    # the next function may end before the one that published
    assert {each.function: each.answer for each in bench.run()} == {"first": {}, "second": {"status": "success"}}


def test_a_function_runs_at_most_as_often_as_it_has_instances(bench_of: BenchOf) -> None:
    running, most, turn = [0], [0], threading.Lock()
    together = threading.Barrier(3, timeout=10)

    def one(push: dict[str, Any]) -> tuple[int, Any]:
        with turn:
            running[0] += 1
            most[0] = max(most[0], running[0])
        together.wait()  # breaks unless three are in flight at the same time
        with turn:
            running[0] -= 1
        return 200, {}

    bench = bench_of(small_pipeline(function_spec("one", "a", "b", instances=3)), {"one": one})
    for number in range(12):
        bench.bus.publish("ab"[number % 2], b"x")
    assert len(bench.run()) == 12
    assert most == [3]


def test_a_slow_function_holds_up_neither_others_nor_the_clock(bench_of: BenchOf) -> None:
    others_done = threading.Event()
    times = []

    def slow(push: dict[str, Any]) -> tuple[int, Any]:
        assert others_done.wait(10)
        times.append(bench.clock.now())
        return 200, {}

    def quick(push: dict[str, Any]) -> tuple[int, Any]:
        data = base64.b64decode(push["message"]["data"])
        if data == b"5":
            others_done.set()
        times.append(bench.clock.now())
        return (503, {}) if data == b"1" and push["deliveryAttempt"] == 1 else (200, {})

    pipeline = small_pipeline(function_spec("slow", "a"), function_spec("quick", "b", instances=1))
    bench = bench_of(pipeline, {"slow": slow, "quick": quick})
    bench.bus.publish("a", b"x")
    for number in range(6):
        bench.bus.publish("b", str(number).encode())
    assert len(bench.run()) == 8
    assert times == [START] * 7 + [START + timedelta(seconds=MIN_BACKOFF)]


def test_every_message_twice_and_shuffled_still_ends(bench_of: BenchOf) -> None:
    got: list[bytes] = []

    def one(push: dict[str, Any]) -> tuple[int, Any]:
        got.append(base64.b64decode(push["message"]["data"]))
        return 200, {}

    pipeline = small_pipeline(function_spec("one", "a", instances=1))
    bench = bench_of(pipeline, {"one": one}, deliver_twice=True, shuffle_seed=5)
    for number in range(10):
        bench.bus.publish("a", bytes([number]))
    assert len(bench.run()) == 20
    assert sorted(got) == sorted([bytes([number]) for number in range(10)] * 2)
    assert got != sorted(got)
    assert bench.bus.counters() == {"published": 10, "delivered": 20, "redelivered": 10, "dead_lettered": 0}


def test_many_threads_may_wait_for_idle_and_all_hear_of_their_message(bench_of: BenchOf) -> None:
    bench = bench_of(ONE, {"one": lambda push: (200, {})})

    def publish_and_wait(number: int) -> bool:
        heard: list[str] = []
        with bench.dispatcher.listening(lambda completed: heard.append(completed.delivery.message_id)):
            message_id = bench.bus.publish("a", b"x")
            bench.dispatcher.run_until_idle()
        return message_id in heard

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(publish_and_wait, range(40)))


def test_a_server_delivers_what_comes_until_it_is_stopped(bench_of: BenchOf) -> None:
    delivered = threading.Semaphore(0)

    def one(push: dict[str, Any]) -> tuple[int, Any]:
        delivered.release()
        return 200, {}

    bench = bench_of(ONE, {"one": one})
    bench.bus.publish("a", b"before")
    serving = threading.Thread(target=bench.dispatcher.run_until_stopped)
    serving.start()
    assert delivered.acquire(timeout=10)
    bench.bus.publish("a", b"after")
    assert delivered.acquire(timeout=10)
    bench.dispatcher.stop()
    serving.join(10)
    assert not serving.is_alive()
    bench.bus.publish("a", b"too late")
    assert bench.run() == []
    assert bench.bus.pending() == 1


def test_a_listener_that_breaks_is_not_silent(bench_of: BenchOf) -> None:
    def broken(completed: Completed) -> None:
        raise ZeroDivisionError("progress bar")

    bench = bench_of(ONE, {"one": lambda push: (200, {})})
    bench.bus.publish("a", b"x")
    with pytest.raises(ZeroDivisionError, match="progress bar"):
        bench.dispatcher.run_until_idle(broken)


def test_simulated_time_moves_no_further_than_the_last_retry(bench_of: BenchOf) -> None:
    bench = bench_of(ONE, {"one": lambda push: (500, {})})
    bench.bus.publish("a", b"x")
    bench.run()
    waits = [MIN_BACKOFF, 2 * MIN_BACKOFF, 4 * MIN_BACKOFF, MAX_BACKOFF]
    assert bench.clock.now() == START + timedelta(seconds=sum(waits))


def test_answers_that_are_no_json_object_are_no_completion(bench_of: BenchOf) -> None:
    bench = bench_of(ONE, {"one": lambda push: (200, [1, 2])})
    bench.bus.publish("a", b"x")
    (completed,) = bench.run()
    assert completed.answer == {}
    assert completed.body == b"[1, 2]"
