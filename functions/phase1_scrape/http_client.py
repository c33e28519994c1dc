"""A polite HTTP client for one source: a time and a size for every answer, bounded retries with
jitter, Retry-After, a rate limit, no redirect to elsewhere, no secrets in what it stores, logs or
raises.

Whatever a source sends, nothing but SourceUnavailable (SourceRefused where asking again cannot
help) comes out.
"""

from __future__ import annotations

import base64
import codecs
import json
import logging
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any, TypeVar

import certifi
import httpx

from functions.phase1_scrape.answers import (
    ENCODINGS,
    PAGE_BYTES,
    Garbled,
    TooLarge,
    clean,
    page_text,
    quota_number,
    read_body,
    read_page,
    seconds_to_wait,
)
from functions.phase1_scrape.failures import ErrorTold, GaveUp, SourceRefused, WrongShape
from functions.phase1_scrape.pace import Pace
from shared.core.errors import SourceUnavailable
from shared.core.http_deadline import TimedTransport, answer_within
from shared.core.redaction import may_hold_secret, protect, redact, redact_json, without_begun_secret
from shared.core.secret_settings import check_proxy_url, protect_proxy
from shared.core.settings import Settings
from shared.nba.feed_json import read_json
from shared.stores.raw_files import Response

logger = logging.getLogger(__name__)

T = TypeVar("T")

# Requests of one source in flight at once; the rate limit, not this, is what spares a source.
CONNECTIONS = 8
# Longer waits are left to the message's own retry: a function is not paid to sleep.
LONGEST_WAIT_SECONDS = 60.0
# On its own host a source may move a path once or twice; more is a loop.
REDIRECTS = 5
# How a store of files says that it has none of a name: one that may not be listed says 403.
NOT_THERE = (403, 404)
_QUOTA_HEADERS = ("x-requests-remaining", "x-requests-used", "x-requests-last")
_EXCERPT = 120
# What can go wrong between asking and the last byte; ValueError where a name or an address cannot
# be encoded.
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


@dataclass(frozen=True)
class SourceAnswer:
    """A checked answer: the request without secrets, quota headers, the body as it came and as
    parsed.
    """

    request: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes
    value: Any

    def as_response(self, name: str) -> Response:
        """The answer as it is kept in a raw file."""
        return Response(name, self.request, self.headers, self.body)


@dataclass(frozen=True)
class SourceFile:
    """A checked file that is no JSON: the request, and its bytes as they came."""

    request: Mapping[str, Any]
    data: bytes

    def as_response(self, name: str) -> Response:
        """The file as it is kept in a raw file, whose bodies are JSON: a text in base64."""
        return Response(name, self.request, {}, json.dumps(base64.b64encode(self.data).decode()).encode())


@dataclass
class Allowance:
    """How many requests may still be sent, of several gets together."""

    left: int


