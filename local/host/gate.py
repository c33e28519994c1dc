"""Who may ask what of the port: a gate in front of everything that is mounted.

A web page in a browser of this machine reaches 127.0.0.1 as well. Its form can POST any text, its
image can GET, and a name of its own may come to mean 127.0.0.1 (DNS rebinding). So: the Host is
this machine's own name, an Origin is ours, a GET never acts, whatever acts declares JSON and brings
the token of the state folder.
"""

from __future__ import annotations

import getpass
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from urllib.parse import parse_qs, unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.http import dump_cookie, parse_cookie

from local.host.bodies import MAX_BODY, MAX_PUSH, Refusal, check_declared, check_object, read_body
from local.host.token import OPERATOR_HEADER

NAMES = ("127.0.0.1", "localhost", "[::1]")
REPLAY, FUNCTIONS = "/replay", "/functions"
# The dashboard takes its user from here. A command that brings the token may say in whose name it
# acts, as it may to /admin; no page can, whose browser has the cookie alone.
LOCAL_USER = "nba.local_user"
# Structured CloudEvents are JSON too. No form and no simple request of a page can declare either.
JSON_TYPES = ("application/json", "application/cloudevents+json")
FORM_TYPE = "application/x-www-form-urlencoded"
READS = ("GET", "HEAD")
# The scraper says what NBA.com asks for; the replay stands in for NBA.com.
SCRAPERS_ORIGIN = "https://www.nba.com"
# Where a server hears that a request was read, and whether it goes on to an application.
DECIDED = "local.decided"


@dataclass(frozen=True)
class Pages:
    """What a browser asks of a port: it brings its address's token once to `open_path`, and has a
    cookie from then on.
    """

    root: str
    """They are all below it; where it is empty, the port has nothing else."""
    cookie: str
    lost: str
    """What is said to who brings no token, or a wrong one."""

    @property
    def open_path(self) -> str:
        return f"{self.root}/open"


DASHBOARD = Pages(
    "/dashboard",
    "nba_token",
    "The token is missing or wrong; it is in runtime.token of the state folder, "
    "and goes into the header Authorization: Bearer.",
)


