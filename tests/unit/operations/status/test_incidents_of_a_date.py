"""A date with an open incident is not well, whatever its rows say; what is to be pressed is the
incident's.
"""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus
from shared.operations.actions.mending import mending_of_cell
from shared.operations.incidents.observing import observe
from shared.operations.levels import Finding, Level, Severity
from shared.operations.status.cell import read_cell
from shared.operations.status.grid import read_grid
from shared.operations.status.model import Verdict
from tests.support import records
from tests.support.prediction_tables import DAY, TIPOFFS, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.status.test_grid import take_away, unpredict
from tests.unit.operations.status.world import (
    CONTEXT,
    FEATURES,
    HISTORY,
    PIPELINE,
    PREDICTIONS,
    cell,
    go_to,
    grid_day,
    run_row,
    store_batch,
)

RERUN = f'./nba rerun {DAY} phase1 --why "..."'
REDRIVE = './nba redrive --subscription s --reason r --why "..."'
WELL = f"{DAY}: 2 games, 2 of 2 players predicted, exported 12:05; grading is due 03:45 the next day."


def find(check: str, subject: str, says: str, step: str, severity: Severity, day: date | None = DAY) -> Finding:
    return Finding(check, subject, Level.RED, says, step, {}, severity, day)


def open_(opened: Evening, *findings: Finding) -> None:
    observe(opened.runtime, findings, {each.check for each in findings})


LINES = find("source-fresh", "player_lines", "there is no answer.", RERUN, Severity.ERROR)
LATE = find("latency", "2025-11-13", "2025-11-13 is late", "", Severity.ERROR, DAY - timedelta(days=1))


def test_a_whole_date_with_an_error_is_not_well_and_says_what_to_press(whole: Evening) -> None:
    assert (grid_day(whole).sentence, grid_day(whole).is_well) == (WELL, True)
    open_(whole, LINES)
    found = grid_day(whole)
    assert found.sentence == (
        f"{DAY}: error since 12:05: source-fresh player_lines: there is no answer. By itself: self-heal looks at it at"
        f" 12:45. Next: {RERUN}. So far: 2 games, 2 of 2 players predicted, exported 12:05."
    )
    assert (found.is_well, found.next_step) == (False, RERUN)
    assert found.incident.startswith("source-fresh-player_lines-")
    assert {each.incident for each in found.cells} == {""}, "no cell is in trouble"
    observe(whole.runtime, [], {"source-fresh"})
    assert (grid_day(whole).sentence, grid_day(whole).is_well) == (WELL, True)


def test_the_worst_is_named_and_the_others_are_counted(whole: Evening) -> None:
    open_(whole, LINES)
    whole.clock.move(minutes=5)
    worse = find("export-written", str(DAY), f"{DAY}: no export", "", Severity.CRITICAL)
    open_(whole, LINES, worse, LATE)
    found = grid_day(whole)
    assert found.sentence == (
        f"{DAY}: critical since 12:10: no export. By itself: self-heal looks at it at 12:45."
        f" Next: look at it: ./nba alerts show {found.incident}. 2 more incidents open: ./nba alerts list."
        " So far: 2 games, 2 of 2 players predicted, exported 12:05."
    )


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_a_warning_leaves_a_date_well(whole: Evening, severity: Severity) -> None:
    open_(whole, find("slowdown", "grading", "slow", "", severity, None))
    assert (grid_day(whole).sentence, grid_day(whole).is_well, grid_day(whole).incident) == (WELL, True, "")


def test_another_date_has_its_own_incidents_and_today_all(whole: Evening) -> None:
    open_(whole, LATE, find("odds-quota", "odds_api", "nothing is left", "buy more", Severity.ERROR, None))
    before, today, after = read_grid(whole.runtime, PIPELINE, [DAY + timedelta(days=n) for n in (-1, 0, 1)]).days
    assert before.incident.startswith("latency-")
    assert "more incident" not in before.sentence
    assert " 1 more incident open: " in today.sentence
    assert after.incident == ""


