"""One emulator's process: started with a log of its own, waited for, ended with all its
children.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.core.errors import ConfigError, PipelineError

HOST = "127.0.0.1"
# A Java emulator on a busy machine.
_START_SECONDS = 120.0
_END_SECONDS = 10.0
_CHILDREN_SECONDS = 2.0
_LOOK_EVERY = 0.1
_TAIL = 2_000


class Absent(ConfigError):
    """What an emulator needs is not installed: the message says what, and how to get it."""


class NotStarted(PipelineError):
    """An emulator ended, or did not answer in time; the end of its log is in the message."""


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a command until the block ends.

    Raises NotStarted where it is not ready in two minutes.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            _wait(name, process, ready, log)
            yield
        finally:
            _end(process)


def _wait(name: str, process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None:
            raise NotStarted(f"{name} ended with {process.returncode}: {_tail(log)}", next_step=f"read {log}.")
        if time.monotonic() > until:
            raise NotStarted(f"{name} did not answer in {_START_SECONDS:.0f} s: {_tail(log)}", next_step=f"read {log}.")
        time.sleep(_LOOK_EVERY)


def _tail(log: Path) -> str:
    return log.read_bytes()[-_TAIL:].decode(errors="replace").strip()


def _end(process: subprocess.Popen[bytes]) -> None:
    """The whole group, asked first and then killed: a start script's Java is its child, and may
    outlive it.
    """
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
        until = time.monotonic() + _CHILDREN_SECONDS
        while time.monotonic() < until and _signal(process, 0):
            time.sleep(_LOOK_EVERY)
    except subprocess.TimeoutExpired:
        pass
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to the group; whether there is one left."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return False
    return True
