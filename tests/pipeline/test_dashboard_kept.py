"""Answers that a deployed dashboard keeps: what polls cost, and what ends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from functions.dashboard.app import create_app
from functions.dashboard.identity import LOCAL_USER
from functions.dashboard.kept_answers import (
    ACTION_SHOWS_WITHIN,
    MOST_KEPT,
    SECONDS_AFTER_ACTION,
    SECONDS_AT_REST,
    SECONDS_AT_WORK,
    KeptAnswers,
)
from functions.dashboard.wording import write_second
from shared.core.clock import format_timestamp
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.stores.runtime import Runtime
from tests.pipeline.test_dashboard_api import of_email
from tests.support.prediction_tables import DAY, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.status.world import begin_work, make_whole, open_copy

pytestmark = pytest.mark.heavy  # minutes of polls

PIPELINE = load_pipeline()
HTML = {"Accept": "text/html"}
PART = HTML | {"HX-Request": "true"}
GRID_STATEMENTS = 4
POLLS, EVERY = 20, 10.0


@dataclass
class Deployed:
    """The evening with the settings of a deployment: its dashboard keeps answers."""

    evening: Evening
    kept: KeptAnswers
    runtime: Runtime

    def client(self, email: str = "") -> FlaskClient:
        """A browser of the local user, or of somebody with an e-mail; all of one instance."""
        app = create_app(lambda: self.runtime, PIPELINE, lambda _: of_email(email), self.kept)
        client = app.test_client()
        client.environ_base.update({"HTTP_AUTHORIZATION": "Bearer signed"} if email else {LOCAL_USER: "ada"})
        return client

    def statements(self) -> int:
        """Of the warehouse, since they were counted last."""
        found = sum(self.evening.warehouse.statement_counts.values())
        reset_counts(self.evening.warehouse)
        return found


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole(tmp_path_factory.mktemp("whole") / "state")


@pytest.fixture
def deployed(whole_folder: Path, tmp_path: Path) -> Iterator[Deployed]:
    with open_copy(whole_folder, tmp_path / "state") as opened:
        settings = Settings(project_id="props", dashboard_readers="rea@example.com")
        runtime = replace(opened.runtime, settings=settings)
        yield Deployed(opened, KeptAnswers(lambda: opened.clock.now().timestamp()), runtime)


def poll(deployed: Deployed, client: FlaskClient, path: str) -> list[int]:
    """Statements of each of twenty polls, ten seconds apart."""
    found = []
    reset_counts(deployed.evening.warehouse)
    for _ in range(POLLS):
        assert client.get(path, headers=PART).status_code == 200
        found.append(deployed.statements())
        deployed.evening.clock.move(seconds=EVERY)
    return found


def polls_that_read(seconds: float) -> list[int]:
    return [GRID_STATEMENTS if n * EVERY % seconds == 0 else 0 for n in range(POLLS)]


def test_twenty_polls_at_rest_read_once_a_minute(deployed: Deployed) -> None:
    assert poll(deployed, deployed.client(), "/grid") == polls_that_read(SECONDS_AT_REST)


def test_twenty_polls_at_work_read_once_in_half_a_minute(deployed: Deployed) -> None:
    begin_work(deployed.runtime)
    assert poll(deployed, deployed.client(), "/grid") == polls_that_read(SECONDS_AT_WORK)


def test_many_who_look_read_once(deployed: Deployed) -> None:
    first, second = deployed.client(), deployed.client("rea@example.com")
    reset_counts(deployed.evening.warehouse)
    operator, reader = first.get("/grid", headers=HTML).text, second.get("/grid", headers=HTML).text
    assert deployed.statements() == GRID_STATEMENTS
    # one answer, and each page offers what its role may do
    assert "Rerun the ticked ones" in operator
    assert "Rerun the ticked ones" not in reader
    assert second.get("/api/v1/grid").status_code == 200
    assert deployed.statements() == 0


def test_what_is_asked_otherwise_is_another_answer(deployed: Deployed) -> None:
    client = deployed.client()
    for path in ("/grid", "/grid?days=3", f"/grid?to={DAY - timedelta(days=1)}"):
        reset_counts(deployed.evening.warehouse)
        client.get(path, headers=HTML)
        assert deployed.statements() == GRID_STATEMENTS, path
    assert client.get("/grid?days=nonsense", headers=HTML).status_code == 400


def test_an_action_of_this_instance_ends_what_was_kept(deployed: Deployed) -> None:
    client = deployed.client()
    assert "paused since" not in client.get("/grid", headers=PART).text
    key = client.post("/api/v1/actions/pause/preview", json={"values": {}}).json["key"]  # type: ignore[index]
    done = client.post("/api/v1/actions/pause", json={"values": {}, "why": "look", "key": key})
    assert done.status_code == 200
    assert "paused since" in client.get("/grid", headers=PART).text


def test_what_an_action_started_is_seen_within_seconds(deployed: Deployed) -> None:
    client = deployed.client()
    form = client.get(f"/actions/rerun?game_date={DAY}&phase=phase4", headers=HTML).text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form))
    client.post("/actions/rerun", data={**fields, "why": "late"}, headers={"Origin": "http://localhost"})
    assert 'hx-trigger="every 60s"' in client.get("/grid", headers=PART).text
    begin_work(deployed.runtime)
    deployed.evening.clock.move(seconds=SECONDS_AFTER_ACTION)
    assert 'hx-trigger="every 10s"' in client.get("/grid", headers=PART).text
    # and two minutes later answers are kept as ever
    deployed.evening.clock.move(seconds=ACTION_SHOWS_WITHIN)
    assert poll(deployed, client, "/grid") == polls_that_read(SECONDS_AT_WORK)


def test_a_page_says_when_it_was_read_and_its_part_is_the_same(deployed: Deployed) -> None:
    client, clock = deployed.client(), deployed.evening.clock
    read = clock.now()
    page = client.get("/grid", headers=HTML)
    [tag] = re.findall(r"If-None-Match&#34;: &#34;\\&#34;(\w+)\\&#34;", page.text)
    clock.move(seconds=20)
    kept = client.get("/grid", headers=HTML)
    for each in (page, kept):
        assert f'<span id="read-at">{write_second(read)}</span>' in each.text
        assert each.headers["X-Read-At"] == write_second(read)
    assert client.get("/api/v1/grid").headers["X-Read-At"] == format_timestamp(read)
    clock.move(seconds=SECONDS_AT_REST)
    again = client.get("/grid", headers=PART | {"If-None-Match": f'"{tag}"'})
    assert (again.status_code, again.headers["X-Read-At"]) == (304, write_second(clock.now()))


def test_a_page_of_several_answers_says_when_the_oldest_was_read(deployed: Deployed) -> None:
    client, clock = deployed.client(), deployed.evening.clock
    read = clock.now()
    client.get("/alerts", headers=HTML)
    clock.move(seconds=10)
    assert client.get("/", headers=HTML).headers["X-Read-At"] == write_second(read)


def test_an_answer_that_fails_is_not_kept(deployed: Deployed) -> None:
    client = deployed.client()
    assert client.get("/alerts/none.1", headers=HTML).status_code == 404
    assert len(deployed.kept) == 0


def test_answers_are_bounded_and_the_oldest_goes(deployed: Deployed) -> None:
    client = deployed.client()
    for days in range(1, MOST_KEPT // 2 + 2):
        client.get(f"/api/v1/alerts?days={days}")
        client.get(f"/api/v1/audit?limit={days}")
    assert len(deployed.kept) == MOST_KEPT
    deployed.evening.clock.move(seconds=1)
    now = format_timestamp(deployed.evening.clock.now())
    assert client.get("/api/v1/audit?limit=2").headers["X-Read-At"] != now
    assert client.get("/api/v1/audit?limit=1").headers["X-Read-At"] == now


def test_what_was_read_while_an_action_was_performed_is_not_kept(deployed: Deployed) -> None:
    clock, kept = deployed.evening.clock, deployed.kept

    def read() -> str:
        kept.forget()
        return "of before"

    assert kept.ask("key", clock, read).answer == "of before"
    assert kept.ask("key", clock, lambda: "of after").answer == "of after"


def test_a_folder_on_one_machine_is_seen_as_it_is(deployed: Deployed) -> None:
    here = replace(deployed, runtime=deployed.evening.runtime)
    assert poll(here, here.client(), "/grid") == [GRID_STATEMENTS] * POLLS
