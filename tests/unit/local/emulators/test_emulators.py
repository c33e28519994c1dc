"""Starting emulators: waited for, ended with their children, and said plainly where they are
absent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from local.emulators import google, packaged, prepare
from local.emulators.emulated.runtime import HOSTS, open_emulated
from local.emulators.process import HOST, Absent, NotStarted, free_port, listens, running
from local.host.server import Server
from tests.support.embedded import small_pipeline

Emulator = Callable[[Path], AbstractContextManager[str]]
# A parent that leaves the listening to its child, as a start script does.
LISTENING = """
import socket, subprocess, sys
if sys.argv[2:]:
    sys.exit(subprocess.call([sys.executable, "-c", sys.argv[2], sys.argv[1]]))
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("listening", flush=True)
while True:
    listening.accept()[0].close()
"""


@pytest.mark.parametrize("child", [[], [LISTENING]], ids=["itself", "its child"])
def test_a_process_is_waited_for_and_ended(tmp_path: Path, child: list[str]) -> None:
    port, log = free_port(), tmp_path / "logs" / "one.log"
    with running("one", [sys.executable, "-c", LISTENING, str(port), *child], lambda: listens(port), log):
        assert listens(port)
        assert log.read_text() == "listening\n"
    assert not listens(port)


def test_one_that_ends_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('no such flag'); sys.exit(3)"]
    with (
        pytest.raises(NotStarted, match="one ended with 3: no such flag"),
        running("one", command, bool, tmp_path / "l"),
    ):
        pytest.fail("it never started")


def test_it_ends_where_the_block_fails(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", LISTENING, str(port)]
    with pytest.raises(ValueError, match="mine"), running("one", command, lambda: listens(port), tmp_path / "l"):
        raise ValueError("mine")
    assert not listens(port)


@pytest.mark.parametrize("emulator", [google.pubsub, google.firestore, packaged.storage, packaged.bigquery])
def test_what_is_absent_is_said_with_the_way_to_it(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PUBSUB", "FIRESTORE", "STORAGE", "BIGQUERY"):
        monkeypatch.delenv(f"{name}_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("EMULATORS_PYTHON", str(tmp_path / "python"))
    google._sdk_root.cache_clear()
    with pytest.raises(Absent, match=r"Next: (install Java|run `make emulators-test`)"), emulator(tmp_path):
        pytest.fail("there is none")
    google._sdk_root.cache_clear()


@pytest.mark.parametrize(
    ("emulator", "variable", "address"),
    [
        (google.pubsub, "PUBSUB_EMULATOR_HOST", "localhost:8085"),
        (google.firestore, "FIRESTORE_EMULATOR_HOST", "localhost:8080"),
        (packaged.storage, "STORAGE_EMULATOR_HOST", "http://localhost:4443"),
        (packaged.bigquery, "BIGQUERY_EMULATOR_HOST", "http://localhost:9050"),
    ],
)
def test_one_that_runs_already_is_used(
    emulator: Emulator, variable: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, address)
    with emulator(tmp_path) as found:
        assert found == address
    assert os.environ[variable] == address


def test_a_day_has_emulators_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs already holds topics, buckets and documents of the day before."""
    hosts = {name: f"localhost:{free_port()}" for name in HOSTS}
    for name, value in {**hosts, "PATH": str(tmp_path), "EMULATORS_PYTHON": str(tmp_path / "python")}.items():
        monkeypatch.setenv(name, value)
    google._sdk_root.cache_clear()
    with pytest.raises(Absent, match="install Java"), open_emulated(tmp_path / "day", archive=tmp_path):
        pytest.fail("there is none")
    google._sdk_root.cache_clear()
    assert {name: os.environ[name] for name in HOSTS} == hosts


def test_an_emulators_refusal_is_raised() -> None:
    server = Server(0)
    server.start()
    try:
        with pytest.raises(prepare.EmulatorRefused, match=r"topics/.* answered 405"):
            prepare.topics(server.base_url.removeprefix("http://"), "p", small_pipeline())
    finally:
        server.stop()


def test_nobody_listens_on_a_free_port() -> None:
    port = free_port()
    assert not listens(port)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://{HOST}:{port}/")
