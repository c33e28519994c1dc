"""Latency and slowdown of a day that was really played, under the simulated clock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from shared.core.clock import at_new_york, new_york_date
from shared.core.pipeline import load_pipeline
from shared.operations.latency.findings import as_findings
from shared.operations.latency.latency import read_latency
from shared.operations.latency.recording import write_latency
from shared.operations.levels import Level
from shared.operations.slowdown.report import read_report
from shared.operations.slowdown.slowdowns import read_slowdowns
from shared.stores.runtime import Runtime
from tests.pipeline.whole_day import summary_of
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores

pytestmark = pytest.mark.heavy  # the day is played in a process of its own

PIPELINE = load_pipeline()


@dataclass(frozen=True)
class Played:
    """Stores with the day in them, at noon of the day after; the log has the machine's times."""

    day: date
    runtime: Runtime


@pytest.fixture
def played(day_played: Path, tmp_path: Path) -> Iterator[Played]:
    shutil.copy(day_played / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    day = date.fromisoformat(summary_of(day_played)["game_date"])
    noon = at_new_york(day + timedelta(days=1), time(12))
    with open_stores(tmp_path, ManualClock(noon)) as runtime:
        rows = runtime.warehouse.query(
            "SELECT MAX(finished_at) AS ended FROM nba_reference.processor_run_history WHERE game_date > @day",
            {"day": day - timedelta(days=9)},
        ).to_pylist()
        ended: datetime = rows[0]["ended"]
        yield Played(day, replace(runtime, machine=ManualClock(ended)))


def test_the_days_games_are_graded_at_eleven(played: Played) -> None:
    latency = read_latency(played.runtime, PIPELINE, 7)
    games = [game for game in latency.games if game.game_date == played.day]
    morning = played.day + timedelta(days=1)
    assert len(games) == 3
    assert all(game.is_followed and game.is_due for game in games)
    for game in games:
        assert game.final_seen_at is not None
        assert game.final_seen_at >= game.ended_at
        assert game.loaded_at is not None
        assert at_new_york(morning, time(6, 30)) <= game.loaded_at < at_new_york(morning, time(7))
        assert game.graded_at is not None
        assert at_new_york(morning, time(11)) <= game.graded_at < at_new_york(morning, time(11, 15))
    (found,) = [each for each in latency.dates if each.game_date == played.day]
    assert (found.due, found.graded) == (3, 3)
    assert (
        found.seconds == (max(game.graded_at for game in games if game.graded_at) - games[-1].ended_at).total_seconds()
    )
    assert not any(game.is_followed for game in latency.games if game.game_date < played.day - timedelta(days=1))
    (finding,) = [each for each in as_findings(latency) if each.game_date == played.day]
    assert (finding.level == Level.YELLOW) == found.is_over_target


def test_its_runs_have_every_phase_and_a_trigger_to_export(played: Played) -> None:
    latency = read_latency(played.runtime, PIPELINE, 7)
    whole = [run for run in latency.runs if run.is_whole and run.game_date == played.day]
    assert len(whole) >= 3
    for run in whole:
        assert [each.phase for each in run.phases] == list(PIPELINE.phase_order)
        assert run.seconds is not None
        assert 0 < run.seconds < 600
        assert sum(each.seconds for each in run.phases) > 0
    exported = [each for each in latency.weeks if each.stage == "exported"]
    assert sum(each.count for each in exported) == sum(run.is_whole for run in latency.runs)


def test_it_is_recorded_once(played: Played) -> None:
    assert write_latency(played.runtime, PIPELINE, 7) > 30
    assert write_latency(played.runtime, PIPELINE, 7) == 0


def test_every_function_that_ran_has_its_figures(played: Played) -> None:
    found = read_slowdowns(played.runtime, PIPELINE)
    functions = {each.function for each in found.rows if each.seconds}
    assert {"phase1_scrape", "phase4_precompute", "phase5_worker", "phase6_export", "grading"} <= functions
    assert all(each.share is None or each.share < 0.75 for each in found.rows)
    report = read_report(played.runtime, PIPELINE, 4)
    assert {each.starts_on for each in report.weeks} <= {
        day - timedelta(days=day.weekday()) for day in [new_york_date(found.at), new_york_date(found.at) - timedelta(1)]
    }
    assert sum(each.failures for each in report.weeks) == 0
    assert report.regressions == ()
