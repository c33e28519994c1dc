"""RUNTIME=gcp: the deployed runtime from its environment, and how little of it is loaded before it
is used.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from shared.core.clock import SystemClock
from shared.core.errors import ConfigError
from shared.core.settings import Settings
from shared.stores import runtime
from shared.stores.gcp import stores
from shared.stores.gcp.lazy import Lazy
from shared.stores.gcp.limits import Limits
from tests.conftest import ROOT

ENVIRONMENT = {
    "RUNTIME": "gcp",
    "PROJECT_ID": "p",
    "RAW_BUCKET": "p-raw",
    "EXPORTS_BUCKET": "p-exports",
    "MODELS_BUCKET": "p-models",
}


@pytest.fixture(autouse=True)
def _no_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_current", None)


def test_the_deployed_runtime_is_built_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**ENVIRONMENT, "K_REVISION": "phase2-raw-00007"}.items():
        monkeypatch.setenv(name, value)
    found = runtime.get_runtime()
    assert runtime.get_runtime() is found
    assert isinstance(found.clock, SystemClock)
    assert (found.settings.project_id, found.settings.raw_bucket, found.epoch) == ("p", "p-raw", 1)
    assert found.instance.startswith("phase2-raw-00007-")


def test_every_process_is_an_instance_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    first = runtime.get_runtime().instance
    runtime.use_runtime(None)
    assert runtime.get_runtime().instance != first


def test_the_ports_know_how_long_the_function_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "localhost:1")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://localhost:1")
    settings = Settings.from_environment({**ENVIRONMENT, "FUNCTION_TIMEOUT_SECONDS": "60"})
    assert stores.warehouse(settings)._jobs._limits == Limits(60)
    assert stores.state(settings)._reads["timeout"] == Limits(60).request == 15


def test_missing_settings_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME", "gcp")
    for name in ("PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "RAW_BUCKET", "EXPORTS_BUCKET", "MODELS_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="needs PROJECT_ID, RAW_BUCKET, EXPORTS_BUCKET, MODELS_BUCKET"):
        runtime.get_runtime()


def test_the_project_is_googles_own_where_ours_is_not_set() -> None:
    assert Settings.from_environment({"GOOGLE_CLOUD_PROJECT": "a"}).project_id == "a"
    assert Settings.from_environment({"GOOGLE_CLOUD_PROJECT": "a", "PROJECT_ID": "b"}).project_id == "b"


# What a cold start may not load before a port is used: each library takes a good part of a second.
LOADED = """
import sys
from shared.stores.runtime import get_runtime
get_runtime()
print(sorted(name for name in sys.modules if name.startswith(("google.cloud.", "google.pubsub", "grpc", "pyarrow"))))
"""


def test_a_cold_start_loads_no_client_library() -> None:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_lazy_port_is_made_once() -> None:
    made: list[list[int]] = []
    begin = threading.Barrier(8)

    def make() -> list[int]:
        made.append([])
        return made[-1]

    lazy = Lazy(make)
    assert made == []

    def use(number: int) -> None:
        begin.wait()
        lazy.append(number)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert sorted(made[0]) == list(range(8))


def test_a_lazy_port_that_cannot_be_made_is_tried_again() -> None:
    failures = [ConfigError("no credentials")]

    def make() -> str:
        if failures:
            raise failures.pop()
        return "made"

    lazy = Lazy(make)
    with pytest.raises(ConfigError, match="no credentials"):
        lazy.upper()
    assert lazy.upper() == "MADE"
