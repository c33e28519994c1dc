"""The sweep and batches: stalled ones are closed with what they have, named, and consolidated; late
units come in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from functions.batch_sweep import stalled
from shared.chain.batches import completion
from shared.chain.batches.records import BatchStatus, UnitResult, UnitStatus
from shared.chain.execution.context import Context
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch
from shared.core.errors import LeaseHeld
from tests.pipeline.evening import BATCH, PREDICTIONS
from tests.pipeline.staged import announcement, complete, open_batch, prediction, stage
from tests.pipeline.support import NOW, PHASE5, Killed, PipelineHarness
from tests.pipeline.sweeping import SWEEP, WITH_SWEEP, ask_for_sweep, sweep_once

UNITS = [str(n) for n in range(1, 11)]
COMPLETE_TOPIC = "nba-phase5-batch-complete"


def stage_and_complete(world: PipelineHarness, units: list[str]) -> None:
    for unit in units:
        stage(world, unit, [prediction(int(unit), "9.5")])
        complete(world, unit, 1)


def batch(world: PipelineHarness) -> dict[str, Any]:
    (only,) = world.documents("batches")
    return only


def list_predicted(world: PipelineHarness) -> list[int]:
    return [row["player_id"] for row in world.rows(f"SELECT player_id FROM {PREDICTIONS} ORDER BY player_id")]


def test_one_of_ten_units_missing_is_named_and_the_rest_consolidated(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:9])
    world.move(minutes=9, seconds=59)
    assert sweep_once(world)["result"]["status"] == "no_data"
    assert batch(world)["status"] == BatchStatus.OPEN
    world.move(seconds=1)
    (closed,) = sweep_once(world)["metadata"]["closed"]
    assert closed == {
        "batch_id": BATCH,
        "why": "no completion for 10 min, 9 of 10 units recorded",
        "missing": ["10"],
    }
    assert (batch(world)["closed_as"], batch(world)["missing_units"]) == ("partial", ["10"])
    (announced,) = world.list_published(COMPLETE_TOPIC)
    assert announced["processor_name"] == "batch_sweep"
    assert (announced["run_id"], announced["batch_id"], announced["status"]) == ("run1", BATCH, "partial")
    (alert,) = world.alerts()
    assert alert["fingerprint"] == f"batch-partial-{BATCH}"
    assert "missing or failed: 10." in alert["detail"]
    world.run_until_idle(WITH_SWEEP)
    assert batch(world)["status"] == BatchStatus.CONSOLIDATED
    assert list_predicted(world) == list(range(1, 10))
    (after,) = world.list_published("nba-phase5-predictions-complete")
    assert (after["status"], after["records_failed"]) == ("partial", 1)


def test_a_late_completion_is_announced_again_and_merged(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:9])
    world.move(minutes=10)
    sweep_once(world)
    world.run_until_idle(WITH_SWEEP)
    stage_and_complete(world, ["10"])
    world.run_until_idle(WITH_SWEEP)
    assert [each["sequence"] for each in world.list_published(COMPLETE_TOPIC)] == [1, 2]
    assert list_predicted(world) == list(range(1, 11))
    assert (batch(world)["status"], batch(world)["missing_units"]) == (BatchStatus.CONSOLIDATED, [])
    assert world.staging_tables() == []
    assert sweep_once(world)["result"]["status"] == "no_data"


def test_with_fewer_than_ninety_percent_it_waits_for_thirty_minutes(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:8])
    world.move(minutes=29)
    sweep_once(world)
    assert batch(world)["status"] == BatchStatus.OPEN
    world.move(minutes=1)
    (closed,) = sweep_once(world)["metadata"]["closed"]
    assert closed["why"] == "open for 30 min, 8 of 10 units recorded"
    assert closed["missing"] == ["9", "10"]


def test_a_batch_nobody_worked_on_is_closed_and_its_consolidation_fails_visibly(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    world.move(minutes=30)
    (closed,) = sweep_once(world)["metadata"]["closed"]
    assert closed["missing"] == UNITS
    world.run_until_idle(PHASE5)
    assert batch(world)["status"] == BatchStatus.FAILED
    assert "none of its 10 units staged a row" in batch(world)["failure"]


def test_all_units_recorded_and_never_closed_is_complete(world: PipelineHarness) -> None:
    """Every worker recorded its unit; the last one died before it closed the batch, and its message
    came no more.
    """
    open_batch(world, "1", "2")
    stage_and_complete(world, ["1"])
    stage(world, "2", [prediction(2, "9.5")])
    with world.kill_at("batch.unit_recorded"), pytest.raises(Killed):
        complete(world, "2", 1)
    world.start()
    world.move(minutes=10)
    (closed,) = sweep_once(world)["metadata"]["closed"]
    assert (closed["missing"], batch(world)["closed_as"], world.alerts()) == ([], "complete", [])
    world.run_until_idle()
    assert list_predicted(world) == [1, 2]


def test_the_sweep_that_dies_after_closing_is_repaired_by_its_redelivery(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:9])
    world.move(minutes=10)
    ask_for_sweep(world)
    with world.kill_at("sweep.closed"), pytest.raises(Killed):
        world.run_until_idle(SWEEP)
    assert (batch(world)["status"], batch(world)["outbox_pending"]) == (BatchStatus.CLOSED, True)
    assert world.list_published(COMPLETE_TOPIC) == []
    world.start()
    world.move(minutes=2)
    world.run_until_idle(WITH_SWEEP)
    assert (batch(world)["status"], batch(world)["outbox_pending"]) == (BatchStatus.CONSOLIDATED, False)
    assert len(world.list_published(COMPLETE_TOPIC)) == len(world.alerts()) == 1


def test_an_announcement_lost_between_record_and_publish_is_sent(world: PipelineHarness) -> None:
    open_batch(world, "1")
    stage(world, "1", [prediction(1, "9.5")])
    result = UnitResult("1", UnitStatus.DONE, 1, None, 1, None, NOW)
    with world.kill_at("batch.closed"), pytest.raises(Killed):
        completion.complete_unit(world.state, BATCH, result, announcement)
    world.start()
    world.move(minutes=1)
    assert sweep_once(world)["result"]["status"] == "no_data", "its own process may still do it"
    world.move(minutes=1)
    assert sweep_once(world)["metadata"]["sent"] == [f"batches/{BATCH}"]
    world.run_until_idle()
    assert batch(world)["status"] == BatchStatus.CONSOLIDATED


def test_a_unit_that_completes_while_the_batch_is_closed_is_not_left_as_missing(
    world: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker records its unit after the sweep has read the units, and finds the batch still
    open.
    """
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:8])
    world.move(minutes=30)
    close = completion.close_partial

    def overtaken(state: Any, found: Any, *arguments: Any) -> list[str]:
        read = completion.announce

        def late(*announced: Any) -> None:
            monkeypatch.setattr(completion, "announce", read)
            stage_and_complete(world, ["9"])
            read(*announced)

        monkeypatch.setattr(completion, "announce", late)
        return close(state, found, *arguments)

    monkeypatch.setattr(completion, "close_partial", overtaken)
    metadata = sweep_once(world)["metadata"]
    assert metadata["closed"][0]["missing"] == ["9", "10"]
    assert metadata["late"] == {BATCH: ["9"]}
    world.run_until_idle()
    assert (batch(world)["status"], batch(world)["missing_units"]) == (BatchStatus.CONSOLIDATED, ["10"])
    assert list_predicted(world) == list(range(1, 10))
    assert world.list_published("nba-phase5-predictions-complete")[-1]["records_failed"] == 1


