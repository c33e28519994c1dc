"""From a run's trigger to its export, by phase."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.operations.latency.runs import RunLatency, runs_of
from tests.support.prediction_tables import DAY
from tests.unit.operations.latency.nights import PIPELINE, at, chain, log_row

RUN = f"{DAY}-same-day-predictions"


def run_of(*rows: dict[str, Any]) -> RunLatency:
    (found,) = runs(*rows)
    return found


def runs(*rows: dict[str, Any]) -> list[RunLatency]:
    ordered = sorted(rows, key=lambda row: (row["game_date"], row["run_id"], row["started_at"], row["finished_at"]))
    return runs_of(ordered, PIPELINE)


def test_a_whole_run_is_measured_from_its_first_start_to_its_export() -> None:
    found = run_of(*chain(RUN, at(16, 30), 10))
    assert (found.run_id, found.game_date, found.triggered_at) == (RUN, DAY, at(16, 30))
    assert found.is_whole
    assert found.seconds == 8 * 10 + 7 * 2
    assert found.exported_at == at(16, 30) + timedelta(seconds=94)
    assert [each.phase for each in found.phases] == list(PIPELINE.phase_order)
    assert {each.seconds for each in found.phases} == {10.0}
    assert [each.waited_seconds for each in found.phases] == [0.0] + [2.0] * 7


def test_a_redriven_phase_counts_with_the_work_that_it_did_in_the_end() -> None:
    rows = chain(RUN, at(16, 30), 10)
    failed = {**rows[3], "status": "failed"}
    late = timedelta(hours=1)
    redriven = [
        {**row, "started_at": row["started_at"] + late, "finished_at": row["finished_at"] + late} for row in rows[3:]
    ]
    found = run_of(*rows[:3], failed, *redriven)
    assert (found.phases[3].status, found.phases[3].started_at) == ("success", redriven[0]["started_at"])
    assert found.seconds == 94 + late.total_seconds()


def test_a_late_completion_does_not_make_the_first_export_late() -> None:
    rows = chain(RUN, at(16, 30), 10)
    later = [log_row(RUN, phase, at(18), at(18, 1)) for phase in ("phase5_consolidation", "phase6")]
    assert run_of(*rows, *later) == run_of(*rows)


def test_a_run_that_failed_has_no_export_and_says_where() -> None:
    rows = chain(RUN, at(16, 30), 10)[:3]
    found = run_of(*rows, log_row(RUN, "phase4", at(16, 40), at(16, 41), status="failed"))
    assert (found.exported_at, found.seconds, found.is_whole) == (None, None, False)
    assert (found.phases[-1].phase, found.phases[-1].status) == ("phase4", "failed")


@pytest.mark.parametrize(("status", "exported"), [("success", True), ("halted", True), ("no_data", False)])
def test_an_export_that_wrote_nothing_is_none(status: str, exported: bool) -> None:
    rows = [*chain(RUN, at(16, 30), 10)[:-1], log_row(RUN, "phase6", at(17), at(17, 1), status=status)]
    assert (run_of(*rows).exported_at is not None) == exported


def test_an_export_by_itself_is_no_whole_run() -> None:
    found = run_of(log_row(f"{DAY}-phase6-tonight-picks", "phase6", at(18), at(18, 0)))
    assert (found.is_whole, found.seconds) == (False, 0.0)
    graded = run_of(
        log_row(f"{DAY}-grading-daily", "grading", at(16), at(16, 1)),
        log_row(f"{DAY}-grading-daily", "phase6", at(16, 2), at(16, 3)),
    )
    assert (graded.is_whole, graded.seconds) == (False, 180.0)


def test_runs_without_a_phase_of_the_chain_are_left_out() -> None:
    assert runs(log_row("sweep", "batch_sweep", at(1), at(2)), log_row("train", "training", at(1), at(2))) == []


def test_phases_that_overlap_wait_for_nothing() -> None:
    found = run_of(log_row(RUN, "phase5_coordinator", at(1), at(2)), log_row(RUN, "phase5_worker", at(1, 59), at(3)))
    assert found.phases[1].waited_seconds == 0.0


def test_one_run_about_two_dates_is_two() -> None:
    """Self-heal's names bear their date; a forced one need not."""
    other = log_row(RUN, "phase6", at(1), at(2), game_date=DAY + timedelta(days=1))
    assert [each.game_date for each in runs(other, log_row(RUN, "phase6", at(1), at(2)))] == [
        DAY,
        DAY + timedelta(days=1),
    ]
