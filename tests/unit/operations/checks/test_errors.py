"""What failed and no later run did; staging tables that are left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus
from shared.chain.execution.records import ExecutionStatus
from shared.operations.levels import Finding, Level, Severity
from tests.pipeline.evening import row
from tests.unit.operations.checks.world import BATCH, DAY, HISTORY, World, at


def fail(world: World, run_id: str, **changes: Any) -> None:
    """An execution of phase 3 that failed for good at noon."""
    values: dict[str, Any] = {
        "game_date": str(DAY),
        "status": ExecutionStatus.FAILED,
        "attempts": 5,
        "error_type": "Fatal",
        "error_message": "no such column",
        "final": True,
    }
    world.run("phase3_analytics", run_id, at=at("12:00"), **{**values, **changes})


def record(world: World, run_id: str, status: str, finished: datetime, **changes: Any) -> None:
    """A row of the run history."""
    values: dict[str, Any] = {
        "game_date": DAY,
        "run_id": run_id,
        "execution_id": f"phase3_analytics.{run_id}",
        "processor_name": "phase3_analytics",
        "status": status,
        "reason": "no such column" if status == "failed" else None,
        "started_at": finished - timedelta(seconds=10),
        "finished_at": finished,
    }
    world.add(HISTORY, [row(HISTORY, **{**values, **changes})])


def test_what_failed_for_good_is_red_with_its_last_error_and_the_log_to_read(world: World) -> None:
    fail(world, "run1")
    fail(world, "run2", finished_at=at("12:02"), error_message="no such table")
    found = world.finding("no-errors", "phase3_analytics")
    assert (found.level, found.severity) == (Level.RED, Severity.ERROR)
    assert found.says == (
        "phase3_analytics: 2 executions failed for good, the last at 2025-11-14 12:02: Fatal: no such table"
    )
    assert found.next_step.startswith("./nba logs --run run2, mend the cause")
    assert found.figures == {"failed": 2, "retried": 0, "execution_id": "phase3_analytics.run2"}


def test_the_history_and_the_state_are_one_failure(world: World) -> None:
    fail(world, "run1")
    record(world, "run1", "failed", at("12:00"))
    assert world.finding("no-errors", "phase3_analytics").figures["failed"] == 1


def test_the_history_tells_what_the_state_calls_a_success(world: World) -> None:
    """An export that was refused succeeded as an execution, and its status is failed."""
    values = {"processor_name": "phase6_export", "execution_id": "phase6_export.run1", "reason": "coverage is 10%"}
    record(world, "run1", "failed", at("12:00"), **values)
    assert "coverage is 10%" in world.finding("no-errors", "phase6_export").says


@pytest.mark.parametrize(
    ("status", "minute", "level"),
    [("success", "12:03", Level.GREEN), ("skipped", "12:03", Level.RED), ("success", "11:50", Level.RED)],
)
def test_a_later_run_of_the_date_repairs_a_failure(world: World, status: str, minute: str, level: Level) -> None:
    fail(world, "run1")
    record(world, "run1", "failed", at("12:00"))
    record(world, "run2", status, at(minute))
    (found,) = world.result("no-errors").findings
    assert found.level is level
    if level is Level.GREEN:
        assert found.says == "nothing failed in the last 60 min that no later run did; repaired: 1 failure"


@pytest.mark.parametrize(("attempts", "level"), [(2, Level.GREEN), (3, Level.YELLOW)])
def test_what_is_tried_again_is_yellow_from_the_third_attempt_on(world: World, attempts: int, level: Level) -> None:
    fail(world, "run1", attempts=attempts, final=False)
    (found,) = world.result("no-errors").findings
    assert found.level is level


def test_what_failed_before_the_window_or_in_another_epoch_is_no_news(world: World) -> None:
    fail(world, "run1", finished_at=at("11:00"))
    fail(world, "run2", epoch=2)
    record(world, "run3", "failed", at("11:00"))
    assert world.finding("no-errors", "pipeline").level is Level.GREEN


# --- staging tables -------------------------------------------------------------------------------


def stage(world: World, batch_id: str, unit: str = "1") -> None:
    import pyarrow as pa

    rows = pa.table({"batch_id": [batch_id]})
    world.runtime.warehouse.load(
        f"nba_staging._staging_{batch_id}__{unit}", rows, mode="replace", job_id=f"{batch_id}-{unit}"
    )


def staging_finding(world: World) -> Finding:
    (found,) = world.result("no-staging-tables").findings
    return found


@pytest.mark.parametrize("status", [BatchStatus.OPEN, BatchStatus.CLOSED, BatchStatus.FAILED])
def test_what_a_batch_has_yet_to_merge_is_needed(world: World, status: BatchStatus) -> None:
    world.put_batch(status=status, consolidated_at=None)
    stage(world, BATCH)
    found = staging_finding(world)
    assert (found.level, found.says) == (Level.GREEN, "1 staging table, all still needed")


def test_tables_of_a_consolidated_batch_are_left_over_after_a_while(world: World) -> None:
    world.put_batch(consolidated_at=at("11:51"))
    stage(world, BATCH)
    stage(world, BATCH, "2")
    assert staging_finding(world).level is Level.GREEN
    world.put_batch()
    found = staging_finding(world)
    assert (found.level, found.subject, found.game_date) == (Level.YELLOW, BATCH, DAY)
    assert found.says == f"2 staging tables left of {BATCH}, which is CONSOLIDATED"
    assert "nba-batch-sweep-trigger" in found.next_step
    world.put_batch(missing=["2"], merged=["1"])
    assert staging_finding(world).level is Level.GREEN  # a late unit is merged once more
    world.put_batch(late_units=["3"])
    assert staging_finding(world).level is Level.GREEN
    world.put_batch(status=BatchStatus.SUPERSEDED, missing=["2"])
    assert staging_finding(world).level is Level.YELLOW


def test_tables_of_a_batch_that_nobody_knows_are_left_over(world: World) -> None:
    stage(world, "batch_2025-11-01_r7")
    assert staging_finding(world).says == "1 staging table left of batch_2025-11-01_r7, which nobody knows"