def test_somebody_who_completes_the_batch_meanwhile_wins(
    world: PipelineHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:9])
    world.move(minutes=10)
    why = stalled._why_stalled

    def completed_meanwhile(*arguments: Any) -> str:
        monkeypatch.setattr(stalled, "_why_stalled", why)
        reason = why(*arguments)
        stage_and_complete(world, ["10"])
        return reason

    monkeypatch.setattr(stalled, "_why_stalled", completed_meanwhile)
    assert "closed" not in sweep_once(world)["metadata"]
    assert (batch(world)["closed_as"], len(world.list_published(COMPLETE_TOPIC))) == ("complete", 1)


def test_while_paused_no_batch_is_closed_and_the_clocks_start_anew(world: PipelineHarness) -> None:
    open_batch(world, *UNITS)
    stage_and_complete(world, UNITS[:9])
    pause_switch.pause(world.state, who="op", reason="off-season", now=world.clock.now())
    world.move(hours=2)
    found = sweep_once(world)
    assert batch(world)["status"] == BatchStatus.OPEN
    assert found["metadata"]["paused"] == "paused by op: off-season"
    pause_switch.resume(world.state, who="op", reason="on", now=world.clock.now())
    world.move(minutes=9)
    sweep_once(world)
    assert batch(world)["status"] == BatchStatus.OPEN
    world.move(minutes=1)
    assert sweep_once(world)["metadata"]["closed"][0]["missing"] == ["10"]


