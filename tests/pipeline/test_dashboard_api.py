"""The dashboard's JSON API on real stores: who may ask, what is answered, what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from functions.dashboard.app import HEADERS, create_app
from functions.dashboard.identity import LOCAL_USER, Unauthenticated, Verifiers
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.actions.table import ACTIONS
from shared.operations.api.questions import QUESTIONS
from tests.pipeline.support import NOW, PipelineHarness
from tests.support.dead_letters import lay_out

PIPELINE = load_pipeline()
DAY = "2025-11-14"
# What a test gives where a question's path or parameter needs a value.
GIVEN = {
    "game_date": DAY,
    "phase": "phase4",
    "player": "nobody",
    "batch_id": f"batch_{DAY}_r1",
    "incident": "none.1",
    "backfill": "none-at-all",
}
# What an empty state does not have.
NOT_THERE = {"batch", "lineage", "alert", "backfill-dates"}


def of_email(email: str) -> Verifiers:
    def verify(token: str) -> Mapping[str, Any]:
        if token != "signed":
            raise Unauthenticated("The token is not valid.")
        return {"email": email, "email_verified": True}

    return Verifiers(verify, verify)


def client_of(world: PipelineHarness, email: str = "") -> FlaskClient:
    """A browser: of the local user, or of somebody with an e-mail."""
    app = create_app(lambda: world.runtime, PIPELINE, lambda _: of_email(email))
    client = app.test_client()
    client.environ_base.update({"HTTP_AUTHORIZATION": "Bearer signed"} if email else {LOCAL_USER: "ada"})
    return client


@pytest.fixture
def client(world: PipelineHarness) -> FlaskClient:
    return client_of(world)


def error_of(response: TestResponse) -> str:
    assert response.json is not None
    return str(response.json["error"])


def path_of(question: Any) -> str:
    return "/api/v1" + re.sub(r"{(\w+)}", lambda name: GIVEN[name[1]], question.path)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: each.name)
def test_every_question_is_answered_on_an_empty_state(
    world: PipelineHarness, client: FlaskClient, question: Any
) -> None:
    response = client.get(path_of(question))
    if question.name in NOT_THERE:
        assert response.status_code == 404, response.text
        assert "Next: " in error_of(response)
        return
    assert response.status_code == 200, response.text
    assert response.mimetype == "application/json"
    # the moment of reading is no change
    world.clock.set(NOW + timedelta(seconds=1))
    again = client.get(path_of(question), headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304
    for name, value in HEADERS.items():
        assert response.headers[name] == value


def test_dead_letters_are_listed_and_redriven_once(world: PipelineHarness, client: FlaskClient) -> None:
    lay_out(world)
    listed = client.get("/api/v1/dead-letters").json
    assert listed is not None
    assert [each["reason"] for each in listed["dead_letters"]] == ["max_delivery_attempts", "not_json"]
    values = {"ids": [each["key"] for each in listed["dead_letters"]]}
    previewed = client.post("/api/v1/actions/redrive/preview", json={"values": values}).json
    assert previewed is not None
    assert previewed["plan"]["says"][0].startswith("Publishes 2 dead letters")
    body = {"values": values, "why": "mended", "key": previewed["key"]}
    done = [client.post("/api/v1/actions/redrive", json=body).json for _ in range(2)]
    assert [each["repeated"] for each in done if each] == [False, True]
    audit = client.get("/api/v1/audit").json
    assert audit is not None
    assert {(row["who"], row["reason"]) for row in audit["audit"]} == {("ada", "mended")}


def test_a_reader_looks_and_does_not_act(world: PipelineHarness) -> None:
    world.settings = Settings(dashboard_readers="rea@example.com")
    world.start()
    client = client_of(world, "rea@example.com")
    assert client.get("/api/v1/whoami").json == {"who": "rea@example.com", "role": "reader"}
    for name in ACTIONS:
        for path in (f"/api/v1/actions/{name}", f"/api/v1/actions/{name}/preview"):
            response = client.post(path, json={"values": {}, "why": "w", "key": "press-0001"})
            assert response.status_code == 403
            assert "may look and not act" in error_of(response)
    assert world.state.query("audit") == []


def test_nobody_and_somebody_without_a_role_are_refused_everywhere(world: PipelineHarness) -> None:
    app = create_app(lambda: world.runtime, PIPELINE, lambda _: of_email("eve@example.com"))
    paths = [re.sub(r"<\w+>", "x", rule.rule) for rule in app.url_map.iter_rules()]
    assert len(paths) > 8
    for headers, status in (({}, 401), ({"Authorization": "Bearer signed"}, 403)):
        for path in [*paths, "/nowhere"]:
            assert app.test_client().get(path, headers=headers).status_code == status, path
            assert app.test_client().post(path, headers=headers, json={}).status_code == status, path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_may_not_ask(world: PipelineHarness, client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/api/v1/switches", headers=headers).status_code == 403
    body = {"values": {}, "why": "w", "key": "press-0001"}
    assert client.post("/api/v1/actions/pause", json=body, headers=headers).status_code == 403
    assert world.state.query("audit") == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/actions/pause", {"values": {}, "why": "", "key": "press-0001"}, 400),
        ("/api/v1/actions/pause", {"values": {}, "why": "w", "key": ""}, 400),
        ("/api/v1/actions/pause", {"values": {}, "why": "w", "key": "../../control"}, 400),
        ("/api/v1/actions/pause", {"values": [], "why": "w", "key": "press-0001"}, 400),
        ("/api/v1/actions/pause", {"why": 7, "key": "press-0001"}, 400),
        ("/api/v1/actions/pause", ["pause"], 400),
        ("/api/v1/actions/nonsense", {"values": {}, "why": "w", "key": "press-0001"}, 404),
        ("/api/v1/actions/export", {"values": {"game_date": "x"}, "why": "w", "key": "press-0001"}, 400),
        ("/api/v1/actions/export", {"values": {"game_date": {"a": 1}}, "why": "w", "key": "press-0001"}, 400),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_done(
    world: PipelineHarness, client: FlaskClient, path: str, body: Any, status: int
) -> None:
    response = client.post(path, json=body)
    assert response.status_code == status
    assert error_of(response)
    assert world.state.query("audit") == []
    assert world.bus.published == []


def test_a_form_of_a_page_is_no_api_call_and_a_get_never_acts(world: PipelineHarness, client: FlaskClient) -> None:
    assert client.post("/api/v1/actions/pause", data={"why": "w", "key": "press-0001"}).status_code == 400
    assert client.get("/api/v1/actions/pause").status_code == 405
    assert client.post("/api/v1/actions/pause", data=b"{" * 2_000_000, content_type="application/json").status_code in (
        400,
        413,
    )
    assert world.state.query("audit") == []


@pytest.mark.parametrize("text", ["' OR 1=1 --", "../../../etc/passwd", "<script>alert(1)</script>", "x" * 501, "\x00"])
def test_odd_texts_are_names_that_are_not_there(client: FlaskClient, text: str) -> None:
    response = client.get("/api/v1/dead-letters", query_string={"subscription": text})
    assert response.status_code in (400, 404)
    assert response.mimetype == "application/json"


def test_a_store_that_does_not_answer_is_said(world: PipelineHarness, client: FlaskClient) -> None:
    class Down:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable("the state store does not answer.")

    world.swap(state=Down())
    response = client.get("/api/v1/switches")
    assert (response.status_code, error_of(response)) == (503, "the state store does not answer.")


def test_the_openapi_document_has_every_route_and_no_other(client: FlaskClient, world: PipelineHarness) -> None:
    app = create_app(lambda: world.runtime, PIPELINE)
    routes = set()
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1"):
            continue
        methods = {each.lower() for each in rule.methods or () if each in ("GET", "POST")}
        path = re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix("/api/v1"))
        names = ACTIONS if "{name}" in path else [""]
        routes |= {(path.replace("{name}", name), method) for name in names for method in methods}
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    assert {(path, method) for path, found in document["paths"].items() for method in found} == routes
    ids = [each["operationId"] for found in document["paths"].values() for each in found.values()]
    assert len(ids) == len(set(ids))
    json.dumps(document)