class SourceClient:
    """One source at one base URL; safe to use from many threads.

    `secret` are parameters sent with every request (an API key) that appear nowhere else. A
    `transport` stands in for the network, the proxy included. `before_request` is called once a get
    and may raise SourceUnavailable.

    Raises ConfigError for a proxy that httpx would misread, and then quote with its password.
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
        self._secret = dict(secret or {})
        protect(*self._secret.values())
        protect_proxy(proxy)
        check_proxy_url("PROXY_URL", proxy)
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._settings = settings
        self._now = now
        self._before_request = before_request or (lambda: None)
        self._sleep = sleep
        self._pace = Pace(settings.http_requests_per_second, sleep, monotonic)
        self._quota: dict[str, int] = {}
        self._unread_quota: dict[str, str] = {}
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        verify = _certificates() if base_url.startswith("https") else _no_certificates()
        self._client = httpx.Client(
            headers={"Accept-Encoding": ENCODINGS, **(headers or {})},
            timeout=settings.http_timeout_seconds,
            # the proxy is a setting of ours, for NBA.com alone
            transport=transport or TimedTransport(limits=limits, proxy=proxy or None, verify=verify, trust_env=False),
            verify=verify,
            follow_redirects=False,  # _ask looks where they lead
            trust_env=False,
        )

    def close(self) -> None:
        self._client.close()

    @property
    def quota(self) -> dict[str, int]:
        """The source's own count {remaining, used, last} of requests, at its lowest remaining;
        empty if it has none.
        """
        return dict(self._quota)

    @property
    def unread_quota(self) -> dict[str, str]:
        """Quota headers that were no number, each as it came last."""
        return dict(self._unread_quota)

    def get(self, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> SourceAnswer:
        """GET base_url + path; `check` raises WrongShape for an answer that the next phase could
        not read.

        Raises SourceUnavailable when every attempt failed, SourceRefused where another attempt
        cannot help.
        """
        return self._attempt(path, partial(self._once, path, params, check), Allowance(self._settings.http_attempts))

    def get_file(self, path: str, check: Callable[[bytes], None], allowance: Allowance) -> SourceFile | None:
        """GET base_url + path, whose answer is no JSON; None where the source has no such file.
        `check` raises WrongShape for what the next phase could not read.

        At most as many attempts as are left of the allowance, which each takes one of. Raises as
        `get` does, GaveUp when every attempt failed.
        """
        return self._attempt(path, partial(self._file_once, path, check), allowance)

    def _attempt(self, path: str, once: Callable[[], T], allowance: Allowance) -> T:
        self._before_request()
        attempts = max(1, min(self._settings.http_attempts, allowance.left))
        for attempt in range(1, attempts + 1):
            self._pace.wait()
            allowance.left -= 1
            try:
                return once()
            except _TryAgain as failed:
                if attempt == attempts:
                    raise GaveUp(
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

    def _once(self, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> SourceAnswer:
        body, headers = self._answer(path, params)
        kind = _kind(headers)
        body = body.removeprefix(codecs.BOM_UTF8)
        try:
            # strictly UTF-8, which Python's own reading of bytes is not: the raw file takes the
            # body as it came
            text = body.decode("utf-8")
            value = read_json(text)
        except ValueError as error:
            what = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
            page = self._excerpt(page_text(body[: 10 * _EXCERPT], kind))
            raise _TryAgain(f"answered 200 with {kind} that is not {what}{page}") from error
        try:
            check(value)
        except ErrorTold as error:
            page = _safe_page(text[:PAGE_BYTES])
            message = f"answered 200 with an error{self._excerpt(page)}"
            if _may_pass(error.status):
                raise _TryAgain(message) from error
            raise SourceRefused(f"{self.name} {path} {message}.", error.status, page) from error
        except WrongShape as error:
            raise _TryAgain(f"answered JSON of another shape: {_safe(str(error))}") from error
        if may_hold_secret(text):  # an answer that echoes its request: kept, but not with the key
            value = redact_json(value)
            body = json.dumps(value).encode()
        request = {"source": self.name, "path": path, "params": dict(params)}
        quota = {name: _safe(headers[name])[:_EXCERPT] for name in _QUOTA_HEADERS if name in headers}
        return SourceAnswer(request, quota, body, value)

    def _file_once(self, path: str, check: Callable[[bytes], None]) -> SourceFile | None:
        try:
            body, headers = self._answer(path, {})
        except SourceRefused as refused:
            if refused.status in NOT_THERE:
                return None
            raise
        try:
            check(body)
        except WrongShape as error:
            raise _TryAgain(f"answered 200 with {_kind(headers)} that is {_safe(str(error))}") from error
        if may_hold_secret(body.decode("latin-1")):
            # it cannot be redacted and stay a file
            raise SourceRefused(f"{self.name} {path} answered with a file that has a secret of ours in it.", 200)
        return SourceFile({"source": self.name, "path": path, "params": {}}, body)

    def _answer(self, path: str, params: Mapping[str, str]) -> tuple[bytes, httpx.Headers]:
        """As `_ask`, whatever goes wrong on the way."""
        try:
            with answer_within(self._settings.http_timeout_seconds):
                return self._ask(path, params)
        except _NO_ANSWER as error:
            raise _TryAgain(f"no answer ({type(error).__name__}: {_safe(str(error))})") from error

    def _ask(self, path: str, params: Mapping[str, str]) -> tuple[bytes, httpx.Headers]:
        """Body and headers of an answer with status 200, redirects on the same host followed."""
        url, query = httpx.URL(self._base_url + path), {**params, **self._secret} or None
        for _ in range(REDIRECTS + 1):
            with self._client.stream("GET", url, params=query) as response:
                if not response.has_redirect_location:
                    return self._body(path, response), response.headers
                url, query = self._follow_redirect(path, response), None
            self._pace.wait()
        raise _TryAgain(f"redirects more than {REDIRECTS} times, at last to {self._address(url)}")

    def _body(self, path: str, response: httpx.Response) -> bytes:
        self._note_quota(response.headers)
        status, most = response.status_code, self._settings.http_max_bytes
        if _may_pass(status):
            wait = seconds_to_wait(response.headers.get("retry-after", ""), self._now())
            raise _TryAgain(f"answered {status}{self._excerpt(read_page(response))}", wait)
        if status != 200:
            page = _safe_page(read_page(response))
            raise SourceRefused(f"{self.name} {path} answered {status}{self._excerpt(page)}.", status, page)
        try:
            return read_body(response, most)
        except TooLarge:
            raise SourceRefused(
                f"{self.name} {path} answered with more than {most:,} bytes (unpacked); the rest was not read.", status
            ) from None
        except Garbled as error:
            raise _TryAgain(f"answered 200 with a body that {error}") from error

    def _follow_redirect(self, path: str, response: httpx.Response) -> httpx.URL:
        """Where an answer redirects to.

        Raises SourceRefused where that is not the same scheme, host and port.
        """
        url = response.url.join(response.headers["location"])
        here = response.url
        if url.userinfo or (url.scheme, url.host, url.port) != (here.scheme, here.host, here.port):
            status = response.status_code
            message = f"answered {status}, a redirect to {self._address(url)}, which is another place: not followed."
            raise SourceRefused(f"{self.name} {path} {message}", status)
        return url

    def _address(self, url: httpx.URL) -> str:
        """An address as far as it may be shown: what follows the path, or stands before the host,
        can be a secret.
        """
        port = f":{url.port}" if url.port else ""
        path = url.raw_path.partition(b"?")[0].decode("ascii", "replace")
        return _safe(f"{url.scheme}://{url.host}{port}{path}")[:_EXCERPT]

    def _wait_seconds(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return retry_after
        # Jitter, so that many requests that failed together do not come back together.
        doubled = self._settings.http_backoff_seconds * 2.0 ** (attempt - 1) * random.uniform(0.5, 1.5)
        return min(doubled, LONGEST_WAIT_SECONDS)

    def _note_quota(self, headers: httpx.Headers) -> None:
        texts = {name: headers[name] for name in _QUOTA_HEADERS if name in headers}
        counts = {name.rpartition("-")[2]: quota_number(text) for name, text in texts.items()}
        known = {name: count for name, count in counts.items() if count is not None}
        unread = {name: _safe(text)[:_EXCERPT] for name, text in texts.items() if quota_number(text) is None}
        self._unread_quota = self._unread_quota | unread
        most = float("inf")
        if known and known.get("remaining", most) <= self._quota.get("remaining", most):
            self._quota = known

    def _excerpt(self, page: str) -> str:
        text = _safe_page(page)[:_EXCERPT]
        return f": {text}" if text else ""


def _kind(headers: httpx.Headers) -> str:
    return _safe(headers.get("content-type", "no content type"))[:_EXCERPT]


def _safe(text: str) -> str:
    """On one line and without secrets: redacted before anything is cut off, so that no half of one
    is left.
    """
    return redact(clean(text))


def _safe_page(page: str) -> str:
    """The same of the beginning of a page, which ends wherever reading it ended: in the midst of a
    secret, too.
    """
    return without_begun_secret(_safe(page))


def _may_pass(status: int) -> bool:
    """Whether asking again can help."""
    return status in (408, 429) or status >= 500


class _TryAgain(Exception):
    """One attempt failed in a way that the next may not."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@cache
def _certificates() -> ssl.SSLContext:
    """Loading the root certificates takes 30 ms, so all clients share one context."""
    return ssl.create_default_context(cafile=certifi.where())


@cache
def _no_certificates() -> ssl.SSLContext:
    """For plain http, where certificates are never asked for; trusts nobody should a redirect lead
    to https.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
