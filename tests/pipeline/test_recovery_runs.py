"""Runs of the recovery functions: named by their firing, not in the history where nothing was done,
ended where what they publish is another run.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import Response, handle
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core.events import Event
from tests.pipeline.support import PipelineHarness, push

HISTORY = "SELECT run_id FROM nba_reference.processor_run_history"


def fire(world: PipelineHarness, outcome: Outcome, function: str = "batch_sweep", **details: Any) -> Response:
    """A firing of the sweep's schedule as Cloud Scheduler publishes it."""

    def run(message: PhaseMessage, context: Context) -> Outcome:
        return outcome

    body = push({"game_date": "TODAY"}, attributes={"schedule": "batch-sweep"}, **details)
    return handle(function, run, PhaseMessage, body, world.runtime)


def runs(world: PipelineHarness) -> list[str]:
    return [document["run_id"] for document in world.documents("executions")]


def test_each_firing_is_a_run_and_a_double_fire_is_one(world: PipelineHarness) -> None:
    for n, published_at in enumerate(
        [
            "2025-11-14T22:40:03Z",
            "2025-11-14T22:40:05Z",  # fired twice
            "2025-11-14T22:50:00Z",
            "2025-11-15T04:59:59Z",  # before midnight in New York
            "2025-11-15T05:00:01Z",
        ]
    ):
        fire(world, Outcome("success"), message_id=f"m{n}", published_at=published_at)
    assert runs(world) == [
        "2025-11-14-batch-sweep-1740",
        "2025-11-14-batch-sweep-1750",
        "2025-11-14-batch-sweep-2350",
        "2025-11-15-batch-sweep-0000",
    ]


def test_without_a_publish_time_the_clock_names_the_firing(world: PipelineHarness) -> None:
    world.clock.set(datetime(2025, 11, 14, 22, 47, tzinfo=UTC))
    fire(world, Outcome("success"))
    assert runs(world) == ["2025-11-14-batch-sweep-1740"]


def test_a_schedule_that_fires_once_a_day_has_no_minute(world: PipelineHarness) -> None:
    def run(message: PhaseMessage, context: Context) -> Outcome:
        return Outcome("success")

    body = push({"game_date": "TODAY"}, attributes={"schedule": "self-heal-predictions"})
    handle("self_heal", run, PhaseMessage, body, world.runtime)
    assert runs(world) == ["2025-11-14-self-heal-predictions"]


def test_a_sweep_that_did_nothing_is_not_in_the_history(world: PipelineHarness) -> None:
    answer = fire(world, Outcome("no_data", reason="nothing to do", event=Event.NOTHING_TO_SWEEP, history=False))
    assert answer.body["reason"] == "nothing to do"
    # told again, it is told the same
    assert fire(world, Outcome("success")).body["reason"] == "nothing to do"
    assert world.rows(HISTORY) == []
    (execution,) = world.documents("executions")
    assert (execution["logged"], execution["status"]) == (True, "succeeded")
    fire(world, Outcome("success"), message_id="m2", published_at="2025-11-14T22:40:00Z")
    assert world.rows(HISTORY) == [{"run_id": "2025-11-14-batch-sweep-1740"}]


def test_a_function_without_announcement_announces_nothing(world: PipelineHarness) -> None:
    fire(world, Outcome("success", announce=True))
    assert world.bus.published == []


@pytest.mark.parametrize(("run_id", "ends"), [("another", True), ("2025-11-14-batch-sweep-1200", False)])
def test_a_run_ends_where_what_it_publishes_is_another_run(world: PipelineHarness, run_id: str, ends: bool) -> None:
    message = OutboxMessage("nba-phase4-trigger", json.dumps({"game_date": "2025-11-14", "run_id": run_id}))
    fire(world, Outcome("success", messages=[message]))
    assert [name for name, _, _ in world.bus.published] == ["nba-phase4-trigger"]
    assert world.rows(HISTORY) == ([{"run_id": "2025-11-14-batch-sweep-1200"}] if ends else [])


def test_a_message_that_names_no_run_goes_on_with_this_one(world: PipelineHarness) -> None:
    fire(world, Outcome("success", messages=[OutboxMessage("nba-phase4-trigger", '{"game_date": "2025-11-14"}')]))
    assert world.rows(HISTORY) == []
