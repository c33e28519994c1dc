"""A function under functions-framework's production server (gunicorn): it answers, and its logs are
seen.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.conftest import ROOT
from tests.pipeline.support import push

START_SECONDS = 60


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    """Until the server accepts; the wait between two tries ends early if the process does."""
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            raise AssertionError(f"the server ended with {process.wait(timeout=0.05)}")
        with closing(socket.socket()) as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(f"nothing listens on {port} after {START_SECONDS} s")


@contextmanager
def serve(function: str, folder: Path, output: Path) -> Iterator[str]:
    """The function's own main.py under gunicorn, as the deployed image starts it; its output goes
    to a file.
    """
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in ("DEBUG", "PORT", "RUNTIME")}
    environment |= {
        "RUNTIME": "local.host.runtime:from_environment",
        "LOCAL_DIR": str(folder),
        "PYTHONPATH": str(ROOT),
        "GOOGLE_CLOUD_PROJECT": "proj",
    }
    command = [
        *(sys.executable, "-m", "functions_framework"),
        *("--target", function, "--source", str(ROOT / "functions" / function / "main.py")),
        *("--host", "127.0.0.1", "--port", str(port)),
    ]
    with output.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, env=environment, cwd=folder.parent, stdout=stream, stderr=stream, text=True)
        try:
            wait_for_port(port, process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.wait(timeout=30)


def log_lines(output: Path) -> list[dict[str, Any]]:
    """The JSON lines; anything else printed is a failure."""
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines() if line.strip()]


def test_logger_info_is_visible_under_gunicorn_as_json_with_its_context(tmp_path: Path) -> None:
    output = tmp_path / "output.txt"
    body = push(
        {"game_date": "2025-11-14"},
        message_id="41",
        attributes={"schedule": "nightly"},
        subscription="phase5-coordinator-nba-predictions-trigger",
    )
    with serve("phase5_coordinator", tmp_path / "state", output) as url:
        headers = {"X-Cloud-Trace-Context": "0af7651916cd43dd8448eb211c80319c/1;o=1"}
        answer = httpx.post(url, content=body, headers=headers, timeout=60)
        poison = httpx.post(url, content=push("{broken"), timeout=60)
        repeated = httpx.post(url, content=body, timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (200, "no_data")
    assert answer.headers["Server"] == "gunicorn"
    assert repeated.json() == answer.json()
    assert (poison.status_code, poison.json()["status"]) == (200, "dead_lettered")
    lines = log_lines(output)
    (info,) = [line for line in lines if line["message"] == "phase5_coordinator: no_data"]
    assert info["severity"] == "INFO"
    assert info["run_id"] == "2025-11-14-nightly"
    assert info["game_date"] == "2025-11-14"
    assert info["execution_id"] == "phase5_coordinator.2025-11-14-nightly"
    assert info["function"] == "phase5_coordinator"
    assert info["logging.googleapis.com/trace"] == "projects/proj/traces/0af7651916cd43dd8448eb211c80319c"
    assert "2025-11-14" in info["reason"]
    (error,) = [line for line in lines if line["severity"] == "ERROR"]
    assert error["message"].startswith("poison: ")
    assert "run_id" not in error, "the context of the message before must be gone"