def test_a_cell_in_trouble_has_the_next_step_and_the_button_of_its_incident_alone(whole: Evening) -> None:
    store_batch(whole, status=BatchStatus.FAILED, failure=f"batch_{DAY}_r1: 0 rows. Next: publish it again.")
    reason = f"batch_{DAY}_r1: 0 rows. Next: publish it again."
    whole.warehouse.execute(
        f"DELETE FROM {HISTORY} WHERE game_date = @day AND phase = 'phase5_consolidation'", {"day": DAY}
    )
    failed = run_row("phase5_consolidation", "phase5_consolidation", status="failed", error_message=reason)
    whole.add(HISTORY, [failed])
    alone = cell(whole, "phase5_consolidation")
    assert (alone.verdict, alone.next_step) == (Verdict.FAILED, f"rerun phase5_consolidation of {DAY}")
    assert alone.says == f"batch_{DAY}_r1 failed: 0 rows.; so the last run says"
    assert mending_of_cell(alone) is not None
    open_(whole, find("consolidation", str(DAY), "it failed", f"mend it, then {REDRIVE}", Severity.CRITICAL))
    found = cell(whole, "phase5_consolidation")
    assert found.next_step == f"mend it, then {REDRIVE}"
    assert found.incident.startswith(f"consolidation-{DAY}-")
    assert mending_of_cell(found) is None
    assert read_cell(whole.runtime, PIPELINE, DAY, "phase5_consolidation").cell == found
    assert grid_day(whole).sentence.count("Next: ") == 1


def test_where_self_heal_is_asked_it_mends_what_no_incident_names(whole: Evening) -> None:
    go_to(whole, time(12, 40))
    whole.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE game_date = @day AND player_id = 2", {"day": DAY})
    assert cell(whole, "phase5_coordinator").next_step == f"rerun phase5_coordinator of {DAY}"
    heal = f'./nba heal {DAY} --why "..."'
    open_(whole, find("export-written", str(DAY), "refused", heal, Severity.CRITICAL))
    assert cell(whole, "phase5_coordinator").next_step == heal


@pytest.mark.parametrize("incidents", [0, 40])
def test_incidents_cost_one_query_of_the_state_and_no_statement(
    whole: Evening, incidents: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_(whole, *[find("dead-letters", f"s{n}/r", "x", "", Severity.ERROR, None) for n in range(incidents)])
    asked: list[str] = []
    query = type(whole.runtime.state).query

    def count(self: Any, collection: str, *arguments: Any, **named: Any) -> Any:
        asked.append(collection)
        return query(self, collection, *arguments, **named)

    monkeypatch.setattr(type(whole.runtime.state), "query", count)
    reset_counts(whole.warehouse)
    read_grid(whole.runtime, PIPELINE, [DAY - timedelta(days=n) for n in range(14)])
    assert sum(whole.warehouse.statement_counts.values()) == 4
    assert asked.count("incidents") == 1


# --- a date of before anything ran here -----------------------------------------------------------


@pytest.mark.parametrize(("hours", "verdict"), [(-1, Verdict.SHORT), (1, Verdict.LEFT_OUT)])
def test_a_date_whose_games_had_begun_before_anything_ran_here_is_history(
    whole: Evening, hours: int, verdict: Verdict
) -> None:
    """Nothing was made of it before, so its features do not say that a backfill left it out."""
    unpredict(whole)
    for table in (CONTEXT, FEATURES):
        take_away(whole, table)
    began = max(TIPOFFS.values()) + timedelta(hours=hours)
    first = records.execution(
        path="executions/first", started_at=began, game_date=str(DAY + timedelta(days=1)), history_written=True
    )
    whole.runtime.state.transaction(lambda transaction: transaction.create(first.path, first.to_document()))
    found = grid_day(whole)
    assert found.cell("phase5_coordinator").verdict is verdict
    assert ("its games had begun before anything ran here: it was loaded as history" in found.sentence) == (hours > 0)
    assert found.is_well == (hours > 0)
