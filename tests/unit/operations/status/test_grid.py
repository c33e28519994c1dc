"""The grid on real stores: rows decide, runs come second, and the statements do not grow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus
from shared.chain.execution.context import Outcome
from shared.chain.execution.handler import handle
from shared.chain.execution.records import ExecutionStatus
from shared.chain.messages.messages import PhaseMessage
from shared.chain.resilience import pause_switch
from shared.core.errors import StoreUnavailable
from shared.operations.status.grid import read_grid
from shared.operations.status.model import Verdict
from tests.pipeline.support import push
from tests.support import records
from tests.support.prediction_tables import AS_OF, DAY, EARLY, LATE, NOW, Evening, schedule_row
from tests.support.stores import reset_counts
from tests.unit.operations.status.world import (
    CHAIN,
    CONTEXT,
    FEATURES,
    HISTORY,
    NOON_RUN,
    PIPELINE,
    PREDICTIONS,
    cell,
    feature_row,
    go_to,
    grid_day,
    later,
    play,
    run_row,
    store_batch,
    verdicts,
)

COMPLETE = dict.fromkeys(PIPELINE.phase_order, "complete")


def take_away(opened: Evening, table: str, condition: str = "TRUE") -> None:
    gone = opened.warehouse.execute(f"DELETE FROM {table} WHERE game_date = @day AND {condition}", {"day": DAY})
    assert gone, "a test that takes nothing away proves nothing"


# --- complete -------------------------------------------------------------------------------------


def test_a_day_to_come_is_complete_but_for_its_grades(whole: Evening) -> None:
    found = grid_day(whole)
    assert verdicts(found) == {**COMPLETE, "grading": "not due"}
    done = f"{DAY}: 2 games, 2 of 2 players predicted, exported 12:05"
    assert found.sentence == f"{done}; grading is due 03:45 the next day."
    shown = {each.phase: (each.have, each.should, each.unit) for each in found.cells}
    assert shown["phase3"] == (4, 4, "teams with a context")
    assert shown["phase4"] == (4, 4, "players")
    assert shown["phase5_coordinator"] == (2, 2, "players")
    assert shown["phase5_worker"] == (2, 2, "units")
    assert shown["phase5_consolidation"] == (2, 2, "rows")
    assert shown["phase6"] == (9, 9, "files")
    export = found.cell("phase6")
    assert (export.run_id, export.attempts, export.seconds, export.done_at) == (NOON_RUN, 1, 60.0, NOW)
    assert export.usual is not None
    assert (export.usual.p50, export.usual.n) == (60.0, 1)


def test_a_played_day_is_complete(whole: Evening) -> None:
    play(whole)
    found = grid_day(whole)
    assert verdicts(found) == {**COMPLETE, "grading": "complete"}
    assert found.sentence == (f"{DAY}: 2 games, 2 of 2 players predicted, exported 12:05, graded 11:05 the next day.")
    assert (found.cell("grading").have, found.cell("grading").should) == (2, 2)
    assert found.cell("phase1").says == "2 of 2 games with results"


@pytest.mark.parametrize("count", [1, 14, 40])
def test_the_statements_do_not_grow_with_the_dates(whole: Evening, count: int) -> None:
    days = [DAY - timedelta(days=n) for n in range(count)]
    reset_counts(whole.warehouse)
    found = read_grid(whole.runtime, PIPELINE, days)
    assert sum(whole.warehouse.statement_counts.values()) == 4
    assert [each.game_date for each in found.days] == days
    assert found.phases == (*PIPELINE.phase_order, "grading")
    assert {len(each.cells) for each in found.days} == {9}


def test_no_dates_need_no_statement(whole: Evening) -> None:
    reset_counts(whole.warehouse)
    assert read_grid(whole.runtime, PIPELINE, []).days == ()
    assert not whole.warehouse.statement_counts


# --- rows decide ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "condition", "phase", "have", "should"),
    [
        (CONTEXT, f"game_id = '{LATE}'", "phase3", 2, 4),
        (FEATURES, "player_id = 91", "phase4", 3, 4),
        (PREDICTIONS, "player_id = 2", "phase5_coordinator", 1, 2),
    ],
)
def test_rows_that_are_gone_are_short_though_every_run_succeeded(
    whole: Evening, table: str, condition: str, phase: str, have: int, should: int
) -> None:
    go_to(whole, time(12, 40))
    take_away(whole, table, condition)
    found = cell(whole, phase)
    assert (found.verdict, found.have, found.should) == (Verdict.SHORT, have, should)
    assert found.says.endswith("; the last run says success")
    assert (found.next_step, found.rerun) == (f"rerun {phase} of {DAY}", phase)
    assert found.since == AS_OF - timedelta(minutes=29)


def test_a_success_without_rows_is_short_at_once(whole: Evening) -> None:
    """What a firing of a moment ago makes is on its way until its run has answered."""
    take_away(whole, FEATURES)
    go_to(whole, time(17, 40))
    assert cell(whole, "phase4").says == "pre-game-predictions began at 17:30, it is on its way"
    answered = {"run_id": f"{DAY}-pre-game-predictions", **later(360)}
    whole.add(HISTORY, [run_row("phase4_precompute", "phase4", **answered)])
    found = grid_day(whole)
    assert found.cell("phase4").verdict is Verdict.SHORT
    assert found.sentence == (
        f"{DAY}: 2 games; phase4 is short since 17:30: 4 of 4 players of the newest context have no feature row; "
        f"the last run says success; nothing happens by itself; next: rerun phase4 of {DAY}."
    )


def test_a_run_of_the_evening_before_is_no_answer_to_the_noons(whole: Evening) -> None:
    """The name of its schedule begins with the other's."""
    take_away(whole, CONTEXT)
    whole.warehouse.execute(f"DELETE FROM {HISTORY} WHERE game_date = @day AND phase = 'phase3'", {"day": DAY})
    evening = {"run_id": f"{NOON_RUN}-tomorrow", **later(-17 * 60)}
    whole.add(HISTORY, [run_row("phase3_analytics", "phase3", **evening)])
    go_to(whole, time(11, 40))
    found = cell(whole, "phase3")
    assert (found.run_id, found.verdict) == (f"{NOON_RUN}-tomorrow", Verdict.NOT_DUE)
    assert found.says == "same-day-predictions began at 11:30, it is on its way"


