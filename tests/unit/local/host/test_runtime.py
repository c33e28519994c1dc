"""The embedded runtime as a whole: opened, restarted, published to, with tiny functions instead of
ours.
"""

from __future__ import annotations

import json
import re
import stat
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.host.folder_lock import FolderBusy
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.host.simulated_time import parse_at
from local.host.token import TOKEN_FILE, read_token
from local.nba.client import Client
from local.nba.delivering import see_through
from local.nba.exit_codes import DONE, FAILED
from shared.chain.resilience import pause_switch
from shared.chain.resilience.locks import Lease
from shared.core.errors import ConfigError, DataError, NotFound
from shared.stores.ports import Increment
from shared.stores.runtime import get_runtime, use_runtime
from tests.support import records
from tests.support.embedded import ATTEMPTS, START, function_spec, small_pipeline, write_function

PIPELINE = small_pipeline(function_spec("counting", "a", announces="b"), function_spec("closing", "b"))
COUNTING = """
    import base64, json, logging
    from shared.core.errors import AlreadyExists
    from shared.stores.ports import Increment
    from shared.stores.runtime import get_runtime

    def counting(request):
        runtime = get_runtime()
        message = request.get_json()["message"]
        word = base64.b64decode(message["data"]).decode()
        logging.getLogger("counting").info("got %s", word)
        if word == "poison":
            return {"status": "failed", "reason": "poison is refused"}, 500
        try:
            runtime.state.create(f"words/{word}", {"n": 1, "at": runtime.clock.now(), "epoch": runtime.epoch})
        except AlreadyExists:
            runtime.state.update(f"words/{word}", {"n": Increment(1), "at": runtime.clock.now()})
        runtime.bus.publish("b", word.encode())
        return {"status": "success", "record_count": 1}
"""
CLOSING = "def closing(request):\n    return {'status': 'no_data', 'record_count': 0, 'reason': 'nothing left'}\n"


PUSH = json.dumps({"message": {"data": "aGVsbG8=", "messageId": "1"}, "subscription": "projects/p/subscriptions/s"})
WHO = json.dumps({"who": "a page", "why": "it can"})


@pytest.fixture
def functions(tmp_path: Path) -> Path:
    write_function(tmp_path / "functions", "counting", COUNTING)
    write_function(tmp_path / "functions", "closing", CLOSING)
    return tmp_path / "functions"


@pytest.fixture
def embedded(tmp_path: Path, functions: Path) -> Iterator[EmbeddedRuntime]:
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as opened:
        opened.clock.set(START)
        yield opened


def events(embedded: EmbeddedRuntime, **asked: Any) -> list[dict[str, Any]]:
    return list(Client(embedded.server.endpoint).publish(asked))


def test_functions_work_on_the_stores_of_the_folder(embedded: EmbeddedRuntime) -> None:
    embedded.bus.publish("a", b"hello")
    done: list[str] = []
    embedded.run_until_idle(lambda completed: done.append(completed.function))
    assert sorted(done) == ["closing", "counting"]
    document = embedded.runtime.state.get("words/hello")
    assert document is not None
    assert document.data == {"n": 1, "at": START, "epoch": 1}
    log = (embedded.folder / "logs" / "functions.jsonl").read_text()
    assert '"message": "got hello"' in log
    assert sorted(path.name for path in embedded.folder.iterdir() if path.suffix != ".wal") == [
        "logs",
        "runtime.json",
        "runtime.lock",
        "runtime.token",
        "state.sqlite",
        "state.sqlite-shm",
        "state.sqlite-wal",
        "warehouse.duckdb",
    ]


def test_the_runtime_is_installed_while_it_is_open_and_no_longer(tmp_path: Path, functions: Path) -> None:
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
        assert get_runtime() is embedded.runtime
        document = json.loads((tmp_path / "state" / "runtime.json").read_text())
        assert document["port"] == embedded.server.port
        url = embedded.server.base_url
        settings = embedded.runtime.settings
        assert settings.nba_base_url == f"{url}/replay/nba/stats"
        assert settings.http_requests_per_second == 0
        assert httpx.get(f"{settings.nba_base_url}/leaguegamelog").status_code == 503
        with (
            pytest.raises(FolderBusy, match=f"port {embedded.server.port}"),
            open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions),
        ):
            pass
    use_runtime(None)
    with pytest.raises(ConfigError, match="RUNTIME"):
        get_runtime()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


