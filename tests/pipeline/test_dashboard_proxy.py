"""The deployed dashboard through the local proxy: the real page behind a front end that does what
Cloud Run's does, over TLS, with tokens that a gcloud prints.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx
import pytest

from functions.dashboard.app import HEADERS, create_app
from functions.dashboard.tokens import Keys, verifiers_of
from local.cloud import dashboard_service
from local.cloud.dashboard_proxy import DashboardProxy
from local.cloud.dashboard_service import DashboardService
from local.cloud.identity_token import IdentityToken
from local.host.bodies import MAX_BODY
from local.host.gate import Pages
from local.host.server import Server
from shared.core.clock import SystemClock
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from tests.conftest import ROOT
from tests.pipeline.support import PipelineHarness
from tests.pipeline.test_dashboard_pages import hidden
from tests.support.cloud_run import GCLOUD, REMOVED, CloudRun, Gcloud, serve_tls
from tests.support.nba import environment
from tests.support.signed_tokens import Issuer

pytestmark = pytest.mark.heavy  # processes and TLS

PIPELINE = load_pipeline()
PAGES = Pages("", "nba_p_dashboard", "Open the address that was printed.")
HTML = {"Accept": "text/html"}
OPERATOR, READER = "ada@example.com", "rea@example.com"


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: Issuer) -> Gcloud:
    made = Gcloud.write(tmp_path / "bin")
    monkeypatch.setenv("PATH", made.path(os.environ["PATH"]))
    made.print_token(issuer.token(OPERATOR, aud=GCLOUD))
    return made


@pytest.fixture
def deployed(
    world: PipelineHarness, issuer: Issuer, gcloud: Gcloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudRun]:
    """The dashboard as Terraform deploys it, an operator and a reader in its settings."""
    given = Settings(dashboard_operators=OPERATOR, dashboard_readers=READER, dashboard_audiences=default_audience())
    runtime = dataclasses.replace(world.runtime, settings=given)
    keys = Keys(SystemClock(), issuer.transport)
    app = create_app(lambda: runtime, PIPELINE, lambda of: verifiers_of(of.settings, keys))
    with serve_tls(CloudRun(app, issuer, {OPERATOR, READER, "eve@example.com"}), tmp_path / "tls") as front:
        gcloud.print_address(front.address)
        monkeypatch.setenv("SSL_CERT_FILE", front.ca_file)
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        yield front


def default_audience() -> str:
    """What infra/terraform sets where nobody names another."""
    text = (ROOT / "infra" / "terraform" / "variables.tf").read_text(encoding="utf-8")
    block = text.partition('variable "dashboard_audiences"')[2].partition("\nvariable ")[0]
    found = re.search(r'default\s*=\s*\["([^"]+)"\]', block)
    assert found
    return found[1]


@dataclass
class Browser:
    """A browser that has opened the proxy's address."""

    server: Server
    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers={**HTML, **headers})

    def post(self, path: str, data: dict[str, Any], **headers: str) -> httpx.Response:
        own = {**HTML, "Origin": self.server.base_url, "Sec-Fetch-Site": "same-origin"}
        return self.client.post(path, data=data, headers={**own, **headers})


