"""The morning's first grading: in time where the results are there, and no alarm where they are
not.
"""

from __future__ import annotations

from datetime import time
from typing import Any

from functions.grading.grade import run as grade
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PhaseMessage
from shared.operations.checks.health import read_health
from shared.operations.latency.findings import as_findings
from shared.operations.latency.latency import read_latency
from shared.operations.levels import Level
from shared.operations.status.model import Verdict
from tests.pipeline.support import push
from tests.support.prediction_tables import TEAMS, Evening, schedule_row, summary_row
from tests.unit.operations.status.world import PIPELINE, PLAYERS, cell, go_to, grid_day


def fire(opened: Evening, schedule: str) -> dict[str, Any]:
    """What the execution said that a schedule of grading's starts now."""
    job = PIPELINE.schedules[schedule]
    body = push({**job.message, "schedule": schedule}, published_at=opened.clock.now().isoformat())
    answer = handle("grading", grade, PhaseMessage, body, opened.runtime)
    assert answer.status == 200
    return dict(answer.body)


def bring_results(opened: Evening) -> None:
    opened.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=48 + 18) for game in TEAMS])
    rows = [summary_row(game, n, f"P{n}", 20, at_home=home) for n, (game, home, _) in PLAYERS.items()]
    opened.add("nba_analytics.player_game_summary", rows)


def latency_level(opened: Evening) -> Level:
    (found,) = as_findings(read_latency(opened.runtime, PIPELINE, 1))
    return found.level


def test_results_that_are_there_are_graded_before_the_deadline(whole: Evening) -> None:
    go_to(whole, time(6, 45), days=1)
    bring_results(whole)
    assert fire(whole, "grading-early")["status"] == "success"
    found = cell(whole, "grading")
    assert (found.verdict, found.have, found.should, found.overdue) == (Verdict.COMPLETE, 2, 2, False)
    go_to(whole, time(7, 1), days=1)
    assert latency_level(whole) is Level.GREEN


def test_results_that_come_late_are_no_alarm_before_the_deadline(whole: Evening) -> None:
    go_to(whole, time(6, 45), days=1)
    assert fire(whole, "grading-early")["status"] == "no_data"
    go_to(whole, time(6, 50), days=1)
    waits = cell(whole, "grading")
    assert (waits.verdict, waits.overdue) == (Verdict.NOT_DUE, False)
    bring_results(whole)
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
