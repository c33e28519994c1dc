"""A cell in detail: executions with their documents, rows, messages, restarts, and the log's
filter.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

from shared.chain.execution.context import Outcome
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import NotFound, Retriable
from shared.core.settings import Settings
from shared.core.severity import Severity
from shared.operations.actions.signature import Signature
from shared.operations.contracts.restarts import Restart
from shared.operations.incidents.acting import note
from shared.operations.incidents.observing import observe
from shared.operations.levels import Finding, Level
from shared.operations.status.cell import CellDetail, read_cell
from shared.operations.status.log_query import log_query
from shared.operations.status.model import Verdict
from tests.pipeline.support import push
from tests.support.counted_ports import CountedStores
from tests.support.prediction_tables import AS_OF, DAY, NOW, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.status.test_grid import pause_and_send, take_away
from tests.unit.operations.status.world import FEATURES, HISTORY, NOON_RUN, PIPELINE, go_to


def read(opened: Evening, phase: str) -> CellDetail:
    return read_cell(opened.runtime, PIPELINE, DAY, phase)


def run_phase_4(opened: Evening, run: Any, run_id: str, attempt: int = 1) -> int:
    body = push({"game_date": str(DAY), "run_id": run_id}, attempt=attempt, message_id="m-7")
    return handle("phase4_precompute", run, PhaseMessage, body, opened.runtime).status


def refuse(message: PhaseMessage, context: Any) -> Outcome:
    raise Retriable("the warehouse is shut", next_step="open it")


@pytest.mark.parametrize("phase", [*PIPELINE.phase_order, "grading"])
def test_every_phase_has_a_detail_of_five_statements(whole: Evening, phase: str) -> None:
    reset_counts(whole.warehouse)
    found = read(whole, phase)
    assert sum(whole.warehouse.statement_counts.values()) == 5
    assert (found.cell.phase, PIPELINE.functions[found.function].phase) == (phase, phase)
    assert found.sentence.startswith(f"{DAY}: 2 games")
    assert found.batches == (f"batch_{DAY}_r1",)


def find(opened: Evening, *findings: Finding) -> None:
    """The monitor finds these, and that all else is fine."""
    observe(opened.runtime, findings, {each.check for each in findings})


def make_red(check: str, subject: str = str(DAY), day: date | None = DAY, **figures: Any) -> Finding:
    says = f"{check} of {subject} is red."
    return Finding(check, subject, Level.RED, says, severity=Severity.ERROR, figures=figures, game_date=day)


def checks_of(opened: Evening, phase: str) -> list[str]:
    return [each.check for each in read(opened, phase).incidents]


def test_open_incidents_about_the_date_and_phase_are_shown(whole: Evening) -> None:
    find(
        whole,
        make_red("completions"),
        make_red("export-written"),
        make_red("schedules", "overnight-predictions"),
        make_red("no-errors", "phase5_worker", function="phase5_worker"),
        make_red("batch-opened", str(DAY - timedelta(days=1)), DAY - timedelta(days=1)),
        make_red("breakers", "source-odds_api", None),
    )
    # a schedule is about no phase alone; the day before, and what is about no date, is elsewhere
    assert checks_of(whole, "phase5_worker") == ["completions", "no-errors", "schedules"]
    assert checks_of(whole, "phase6") == ["export-written", "schedules"]
    assert checks_of(whole, "phase3") == ["schedules"]
    observe(whole.runtime, [], {"schedules", "export-written"})
    assert checks_of(whole, "phase6") == []


def test_notes_stay_when_their_incident_is_resolved(whole: Evening) -> None:
    find(whole, make_red("export-written"))
    (incident,) = read(whole, "phase6").incidents
    note(whole.runtime, [incident.id], Signature("ada", "the bucket was full"))
    whole.clock.move(minutes=1)
    note(whole.runtime, [incident.id], Signature("bob", "emptied it"))
    observe(whole.runtime, [], {"export-written"})
    found = read(whole, "phase6")
    assert found.incidents == ()
    assert [(each.who, each.text, each.incident) for each in found.notes] == [
        ("bob", "emptied it", incident.id),
        ("ada", "the bucket was full", incident.id),
    ]
    assert read(whole, "phase4").notes == ()


def test_incidents_cost_one_query_however_many_there_are(whole: Evening) -> None:
    counted = CountedStores.of(whole.runtime)

    def count() -> int:
        counted.reset()
        read_cell(counted.runtime, PIPELINE, DAY, "phase6")
        return counted.state_reads

    before = count()
    find(whole, *(make_red("schedules", f"schedule-{n}") for n in range(8)))
    for each in read(whole, "phase6").incidents:
        note(whole.runtime, [each.id], Signature("ada", "known"))
    assert len(read(whole, "phase6").notes) == 8
    assert count() == before


def test_the_rows_of_its_tables_are_counted(whole: Evening) -> None:
    rows = {each.table: each for each in read(whole, "phase4").rows}
    assert (rows[FEATURES].rows, rows[FEATURES].newest) == (4, AS_OF)
    assert rows["nba_precompute.player_daily_cache"].rows == 0
    raw = {each.table: each.rows for each in read(whole, "phase1").rows}
    assert raw["nba_raw.odds_api_game_lines"] == 2
    assert raw == {each.table: each.rows for each in read(whole, "phase2").rows}
    kept = {each.table: each.rows for each in read(whole, "phase5_consolidation").rows}
    assert kept["nba_predictions.current_predictions"] == 2


def test_an_execution_has_its_error_with_the_next_step(whole: Evening) -> None:
    take_away(whole, FEATURES)
    assert run_phase_4(whole, refuse, "mended", attempt=10) == 503
    found = read(whole, "phase4")
    assert found.cell.verdict is Verdict.FAILED
    newest, before = found.executions
    assert (newest.run.run_id, before.run.run_id) == ("mended", NOON_RUN)
    assert newest.error == "the warehouse is shut"
    assert newest.next_step == "open it"
    assert newest.event == "retried"
    assert newest.message_in is not None
    assert (newest.message_in.source, newest.message_in.message_id) == ("manual", "m-7")
    assert (before.error, before.next_step, before.event) == ("", "", None), "its document is gone"


def test_an_execution_that_another_attempt_repaired_says_what_it_sent(whole: Evening) -> None:
    assert run_phase_4(whole, refuse, "mended") == 503
    assert run_phase_4(whole, lambda message, context: Outcome("success", record_count=4), "mended") == 200
    whole.clock.move(minutes=1)
    found = read(whole, "phase4")
    (repaired,) = (each for each in found.executions if each.run.run_id == "mended")
    assert (repaired.run.attempts, repaired.run.status, repaired.run.rows) == (2, "success", 4)
    assert [(each.topic, each.is_sent) for each in repaired.messages_out] == [("nba-phase4-precompute-complete", True)]
    assert found.cell.verdict is Verdict.COMPLETE


def test_what_self_heal_restarted_and_what_is_deferred_is_said(whole: Evening) -> None:
    take_away(whole, FEATURES)
    for phase in ("phase4", "phase6"):
        restart = Restart(
            game_date=DAY, phase=phase, n=1, topic=f"nba-{phase}-trigger", mode=None, batch_id=None, reason="short",
            execution_id="self_heal.x", run_id=f"{DAY}-heal-{phase}-1", epoch=1, at=NOW,
        )  # fmt: skip
        whole.runtime.state.create(f"heals/{DAY}.{phase}.1", restart.to_document())
    pause_and_send(whole, "phase4_precompute")
    go_to(whole, time(12, 40))
    found = read(whole, "phase4")
    assert [(each.run_id, each.reason) for each in found.restarts] == [(f"{DAY}-heal-phase4-1", "short")]
    assert [each.gate for each in found.deferred] == ["pause"]
    assert found.contracts == ("a feature row of every player of the newest context",)


def test_a_phase_that_is_none_is_refused_with_those_that_are(whole: Evening) -> None:
    with pytest.raises(NotFound, match="phase5_worker, phase5_consolidation, phase6, grading"):
        read_cell(whole.runtime, PIPELINE, DAY, "phase7")


def test_the_filter_of_the_log_is_cloud_loggings() -> None:
    assert log_query("phase4_precompute", DAY, 'run "1"\\', "dev-") == (
        'resource.type="cloud_run_revision" AND resource.labels.service_name="dev-phase4-precompute"'
        ' AND jsonPayload.game_date="2025-11-14" AND jsonPayload.run_id="run \\"1\\"\\\\"'
    )
    assert "run_id" not in log_query("phase4_precompute", DAY)


def test_the_log_is_that_of_the_environment(whole: Evening) -> None:
    assert whole.runtime.settings == Settings()
    assert 'service_name="phase4-precompute"' in read(whole, "phase4").log_query


def test_the_times_are_those_that_decided_what_it_did(whole: Evening) -> None:
    """A history written by another clock stands beside the document's."""
    at = NOW + timedelta(minutes=3)
    whole.clock.move(minutes=3)
    assert run_phase_4(whole, refuse, "mended", attempt=10) == 503
    whole.warehouse.execute(
        f"UPDATE {HISTORY} SET started_at = @later WHERE game_date = @day AND run_id = 'mended'",
        {"later": at + timedelta(days=60), "day": DAY},
    )
    (mended,) = (each for each in read(whole, "phase4").executions if each.run.run_id == "mended")
    assert mended.run.started_at == at