def test_a_failed_run_that_a_later_one_repaired_is_complete(whole: Evening) -> None:
    failed = {"run_id": "broken", "status": "failed", "error_message": "boom", **later(-5)}
    whole.add(HISTORY, [run_row("phase4_precompute", "phase4", **failed)])
    found = cell(whole, "phase4")
    assert (found.verdict, found.says, found.run_id) == (Verdict.COMPLETE, "4 of 4 players", NOON_RUN)


def test_rows_that_are_there_count_though_the_last_run_failed(whole: Evening) -> None:
    failed = {"run_id": "broken", "status": "failed", "error_message": "boom. Next: look.", **later(5)}
    whole.add(HISTORY, [run_row("phase4_precompute", "phase4", **failed)])
    found = cell(whole, "phase4")
    assert found.verdict is Verdict.COMPLETE
    assert found.says == "4 of 4 players; the last run failed (boom.), what it should make is there"


def test_a_run_that_failed_and_left_nothing_is_failed(whole: Evening) -> None:
    take_away(whole, FEATURES)
    failed = {"run_id": "again", "status": "failed", "error_message": "boom", "attempts": 5, **later(5)}
    whole.add(HISTORY, [run_row("phase4_precompute", "phase4", **failed)])
    found = cell(whole, "phase4")
    assert (found.verdict, found.attempts, found.run_id) == (Verdict.FAILED, 5, "again")
    assert found.says == "4 of 4 players of the newest context have no feature row; the last run failed: boom"
    assert found.since == later(5)["finished_at"]


def test_rows_are_told_where_no_run_and_no_document_is_left(whole: Evening) -> None:
    """Beyond the retention of the state and of the history."""
    play(whole)
    whole.warehouse.execute(f"DELETE FROM {HISTORY} WHERE game_date = @day", {"day": DAY})
    whole.runtime.state.delete(f"batches/batch_{DAY}_r1")
    found = grid_day(whole)
    assert verdicts(found) == {**COMPLETE, "grading": "complete"}
    assert found.cell("phase5_worker").says == "2 of 2 rows"
    assert found.cell("phase4").attempts == 0