SLOW = """
    import pathlib, time
    from shared.stores.runtime import get_runtime

    def counting(request):
        begun = pathlib.Path(__file__).with_name("begun")
        begun.touch()
        while begun.exists():
            time.sleep(0.01)
        time.sleep(0.2)  # whoever closes has begun to by then
        get_runtime().state.create("words/slow", {"n": 1})
        return {"status": "success", "record_count": 1}
"""


def test_a_push_that_is_under_way_at_the_close_has_its_runtime_to_the_end(tmp_path: Path, functions: Path) -> None:
    write_function(tmp_path / "slow", "counting", SLOW)
    write_function(tmp_path / "slow", "closing", CLOSING)
    begun = tmp_path / "slow" / "counting" / "begun"
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=tmp_path / "slow") as opened:
        opened.bus.publish("a", b"slow")
        thread = threading.Thread(target=opened.run_until_idle)
        thread.start()
        while not begun.exists():
            thread.join(0.01)
        begun.unlink()
    thread.join()
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as opened:
        assert opened.runtime.state.count("words") == 1
        assert (opened.bus.pending(), opened.bus.counters()["redelivered"]) == (0, 0)


def test_a_restart_goes_on_with_time_queue_epoch_and_voids_leases(tmp_path: Path, functions: Path) -> None:
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
        embedded.clock.set(START)
        first = embedded.runtime.instance
        assert (embedded.new_epoch(), embedded.runtime.epoch, get_runtime().epoch) == (2, 2, 2)
        embedded.bus.publish("a", b"kept")
        (taken,) = embedded.bus.due({"counting": 1})
        assert taken.attempt == 1
        until = START + timedelta(hours=1)
        execution = records.execution(owner=first, lease_expires_at=until)
        embedded.runtime.state.create("executions/x", execution.to_document())
        lock = Lease(owner=first, epoch=1, token=1, expires_at=until)
        embedded.runtime.state.create("locks/y", lock.to_document())
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
        assert embedded.runtime.instance != first
        assert (embedded.clock.now(), embedded.runtime.epoch) == (START, 2)
        for path, field in (("executions/x", "lease_expires_at"), ("locks/y", "expires_at")):
            document = embedded.runtime.state.get(path)
            assert document is not None
            assert document.data[field] < START
        attempts: dict[str, int] = {}
        embedded.run_until_idle(lambda done: attempts.update({done.function: done.delivery.attempt}))
        assert attempts == {"counting": 2, "closing": 1}
        assert embedded.clock.now() == START


def test_duplicates_and_order_can_come_from_the_environment(
    tmp_path: Path, functions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVER_TWICE", "1")
    monkeypatch.setenv("SHUFFLE_SEED", "3")
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
        embedded.bus.publish("a", b"hello")
        embedded.run_until_idle()
        assert embedded.bus.counters()["delivered"] == 2 + 4
    monkeypatch.setenv("SHUFFLE_SEED", "three")
    with (
        pytest.raises(ConfigError, match="SHUFFLE_SEED='three'"),
        open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions),
    ):
        pass


def test_publish_tells_every_completion_as_a_line(embedded: EmbeddedRuntime) -> None:
    published, *completions, idle = events(embedded, topic="a", message="hello", at="2025-11-14T17:45")
    # the next function may end before the one that published
    second, first = sorted(completions, key=lambda each: str(each["function"]))
    assert published == {"event": "published", "message_id": "1"}
    assert (first["function"], first["status"], first["record_count"], first["reason"]) == (
        "counting",
        "success",
        1,
        None,
    )
    assert (second["function"], second["status"], second["reason"]) == ("closing", "no_data", "nothing left")
    assert (idle["event"], idle["dead_letters"], idle["pending"]) == ("idle", [], 0)
    assert embedded.clock.now() == datetime(2025, 11, 14, 22, 45, tzinfo=UTC)


