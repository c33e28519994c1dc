"""The run's history in the warehouse: one row an execution, one for all workers, each written
once.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.chain.execution.handler import handle
from shared.chain.execution.ledger import Ledger, Taken
from shared.chain.execution.records import ExecutionKey
from shared.chain.execution.run_history import write_run_history
from tests.pipeline.evening import BATCH, TOTAL_ROWS, trigger
from tests.pipeline.support import NOW, PHASE5, Killed, PipelineHarness, push
from tests.support import records

RUN = "2025-11-14-nightly"
LEASE = timedelta(seconds=90)


def execution(world: PipelineHarness, phase: str, unit: str = "", run: str = RUN, **result: Any) -> Taken:
    """Take an execution and finish it ten seconds later; `error` fails it, `running` leaves it
    so.
    """
    ledger = Ledger(world.state, "a", 1)
    facts = records.facts(
        function=phase,
        phase=phase,
        run_id=run,
        unit=unit,
        as_of=NOW,
        batch_id=BATCH if phase.startswith("phase5_") else None,
    )
    taken = ledger.take(ExecutionKey(phase, run, unit), world.clock.now(), LEASE, facts)
    assert isinstance(taken, Taken)
    finished = world.clock.now() + timedelta(seconds=10)
    if "error" in result:
        final = result.get("final", False)
        ledger.fail(taken, records.failure(finished_at=finished, error_message=result["error"], final=final))
    elif "running" not in result:
        outcome = {"status": "success", "record_count": 5, "records_failed": 0, "reason": None, **result}
        # as a worker's outcome is recorded: its row is its batch's
        written = phase == "phase5_worker"
        ended = records.success(
            as_of=NOW, batch_id=facts.batch_id, finished_at=finished, result=outcome, history_written=written
        )
        ledger.finish(taken, ended)
    return taken


def consolidate_batch(world: PipelineHarness, unit: str = "") -> None:
    execution(world, "phase5_consolidation", unit=unit)


def history(world: PipelineHarness) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM nba_reference.processor_run_history ORDER BY started_at, execution_id")


def phase_log(world: PipelineHarness) -> list[dict[str, Any]]:
    return world.rows("SELECT * FROM nba_monitoring.pipeline_execution_log ORDER BY started_at, phase")


def test_finished_executions_are_rows_in_both_tables_by_one_load_each(world: PipelineHarness) -> None:
    for phase in ("phase1", "phase2", "phase3"):
        execution(world, phase)
        world.move(minutes=1)
    execution(world, "phase4", run="another")
    assert write_run_history(world.runtime, RUN) == 3
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


def test_a_simulated_clock_stands_still_and_the_history_has_real_times(world: PipelineHarness) -> None:
    """Work of two seconds under a clock that does not move, then one that was ended from
    outside.
    """

    class Machine:
        moment = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)

        def now(self) -> datetime:
            self.moment += timedelta(seconds=2)
            return self.moment

    world.runtime = replace(world.runtime, machine=Machine())
    day = b'{"game_date": "2025-11-14", "mode": "results", "run_id": "r"}'
    for name in ("phase5_consolidation", "phase5_coordinator"):
        run, model = PHASE5[name]
        answer = handle(name, run, model, push(day), world.runtime)
        assert (answer.status, answer.body["duration_seconds"]) == (200, 2.0)
    write_run_history(world.runtime, "r")
    rows = history(world)
    assert [row["duration_seconds"] for row in rows] == [2.0, 2.0]
    assert [(row["finished_at"] - row["started_at"]).total_seconds() for row in rows] == [2.0, 2.0]
    assert all(row["started_at"].year == row["logged_at"].year == 2026 for row in rows)
    assert world.clock.now() == NOW
    ledger = Ledger(world.state, "a", 1)
    facts = records.facts(function="phase2", phase="phase2", run_id="s", unit="", batch_id=None)
    key = ExecutionKey("phase2", "s")
    failed = ledger.take(key, NOW, LEASE, facts, Machine.moment)
    assert isinstance(failed, Taken)
    ledger.fail(failed, records.failure(finished_at=NOW, machine_finished_at=Machine.moment))
    again = ledger.take(key, NOW, LEASE, facts, Machine.moment + timedelta(seconds=60))
    assert isinstance(again, Taken)
    ledger.fail(again, records.failure(finished_at=NOW + LEASE, final=True, error_type="Abandoned"))
    write_run_history(world.runtime, "s")
    (row,) = world.rows("SELECT * FROM nba_reference.processor_run_history WHERE run_id = 's'")
    assert (row["started_at"], row["duration_seconds"]) == (Machine.moment, 90.0)


def test_a_repeat_writes_nothing_and_a_later_execution_is_added(world: PipelineHarness) -> None:
    execution(world, "phase1")
    write_run_history(world.runtime, RUN)
    assert write_run_history(world.runtime, RUN) == 0
    execution(world, "phase2")
    assert write_run_history(world.runtime, RUN) == 1
    assert [row["phase"] for row in phase_log(world)] == ["phase1", "phase2"]


@pytest.mark.parametrize("point", ["history.recorded", "history.loaded"])
def test_a_death_before_the_executions_are_marked_writes_each_once(world: PipelineHarness, point: str) -> None:
    """Another execution of the run ends before anybody comes back: the first load is not made anew
    with it.
    """
    execution(world, "phase1")
    execution(world, "phase2")
    with world.kill_at(point), pytest.raises(Killed):
        write_run_history(world.runtime, RUN)
    assert [row["phase"] for row in history(world)] == ([] if point == "history.recorded" else ["phase1", "phase2"])
    world.start()
    execution(world, "phase3")
    assert write_run_history(world.runtime, RUN) == 3
    for rows in (history(world), phase_log(world)):
        assert [row["phase"] for row in rows] == ["phase1", "phase2", "phase3"]
    assert all(document["logged"] for document in world.documents("executions"))


def test_an_execution_taken_again_meanwhile_has_a_row_for_each_end(world: PipelineHarness) -> None:
    """The process dies between the load and the marks, and the failed one is redriven before
    anybody comes back.
    """
    execution(world, "phase2", error="the bucket is gone", final=True)
    with world.kill_at("history.loaded"), pytest.raises(Killed):
        write_run_history(world.runtime, RUN)
    world.start()
    world.move(hours=1)
    taken = execution(world, "phase2", running=True)
    assert write_run_history(world.runtime, RUN) == 1
    ledger = Ledger(world.state, "a", 1)
    ledger.finish(taken, records.success(finished_at=world.clock.now()))
    assert write_run_history(world.runtime, RUN) == 1
    assert [row["status"] for row in phase_log(world)] == ["failed", "success"]


def test_two_that_end_a_run_at_once_write_each_row_once(world: PipelineHarness) -> None:
    for number in range(6):
        execution(world, f"phase{number}")
    start = threading.Barrier(4)

    def flush(_: int) -> int:
        start.wait()
        return write_run_history(world.runtime, RUN)

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(flush, range(4)))
    assert sum(written) == 6, "each row is told by one of them"
    assert [row["phase"] for row in phase_log(world)] == [f"phase{number}" for number in range(6)]


def test_what_runs_or_will_be_retried_is_not_final(world: PipelineHarness) -> None:
    execution(world, "phase1", running=True)
    execution(world, "phase2", error="429")
    assert write_run_history(world.runtime, RUN) == 0
    assert world.warehouse.statement_counts == {}


def test_a_final_failure_says_why(world: PipelineHarness) -> None:
    execution(world, "phase2", error="the bucket is gone", final=True)
    write_run_history(world.runtime, RUN)
    (row,) = history(world)
    assert (row["status"], row["reason"], row["error_type"]) == ("failed", "the bucket is gone", "Retriable")


def test_a_success_after_a_failed_attempt_has_no_error_but_counts_both(world: PipelineHarness) -> None:
    execution(world, "phase2", error="429")
    execution(world, "phase2")
    write_run_history(world.runtime, RUN)
    (row,) = history(world)
    assert (row["status"], row["attempts"], row["error_type"], row["error_message"]) == ("success", 2, None, None)


def test_a_success_after_a_final_failure_is_another_row(world: PipelineHarness) -> None:
    """An operator publishes the dead letter again."""
    execution(world, "phase2", error="the bucket is gone", final=True)
    write_run_history(world.runtime, RUN)
    world.move(hours=1)
    execution(world, "phase2")
    assert write_run_history(world.runtime, RUN) == 1
    assert [row["status"] for row in world.rows("SELECT status FROM nba_reference.processor_run_history")] == [
        "failed",
        "success",
    ]


def work_units(world: PipelineHarness, units: int, failed: int | None = None) -> None:
    for number in range(units):
        result = {"error": "no model", "final": True} if number == failed else {"record_count": 25}
        execution(world, "phase5_worker", unit=f"{BATCH}.{number}", **result)
        world.move(seconds=10)


def test_all_workers_of_a_batch_are_one_row_written_with_its_consolidation(world: PipelineHarness) -> None:
    work_units(world, 5, failed=3)
    assert write_run_history(world.runtime, RUN) == 0, "the batch is not consolidated"
    consolidate_batch(world)
    assert write_run_history(world.runtime, RUN) == 2
    row, _ = history(world)
    assert row["execution_id"] == f"phase5_worker.{RUN}.{BATCH}"
    assert (row["status"], row["record_count"], row["records_failed"]) == ("partial", 100, 0)
    assert row["reason"] == "1 of 5 units failed"
    assert row["duration_seconds"] == 50.0
    assert all(document["logged"] for document in world.documents("executions"))


def test_a_batch_consolidated_again_has_one_row_of_workers(world: PipelineHarness) -> None:
    """A unit came late: its consolidation is a row of its own, the other units are not told
    again.
    """
    work_units(world, 3)
    consolidate_batch(world)
    write_run_history(world.runtime, RUN)
    execution(world, "phase5_worker", unit=f"{BATCH}.late")
    consolidate_batch(world, "#2")
    assert write_run_history(world.runtime, RUN) == 1
    assert [row["phase"] for row in phase_log(world)].count("phase5_worker") == 1


def test_units_that_succeed_are_not_marked_one_by_one(evening: PipelineHarness) -> None:
    trigger(evening)
    evening.run_until_idle()
    before = {document.path: document.version for document in evening.state.query("executions")}
    assert write_run_history(evening.runtime, "2025-11-14-test") == 3
    after = {document.path: document.version for document in evening.state.query("executions")}
    assert {path.split("/")[1].split(".")[0] for path in after if after[path] != before[path]} == {
        "phase5_coordinator",
        "phase5_consolidation",
    }
    (workers,) = [row for row in history(evening) if row["phase"] == "phase5_worker"]
    assert (workers["status"], workers["record_count"]) == ("success", TOTAL_ROWS)


def test_nothing_is_written_for_a_run_that_does_not_exist(world: PipelineHarness) -> None:
    assert write_run_history(world.runtime, "nobodys") == 0
    assert world.warehouse.statement_counts == {}
