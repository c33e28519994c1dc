"""A time for a whole answer: connecting, headers and body together, however slowly a server drips
them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx

# Until when (time.monotonic) the answer that this thread waits for must be there whole, and the
# seconds it was given.
_until: ContextVar[tuple[float, float] | None] = ContextVar("until", default=None)


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """What is read in this block must be there after so many seconds; 0: no bound."""
    token = _until.set((time.monotonic() + seconds, seconds) if seconds > 0 else None)
    try:
        yield
    finally:
        _until.reset(token)


def check_time() -> None:
    """Raises httpx.ReadTimeout once the time of the answer under way is over."""
    _remaining(None)


class TimedTransport(httpx.HTTPTransport):
    """httpx's own transport, with every wait for the network cut to what is left of the answer's
    time.

    httpx's time-outs are of one read each: a byte every few seconds, in a header or a body, never
    meets them.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        pool: Any = self._pool  # httpx has no argument for httpcore's network backend
        pool._network_backend = _Backend(pool._network_backend)


def _remaining(timeout: float | None) -> float | None:
    """The shorter of a wait's own time-out and what is left."""
    until = _until.get()
    if until is None:
        return timeout
    left = until[0] - time.monotonic()
    if left <= 0:
        raise httpx.ReadTimeout(f"not there whole after {until[1]:g} s")
    return left if timeout is None else min(timeout, left)


class _Backend:
    """httpcore's network backend: connects, and hands out streams that know the time."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        return _Stream(self._inner.connect_tcp(host, port, timeout=_remaining(timeout), **options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream:
    """One connection."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._inner.read(max_bytes, _remaining(timeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _remaining(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _remaining(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