def test_grades_that_are_gone_are_short_and_overdue(whole: Evening) -> None:
    play(whole)
    go_to(whole, time(12, 0), days=1)
    take_away(whole, "nba_predictions.prediction_accuracy")
    found = cell(whole, "grading")
    assert (found.verdict, found.have, found.should, found.overdue) == (Verdict.SHORT, 0, 2, True)


def test_predictions_of_a_played_day_that_are_gone_cannot_be_made_again(whole: Evening) -> None:
    play(whole)
    take_away(whole, PREDICTIONS, "player_id = 2")
    found = cell(whole, "phase5_consolidation")
    assert (found.verdict, found.rerun) == (Verdict.SHORT, None)
    assert found.next_step.startswith("restore the date's rows")


# --- runs come second -----------------------------------------------------------------------------


def store_execution(opened: Evening, **changes: Any) -> None:
    whole = {
        "function": "phase4_precompute",
        "phase": "phase4",
        "run_id": "now",
        "unit": "",
        "batch_id": None,
        "taken_at": NOW,
        "started_at": NOW,
        "lease_expires_at": NOW + timedelta(minutes=5),
    }
    found = records.execution(**{**whole, **changes})
    opened.runtime.state.create(f"executions/{found.function}.{found.run_id}", found.to_document())


def test_what_is_short_and_at_work_is_running_and_what_follows_waits(whole: Evening) -> None:
    take_away(whole, CONTEXT)
    take_away(whole, FEATURES)
    take_away(whole, PREDICTIONS)
    store_execution(whole, function="phase3_analytics", phase="phase3", attempts=2)
    go_to(whole, time(12, 7))
    found = grid_day(whole)
    assert verdicts(found) == {
        **COMPLETE, "phase3": "running", "phase4": "not due", "phase5_coordinator": "not due",
        "phase5_consolidation": "not due", "phase6": "not due", "grading": "not due",
    }  # fmt: skip


def test_rows_that_are_complete_stay_complete_while_a_run_makes_them_anew(whole: Evening) -> None:
    store_execution(whole)
    found = grid_day(whole)
    assert (found.cell("phase4").verdict, found.cell("phase4").is_running) == (Verdict.COMPLETE, True)
    assert not found.cell("phase3").is_running
    assert read_grid(whole.runtime, PIPELINE, [DAY]).is_running


def test_an_attempt_that_is_tried_again_by_itself_is_running(whole: Evening) -> None:
    take_away(whole, FEATURES)
    failed = records.failure(error_message="no answer", finished_at=NOW)
    store_execution(whole, status=ExecutionStatus.FAILED, attempts=2, **vars(failed))
    found = cell(whole, "phase4")
    assert (found.verdict, found.attempts) == (Verdict.RUNNING, 2)
    assert found.says == "attempt 2 failed (no answer) and is tried again by itself"
    go_to(whole, time(12, 35))
    assert cell(whole, "phase4").verdict is Verdict.FAILED, "nobody came"


def test_an_execution_whose_lease_has_ended_is_gone(whole: Evening) -> None:
    take_away(whole, FEATURES)
    store_execution(whole)
    go_to(whole, time(12, 11))
    found = cell(whole, "phase4")
    assert found.verdict is Verdict.FAILED
    assert found.says.endswith("the last run failed: its instance is gone")


def test_an_execution_of_an_unfinished_run_is_on_record_before_its_history(whole: Evening) -> None:
    success = records.success(finished_at=NOW, result={"status": "success", "record_count": 4})
    store_execution(whole, status=ExecutionStatus.SUCCEEDED, **vars(success))
    store_execution(whole, function="phase5_coordinator", phase="phase5_coordinator")
    assert cell(whole, "phase4").run_id == "now"


def pause_and_send(opened: Evening, function: str) -> None:
    pause_switch.pause(opened.runtime.state, who="ann", reason="odd odds", now=opened.clock.now())
    body = push({"game_date": "TODAY", "run_id": "waits"}, published_at=NOW.isoformat())
    answer = handle(function, lambda message, context: Outcome("success"), PhaseMessage, body, opened.runtime)
    assert answer.body["status"] == "held"