@contextmanager
def proxy_of(address: str, seconds: float = 30.0) -> Iterator[Browser]:
    with ExitStack() as stack:
        service = stack.enter_context(closing(DashboardService(address, IdentityToken(SystemClock()), seconds)))
        server = Server(pages=PAGES)
        server.mount("", DashboardProxy(service))
        server.start()
        stack.callback(server.stop)
        client = stack.enter_context(httpx.Client(base_url=server.base_url, timeout=60))
        opened = client.get("/open", params={"token": server.token})
        assert (opened.status_code, opened.headers["Location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(opened.headers["Set-Cookie"].split("; "))
        yield Browser(server, client)


@pytest.fixture
def browser(deployed: CloudRun) -> Iterator[Browser]:
    with proxy_of(deployed.address) as opened:
        yield opened


def test_every_page_is_read_through_it_as_the_person_that_gcloud_knows(browser: Browser, deployed: CloudRun) -> None:
    for path in ("/", "/grid?days=3", "/queues", "/assets/style.css", "/assets/live.js"):
        answer = browser.get(path)
        assert answer.status_code == 200, answer.text
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert "<title>Queues ·" in browser.get("/queues").text
    assert browser.get("/api/v1/whoami").json() == {"who": OPERATOR, "role": "operator"}
    came = deployed.reached[0]
    assert came["HTTP_X_SERVERLESS_AUTHORIZATION"].endswith(REMOVED)
    assert not came["HTTP_AUTHORIZATION"].endswith(REMOVED)
    assert browser.get("/nowhere").status_code == 404


def test_a_token_in_one_header_as_gclouds_own_proxy_sends_it_is_refused_by_the_page(
    deployed: CloudRun, gcloud: Gcloud
) -> None:
    token = (gcloud.folder / "token").read_text(encoding="utf-8").strip()
    for name in ("Authorization", "X-Serverless-Authorization"):
        answer = httpx.get(f"{deployed.address}/api/v1/whoami", headers={name: f"Bearer {token}"})
        assert answer.status_code == 401
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"], "the page itself said so"


def test_an_action_is_previewed_and_performed_through_it(
    browser: Browser, world: PipelineHarness, deployed: CloudRun
) -> None:
    preview = browser.get("/actions/pause")
    form = hidden(preview)  # type: ignore[arg-type]  # it has a text, too
    done = browser.post("/actions/pause", {**form, "why": "a release"})
    assert done.status_code == 303, done.text
    assert done.headers["Location"].startswith("/done/")
    assert "a release" in browser.get(done.headers["Location"]).text
    stored = world.runtime.state.get("control/pause")
    assert stored is not None
    assert (stored.data["paused"], stored.data["who"]) == (True, OPERATOR)
    posted = next(each for each in deployed.reached if each["REQUEST_METHOD"] == "POST")
    assert posted["HTTP_ORIGIN"] == deployed.address
    resumed = browser.client.post(
        "/api/v1/actions/resume",
        json={"values": {}, "why": "released", "key": "press-0001"},
        headers={"Origin": browser.server.base_url},
    )
    assert resumed.status_code == 200, resumed.text


def test_the_page_itself_still_refuses_another_sites_origin(deployed: CloudRun, gcloud: Gcloud) -> None:
    bearer = f"Bearer {(gcloud.folder / 'token').read_text(encoding='utf-8').strip()}"
    both = {"Authorization": bearer, "X-Serverless-Authorization": bearer}
    url = f"{deployed.address}/api/v1/whoami"
    plain = deployed.address.replace("https:", "http:")
    answers = {origin: httpx.get(url, headers={**both, "Origin": origin}) for origin in ("https://evil.example", plain)}
    assert {each.status_code for each in answers.values()} == {403}
    assert httpx.get(url, headers={**both, "Origin": deployed.address}).status_code == 200


def test_a_reader_looks_and_does_not_act(deployed: CloudRun, gcloud: Gcloud, issuer: Issuer) -> None:
    gcloud.print_token(issuer.token(READER, aud=GCLOUD))
    with proxy_of(deployed.address) as browser:
        assert browser.get("/queues").status_code == 200
        answer = browser.post("/actions/pause", {"why": "x", "key": "k", "seal": "s"})
    assert answer.status_code == 403
    assert "may look and not act" in answer.text


def test_nobody_else_on_the_machine_or_in_the_browser_comes_through(browser: Browser, deployed: CloudRun) -> None:
    url, host = browser.server.base_url, f"127.0.0.1:{browser.server.port}"
    before = len(deployed.reached)
    foreign = {"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}
    crossed = {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}
    for headers in (*foreign, *crossed):
        assert browser.get("/queues", **headers).status_code == 403
        assert browser.client.post("/actions/pause", data={"why": "x"}, headers=headers).status_code == 403
    for path in ("/", "/queues", "/replay/x", "/functions/grading", "/admin/status", "/open", "/open?token=guessed"):
        answer = httpx.get(f"{url}{path}", headers={"Host": host})
        assert (answer.status_code, answer.json()) == (401, {"error": PAGES.lost})
    stale = httpx.get(f"{url}/queues", headers={"Cookie": "nba_token=x; nba_p_dashboard=y"})
    assert stale.status_code == 401
    assert browser.client.put("/queues").status_code == 405
    assert (
        browser.client.post("/actions/pause", content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    too_long = browser.client.post("/actions/pause", content=b"x" * (MAX_BODY + 1), headers=form)
    assert too_long.status_code == 413
    assert len(deployed.reached) == before, "none of it went on"


def test_who_asks_is_said_by_the_proxy_alone_and_no_cookie_goes_on(browser: Browser, deployed: CloudRun) -> None:
    forged = {
        "Authorization": f"Bearer {browser.server.token}",
        "X-Serverless-Authorization": "Bearer a.b.c",
        "X-Goog-IAP-JWT-Assertion": "a.b.c",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "Nba.Local-User": "eve",
        "Connection": "keep-alive, X-Private",
        "X-Private": "1",
        "Referer": f"{browser.server.base_url}/grid",
    }
    assert browser.get("/api/v1/whoami", **forged).json()["who"] == OPERATOR
    came = deployed.reached[-1]
    assert came["HTTP_X_SERVERLESS_AUTHORIZATION"].endswith(REMOVED)
    sent = {name for name in came if name.startswith("HTTP_")}
    assert sent <= {
        "HTTP_ACCEPT",
        "HTTP_ACCEPT_ENCODING",
        "HTTP_AUTHORIZATION",
        "HTTP_CONNECTION",
        "HTTP_HOST",
        "HTTP_USER_AGENT",
        "HTTP_X_FORWARDED_PROTO",
        "HTTP_X_SERVERLESS_AUTHORIZATION",
    }
    assert (came["HTTP_X_FORWARDED_PROTO"], came["HTTP_CONNECTION"]) == ("https", "keep-alive")


def test_what_the_browser_has_already_is_not_sent_again(browser: Browser) -> None:
    first = browser.client.get("/api/v1/switches")
    assert first.status_code == 200
    again = browser.client.get("/api/v1/switches", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    head = browser.client.head("/api/v1/switches")
    assert (head.status_code, head.content) == (200, b"")


def test_ten_requests_at_once_take_one_token(browser: Browser, gcloud: Gcloud) -> None:
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: browser.get("/api/v1/whoami").status_code, range(10)))
    assert statuses == [200] * 10
    assert gcloud.calls == ["auth print-identity-token"]


def test_a_token_that_soon_expires_is_replaced_and_a_failing_gcloud_is_said(
    browser: Browser, gcloud: Gcloud, issuer: Issuer
) -> None:
    at = int(issuer.now.timestamp())
    gcloud.print_token(issuer.token(OPERATOR, aud=GCLOUD, exp=at + 290))
    assert [browser.get("/api/v1/whoami").status_code for _ in range(2)] == [200, 200]
    assert gcloud.calls == ["auth print-identity-token"] * 2
    gcloud.fail("ERROR: Please run: $ gcloud auth login")
    refused = browser.client.get("/api/v1/whoami")
    assert refused.status_code == 502
    assert refused.json()["error"].endswith("Next: run `gcloud auth login`.")
    assert "<p>gcloud has nobody signed in" in browser.get("/queues").text
    gcloud.fail("")
    assert browser.get("/queues").status_code == 200


def test_who_cloud_run_refuses_is_told_which_role_is_missing(
    deployed: CloudRun, gcloud: Gcloud, issuer: Issuer
) -> None:
    gcloud.print_token(issuer.token("bob@example.com", aud=GCLOUD))
    with proxy_of(deployed.address) as browser:
        answer = browser.client.get("/queues")
        assert answer.status_code == 403
        assert "let bob@example.com through (HTTP 403): that takes roles/run.invoker. Next: have" in answer.text
        gcloud.print_token(issuer.token(OPERATOR, aud=GCLOUD, key=issuer.stranger))
    with proxy_of(deployed.address) as browser:
        answer = browser.client.get("/queues")
        assert answer.status_code == 401
        assert "Next: run `gcloud auth login`" in answer.json()["error"]
        gcloud.print_token(issuer.token(OPERATOR, aud=GCLOUD))
        assert browser.get("/queues").status_code == 200, "the refused token was not kept"


def odd(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers that no dashboard of ours gives, as the path asks."""
    path, host = environ["PATH_INFO"], environ["HTTP_HOST"]
    own = [("Content-Security-Policy", "default-src 'none'")]
    places = {
        "/relative": "done/k?a=1#b",
        "/absolute": f"https://{host}/done/k",
        "/elsewhere": "https://evil.example/x",
        "/slashes": "//evil.example/x",
        "/backslash": "/\\evil.example",
        "/plain": f"http://{host}/x",
        "/user": f"https://{host}@evil.example/x",
    }
    if path in places:
        start_response("303 See Other", [*own, ("Location", places[path]), ("Set-Cookie", "a=b")])
        return []
    if path == "/sign-in":
        start_response("302 Found", [("Location", "https://accounts.google.com/x")])
        return []
    if path == "/large":
        start_response("200 OK", own)
        return (b"x" * 1000 for _ in range(100))
    start_response("404 Not Found" if path == "/404" else "500 Internal Server Error", [])
    return [b"<script>alert(1)</script>"]


@pytest.fixture
def strange(deployed: CloudRun) -> Iterator[Browser]:
    deployed.app = odd
    with proxy_of(deployed.address) as opened:
        yield opened


def test_it_goes_to_no_other_address(strange: Browser) -> None:
    for path in ("/relative", "/absolute"):
        answer = strange.get(path)
        assert answer.headers["Location"] in ("/done/k?a=1#b", "/done/k")
        assert "Set-Cookie" not in answer.headers
    for path in ("/elsewhere", "/slashes", "/backslash", "/plain", "/user"):
        answer = strange.get(path)
        assert (answer.status_code, "Location" in answer.headers) == (502, False), path
        assert "sends on to another address" in answer.text
    assert "behind Identity-Aware Proxy, open https://localhost" in strange.get("/sign-in").text


def test_what_is_not_the_dashboards_is_not_shown_as_if_it_were(
    strange: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path, status in (("/404", 404), ("/500", 500)):
        answer = strange.get(path)
        assert answer.status_code == status
        assert f"what stands before it: HTTP {status}. Next: " in answer.text
        assert "<script" not in answer.text
    monkeypatch.setattr(dashboard_service, "MAX_ANSWER", 50_000)
    answer = strange.get("/large")
    assert answer.status_code == 502
    assert "The answer is over" in answer.text


def test_a_service_that_is_away_or_slow_is_said(deployed: CloudRun, gcloud: Gcloud) -> None:
    with proxy_of("https://localhost:9") as browser:
        answer = browser.client.get("/queues")
    assert answer.status_code == 502
    assert "https://localhost:9 cannot be reached: " in answer.json()["error"]
    ended = threading.Event()

    def hang(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        ended.wait(30)
        return odd(environ, start_response)

    deployed.app = hang
    with proxy_of(deployed.address, seconds=0.3) as browser:
        looked, acted = browser.client.get("/x"), browser.post("/x", {"why": "x"}, Accept="*/*")
        ended.set()
    assert (looked.status_code, acted.status_code) == (504, 504)
    assert looked.json()["error"].endswith("did not answer within 0.3 s. Next: load the page again.")
    assert acted.json()["error"].endswith("Next: see in the audit whether it was done.")


@contextmanager
def opening(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-P", "-m", "local.nba", "dashboard", "--project", "p", "--port", "0", *arguments]
    with subprocess.Popen(
        line, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_opens_it_and_serves_until_ctrl_c(deployed: CloudRun, gcloud: Gcloud) -> None:
    token = (gcloud.folder / "token").read_text(encoding="utf-8").strip()
    with opening("--prefix", "dev-") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.endswith(f" shows {deployed.address} as {OPERATOR} (operator), served here until Ctrl-C.\n")
        address = line.split()[0]
        with httpx.Client(follow_redirects=True) as client:
            page = client.get(address, headers=HTML)
        assert (page.status_code, page.url.path) == (200, "/")
        assert "<title>Today ·" in page.text
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert token not in line + out + err
    described = "run services describe dev-dashboard --region=us-central1 --project=p --format=value(status.url)"
    assert gcloud.calls == [described, "auth print-identity-token"]


def test_the_command_fails_where_the_page_would(deployed: CloudRun, gcloud: Gcloud, issuer: Issuer) -> None:
    def fails(*arguments: str) -> str:
        with opening("--json", *arguments) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == 2
        error = json.loads(out)["error"]
        assert err == f"{error}\n"
        return str(error)

    gcloud.print_token(issuer.token("eve@example.com", aud=GCLOUD))
    assert "The dashboard refuses you. eve@example.com has no role here. Next: ask for a place in" in fails()
    assert fails("--address", "http://localhost:1").startswith("'http://localhost:1' is no address of a deployed")
    gcloud.fail("ERROR: (gcloud.run.services.describe) Cannot find service [dashboard]")
    assert "has no service dashboard in eu-west9. Next: name where it is" in fails("--region", "eu-west9")
