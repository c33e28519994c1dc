"""The dashboard's pages without a browser: links, forms and their refusals, on real stores."""

from __future__ import annotations

import hashlib
import json
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from functions.dashboard.pages import PAGES
from shared.chain.resilience import circuit_breaker
from shared.core.settings import Settings
from tests.conftest import ROOT
from tests.pipeline.support import PipelineHarness
from tests.pipeline.test_dashboard_api import client_of
from tests.support.dead_letters import DEAD, lay_out

HTML = {"Accept": "text/html"}
ORIGIN = {"Origin": "http://localhost"}


@pytest.fixture
def client(world: PipelineHarness) -> FlaskClient:
    return client_of(world)


def hidden(response: TestResponse) -> dict[str, list[str]]:
    """The form's hidden fields."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', response.text):
        found.setdefault(unescape(name), []).append(unescape(value))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.name)
def test_every_page_stands_on_an_empty_state(client: FlaskClient, page: object) -> None:
    name = page.name  # type: ignore[attr-defined]
    response = client.get("/" if name == "today" else f"/{name}", headers=HTML)
    assert response.status_code == 200
    assert f"<title>{page.title} ·" in response.text  # type: ignore[attr-defined]
    assert 'aria-current="page"' in response.text
    # no script and no style stands in the page, and nothing comes from elsewhere
    assert not re.search(r"<script(?! src=)|<style|style=|onclick|https?://", response.text)


def test_letters_are_ticked_previewed_and_redriven_with_who_and_why(
    world: PipelineHarness, client: FlaskClient
) -> None:
    lay_out(world)
    listed = client.get("/queues", headers=HTML)
    keys = re.findall(r'name="ids" value="([^"]+)"', listed.text)
    assert len(keys) == 2
    preview = client.get("/actions/redrive", query_string={"ids": keys}, headers=HTML)
    assert "Publishes 2 dead letters once more, each to the topic it came from." in preview.text
    form = hidden(preview)
    assert form["ids"] == keys
    for _ in range(2):
        done = client.post("/actions/redrive", data={**form, "why": "mended"}, headers=ORIGIN | HTML)
        assert done.status_code == 303
    page = client.get(done.headers["Location"], headers=HTML)
    assert "published 2 of 2 dead letters" in page.text
    audit = client.get("/audit", headers=HTML).text
    assert "mended" in audit
    assert "redrive" in audit


@pytest.mark.parametrize(
    "change",
    [
        {"seal": ["0" * 64]},
        {"seal": []},
        {"key": ["press-0002"]},
    ],
)
def test_a_form_that_is_not_ours_does_nothing(
    world: PipelineHarness, client: FlaskClient, change: dict[str, list[str]]
) -> None:
    form = hidden(client.get("/actions/pause", headers=HTML))
    refused = client.post("/actions/pause", data={**form, **change, "why": "w"}, headers=ORIGIN | HTML)
    assert refused.status_code == 403
    assert "not one that this dashboard made for you" in refused.text
    of_another_action = client.post("/actions/halt", data={**form, "why": "w"}, headers=ORIGIN | HTML)
    assert of_another_action.status_code == 403
    assert world.state.query("audit") == []


def test_another_persons_form_and_another_sites_page_do_nothing(world: PipelineHarness, client: FlaskClient) -> None:
    form = hidden(client.get("/actions/pause", headers=HTML))
    world.settings = Settings(dashboard_operators="bob@example.com")
    world.start()
    bob = client_of(world, "bob@example.com")
    assert bob.post("/actions/pause", data={**form, "why": "w"}, headers=ORIGIN).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert client.post("/actions/pause", data={**form, "why": "w"}, headers=evil).status_code == 403
    assert world.state.query("audit") == []


def test_an_action_without_a_reason_says_so_on_a_page(world: PipelineHarness, client: FlaskClient) -> None:
    form = hidden(client.get("/actions/pause", headers=HTML))
    refused = client.post("/actions/pause", data={**form, "why": " "}, headers=ORIGIN | HTML)
    assert refused.status_code == 400
    assert "An operator&#39;s action says why." in refused.text
    assert world.state.query("audit") == []


def test_what_comes_from_outside_is_text_on_the_page(world: PipelineHarness, client: FlaskClient) -> None:
    script = "<script>alert(1)</script>"
    attributes = {"origin_subscription": script, "dead_letter_reason": script, "dead_letter_error": script}
    world.bus.publish(DEAD, script.encode(), attributes)
    circuit_breaker.record_failure(world.runtime, "processor-phase1_scrape", ValueError(script), execution="x")
    page = client.get("/queues", headers=HTML).text
    assert script not in page
    assert page.count("&lt;script&gt;alert(1)") >= 2
    for path in (f"/actions/{script}", f"/done/{script}", "/actions/export?game_date=" + script):
        assert script not in client.get(path, headers=HTML).text


def test_a_form_is_shown_where_a_value_is_missing_or_wrong(client: FlaskClient) -> None:
    empty = client.get("/actions/rerun", headers=HTML)
    assert 'type="date" id="game_date"' in empty.text
    assert "Show what this would do" in empty.text
    wrong = client.get("/actions/rerun?game_date=2025-02-30&phase=phase4", headers=HTML)
    assert "2025-02-30" in wrong.text
    assert 'role="alert"' in wrong.text


def test_vendored_files_are_those_that_were_published() -> None:
    folder = ROOT / "functions/dashboard/static"
    listed = json.loads((folder / "VENDORED.json").read_text(encoding="utf-8"))
    for name, facts in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == facts["sha256"]
    assert [each.name for each in folder.glob("*.js") if each.name not in listed] == ["live.js"]
