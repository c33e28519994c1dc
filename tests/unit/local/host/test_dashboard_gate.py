"""A browser of this machine at the dashboard: with the token once, then with its cookie; nobody
else.
"""

from __future__ import annotations

import getpass
import http.client
import json
from collections.abc import Iterator
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from local.host.gate import DASHBOARD, LOCAL_USER
from local.host.server import Server
from local.host.token import OPERATOR_HEADER

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    """Who the gate says asks, and what came."""
    start_response("200 OK", [("Content-Type", "application/json")])
    body = environ["wsgi.input"].read().decode()
    return [json.dumps({"user": environ.get(LOCAL_USER), "body": body}).encode()]


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server()
    for path in ("/dashboard", "/admin"):
        opened.mount(path, echo)
    opened.start()
    yield opened
    opened.stop()


def ask(
    server: Server, method: str, path: str, headers: dict[str, str] | None = None, body: str | None = None
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def cookie(server: Server) -> dict[str, str]:
    return {"Cookie": f"{DASHBOARD.cookie}={server.token}"}


def test_the_token_is_brought_once_and_kept_in_a_cookie_that_no_script_and_no_other_site_has(server: Server) -> None:
    status, headers, _ = ask(server, "GET", f"/dashboard/open?token={server.token}")
    assert (status, headers["Location"]) == (303, "/dashboard/")
    given = headers["Set-Cookie"].split("; ")
    assert given[0] == f"{DASHBOARD.cookie}={server.token}"
    assert {"HttpOnly", "Path=/dashboard", "SameSite=Strict"} <= set(given)
    status, _, body = ask(server, "GET", "/dashboard/queues", {"Cookie": given[0]})
    assert (status, json.loads(body)["user"]) == (200, getpass.getuser())


def test_a_form_and_json_reach_the_dashboard(server: Server) -> None:
    for headers, body in ((FORM, "why=w"), (JSON, '{"why": "w"}')):
        status, _, answer = ask(server, "POST", "/dashboard/actions/pause", cookie(server) | headers, body)
        assert (status, json.loads(answer)["body"]) == (200, body)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/dashboard/", {}, 401),
        ("GET", "/dashboard/open", {}, 401),
        ("GET", "/dashboard/open?token=wrong", {}, 401),
        ("GET", "/dashboard/queues?token={token}", {}, 401),
        ("GET", "/admin/status?token={token}", {}, 401),
        ("GET", "/admin/status", {"Cookie": "nba_token={token}"}, 401),
        ("POST", "/admin/pause", {"Cookie": "nba_token={token}", **FORM}, 401),
        ("POST", "/functions/grading", {"Cookie": "nba_token={token}", **JSON}, 401),
        ("GET", "/dashboard/", {"Cookie": "nba_token=wrong"}, 401),
        ("GET", "/dashboard/", {"Cookie": "nba_token=\u00e9"}, 401),
        ("GET", "/dashboard/", {"Nba.Local_User": "root", "Nba-Local-User": "root"}, 401),
        ("GET", "/dashboard/", {"Cookie": "nba_token={token}", "Host": "evil.example"}, 403),
        ("GET", "/dashboard/open?token={token}", {"Host": "evil.example"}, 403),
        ("POST", "/dashboard/x", {"Cookie": "nba_token={token}", "Origin": "https://evil.example", **FORM}, 403),
        ("POST", "/dashboard/x", {"Cookie": "nba_token={token}", "Sec-Fetch-Site": "cross-site", **FORM}, 403),
        ("POST", "/dashboard/x", {"Cookie": "nba_token={token}", "Content-Type": "text/plain"}, 415),
        ("POST", "/dashboard/x", {"Cookie": "nba_token={token}", "Content-Type": "multipart/form-data"}, 415),
        ("DELETE", "/dashboard/x", {"Cookie": "nba_token={token}"}, 405),
        ("POST", "/admin/pause", {"Authorization": "Bearer {token}", **FORM}, 415),
    ],
)
def test_anybody_else_is_refused(server: Server, method: str, path: str, headers: dict[str, str], status: int) -> None:
    filled = {name: value.replace("{token}", server.token) for name, value in headers.items()}
    body = "why=w" if method == "POST" else None
    answered, _, text = ask(server, method, path.replace("{token}", server.token), filled, body)
    assert answered == status, text
    assert server.token not in text


def test_no_header_names_the_user(server: Server) -> None:
    claimed = {"Nba.Local_User": "eve", "HTTP_NBA_LOCAL_USER": "eve", "nba.local_user": "eve"}
    _, _, body = ask(server, "GET", "/dashboard/", cookie(server) | claimed)
    assert json.loads(body)["user"] == getpass.getuser()
    _, _, body = ask(server, "GET", "/admin/x", server.endpoint.headers | claimed)
    assert json.loads(body)["user"] == ""


def test_a_command_says_in_whose_name_it_acts_and_no_page_does(server: Server) -> None:
    named = {OPERATOR_HEADER: quote("Zoë of operations")}
    _, _, body = ask(server, "GET", "/dashboard/", server.endpoint.headers | named)
    assert json.loads(body)["user"] == "Zoë of operations"
    other = {"Authorization": "Basic eve"}
    for headers in (cookie(server) | named, cookie(server) | named | other, server.endpoint.headers):
        _, _, body = ask(server, "GET", "/dashboard/", headers)
        assert json.loads(body)["user"] == getpass.getuser()
    _, _, body = ask(server, "GET", "/admin/x", server.endpoint.headers | named)
    assert json.loads(body)["user"] == ""