def test_a_batch_that_nobody_consolidates_is_reported_once(world: PipelineHarness) -> None:
    open_batch(world, "1")
    complete(world, "1", 1)
    world.move(minutes=29)
    assert "unconsolidated" not in sweep_once(world)["metadata"]
    world.move(minutes=1)
    assert sweep_once(world)["metadata"]["unconsolidated"] == [BATCH]
    world.move(minutes=10)
    assert sweep_once(world)["result"]["status"] == "no_data"
    (alert,) = world.alerts()
    assert (alert["fingerprint"], alert["severity"]) == (f"batch-unconsolidated-{BATCH}", "critical")


def test_a_worker_killed_at_its_last_attempt(evening: PipelineHarness) -> None:
    """It can record nothing: the batch is closed without it, its execution ends as abandoned, its
    message is kept.
    """
    from tests.pipeline.evening import trigger

    trigger(evening)
    evening.run_until_idle({"phase5_coordinator": PHASE5["phase5_coordinator"]})
    worker = PHASE5["phase5_worker"][0]

    def dying(message: Any, context: Context) -> Any:
        if message.unit == "101":
            if context.last_delivery:
                raise Killed("worker")
            raise LeaseHeld("not yet")
        return worker(message, context)

    functions = {"phase5_worker": (dying, PHASE5["phase5_worker"][1])}
    with pytest.raises(Killed):
        evening.run_until_idle(functions)
    evening.start()
    (dead,) = [d for d in evening.documents("executions") if d["status"] == "running"]
    evening.run_until_idle()
    opened = batch(evening)["opened_at"]
    evening.clock.set(opened + timedelta(minutes=30))
    (closed,) = sweep_once(evening)["metadata"]["closed"]
    assert closed["missing"] == ["101"]
    evening.run_until_idle()
    assert batch(evening)["status"] == BatchStatus.CONSOLIDATED
    assert len(evening.bus.pull("phase5-worker-prediction-request-dead-letter")) == 1
    evening.move(hours=1)
    metadata = sweep_once(evening)["metadata"]
    assert metadata["abandoned"] == [f"phase5_worker.2025-11-14-test.{BATCH}.101"]
    assert metadata["flushed"] == ["2025-11-14-test"]
    (ended,) = [d for d in evening.documents("executions") if d["status"] == "failed"]
    assert (ended["error_type"], ended["final"], ended["logged"]) == ("Abandoned", True, True)
    assert ended["error_message"].startswith("its process died or was cut off at attempt 10")
    assert ended["finished_at"] >= dead["taken_at"]


NOTHING: list[Callable[[PipelineHarness], object]] = [
    lambda world: None,
    lambda world: open_batch(world, "1"),
]


@pytest.mark.parametrize("prepared", NOTHING, ids=["an empty state", "a batch just opened"])
def test_an_idle_sweep_asks_the_warehouse_nothing_and_leaves_no_history(
    world: PipelineHarness, prepared: Callable[[PipelineHarness], object]
) -> None:
    prepared(world)
    before = dict(world.warehouse.statement_counts)
    assert sweep_once(world, schedule="batch-sweep")["result"]["status"] == "no_data"
    world.move(minutes=10)
    assert sweep_once(world, schedule="batch-sweep")["result"]["reason"] == "nothing to sweep"
    after = {name: count - before.get(name, 0) for name, count in world.warehouse.statement_counts.items()}
    assert {name: count for name, count in after.items() if count} == {"tables": 1}
    assert world.rows("SELECT * FROM nba_reference.processor_run_history") == []
    assert all(document["logged"] for document in world.documents("executions"))


def test_the_message_may_be_about_any_date(world: PipelineHarness) -> None:
    message = PhaseMessage.model_validate({"game_date": "TODAY"}, context={"now": NOW})
    assert message.first_date.isoformat() == "2025-11-14"
    open_batch(world, "1")
    world.move(days=2)
    assert sweep_once(world)["metadata"]["closed"][0]["batch_id"] == BATCH