def test_a_message_that_is_deferred_is_said_of_its_own_date(whole: Evening) -> None:
    take_away(whole, FEATURES)
    take_away(whole, PREDICTIONS)
    pause_and_send(whole, "phase4_precompute")
    go_to(whole, time(12, 40))
    found = grid_day(whole)
    assert found.cell("phase4").verdict is Verdict.DEFERRED
    assert found.cell("phase5_coordinator").says == "waits for phase4, which is deferred"
    assert found.sentence == (
        f"{DAY}: 2 games; phase4 is deferred since 12:05: 1 messages wait: paused since 2025-11-14T17:05:00Z by ann: "
        "odd odds; it goes on by itself once the pause or the breaker lets it through; next: resume the pipeline."
        " The pipeline is paused since 2025-11-14T17:05:00Z by ann: odd odds."
    )
    assert cell(whole, "phase4", DAY + timedelta(days=1)).verdict is Verdict.NOTHING_TO_DO


def test_a_deferred_message_that_nobody_can_read_is_of_no_date(whole: Evening, tmp_path: Path) -> None:
    take_away(whole, FEATURES)
    pause_and_send(whole, "phase4_precompute")
    go_to(whole, time(12, 40))
    (file,) = (tmp_path / "state" / "raw" / "held").rglob("1")
    file.unlink()
    assert cell(whole, "phase4").verdict is Verdict.SHORT


def test_units_that_have_no_result_are_the_workers(whole: Evening) -> None:
    store_batch(whole, missing=["2"], merged=["1"], closed_as=None)
    failed = records.failure(error_message="a bad player", final=True, finished_at=NOW)
    store_execution(
        whole, function="phase5_worker", phase="phase5_worker", unit=f"batch_{DAY}_r1.2", batch_id=f"batch_{DAY}_r1",
        status=ExecutionStatus.FAILED, **vars(failed),
    )  # fmt: skip
    found = cell(whole, "phase5_worker")
    assert (found.verdict, found.have, found.should) == (Verdict.FAILED, 1, 2)
    assert found.says.startswith(f"1 units of batch_{DAY}_r1 have no result: 2; the last run failed: ")
    assert found.next_step.startswith("list the dead letters and redrive them")
    # a later batch has no part in it
    store_batch(whole, revision=2, batch_id=f"batch_{DAY}_r2")
    assert cell(whole, "phase5_worker").verdict is Verdict.COMPLETE


def test_a_batch_in_progress_is_running_and_then_short(whole: Evening) -> None:
    take_away(whole, PREDICTIONS)
    store_batch(whole, status=BatchStatus.OPEN, closed_as=None, closed_at=None, merged=[])
    result = records.unit("1", NOW)
    whole.runtime.state.create(f"batches/batch_{DAY}_r1/units/1", result.to_document())
    go_to(whole, time(12, 35))
    found = grid_day(whole)
    assert (found.cell("phase5_worker").verdict, found.cell("phase5_worker").have) == (Verdict.RUNNING, 1)
    assert found.cell("phase5_coordinator").says == f"batch_{DAY}_r1 is open; 0 of 2 players"
    go_to(whole, time(12, 41))
    assert cell(whole, "phase5_worker").verdict is Verdict.SHORT, "batch_sweep should have closed it"


def test_a_batch_that_failed_is_its_consolidations(whole: Evening) -> None:
    store_batch(whole, status=BatchStatus.FAILED, failure="1 of 2 rows")
    found = cell(whole, "phase5_consolidation")
    assert (found.verdict, found.rerun) == (Verdict.SHORT, "phase5_consolidation")
    assert found.says.startswith(f"batch_{DAY}_r1 failed: 1 of 2 rows")


# --- the clock and the schedule -------------------------------------------------------------------


def test_a_day_to_come_is_not_due_until_its_schedules_time(whole: Evening) -> None:
    tomorrow = DAY + timedelta(days=1)
    game = {**schedule_row(EARLY, day=tomorrow), "game_id": "0022500211", "tipoff_at": NOW + timedelta(days=1, hours=7)}
    whole.add("nba_raw.nbac_schedule", [game])
    found = grid_day(whole, tomorrow)
    assert set(verdicts(found).values()) == {"not due"}
    assert found.cell("phase6").says == f"due at 18:00 on {DAY}"
    assert found.cell("grading").says == f"due at 03:45 on {tomorrow + timedelta(days=1)}"
    assert found.sentence == f"{tomorrow}: 1 game; phase1 is due 18:00 the day before."
    go_to(whole, time(18, 10))
    began = "same-day-predictions-tomorrow began at 18:00, it is on its way"
    assert cell(whole, "phase1", tomorrow).says == began
    go_to(whole, time(18, 31))
    late = grid_day(whole, tomorrow)
    assert late.cell("phase1").verdict is Verdict.SHORT
    assert late.cell("phase3").says == "waits for phase1, which is short"
    short = f"{tomorrow}: 1 game; phase1 is short since 18:00 the day before: neither an injury"
    assert late.sentence.startswith(short)


