"""Failures of real functions as people hear of them: the alert, the check and the message are one
incident, and it ends when the work is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.chain.execution.records import COLLECTION, Execution
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.checks.health import read_health
from shared.operations.incidents.delivering import deliver
from shared.operations.incidents.history import load_alerts
from shared.operations.incidents.observing import observe
from shared.operations.incidents.reading import open_incidents
from shared.operations.incidents.receiving import receive_alerts
from shared.stores.ports import Transaction
from shared.stores.runtime import Runtime
from tests.pipeline.evening import BATCH
from tests.pipeline.staged import complete, open_batch, prediction, stage
from tests.pipeline.support import PHASE5, PipelineHarness
from tests.support.alert_receivers import Hook, hook
from tests.support.stores import reset_counts

PIPELINE = load_pipeline()
ONLY = {"phase5_consolidation": PHASE5["phase5_consolidation"]}


@pytest.fixture
def slack() -> Iterator[Hook]:
    with hook() as receiver:
        yield receiver


@pytest.fixture
def runtime(world: PipelineHarness, slack: Hook) -> Runtime:
    return replace(world.runtime, settings=Settings(slack_webhook=slack.address))


def look(runtime: Runtime, *checks: str) -> None:
    """What the monitor does with some of its checks."""
    receive_alerts(runtime, PIPELINE)
    health = read_health(runtime, PIPELINE, only=checks)
    observe(runtime, health.findings, health.covered)
    deliver(runtime)


def titles(receiver: Hook) -> list[str]:
    return [json.loads(body)["text"].splitlines()[0].strip("*") for _, _, body in receiver.posts]


def lose_a_staging_table(world: PipelineHarness) -> None:
    """A batch whose second unit reports a row that is not there: its consolidation fails."""
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    complete(world, "2", 1)
    assert [answer.status for _, answer in world.run_until_idle(ONLY, wait=True)] == [503] * 5


def test_a_failed_consolidation_is_one_incident_of_alert_and_check_until_it_is_mended(
    world: PipelineHarness, runtime: Runtime, slack: Hook
) -> None:
    lose_a_staging_table(world)
    look(runtime, "consolidation")
    found = {each.fingerprint: each for each in open_incidents(runtime)}
    assert found.keys() == {"consolidation:2025-11-14"}
    # five alerts of its five attempts, and what the check found
    assert found["consolidation:2025-11-14"].count == 6
    assert found["consolidation:2025-11-14"].figures["batch_id"] == BATCH
    assert titles(slack) == ["CRITICAL: consolidation 2025-11-14"]
    lines = json.loads(slack.posts[0][2])["text"].splitlines()
    assert lines[1].startswith(f"2025-11-14: consolidation of {BATCH} failed, its staging tables are kept: ")
    assert [line.partition(":")[0] for line in lines[-4:-1]] == ["Since 12", "By itself", "Next"]
    for _ in range(3):
        world.move(minutes=15)
        look(runtime, "consolidation")
    assert len(slack.posts) == 1
    stage(world, "2", [prediction(2, "9.5")])
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14", "batch_id": BATCH})
    assert [answer.status for _, answer in world.run_until_idle(ONLY)] == [200]
    world.move(minutes=15)
    look(runtime, "consolidation")
    assert open_incidents(runtime) == []
    assert titles(slack)[1:] == ["RESOLVED: consolidation 2025-11-14"]
    assert load_alerts(runtime) == 2


def test_ten_thousand_failing_executions_are_one_incident_and_one_message(
    world: PipelineHarness, runtime: Runtime, slack: Hook
) -> None:
    lose_a_staging_table(world)
    (failed,) = [each for each in world.state.query(COLLECTION) if Execution.from_document(each).final]
    for first in range(0, 10_000, 500):

        def create(transaction: Transaction, first: int = first) -> None:
            for number in range(first, first + 500):
                transaction.create(f"{COLLECTION}/phase5_consolidation.run{number:05}", failed.data)

        world.state.transaction(create)
    reset_counts(world.warehouse)
    look(runtime, "consolidation", "no-errors")
    assert sum(world.warehouse.statement_counts.values()) <= 5
    errors = [each for each in open_incidents(runtime) if each.check == "no-errors"]
    assert [each.subject for each in errors] == ["phase5_consolidation"]
    assert "executions failed for good" in errors[0].says
    # what follows from the consolidation is shown, and no message
    assert errors[0].severity is Severity.INFO
    assert titles(slack) == ["CRITICAL: consolidation 2025-11-14"]
