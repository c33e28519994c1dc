"""What has run lately: from the run history and the ledger, each asked once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.chain.execution.ledger import Ledger, Taken
from shared.chain.execution.records import ExecutionKey
from shared.chain.execution.run_history import HISTORY
from shared.core.clock import Clock
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import load_pipeline
from shared.operations.runs.reading import read_runs
from shared.stores.runtime import Runtime
from tests.support import records
from tests.support.stores import append, open_stores, reset_counts

PIPELINE = load_pipeline()
NOW = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)


class _Noon(Clock):
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_stores(tmp_path, _Noon()) as opened:
        yield opened


def history(day: date, seconds: float, function: str = "grading", **more: Any) -> dict[str, Any]:
    started = datetime(day.year, day.month, day.day, 16, 0, tzinfo=UTC)
    row = {
        "game_date": day,
        "run_id": f"{day}-results",
        "execution_id": f"{function}.{day}-results",
        "processor_name": function,
        "phase": function,
        "mode": "results",
        "status": "success",
        "started_at": started,
        "finished_at": started + timedelta(seconds=seconds),
        "duration_seconds": seconds,
        "record_count": 7,
        "records_failed": 0,
        "attempts": 1,
        "trigger_source": "scheduler",
        "logged_at": started,
    }
    return row | more


def week(runtime: Runtime, last_seconds: float) -> None:
    """Grading of seven days at about 10 s, and of the eighth."""
    days = [date(2025, 11, 7) + timedelta(days=each) for each in range(7)]
    rows = [history(day, 10.0 + index % 3) for index, day in enumerate(days)]
    append(runtime.warehouse, HISTORY, [*rows, history(date(2025, 11, 14), last_seconds)], "week")


def test_the_latest_first_beside_the_usual(runtime: Runtime) -> None:
    week(runtime, 10.0)
    reset_counts(runtime.warehouse)  # type: ignore[arg-type]
    found = read_runs(runtime, PIPELINE, days=2)
    assert runtime.warehouse.statement_counts == {"query": 1}  # type: ignore[attr-defined]
    assert (found.first, found.last) == (date(2025, 11, 13), date(2025, 11, 15))
    assert [(each.game_date.day, each.seconds, each.slow) for each in found.runs] == [
        (14, 10.0, False),
        (13, 10.0, False),
    ]
    assert found.runs[0].usual_runs == 7
    assert found.runs[0].usual_seconds == pytest.approx(sum((10, 11, 12, 10, 11, 12, 10)) / 7)


def test_slow_is_over_twice_the_usual_of_three_runs_at_least(runtime: Runtime) -> None:
    week(runtime, 25.0)
    few = [history(date(2025, 11, 12 + day), 1.0 + 8 * (day == 2), "self_heal") for day in range(3)]
    append(runtime.warehouse, HISTORY, few, "few")
    found = read_runs(runtime, PIPELINE, slow=True)
    assert [(each.function, each.seconds) for each in found.runs] == [("grading", 25.0)]
    assert found.runs[0].slow


def test_what_did_no_work_is_nothing_to_compare_with(runtime: Runtime) -> None:
    """Skipped in no time, it would make every real run look slow."""
    days = [date(2025, 11, 7) + timedelta(days=each) for each in range(7)]
    rows = [history(day, 0.01, status="skipped", reason="nothing to grade") for day in days]
    append(runtime.warehouse, HISTORY, [*rows, history(date(2025, 11, 14), 10.0)], "skipped")
    assert read_runs(runtime, PIPELINE, slow=True).runs == ()
    latest = read_runs(runtime, PIPELINE).runs[0]
    assert (latest.usual_seconds, latest.usual_runs) == (None, 0)


def test_of_one_function(runtime: Runtime) -> None:
    rows = [history(date(2025, 11, 14), 1.0, name) for name in ("grading", "self_heal")]
    append(runtime.warehouse, HISTORY, rows, "two")
    assert [each.function for each in read_runs(runtime, PIPELINE, function="self_heal").runs] == ["self_heal"]
    with pytest.raises(NotFound, match="There is no function 'gradin'; there are: phase1_scrape, "):
        read_runs(runtime, PIPELINE, function="gradin")


@pytest.mark.parametrize("days", [0, -1, 91])
def test_days_out_of_range_are_refused(runtime: Runtime, days: int) -> None:
    with pytest.raises(DataError, match=f"days is {days}\\."):
        read_runs(runtime, PIPELINE, days=days)


def test_what_runs_now_comes_first_with_its_unit(runtime: Runtime) -> None:
    week(runtime, 10.0)
    facts = records.facts()
    for unit in ("", "group-0001"):
        key = ExecutionKey(facts.function, facts.run_id, unit)
        taken = Ledger(runtime.state, "a", 1).take(key, NOW, timedelta(seconds=90), replace(facts, unit=unit))
        assert isinstance(taken, Taken)
    found = read_runs(runtime, PIPELINE).runs
    assert [(each.status, each.reason, each.seconds) for each in found[:2]] == [
        ("running", "group-0001", None),
        ("running", "", None),
    ]
    assert found[2].function == "grading"
    assert read_runs(runtime, PIPELINE, function="grading").runs == found[2:]
    assert read_runs(runtime, PIPELINE, slow=True).runs == ()
