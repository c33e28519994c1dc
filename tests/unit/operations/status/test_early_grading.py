"""Results and grading of the night and of the early morning: in time where the results are there,
and no alarm where they are not.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import time, timedelta
from typing import Any

from functions.grading.grade import run as grade
from functions.phase6_export.export import run as export
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PhaseMessage
from shared.core.clock import at_new_york
from shared.operations.checks.health import read_health
from shared.operations.latency.findings import as_findings
from shared.operations.latency.latency import read_latency
from shared.operations.levels import Level
from shared.operations.status.model import TROUBLE, Verdict
from tests.pipeline.support import push
from tests.support.prediction_tables import DAY, EARLY, LATE, TEAMS, Evening, message, schedule_row, summary_row
from tests.unit.operations.status.world import PIPELINE, PLAYERS, cell, go_to, grid_day


def fire(opened: Evening, schedule: str) -> dict[str, Any]:
    """What the execution said that a schedule of grading's starts now."""
    job = PIPELINE.schedules[schedule]
    body = push({**job.message, "schedule": schedule}, published_at=opened.clock.now().isoformat())
    answer = handle("grading", grade, PhaseMessage, body, opened.runtime)
    assert answer.status == 200
    return dict(answer.body)


def bring_results(opened: Evening, games: Collection[str] = tuple(TEAMS), hours: int = 18) -> None:
    """Results of games, so many hours after the noon of the day."""
    status = {game: "final" if game in games else "live" for game in TEAMS}
    opened.add("nba_raw.nbac_schedule", [schedule_row(game, status[game], hours=48 + hours) for game in TEAMS])
    rows = [summary_row(game, n, f"P{n}", 20, at_home=home) for n, (game, home, _) in PLAYERS.items() if game in games]
    opened.add("nba_analytics.player_game_summary", rows)


def latency_level(opened: Evening) -> Level:
    (found,) = as_findings(read_latency(opened.runtime, PIPELINE, 1))
    return found.level


def test_results_of_the_night_are_graded_in_the_night(whole: Evening) -> None:
    go_to(whole, time(3, 45), days=1)
    bring_results(whole, hours=15)
    assert fire(whole, "grading-overnight")["status"] == "success"
    assert cell(whole, "grading").verdict is Verdict.COMPLETE
    go_to(whole, time(7, 1), days=1)
    assert latency_level(whole) is Level.GREEN


def test_a_game_that_is_not_final_in_the_night_waits_for_the_morning(whole: Evening) -> None:
    go_to(whole, time(3, 45), days=1)
    bring_results(whole, (EARLY,), hours=15)
    outcome = fire(whole, "grading-overnight")
    assert (outcome["status"], outcome["reason"]) == ("partial", "1 of 2 games have no final box score")
    export(message(phase="grading"), whole.context("phase6_export", run_id="graded"))
    for clock in (time(4), time(4, 1), time(6, 29)):  # from 04:00 on the schedule is too old to believe
        go_to(whole, clock, days=1)
        found = grid_day(whole)
        assert [each.phase for each in found.cells if each.verdict in TROUBLE or each.overdue] == []
    results = cell(whole, "phase1")
    assert (results.verdict, results.have, results.should) == (Verdict.NOT_DUE, 1, 2)
    assert results.says == (
        f"1 of 2 games ({LATE}) are over and not final in the schedule; daily-yesterday-analytics comes at 06:30"
    )
    assert results.due_at == at_new_york(DAY + timedelta(days=1), time(6, 30))
    assert grid_day(whole).sentence.endswith("phase1 is due 06:30 the next day.")
    go_to(whole, time(7, 1), days=1)
    short = cell(whole, "phase1")
    assert (short.verdict, short.rerun) == (Verdict.SHORT, "phase1")


def test_results_that_are_there_are_graded_before_the_deadline(whole: Evening) -> None:
    go_to(whole, time(6, 45), days=1)
    bring_results(whole)
    assert fire(whole, "grading-early")["status"] == "success"
    found = cell(whole, "grading")
    assert (found.verdict, found.have, found.should, found.overdue) == (Verdict.COMPLETE, 2, 2, False)
    go_to(whole, time(7, 1), days=1)
    assert latency_level(whole) is Level.GREEN


def test_results_that_come_with_the_next_run_are_no_alarm_before_it(whole: Evening) -> None:
    go_to(whole, time(3, 45), days=1)
    assert fire(whole, "grading-overnight")["status"] == "no_data"
    go_to(whole, time(6, 40), days=1)
    waits = cell(whole, "grading")
    assert (waits.verdict, waits.says, waits.overdue) == (Verdict.NOT_DUE, "waits for phase1, which is not due", False)
    bring_results(whole)
    comes = cell(whole, "grading")
    assert (comes.verdict, comes.overdue) == (Verdict.NOT_DUE, False)
    assert comes.says.endswith("; grading-early comes at 06:45")


def test_results_that_come_after_the_early_grading_are_short_of_grades(whole: Evening) -> None:
    go_to(whole, time(6, 45), days=1)
    assert fire(whole, "grading-early")["status"] == "no_data"
    go_to(whole, time(6, 50), days=1)
    bring_results(whole)
    # the grading of 11:00 would be too late
    short = cell(whole, "grading")
    assert (short.verdict, short.rerun, short.overdue) == (Verdict.SHORT, "grading", False)
    assert short.says.endswith("the last run says no_data")
    assert latency_level(whole) is Level.GREEN
    health = read_health(whole.runtime, PIPELINE, only=("no-errors", "schedules"))
    assert [each.says for each in health.findings if each.level is not Level.GREEN] == []
    go_to(whole, time(7, 1), days=1)
    assert cell(whole, "grading").overdue
    assert latency_level(whole) is Level.RED
    go_to(whole, time(11), days=1)
    assert fire(whole, "grading-daily")["status"] == "success"
    assert grid_day(whole).cell("grading").verdict is Verdict.COMPLETE
