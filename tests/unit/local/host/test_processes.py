"""The embedded runtime in processes of its own: killed, interrupted, and under a production
server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from local.host.runtime import open_runtime
from local.host.token import Endpoint, read_token
from tests.conftest import ROOT
from tests.support.embedded import START, function_spec, small_pipeline, write_function

pytestmark = pytest.mark.heavy  # runtimes in processes of their own

PIPELINE = small_pipeline(function_spec("work", "a"))
# Says that it was reached, and at the first attempt never answers.
HANGS_ONCE = """
    import threading
    from shared.stores.runtime import get_runtime

    def work(request):
        attempt = request.get_json()["deliveryAttempt"]
        message_id = request.get_json()["message"]["messageId"]
        runtime = get_runtime()
        runtime.state.create(f"seen/{message_id}-{attempt}", {"instance": runtime.instance})
        if message_id == "2" and attempt == 1:
            print("hanging", flush=True)
            threading.Event().wait()
        return {"status": "success"}
"""
DELIVER = """
import sys
from pathlib import Path
from local.host.runtime import open_runtime
from tests.support.embedded import START
from tests.unit.local.host.test_processes import PIPELINE
with open_runtime(Path(sys.argv[1]), pipeline=PIPELINE, functions=Path(sys.argv[2])) as embedded:
    embedded.clock.set(START)
    for number in range(3):
        embedded.bus.publish("a", str(number).encode(), message_id=f"begun-{number}" if number == 0 else None)
    embedded.run_until_idle()
"""
SERVE = """
import sys
from pathlib import Path
from local.cli import serve
from local.host.runtime import open_runtime
from tests.unit.local.host.test_processes import PIPELINE
with open_runtime(Path(sys.argv[1]), pipeline=PIPELINE, functions=Path(sys.argv[2])) as embedded:
    serve.serve(embedded)
print("closed")
"""


@contextmanager
def python(script: str, *arguments: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def test_kill_9_in_the_middle_of_a_push_loses_and_doubles_nothing(tmp_path: Path) -> None:
    write_function(tmp_path / "functions", "work", HANGS_ONCE)
    with python(DELIVER, tmp_path / "state", tmp_path / "functions") as process:
        assert line(process) == "hanging"
        os.kill(process.pid, signal.SIGKILL)
    with open_runtime(tmp_path / "state", pipeline=PIPELINE, functions=tmp_path / "functions") as embedded:
        assert embedded.bus.pending() >= 1
        # a runner that is started again publishes its event again, under the same id
        embedded.bus.publish("a", b"0", message_id="begun-0")
        embedded.run_until_idle()
        seen = {document.id: document.data["instance"] for document in embedded.runtime.state.query("seen")}
        counters = embedded.bus.counters()
        assert embedded.clock.now() == START
    assert {"2-1", "2-2"} <= set(seen)
    assert {name.rsplit("-", 1)[0] for name in seen} == {"begun-0", "2", "3"}
    assert (seen["2-1"], seen["2-2"]) == ("local-1", "local-2")
    assert counters["published"] == 3
    assert counters["dead_lettered"] == 0


def test_serve_is_up_until_a_signal_and_closes_in_order(tmp_path: Path) -> None:
    write_function(tmp_path / "functions", "work", "def work(request):\n    return {'status': 'success'}\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        with python(SERVE, tmp_path / "state", tmp_path / "functions", PYTHONUNBUFFERED="1") as process:
            url = line(process).split(" on ")[1].split()[0]
            while not line(process).startswith("Publish with"):
                pass
            answer = httpx.post(
                f"{url}/admin/publish",
                json={"topic": "a", "message": "x"},
                headers=Endpoint(0, read_token(tmp_path / "state")).headers,
            ).text.splitlines()
            assert '"function": "work"' in answer[1]
            process.send_signal(number)
            assert line(process) == "Ended; what was not delivered yet stays in the queue."
            assert line(process) == "closed"
            assert process.wait(10) == 0
    assert not (tmp_path / "state" / "runtime.json").exists()


WORKER = """
import os, sys
from shared.stores.runtime import get_runtime
from shared.core.errors import Fatal
runtime = get_runtime()
runtime.state.create("from/environment", {"instance": runtime.instance})
runtime.bus.publish("nba-alerts", b"x")
print(runtime.settings.odds_base_url, len(runtime.warehouse.tables("nba_raw", "")) > 0, flush=True)
"""


def test_a_process_may_take_the_runtime_from_its_environment(tmp_path: Path) -> None:
    state = tmp_path / "state"
    environment = {
        "RUNTIME": "local.host.runtime:from_environment",
        "LOCAL_DIR": str(state),
        "ODDS_BASE_URL": "http://127.0.0.1:1",
    }
    with python(WORKER, **environment) as process:
        assert line(process) == "http://127.0.0.1:1 True"
        assert process.wait(10) == 0
    write_function(tmp_path / "functions", "work", "def work(request):\n    return {}\n")
    with open_runtime(state, functions=tmp_path / "functions", pipeline=PIPELINE) as embedded:
        document = embedded.runtime.state.get("from/environment")
        assert document is not None
        assert document.data == {"instance": "local-1"}
        assert embedded.runtime.instance == "local-2"