def test_a_deadline_is_drawn_before_it_is_missed(whole: Evening, tmp_path: Path) -> None:
    (tmp_path / "state" / "exports" / "v1" / "best-bets" / f"{DAY}.json").unlink()
    due = NOW.replace(hour=18, minute=0)
    before = cell(whole, "phase6")
    assert (before.deadline, before.overdue) == (due, False)
    go_to(whole, time(13, 40))
    found = grid_day(whole)
    assert (found.cell("phase6").verdict, found.cell("phase6").overdue) == (Verdict.SHORT, True)
    assert " and overdue (13:00): v1/best-bets/" in found.sentence
    graded = found.cell("grading")
    assert graded.deadline == NOW.replace(hour=12, minute=0) + timedelta(days=1), "six hours after 01:00 New York"
    assert not graded.overdue


def test_grades_wait_for_their_schedule_and_are_overdue_before_it(whole: Evening) -> None:
    whole.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=48 + 14) for game in (EARLY, LATE)])
    go_to(whole, time(8, 0), days=1)
    found = grid_day(whole)
    assert found.cell("phase1").verdict is Verdict.SHORT, "due at half past six"
    assert (found.cell("grading").verdict, found.cell("grading").overdue) == (Verdict.NOT_DUE, True)


# --- nothing to do --------------------------------------------------------------------------------


def test_a_day_without_games_says_when_the_next_are(whole: Evening) -> None:
    free = DAY + timedelta(days=3)
    found = grid_day(whole, free)
    assert set(verdicts(found).values()) == {"nothing to do"}
    assert (found.games, found.sentence) == (0, f"{free}: no games; the next are on {DAY + timedelta(days=9)}.")


def test_the_exports_of_a_day_without_games_have_to_say_so(whole: Evening) -> None:
    free = DAY + timedelta(days=1)
    go_to(whole, time(7, 20), days=1)
    assert cell(whole, "phase6", free).verdict is Verdict.NOTHING_TO_DO, "the run of 07:00 is on its way"
    go_to(whole, time(7, 40), days=1)
    found = grid_day(whole, free)
    assert found.cell("phase6").verdict is Verdict.SHORT
    assert found.sentence.startswith(f"{free}: phase6 is short since 07:00: nothing is played on {free}, and v1/")


@pytest.mark.parametrize(
    ("days", "says"),
    [
        (60, "off-season; the last games were on 2025-11-23"),
        (20, "no games, and none is scheduled after 2025-11-23"),
        (-100, "off-season; the next are on 2025-11-13"),
    ],
)
def test_the_off_season_is_said(whole: Evening, days: int, says: str) -> None:
    found = grid_day(whole, DAY + timedelta(days=days))
    assert found.cell("phase1").says == says
    assert found.cell("phase6").says.startswith(says)


def test_a_day_whose_games_are_postponed_has_nothing_to_do(whole: Evening) -> None:
    whole.add("nba_raw.nbac_schedule", [schedule_row(game, "postponed", hours=48) for game in (EARLY, LATE)])
    go_to(whole, time(12, 40))
    found = grid_day(whole)
    assert found.sentence == f"{DAY}: all 2 games are postponed."
    assert set(verdicts(found).values()) == {"nothing to do"}


def test_a_day_without_a_schedule_is_short_of_it(whole: Evening) -> None:
    whole.warehouse.execute("DELETE FROM nba_raw.nbac_schedule WHERE TRUE")
    found = grid_day(whole)
    assert found.cell("phase1").says.startswith(f"no schedule is loaded around {DAY}")
    assert found.cell("phase3").says == "waits for phase1, which is short"


def test_the_operators_halt_is_said(whole: Evening) -> None:
    whole.runtime.state.create("control/halt", {"halted": True, "reason": "models retrained"})
    found = read_grid(whole.runtime, PIPELINE, [DAY])
    assert found.halted == "models retrained"
    assert found.days[0].cell("phase6").says == "9 of 9 files; halted: models retrained"
    assert found.days[0].sentence.endswith(" Halted: models retrained.")