def test_what_ends_in_the_dead_letters_is_told_with_its_reason(embedded: EmbeddedRuntime) -> None:
    *completions, idle = events(embedded, topic="a", message="poison")[1:]
    assert [(each["attempt"], each["status"], each["reason"]) for each in completions] == [
        (attempt, "failed", "poison is refused") for attempt in range(1, ATTEMPTS + 1)
    ]
    (letter,) = idle["dead_letters"]
    assert (letter["dead_letter_reason"], letter["origin_topic"]) == ("max_delivery_attempts", "a")
    assert letter["dead_letter_error"] == "HTTP 500: poison is refused"
    # an earlier dead letter is not told again
    assert events(embedded, topic="a", message="fine")[-1]["dead_letters"] == []


def test_a_publish_waits_for_what_is_under_way_before_it_sets_the_clock(embedded: EmbeddedRuntime) -> None:
    embedded.bus.publish("a", b"earlier")
    first = events(embedded, topic="a", message="later", at="2025-11-15T00:00Z")[0]
    assert first == {"event": "resumed", "pending": 1}
    found = {document.id: document.data["at"] for document in embedded.runtime.state.query("words")}
    assert found == {"earlier": START, "later": datetime(2025, 11, 15, tzinfo=UTC)}


def test_objects_attributes_and_nothing_else(embedded: EmbeddedRuntime) -> None:
    assert events(embedded, topic="done", message={"game_date": "2025-11-14"})[-1]["event"] == "idle"
    assert events(embedded, topic="done", attributes={"schedule": "daily"})[-1]["event"] == "idle"
    pulled = embedded.bus.pull("done-operators")
    assert [(json.loads(m.data or b"null"), m.attributes) for m in pulled] == [
        ({"game_date": "2025-11-14"}, {}),
        (None, {"schedule": "daily"}),
    ]


@pytest.mark.parametrize(
    ("asked", "status", "message"),
    [
        ({"topic": "nothing", "message": "x"}, 404, "no topic 'nothing'"),
        ({"topic": "a", "message": "x", "at": "tomorrow"}, 400, "AT='tomorrow'"),
        ({"topic": "a"}, 400, "neither data nor attributes"),
        ({"topic": "a", "attributes": {"game_date": 5}}, 400, "no object of texts"),
        ({"topic": "a", "attributes": [1]}, 400, "no object of texts"),
        ({"topic": ["a"], "message": "x"}, 400, "topic is a text, not \\['a'\\]"),
        ({"topic": "a", "message": [1]}, 400, "message is a text, not"),
        ({"topic": "a", "message": 1.5}, 400, "message is a text, not"),
        ({"topic": "a", "message": "x", "at": 20251114}, 400, "at is a text, not"),
        ({"topic": "a", "message": "x", "at": "9999-12-31"}, 400, "lies outside the days that a game can be of"),
        ({"topic": "a", "message": "x", "at": "9999-12-31T23:59:59-23:59"}, 400, "is no moment"),
        ({"topic": "a", "message": "x", "at": "0001-01-01T00:00+23:59"}, 400, "is no moment"),
        ({"topic": "a", "message": "x", "at": "0001-01-01"}, 400, "lies outside"),
        ({"topic": "a", "message": "x", "at": "1946-10-31T12:00"}, 400, "lies outside"),
        ({"topic": "a", "message": "x", "at": "2099-01-01"}, 400, "lies outside"),
        ({"topic": "a", "message": "x", "at": "2025-11-14T17:45" * 90}, 400, "at has 1440 characters"),
    ],
)
def test_wrong_input_is_refused_and_changes_nothing(
    embedded: EmbeddedRuntime, asked: dict[str, Any], status: int, message: str
) -> None:
    headers = embedded.server.endpoint.headers
    answer = httpx.post(f"{embedded.server.base_url}/admin/publish", json=asked, headers=headers)
    assert answer.status_code == status
    assert re.search(message, answer.json()["error"])
    with pytest.raises((DataError, NotFound), match=message):
        events(embedded, **asked)
    assert embedded.bus.counters()["published"] == 0
    assert embedded.clock.now() == START


