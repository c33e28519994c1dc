"""./nba run as a process, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from local.embedded.contents import STATE_FILE
from local.host.folder_lock import lock_folder
from tests.conftest import ROOT

# What would mean another place, or ask somebody.
_LEFT_OUT = ("ARCHIVE", "LOCAL_DIR", "RUNTIME", "PROJECT_ID", "NAME_PREFIX", "PORT", "WHO", "COLUMNS", "_NBA_COMPLETE")


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    return {**kept, "PYTHONPATH": str(ROOT), **settings}


def nba(*arguments: str | Path, cwd: Path = ROOT, given: str = "", settings: Mapping[str, str] | None = None) -> Ended:
    """Run `python -P -m local.nba`, which ./nba starts; standard input is no terminal."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "local.nba", *map(str, arguments)], cwd=cwd, env=environment(**(settings or {})),
        input=given, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


@contextmanager
def hooks_put_back() -> Iterator[None]:
    """Undo what the program sets in its process: the handler of SIGTERM and how failures are
    shown.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    hooks = sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning
    try:
        yield
    finally:
        sys.excepthook, threading.excepthook, sys.unraisablehook, warnings.showwarning = hooks
        for number, handler in handlers.items():
            signal.signal(number, handler)


class Api:
    """A server that answers calls as the API of operations does, and remembers what was asked.

    `answers` are documents by method and path below /api/v1, a status with one, or what makes one
    of the query or body.
    """

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Any]] = []

    def answer(self, method: str, path: str, given: Any) -> tuple[int, Any]:
        call = f"{method} {path.removeprefix('/dashboard/api/v1')}"
        self.asked.append((call, given))
        if call not in self.answers:
            return 404, {"error": f"There is nothing at {path}."}
        found = self.answers[call]
        if callable(found):
            found = found(given)
        return found if isinstance(found, tuple) else (200, found)


@contextmanager
def serve_api(folder: Path, answers: dict[str, Any]) -> Iterator[Api]:
    """A state folder whose owner is a server with these answers; commands find it as they find a
    runtime.
    """
    api = Api(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            self._respond(*api.answer("GET", path, dict(parse_qsl(query))))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._respond(*api.answer("POST", self.path, body))

        def _respond(self, status: int, document: Any) -> None:
            assert self.headers["Authorization"] == "Bearer the-token"
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_request(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        with lock_folder(folder) as own:
            (folder / STATE_FILE).touch()
            own.write_owner(port=server.server_port, token="the-token")
            yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
