"""Slowdowns of all functions, read from the run history, and as findings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.core.errors import DataError
from shared.core.pipeline import WORKER, load_pipeline
from shared.operations.api.as_json import as_json
from shared.operations.levels import Level, Severity
from shared.operations.slowdown.executions import Execution, read_executions
from shared.operations.slowdown.slowdowns import Slowdowns, as_findings, read_slowdowns
from tests.support.stores import reset_counts
from tests.unit.operations.slowdown.planted import NOW, dead, execution, steady, stores

PIPELINE = load_pipeline()


def read(folder: Path, executions: list[Execution], function: str | None = None) -> Slowdowns:
    with stores(folder, executions) as (runtime, warehouse):
        reset_counts(warehouse)
        found = read_slowdowns(runtime, PIPELINE, function)
        assert warehouse.statement_counts == {"query": 1}
        return found


def test_a_row_a_function_and_mode_in_the_pipelines_order(tmp_path: Path) -> None:
    rows = [
        *steady(5.0, mode="results"),
        *steady(40.0, mode="same_day"),
        *steady(5.0, function="phase1_scrape"),
        *steady(30.0, function=WORKER),
        *steady(9.0, function="phase3_old"),
    ]
    found = read(tmp_path, rows)
    assert found.at == NOW
    assert [(each.function, each.mode, each.mean_seconds) for each in found.rows] == [
        ("phase1_scrape", "same_day", 5.0),
        ("phase4_precompute", "results", 5.0),
        ("phase4_precompute", "same_day", 40.0),
        (WORKER, "same_day", 30.0),
    ]
    timeouts = {each.function: each.timeout_seconds for each in found.rows}
    assert timeouts == {"phase1_scrape": 540, "phase4_precompute": 540, WORKER: None}


def test_modes_are_not_mixed(tmp_path: Path) -> None:
    """Results take 5 s and a day's predictions 40: neither is slow beside the other's mean."""
    (results, same_day) = read(tmp_path, [*steady(5.0, mode="results"), *steady(40.0), execution(41)]).rows
    assert [results.level, same_day.level] == [Level.GREEN, Level.GREEN]
    assert same_day.times == pytest.approx(41 / 40)


def test_one_function_alone(tmp_path: Path) -> None:
    found = read(tmp_path, [*steady(5.0), *steady(5.0, function="phase1_scrape")], "phase1_scrape")
    assert {each.function for each in found.rows} == {"phase1_scrape"}


def test_a_function_that_is_not_there_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with stores(tmp_path, []) as (runtime, warehouse):
        reset_counts(warehouse)
        with pytest.raises(DataError, match=r"There is no function 'phase7'.*one of batch_sweep, .*grading"):
            read_slowdowns(runtime, PIPELINE, "phase7")
        assert warehouse.statement_counts == {}


def test_an_empty_history_has_no_rows_and_no_findings(tmp_path: Path) -> None:
    found = read(tmp_path, [])
    assert found.rows == ()
    assert as_findings(found) == ()


def test_an_execution_of_an_older_date_counts_as_long_as_it_can_be_redriven(tmp_path: Path) -> None:
    """A dead letter of a month ago, redriven today; and a backfill of the season before."""
    rows = [execution(7.0), execution(8.0, 0.1), execution(9.0, 0.2)]
    ages = [timedelta(0), timedelta(days=31), timedelta(days=300)]
    rows = [replace(each, game_date=each.game_date - age) for each, age in zip(rows, ages, strict=True)]
    with stores(tmp_path, rows) as (runtime, _):
        assert [each.seconds for each in read_executions(runtime, 7)] == [8.0, 7.0]


def test_a_simulated_clock_is_not_what_the_history_counts_by(tmp_path: Path) -> None:
    """The run history has the machine's times; the dates of its rows are simulated."""

    class Machine:
        def now(self) -> datetime:
            return datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

    ahead = Machine().now() - NOW
    rows = [
        replace(each, started_at=each.started_at + ahead, finished_at=each.finished_at + ahead)
        for each in [*steady(40.0), execution(100.0)]
    ]
    with stores(tmp_path, rows) as (runtime, _):
        slowdowns = read_slowdowns(replace(runtime, machine=Machine()), PIPELINE)
        (found,) = slowdowns.rows
        assert slowdowns.at == Machine().now()
        assert found.level == Level.YELLOW
        assert found.times == pytest.approx(2.5)


# --- findings -------------------------------------------------------------------------------------


def test_the_worst_mode_is_the_functions_finding(tmp_path: Path) -> None:
    rows = [*steady(5.0, mode="results"), execution(21, mode="results"), *steady(40.0), execution(100)]
    (found,) = as_findings(read(tmp_path, rows))
    assert (found.fingerprint, found.level, found.severity) == (
        "slowdown:phase4_precompute",
        Level.RED,
        Severity.ERROR,
    )
    assert found.says.startswith("phase4_precompute (results): The latest run took 21.0 s, 4.2 times")
    assert found.figures["times"] == pytest.approx(4.2)
    assert found.figures["mode"] == "results"
    assert found.game_date == NOW.date()
    assert "2026-01-20-results-0.00" in found.next_step
    assert as_json(found)["figures"]["runs"] == 6


def test_boot_failures_make_no_finding_that_is_not_green(tmp_path: Path) -> None:
    (found,) = as_findings(read(tmp_path, [*steady(70.0), dead(0.2), dead(0.1)]))
    assert (found.level, found.next_step, found.figures["died"]) == (Level.GREEN, "", 2)
    assert "died or were cut off" in found.says
