"""The run's history in the warehouse: one row an execution, one for all workers, each written once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from shared.ledger import ExecutionKey, Ledger, Taken
from shared.observability.run_history import flush_run
from tests.pipeline.support import NOW, World

RUN = "2025-11-14-nightly"
LEASE = timedelta(seconds=90)


def execution(world: World, phase: str, unit: str = "", run: str = RUN, **result: Any) -> Taken:
    """Take an execution and finish it ten seconds later; `error` fails it, `running` leaves it so."""
    ledger = Ledger(world.state, "a", 1)
    facts = {
        "function": phase,
        "phase": phase,
        "run_id": run,
        "mode": "same_day",
        "game_date": "2025-11-14",
        "as_of": NOW,
        "batch_id": "batch_2025-11-14_r1" if unit else None,
        "correlation_id": "c",
        "trigger_source": "scheduler",
        "trigger_message_id": "7",
    }
    taken = ledger.take(ExecutionKey(phase, run, unit), world.clock.now(), LEASE, facts)
    assert isinstance(taken, Taken)
    finished = world.clock.now() + timedelta(seconds=10)
    if "error" in result:
        fields = {"error_type": "Retriable", "error_message": result["error"], "final": result.get("final", False)}
        ledger.fail(taken, {"finished_at": finished, **fields})
    elif "running" not in result:
        outcome = {"status": "success", "record_count": 5, "records_failed": 0, "reason": None, **result}
        ledger.finish(taken, {"finished_at": finished, "result": outcome})
    return taken


def history(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM nba_reference.processor_run_history ORDER BY started_at, execution_id")


def phase_log(world: World) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM nba_monitoring.pipeline_execution_log ORDER BY started_at, phase")


def test_finished_executions_are_rows_in_both_tables_by_one_load_each(world: World) -> None:
    for phase in ("phase1", "phase2", "phase3"):
        execution(world, phase)
        world.move(minutes=1)
    execution(world, "phase4", run="another")
    assert flush_run(world.runtime, RUN) == 3
    assert world.warehouse.statement_counts == {"load": 2}
    assert [row["phase"] for row in history(world)] == ["phase1", "phase2", "phase3"]
    assert [(row["phase"], row["status"], row["record_count"]) for row in phase_log(world)] == [
        ("phase1", "success", 5),
        ("phase2", "success", 5),
        ("phase3", "success", 5),
    ]
    row = history(world)[0]
    assert (row["run_id"], row["execution_id"], row["duration_seconds"]) == (RUN, f"phase1.{RUN}", 10.0)
    assert (row["started_at"], row["finished_at"]) == (NOW, NOW + timedelta(seconds=10))
    assert row["logged_at"] == world.clock.now()


def test_a_repeat_writes_nothing_and_a_later_execution_is_added(world: World) -> None:
    execution(world, "phase1")
    flush_run(world.runtime, RUN)
    assert flush_run(world.runtime, RUN) == 0
    execution(world, "phase2")
    assert flush_run(world.runtime, RUN) == 1
    assert [row["phase"] for row in phase_log(world)] == ["phase1", "phase2"]


def test_a_death_between_the_load_and_the_note_of_it_writes_nothing_twice(world: World) -> None:
    execution(world, "phase1")
    execution(world, "phase2")
    flush_run(world.runtime, RUN)
    for document in world.state.query("executions"):
        world.state.update(document.path, {"logged": False})
    flush_run(world.runtime, RUN)
    assert len(history(world)) == len(phase_log(world)) == 2


def test_what_runs_or_will_be_retried_is_not_final(world: World) -> None:
    execution(world, "phase1", running=True)
    execution(world, "phase2", error="429")
    assert flush_run(world.runtime, RUN) == 0
    assert world.warehouse.statement_counts == {}


def test_a_final_failure_says_why(world: World) -> None:
    execution(world, "phase2", error="the bucket is gone", final=True)
    flush_run(world.runtime, RUN)
    (row,) = history(world)
    assert (row["status"], row["reason"], row["error_type"]) == ("failed", "the bucket is gone", "Retriable")


def test_a_success_after_a_failed_attempt_has_no_error_but_counts_both(world: World) -> None:
    execution(world, "phase2", error="429")
    execution(world, "phase2")
    flush_run(world.runtime, RUN)
    (row,) = history(world)
    assert (row["status"], row["attempts"], row["error_type"], row["error_message"]) == ("success", 2, None, None)


def test_a_success_after_a_final_failure_is_another_row(world: World) -> None:
    """An operator publishes the dead letter again."""
    execution(world, "phase2", error="the bucket is gone", final=True)
    flush_run(world.runtime, RUN)
    world.move(hours=1)
    execution(world, "phase2")
    assert flush_run(world.runtime, RUN) == 1
    assert [row["status"] for row in world.rows("SELECT status FROM nba_reference.processor_run_history")] == [
        "failed",
        "success",
    ]


def test_all_workers_of_a_run_are_one_row(world: World) -> None:
    for number in range(5):
        failed = {"status": "failed", "records_failed": 2, "record_count": 0} if number == 3 else {"record_count": 25}
        execution(world, "phase5_worker", unit=f"batch_2025-11-14_r1.{number}", **failed)
        world.move(seconds=10)
    assert flush_run(world.runtime, RUN) == 1
    (row,) = history(world)
    assert row["execution_id"] == f"phase5_worker.{RUN}.batch_2025-11-14_r1"
    assert (row["status"], row["record_count"], row["records_failed"]) == ("partial", 100, 2)
    assert row["reason"] == "1 of 5 units failed"
    assert row["duration_seconds"] == 50.0


def test_nothing_is_written_for_a_run_that_does_not_exist(world: World) -> None:
    assert flush_run(world.runtime, "nobodys") == 0
    assert world.warehouse.statement_counts == {}
