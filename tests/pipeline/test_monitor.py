"""The monitor on real stores: one look finds, tells and records; it changes nothing of the
pipeline's.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import flask
import pytest

from functions.monitor import watch
from functions.monitor.outage import answering_outages
from shared.chain.execution.entrypoint import pubsub_function
from shared.chain.execution.handler import Response
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import circuit_breaker, pause_switch
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.incidents.reading import open_incidents
from shared.stores.runtime import use_runtime
from tests.pipeline.evening import trigger
from tests.pipeline.support import PipelineHarness, push
from tests.support.alert_receivers import Hook, hook
from tests.support.stores import reset_counts

PIPELINE = load_pipeline()
MONITOR = {"monitor": (watch.run, PhaseMessage)}
MOST_STATEMENTS = 20


@pytest.fixture
def slack() -> Iterator[Hook]:
    with hook() as receiver:
        yield receiver


def look(world: PipelineHarness) -> Response:
    """One run of the monitor, as its schedule starts it."""
    world.publish("nba-monitor-trigger", {"game_date": "TODAY"}, schedule="monitor")
    ((_, response),) = world.run_until_idle(MONITOR, wait=False)
    world.move(minutes=15)
    return response


def texts(receiver: Hook) -> list[str]:
    return [json.loads(body)["text"] for _, _, body in receiver.posts]


def test_a_look_spends_at_most_twenty_statements(evening: PipelineHarness) -> None:
    trigger(evening)
    evening.run_until_idle()
    reset_counts(evening.warehouse)
    assert look(evening).body["status"] == "success"
    assert 0 < sum(evening.warehouse.statement_counts.values()) <= MOST_STATEMENTS


def test_it_reads_and_leaves_what_is_not_its_own(evening: PipelineHarness) -> None:
    trigger(evening)
    evening.run_until_idle()
    collections = ("batches", "batch_dates", "breakers", "held", "heals", "redrives", "audit", "operator_actions")
    before = {name: evening.documents(name) for name in collections}
    rows = "SELECT COUNT(*) AS n FROM nba_predictions.player_prop_predictions WHERE game_date > '2000-01-01'"
    predictions, published = evening.rows(rows), len(evening.bus.published)
    for _ in range(3):
        look(evening)
    assert {name: evening.documents(name) for name in collections} == before
    assert evening.rows(rows) == predictions
    ours = [topic for topic, _, _ in evening.bus.published[published:]]
    assert set(ours) == {"nba-monitor-trigger"}


def test_a_breaker_is_one_incident_told_once_and_over_by_itself(world: PipelineHarness, slack: Hook) -> None:
    world.settings = Settings(slack_webhook=slack.address, quiet_hours="03:00-04:00")
    world.start()
    look(world)
    quiet = len(slack.posts)
    for number in range(5):
        circuit_breaker.record_failure(
            world.runtime, "source-nba", ValueError("503 from the box scores"), execution=str(number)
        )
    look(world)
    (incident,) = [each for each in open_incidents(world.runtime) if "source-nba" in each.subject]
    (sent,) = [text for text in texts(slack)[quiet:] if "source-nba" in text]
    assert "503 from the box scores" in sent
    look(world)
    assert len([text for text in texts(slack)[quiet:] if "source-nba" in text]) == 1
    circuit_breaker.reset(world.runtime, "source-nba", who="ada", reason="the source is back")
    look(world)
    look(world)
    assert incident.id not in [each.id for each in open_incidents(world.runtime)]
    assert any("esolved" in text for text in texts(slack) if "source-nba" in text)


def test_it_looks_while_everything_is_paused(world: PipelineHarness) -> None:
    pause_switch.pause(world.state, who="ada", reason="odd odds", now=world.clock.now())
    assert look(world).body["status"] == "success"


def test_a_part_that_fails_is_an_incident_and_the_others_go_on(world: PipelineHarness, slack: Hook) -> None:
    world.settings = Settings(slack_webhook=slack.address, quiet_hours="03:00-04:00")
    world.start()

    class NoQueries:
        def query(self, *_arguments: Any) -> Any:
            raise StoreUnavailable("the warehouse does not answer.")

        def __getattr__(self, name: str) -> Any:
            return getattr(world.warehouse, name)

    warehouse = world.runtime.warehouse
    world.swap(warehouse=NoQueries())
    answer = look(world)
    assert answer.body["status"] == "partial"
    assert "could not do" in answer.body["reason"]
    found = {each.fingerprint for each in open_incidents(world.runtime)}
    assert "monitor:slowdowns" in found
    assert any("the warehouse does not answer" in text for text in texts(slack))
    world.swap(warehouse=warehouse)
    look(world)
    look(world)
    assert "monitor:slowdowns" not in {each.fingerprint for each in open_incidents(world.runtime)}


def test_a_state_store_that_is_down_is_told_without_it_once_an_hour(
    world: PipelineHarness, slack: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    class Down:
        def __getattr__(self, name: str) -> Any:
            raise StoreUnavailable("the connection was lost.")

    runtime = replace(world.runtime, settings=Settings(slack_webhook=slack.address))
    entry = answering_outages(pubsub_function("monitor", watch.run))
    app = flask.Flask("test")

    def ask() -> tuple[int, dict[str, Any]]:
        body = push({"game_date": "TODAY"}, subscription="monitor-nba-monitor-trigger")
        with app.test_request_context("/", method="POST", data=body, content_type="application/json"):
            text, status, _ = entry(flask.request)
            return status, json.loads(text)

    try:
        use_runtime(replace(runtime, state=Down()))
        answers = []
        for _ in range(3):
            answers.append(ask())
            world.move(minutes=15)
        assert [status for status, _ in answers] == [200, 200, 200]
        assert [body["sent"] for _, body in answers] == [["slack"], [], []]
        (sent,) = texts(slack)
        assert "The state store does not answer" in sent
        beats = [each for each in caplog.records if getattr(each, "fields", {}).get("event") == "heartbeat"]
        assert len(beats) == 3
        use_runtime(runtime)
        for _ in range(3):
            assert ask()[0] == 200
            world.move(minutes=15)
    finally:
        use_runtime(None)
    assert "state-store:state" not in {each.fingerprint for each in open_incidents(world.runtime)}
    assert any("esolved" in text for text in texts(slack))


def test_ten_thousand_failures_of_one_function_are_one_incident(evening: PipelineHarness, slack: Hook) -> None:
    evening.settings = Settings(slack_webhook=slack.address, quiet_hours="03:00-04:00")
    evening.start()
    look(evening)
    before = {each.fingerprint for each in open_incidents(evening.runtime)}
    posts = len(slack.posts)
    now = evening.clock.now()
    row = {
        "function": "phase3_analytics",
        "phase": "phase3",
        "unit": "",
        "mode": "same_day",
        "game_date": "2025-11-14",
        "as_of": now,
        "batch_id": None,
        "correlation_id": "c",
        "trigger_source": "manual",
        "trigger_message_id": "m",
        "status": "failed",
        "owner": "process",
        "epoch": 1,
        "lease_expires_at": now,
        "taken_at": now,
        "generation": 1,
        "attempts": 5,
        "started_at": now - timedelta(minutes=1),
        "outbox": [],
        "outbox_pending": False,
        "logged": True,
        "finished_at": now,
        "event": "defect",
        "error_type": "KeyError",
        "error_message": "a column that is not there",
        "final": True,
    }
    for number in range(10_000):
        evening.state.create(f"executions/phase3_analytics.run-{number}", {**row, "run_id": f"run-{number}"})
    reset_counts(evening.warehouse)
    look(evening)
    found = [each for each in open_incidents(evening.runtime) if each.fingerprint not in before]
    assert [each.subject for each in found] == ["phase3_analytics"]
    assert "a column that is not there" in found[0].says
    assert len(slack.posts) - posts == 1
    assert sum(evening.warehouse.statement_counts.values()) <= MOST_STATEMENTS
