"""The deployed dashboard at an address of this machine: a browser asks here, and who asks is added
on the way.

The gate of the port (local/host/gate.py) has seen the request before: Host, Origin and the cookie
are this machine's own, and the body is whole.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote, urljoin, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.datastructures import EnvironHeaders

from local.cloud.dashboard_service import Answered, DashboardService, NotAnswered
from shared.core.errors import PipelineError

# Nothing else goes either way: no cookie (the dashboard has none; those of this machine are none of
# its business), nothing that says who asks, nothing that is of one connection.
REQUEST_HEADERS = (
    "Accept",
    "Accept-Language",
    "Content-Type",
    "HX-Request",
    "If-Modified-Since",
    "If-None-Match",
    "Sec-Fetch-Site",
    "User-Agent",
)
RESPONSE_HEADERS = (
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Security-Policy",
    "Content-Type",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "ETag",
    "Last-Modified",
    "Referrer-Policy",
    "Retry-After",
    "Vary",
    "X-Content-Type-Options",
)
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_SAFE = "/:@!$&'()*+,;=~"


class DashboardProxy:
    """A WSGI application that answers with what the deployed dashboard answers."""

    def __init__(self, service: DashboardService) -> None:
        self._service = service

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            status, headers, body = self._forward(environ)
        except PipelineError as error:
            status, headers, body = _report_failure(error, environ)
        bare = environ["REQUEST_METHOD"] == "HEAD" or status in _WITHOUT_BODY
        if not bare:
            headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(f"{status} {_phrase(status)}", headers)
        return [] if bare else [body]

    def _forward(self, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
        target = _target(environ)
        headers = _headers(environ)
        if "Origin" in EnvironHeaders(environ):
            # the gate has seen that the page which asks is this one: over there it is the service's
            headers[b"Origin"] = self._service.address.encode()
        method = environ["REQUEST_METHOD"]
        body = environ["wsgi.input"].read() if method == "POST" else None
        answer = self._service.ask(method, target, headers, body)
        return answer.status, self._headers_back(target, answer), answer.body

    def _headers_back(self, target: str, answer: Answered) -> list[tuple[str, str]]:
        kept = [(name, answer.headers[name]) for name in RESPONSE_HEADERS if name in answer.headers]
        if "Location" in answer.headers:
            kept.append(("Location", self._location_here(target, answer.headers["Location"])))
        return kept

    def _location_here(self, target: str, location: str) -> str:
        """A place of the service as a path of this proxy; no other place is gone to."""
        place = urlsplit(urljoin(f"{self._service.address}{target}", location))
        path = place.path or "/"
        if f"{place.scheme}://{place.netloc}".lower() != self._service.address or path[1:2] in ("/", "\\"):
            raise NotAnswered(
                HTTPStatus.BAD_GATEWAY,
                f"The dashboard sends on to another address: {location[:200]!r}.",
                next_step=f"open {self._service.address} itself, if you expect that.",
            )
        return path + (f"?{place.query}" if place.query else "") + (f"#{place.fragment}" if place.fragment else "")


def _target(environ: WSGIEnvironment) -> str:
    path = quote(environ.get("PATH_INFO", "").encode("latin-1"), safe=_SAFE) or "/"
    query = quote(environ.get("QUERY_STRING", "").encode("latin-1"), safe=f"{_SAFE}?%")
    return f"{path}?{query}" if query else path


def _headers(environ: WSGIEnvironment) -> dict[bytes, bytes]:
    came = EnvironHeaders(environ)
    return {name.encode(): came[name].encode("latin-1") for name in REQUEST_HEADERS if came.get(name)}


def _report_failure(error: PipelineError, environ: WSGIEnvironment) -> tuple[int, list[tuple[str, str]], bytes]:
    """What is wrong: a page to a browser, JSON to a command."""
    status = int(error.status) if isinstance(error, NotAnswered) else HTTPStatus.BAD_GATEWAY.value
    if "text/html" in EnvironHeaders(environ).get("Accept", ""):
        kind, text = "text/html", f"<!doctype html><title>The dashboard</title><p>{html.escape(str(error))}</p>\n"
    else:
        kind, text = "application/json", json.dumps({"error": str(error)}, ensure_ascii=False) + "\n"
    headers = [("Content-Type", f"{kind}; charset=utf-8"), ("Cache-Control", "no-store")]
    safe = [("Content-Security-Policy", "default-src 'none'"), ("X-Content-Type-Options", "nosniff")]
    return status, headers + safe, text.encode()


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