def test_the_time_of_a_day_that_is_being_played_is_not_set(embedded: EmbeddedRuntime) -> None:
    embedded.playing = "A day"
    with pytest.raises(DataError, match="A day is being played, in its own time"):
        events(embedded, topic="a", message="x", at="2025-11-15T12:00")
    assert embedded.clock.now() == START
    assert events(embedded, topic="a", message="x")[-1]["event"] == "idle"


def test_a_publish_beside_a_run_tells_of_its_own_messages_alone(embedded: EmbeddedRuntime) -> None:
    """The run goes on and on, one of its messages ends in the dead letters; none of that is the
    command's.
    """
    begun, ended = threading.Event(), threading.Event()

    def run() -> None:
        number = 0
        while not ended.is_set():
            for word in (f"run-{number}", "poison" if number == 3 else f"again-{number}"):
                embedded.bus.publish("a", word.encode())
            number += 1
            embedded.run_until_idle(lambda _: begun.set())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert begun.wait(30)
        found = [each for number in range(5) for each in events(embedded, topic="a", message=f"mine-{number}")]
    finally:
        ended.set()
        thread.join()
    by_kind = Counter(each["event"] if each["event"] != "completion" else each["function"] for each in found)
    by_kind.pop("resumed", None)
    assert by_kind == {"published": 5, "counting": 5, "closing": 5, "idle": 5}
    assert all(not each["dead_letters"] and each["pending"] == 0 for each in found if each["event"] == "idle")
    assert embedded.bus.counters()["dead_lettered"] >= 1, "the run's poison was buried meanwhile"


def test_a_persons_dead_letter_is_told_apart_from_those_of_a_day(embedded: EmbeddedRuntime) -> None:
    """So that a day that is played meanwhile does not fail by it (Day asks this of every dead
    letter).
    """
    mark = embedded.bus.last_number()
    events(embedded, topic="a", message="poison")
    embedded.bus.publish("a", b"poison")
    embedded.run_until_idle()
    letters = embedded.bus.dead_letters_since(mark)
    assert [embedded.bus.is_asked_for(letter.message_id) for letter in letters] == [True, False]


def test_of_two_publishes_each_hears_its_own_dead_letter(embedded: EmbeddedRuntime) -> None:
    for _ in range(2):
        *_, idle = events(embedded, topic="a", message="poison")
        assert len(idle["dead_letters"]) == 1
    assert events(embedded, topic="a", message="fine")[-1]["dead_letters"] == []