class Gate:
    """A WSGI application in front of another.

    Args:
        pages: what a browser may ask with a cookie.
        token: what an Authorization: Bearer header has to bring for all but the replay.
        token_in_query: whether ?token=... serves as well; for the emulator of Pub/Sub, whose pushes
            have no header.
    """

    def __init__(
        self,
        app: WSGIApplication,
        port: Callable[[], int],
        token: str,
        *,
        pages: Pages = DASHBOARD,
        token_in_query: bool = False,
    ) -> None:
        self._app = app
        self._pages = pages
        self._port = port
        self._token = token.encode()
        self._token_in_query = token_in_query

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._check(environ)
        except Refusal as refusal:
            _note_decision(environ, admitted=False)
            return _respond_refusal(refusal, environ, start_response)
        _note_decision(environ, admitted=True)
        if environ["PATH_INFO"] == self._pages.open_path:
            return _respond_with_cookie(self._pages, self._token.decode(), start_response)
        return self._app(environ, start_response)

    def _check(self, environ: WSGIEnvironment) -> None:
        """Raises Refusal for what goes no further; what does has its body in memory."""
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        page = _is_below(path, self._pages.root)
        replay, function = (not page and _is_below(path, root) for root in (REPLAY, FUNCTIONS))
        self._check_host(environ)
        self._check_origin(environ, replay=replay)
        allowed = READS if replay else ("POST",) if function else (*READS, "POST")
        if method not in allowed:
            raise Refusal(405, f"{method} does nothing here; use {' or '.join(allowed)}.", Allow=", ".join(allowed))
        limit = MAX_PUSH if function else MAX_BODY
        check_declared(environ, limit)
        in_header = not replay and self._check_token(environ, page=page)
        environ[LOCAL_USER] = _find_user(environ, may_name=in_header) if page else ""
        body = b""
        if method == "POST":
            is_form = page and _content_type(environ) == FORM_TYPE
            if not is_form:
                _check_type(environ)
            body = read_body(environ, limit)
            if not is_form:
                check_object(body)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop("wsgi.input_terminated", None)
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))

    def _check_host(self, environ: WSGIEnvironment) -> None:
        host = environ.get("HTTP_HOST", "")
        if host.lower() not in self._own_hosts():
            raise Refusal(403, f"Host {host[:100]!r} is not this machine; ask for 127.0.0.1:{self._port()}.")

    def _check_origin(self, environ: WSGIEnvironment, *, replay: bool) -> None:
        origin = environ.get("HTTP_ORIGIN")
        own = {f"http://{host}" for host in self._own_hosts()}
        if origin is not None and origin.lower() not in own and not (replay and origin == SCRAPERS_ORIGIN):
            raise Refusal(403, f"Origin {origin[:100]!r} is another site's page; no page but our own may ask.")
        site = environ.get("HTTP_SEC_FETCH_SITE", "none").lower()
        if site not in ("none", "same-origin"):
            raise Refusal(403, f"The browser asks for another page (Sec-Fetch-Site: {site[:40]}).")

    def _own_hosts(self) -> set[str]:
        return {each for name in NAMES for each in (name, f"{name}:{self._port()}")}

    def _check_token(self, environ: WSGIEnvironment, *, page: bool) -> bool:
        """Whether the token came in its header, which only commands set. Raises Refusal."""
        scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        offered = given.strip() if scheme.lower() == "bearer" else ""
        in_header = bool(offered)
        if not offered and page:
            offered = _read_cookie(environ, self._pages.cookie)
        if not offered and (self._token_in_query or environ["PATH_INFO"] == self._pages.open_path):
            offered = parse_qs(environ.get("QUERY_STRING", "")).get("token", [""])[0]
        if not hmac.compare_digest(offered.encode("utf-8", "replace"), self._token):
            raise Refusal(401, self._pages.lost, WWW_Authenticate="Bearer")
        return in_header


def _find_user(environ: WSGIEnvironment, *, may_name: bool) -> str:
    named = environ.get(f"HTTP_{OPERATOR_HEADER.upper().replace('-', '_')}", "") if may_name else ""
    return unquote(named).strip() or getpass.getuser()


def _read_cookie(environ: WSGIEnvironment, name: str) -> str:
    """The token that a browser keeps; empty where none came, or what came is no UTF-8."""
    try:
        return parse_cookie(environ).get(name, "")
    except UnicodeDecodeError:
        return ""


def _note_decision(environ: WSGIEnvironment, *, admitted: bool) -> None:
    hear = environ.get(DECIDED)
    if hear is not None:
        hear(admitted)


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _content_type(environ: WSGIEnvironment) -> str:
    declared: str = environ.get("CONTENT_TYPE", "")
    return declared.partition(";")[0].strip().lower()


def _check_type(environ: WSGIEnvironment) -> None:
    if _content_type(environ) not in JSON_TYPES:
        declared = environ.get("CONTENT_TYPE", "")
        raise Refusal(415, f"Content-Type {declared[:100]!r} is not taken; send application/json.")


def _respond_with_cookie(pages: Pages, token: str, start_response: StartResponse) -> list[bytes]:
    """A browser that brought the token goes on to the dashboard, which it then may ask alone."""
    cookie = dump_cookie(pages.cookie, token, path=pages.root or "/", httponly=True, samesite="Strict")
    headers = [("Location", f"{pages.root}/"), ("Set-Cookie", cookie), ("Content-Length", "0")]
    start_response("303 See Other", [*headers, ("Referrer-Policy", "no-referrer")])
    return []


def _respond_refusal(refusal: Refusal, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    body = (json.dumps({"error": str(refusal)}, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *refusal.headers.items()]
    start_response(f"{refusal.status} {HTTPStatus(refusal.status).phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
