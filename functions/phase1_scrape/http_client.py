"""A polite HTTP client for one source: time-outs, bounded retries with jitter, Retry-After, a rate limit, no secrets
in what it stores, logs or raises."""

from __future__ import annotations

import codecs
import json
import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import certifi
import httpx

from shared.config import Settings
from shared.errors import SourceUnavailable
from shared.raw_files import Response

logger = logging.getLogger(__name__)

# Requests of one source in flight at once; the rate limit, not this, is what spares a source.
CONNECTIONS = 8
# Longer waits are left to the message's own retry: a function is not paid to sleep.
LONGEST_WAIT_SECONDS = 60.0
_QUOTA_HEADERS = ("x-requests-remaining", "x-requests-used", "x-requests-last")
_EXCERPT = 120


class Refused(SourceUnavailable):
    """The source will not answer this request however often it is asked now: key, quota, parameter, address."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, next_step=_WHAT_NEXT.get(status, "look at the answer and at the base URL."))
        self.status = status


class WrongShape(ValueError):
    """The answer is JSON, but not what the next phase reads; the message says what is missing."""


@dataclass(frozen=True)
class Answer:
    """A checked answer: the request without secrets, quota headers, the body as it came and as parsed."""

    request: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes
    value: Any

    def named(self, name: str) -> Response:
        """The answer as it is kept in a raw file."""
        return Response(name, self.request, self.headers, self.body)


class SourceClient:
    """One source at one base URL; safe to use from many threads.

    `secret` are parameters sent with every request (an API key) that appear nowhere else. A `transport` stands in for
    the network, the proxy included. `before_request` is called once a get and may raise SourceUnavailable.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        settings: Settings,
        now: Callable[[], datetime],
        *,
        headers: Mapping[str, str] | None = None,
        proxy: str = "",
        secret: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
        before_request: Callable[[], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._now = now
        self._secret = dict(secret or {})
        self._before_request = before_request or (lambda: None)
        self._sleep = sleep
        self._pace = _Pace(settings.http_requests_per_second, sleep, monotonic)
        self._quota: dict[str, str] = {}
        self._client = httpx.Client(
            headers=dict(headers or {}),
            timeout=settings.http_timeout_seconds,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS),
            transport=transport,
            proxy=proxy or None if transport is None else None,
            verify=_certificates() if base_url.startswith("https") else _no_certificates(),
            follow_redirects=True,
            trust_env=False,  # the proxy is a setting of ours, for NBA.com alone
        )

    def close(self) -> None:
        self._client.close()

    @property
    def quota(self) -> dict[str, int]:
        """The source's own count {remaining, used, last} of requests, at its lowest remaining; empty if it has none."""
        short = {name.rpartition("-")[2]: value for name, value in self._quota.items()}
        return {name: int(float(value)) for name, value in short.items() if value.replace(".", "", 1).isdigit()}

    def get(self, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> Answer:
        """GET base_url + path; `check` raises WrongShape for an answer that the next phase could not read.

        Raises SourceUnavailable when every attempt failed, Refused where another attempt cannot help.
        """
        self._before_request()
        attempts = max(1, self._settings.http_attempts)
        for attempt in range(1, attempts + 1):
            self._pace.wait()
            try:
                return self._once(path, params, check)
            except _TryAgain as failed:
                if attempt == attempts:
                    raise SourceUnavailable(
                        f"{self.name} {path}: {failed} ({attempts} attempts).",
                        next_step="the run is retried; if it lasts, look at the source or its base URL.",
                    ) from failed
                wait = self._wait_seconds(attempt, failed.retry_after)
                if wait > LONGEST_WAIT_SECONDS:
                    raise SourceUnavailable(
                        f"{self.name} {path}: {failed}; it asks to wait {wait:.0f} s.",
                        next_step="run the phase again after that time.",
                    ) from failed
                logger.info("%s %s: %s; attempt %d of %d", self.name, path, failed, attempt, attempts)
                if wait:
                    self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> Answer:
        try:
            response = self._client.get(self._base_url + path, params={**params, **self._secret})
        except httpx.RequestError as error:
            raise _TryAgain(f"no answer ({type(error).__name__}: {self._redacted(str(error))})") from error
        quota = {name: response.headers[name] for name in _QUOTA_HEADERS if name in response.headers}
        self._note_quota(quota)
        status = response.status_code
        if status in (408, 429) or status >= 500:
            raise _TryAgain(f"answered {status}{self._excerpt(response)}", self._retry_after(response))
        if status != 200:
            raise Refused(f"{self.name} {path} answered {status}{self._excerpt(response)}.", status)
        try:
            value = json.loads(response.content)
        except ValueError as error:
            kind = response.headers.get("content-type", "no content type")
            raise _TryAgain(f"answered 200 with {kind} that is not JSON{self._excerpt(response)}") from error
        try:
            check(value)
        except WrongShape as error:
            raise _TryAgain(f"answered JSON of another shape: {error}") from error
        request = {"source": self.name, "path": path, "params": dict(params)}
        return Answer(request, quota, response.content.removeprefix(codecs.BOM_UTF8), value)

    def _wait_seconds(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        # Jitter, so that many requests that failed together do not come back together.
        doubled = self._settings.http_backoff_seconds * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)
        return min(doubled, LONGEST_WAIT_SECONDS)

    def _retry_after(self, response: httpx.Response) -> float | None:
        """Seconds that the source asks to wait: a number or an HTTP date."""
        text = response.headers.get("retry-after", "").strip()
        if not text:
            return None
        if text.isdigit():
            return float(text)
        try:
            return max(0.0, (parsedate_to_datetime(text) - self._now()).total_seconds())
        except (ValueError, TypeError):
            return None  # neither form, or a date without a zone: our own back-off serves

    def _note_quota(self, quota: dict[str, str]) -> None:
        def left(of: dict[str, str]) -> float:
            return float(of["x-requests-remaining"]) if "x-requests-remaining" in of else float("inf")

        if quota and left(quota) <= left(self._quota):
            self._quota = quota

    def _excerpt(self, response: httpx.Response) -> str:
        text = " ".join(response.text.split())
        return f": {self._redacted(text[:_EXCERPT])}" if text else ""

    def _redacted(self, text: str) -> str:
        for value in self._secret.values():
            text = text.replace(value, "***") if value else text
        return text


_WHAT_NEXT = {
    401: "check the API key and what is left of its quota.",
    403: "the source refuses this address or key: set PROXY_URL or another key.",
    404: "check the base URL; the source may have moved.",
    422: "a parameter is refused: compare the request with the source's documentation.",
}


class _TryAgain(Exception):
    """One attempt failed in a way that the next may not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _Pace:
    """Spaces requests evenly: the n-th of a busy second waits for its slot."""

    def __init__(self, per_second: float, sleep: Callable[[float], None], monotonic: Callable[[], float]) -> None:
        self._interval = 1 / per_second if per_second > 0 else 0.0
        self._sleep = sleep
        self._monotonic = monotonic
        self._next = 0.0
        self._turn = threading.Lock()

    def wait(self) -> None:
        if not self._interval:
            return
        with self._turn:
            now = self._monotonic()
            slot = max(now, self._next)
            self._next = slot + self._interval
        if slot > now:
            self._sleep(slot - now)


@cache
def _certificates() -> ssl.SSLContext:
    """Loading the root certificates takes 30 ms, so all clients share one context."""
    return ssl.create_default_context(cafile=certifi.where())


@cache
def _no_certificates() -> ssl.SSLContext:
    """For plain http, where certificates are never asked for; trusts nobody should a redirect lead to https."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