def test_the_token_is_the_users_alone_and_another_at_every_start(tmp_path: Path, functions: Path) -> None:
    found = []
    for _ in range(2):
        with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as opened:
            path = tmp_path / "state" / TOKEN_FILE
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert read_token(tmp_path / "state") == opened.server.token
            assert opened.server.token not in (tmp_path / "state" / "runtime.json").read_text()
            found.append(opened.server.token)
        assert not path.exists()
    assert found[0] != found[1]
    assert min(map(len, found)) >= 43, "256 bits"
    with pytest.raises(ConfigError, match=r"runtime.token cannot be read .* takes no command"):
        read_token(tmp_path / "state")


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status"),
    [
        ("POST", "/functions/counting", {"Content-Type": "text/plain", "Origin": "http://evil.example"}, PUSH, 403),
        ("POST", "/functions/counting", {"Content-Type": "text/plain"}, PUSH, 401),
        ("POST", "/functions/counting", {"Content-Type": "application/json"}, PUSH, 401),
        ("GET", "/functions/counting", {"Sec-Fetch-Dest": "image"}, "", 405),
        ("POST", "/admin/pause", {"Host": "rebound.example", "Content-Type": "application/json"}, WHO, 403),
        ("POST", "/admin/pause", {"Content-Type": "application/json"}, WHO, 401),
        ("POST", "/admin/publish", {"Content-Type": "text/plain"}, '{"topic": "a", "message": "x"}', 401),
        ("POST", "/admin/idle", {"Content-Type": "text/plain"}, "{}", 401),
        ("GET", "/admin/pause", {}, "", 401),
        ("GET", "/admin/publish?topic=a&message=x", {}, "", 401),
    ],
)
def test_nothing_happens_in_a_runtime_that_a_page_attacks(
    method: str, path: str, headers: dict[str, str], body: str, status: int, embedded: EmbeddedRuntime
) -> None:
    """By what the runtime keeps: nothing ran, nothing was published or dead-lettered, nothing is
    paused.
    """
    embedded.bus.publish("done", b"waits")
    before = embedded.bus.counters()
    answer = httpx.request(method, f"{embedded.server.base_url}{path}", headers=headers, content=body)
    assert answer.status_code == status
    assert embedded.bus.counters() == before
    assert embedded.runtime.state.query("words") == []
    assert embedded.runtime.state.query("audit") == []
    switch = pause_switch.read(embedded.runtime.state)
    assert switch is None or not switch.paused
    assert embedded.clock.now() == START
    assert "got " not in (embedded.folder / "logs" / "functions.jsonl").read_text()


def test_status_and_idle(embedded: EmbeddedRuntime) -> None:
    embedded.bus.publish("a", b"hello")
    url = f"{embedded.server.base_url}/admin"
    headers = embedded.server.endpoint.headers
    before = httpx.get(f"{url}/status", headers=headers).json()
    after = httpx.post(f"{url}/idle", json={}, headers=headers).json()
    assert (before["pending"], after["pending"]) == (1, 0)
    assert before["now"] == START.isoformat()
    assert before["topics"] == sorted(PIPELINE.topics)


def test_a_command_sees_its_message_through(embedded: EmbeddedRuntime, capsys: pytest.CaptureFixture[str]) -> None:
    client = Client(embedded.server.endpoint)
    asked = {"topic": "a", "message": "hello"}
    assert see_through(client.publish(asked)).code == DONE
    published, *completions = capsys.readouterr().out.splitlines()
    assert published == "published message 1"
    assert [line.split() for line in sorted(completions)] == [
        ["closing", "no_data", "0", "records", "nothing", "left"],
        ["counting", "success", "1", "records"],
    ]
    assert see_through(client.publish({**asked, "message": "poison"})).code == FAILED
    assert "dead letter of a: max_delivery_attempts: HTTP 500: poison is refused" in capsys.readouterr().err


def test_a_moment_that_a_command_sets_stays_with_the_folder(tmp_path: Path, functions: Path) -> None:
    for expected, at in ((1, "2025-11-14T12:00"), (2, "")):
        with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
            asked = {"topic": "a", "message": "hello", "at": at}
            assert see_through(Client(embedded.server.endpoint).publish(asked)).code == DONE
        with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=functions) as embedded:
            document = embedded.runtime.state.get("words/hello")
            assert document is not None
            assert (document.data["n"], document.data["at"]) == (expected, START + timedelta(hours=5))


def test_at_is_new_york_time_unless_it_says_otherwise() -> None:
    assert parse_at("2025-11-14T17:45") == datetime(2025, 11, 14, 22, 45, tzinfo=UTC)
    assert parse_at("2025-07-01T17:45") == datetime(2025, 7, 1, 21, 45, tzinfo=UTC)
    assert parse_at("2025-11-14T17:45Z") == datetime(2025, 11, 14, 17, 45, tzinfo=UTC)


def test_the_state_port_counts_what_functions_did(embedded: EmbeddedRuntime) -> None:
    for _ in range(3):
        embedded.bus.publish("a", b"same")
    embedded.run_until_idle()
    embedded.runtime.state.update("words/same", {"n": Increment(10)})
    document = embedded.runtime.state.get("words/same")
    assert document is not None
    assert document.data["n"] == 13