# --- left out -------------------------------------------------------------------------------------


def unpredict(opened: Evening) -> None:
    for table in (PREDICTIONS, "nba_predictions.prediction_batches", "nba_monitoring.expected_outputs", HISTORY):
        take_away(opened, table)
    opened.runtime.state.delete(f"batches/batch_{DAY}_r1")
    opened.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=48 + 14) for game in (EARLY, LATE)])
    go_to(opened, time(3, 0), days=1)


def test_a_day_that_was_only_backfilled_is_left_out_beyond_phase_4(whole: Evening) -> None:
    unpredict(whole)
    rows = [run_row(function, phase, mode="backfill", run_id="history") for function, phase in CHAIN[:4]]
    skipped = run_row(*CHAIN[4], mode="backfill", run_id="history", status="skipped", batch_id=None)
    whole.add(HISTORY, [*rows, skipped])
    found = grid_day(whole)
    left_out = [phase for phase, verdict in verdicts(found).items() if verdict == "left out"]
    assert left_out == ["phase5_coordinator", "phase5_worker", "phase5_consolidation", "phase6", "grading"]
    assert found.cell("phase6").says == "nobody was predicted before the games; a backfill ends with phase4"
    assert not found.cell("phase6").overdue


@pytest.mark.parametrize(
    "spoil",
    [
        lambda opened: opened.add(HISTORY, [run_row("phase1_scrape", "phase1")]),
        lambda opened: take_away(opened, FEATURES),
    ],
    ids=["somebody tried", "nothing was made"],
)
def test_a_day_that_should_have_been_predicted_and_was_not_is_short(
    whole: Evening, spoil: Callable[[Evening], None]
) -> None:
    unpredict(whole)
    spoil(whole)
    found = grid_day(whole)
    missed = found.cell("phase5_coordinator")
    assert (missed.verdict, missed.have, missed.rerun) == (Verdict.SHORT, 0, None)
    assert missed.says == "nobody was predicted before the games began"
    assert found.cell("phase6").verdict is Verdict.NOTHING_TO_DO


def test_a_game_that_nobody_was_predicted_of_before_its_tip_off_is_short(whole: Evening) -> None:
    for table in (PREDICTIONS, "nba_predictions.prediction_batches", "nba_monitoring.expected_outputs"):
        take_away(whole, table, f"game_id = '{LATE}'")
    go_to(whole, time(23, 0))
    found = cell(whole, "phase5_coordinator")
    assert (found.verdict, found.have, found.should) == (Verdict.SHORT, 1, 3)
    assert found.says.startswith("2 players of 1 games had no prediction before tip-off")
    assert found.next_step.startswith("nothing: the games have begun")


def test_a_teams_first_games_have_nobody_to_predict(whole: Evening) -> None:
    unpredict(whole)
    for table in (CONTEXT, FEATURES):
        take_away(whole, table)
    whole.warehouse.execute("DELETE FROM nba_analytics.player_game_summary WHERE TRUE")
    assert cell(whole, "phase5_coordinator").verdict is Verdict.NOTHING_TO_DO


# --- the state is down ----------------------------------------------------------------------------


class _Down:
    def __getattr__(self, name: str) -> Any:
        raise StoreUnavailable("the state does not answer")


def test_a_state_that_does_not_answer_is_raised_to_whoever_asks(whole: Evening) -> None:
    with pytest.raises(StoreUnavailable):
        read_grid(replace(whole.runtime, state=_Down()), PIPELINE, [DAY])


def test_features_decide_who_would_have_been_expected(whole: Evening) -> None:
    """Of a day to come that no batch has on record, by what is known now."""
    for table in (PREDICTIONS, "nba_predictions.prediction_batches", "nba_monitoring.expected_outputs"):
        take_away(whole, table)
    whole.warehouse.execute(f"DELETE FROM {FEATURES} WHERE player_id = 92", {})
    whole.add(FEATURES, [feature_row(92, minutes_l10=3.0)])
    go_to(whole, time(12, 40))
    assert (cell(whole, "phase5_coordinator").have, cell(whole, "phase5_coordinator").should) == (0, 3)
