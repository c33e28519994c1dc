"""Weeks of stages, and stages as rows of nba_monitoring.pipeline_latency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.errors import DataError
from shared.operations.latency.latency import measure
from shared.operations.latency.recording import TABLE, record, rows_for, write_latency
from tests.support.prediction_tables import DAY, EARLY, LATE, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.latency.nights import (
    END_EARLY,
    END_LATE,
    FETCHED_AT,
    LOADED_AT,
    LOG,
    PIPELINE,
    RESULTS_RUN,
    SEEN_AT,
    at,
    chain,
    grade_at,
    log_row,
    move_to,
    played_night,
    read,
)

RUN = f"{DAY}-same-day-predictions"
BEFORE = DAY - timedelta(days=1)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    with played_night(tmp_path) as opened:
        yield opened


def read_recorded(night: Evening) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = night.warehouse.query(
        f"SELECT * FROM {TABLE} WHERE game_date > DATE '2000-01-01' ORDER BY game_date, kind, subject, stage"
    ).to_pylist()
    return rows


def test_every_stage_is_a_row_to_the_microsecond(night: Evening) -> None:
    moment = at(16) + timedelta(microseconds=250_001)
    grade_at(night, moment)
    assert write_latency(night.runtime, PIPELINE, 7) == 8
    rows = [
        (row["kind"], row["subject"], row["stage"], row["began_at"], row["ended_at"]) for row in read_recorded(night)
    ]
    assert rows == [
        ("date", str(DAY), "graded", END_LATE, moment),
        ("game", EARLY, "final_seen", END_EARLY, SEEN_AT),
        ("game", EARLY, "graded", END_EARLY, moment),
        ("game", EARLY, "loaded", END_EARLY, LOADED_AT),
        ("game", LATE, "final_seen", END_LATE, SEEN_AT),
        ("game", LATE, "graded", END_LATE, moment),
        ("game", LATE, "loaded", END_LATE, LOADED_AT),
        ("phase", RESULTS_RUN, "phase3", FETCHED_AT + timedelta(minutes=1), LOADED_AT),
    ]
    first = read_recorded(night)[0]
    assert (first["game_date"], first["seconds"], first["target_seconds"]) == (DAY, 36_000.250001, 21_600.0)
    assert first["measured_at"] == moment
    assert {row["target_seconds"] for row in read_recorded(night)[1:]} == {None}


def test_the_rows_are_what_the_table_holds(night: Evening) -> None:
    grade_at(night, at(16))
    write_latency(night.runtime, PIPELINE, 7)
    rows = rows_for(read(night))
    assert [(row["kind"], row["stage"], row["seconds"]) for row in rows] == [
        (row["kind"], row["stage"], row["seconds"]) for row in read_recorded(night)
    ]
    assert {"measured_at"} == set(read_recorded(night)[0]) - set(rows[0])


def test_nothing_new_is_not_written_and_costs_three_statements(night: Evening) -> None:
    grade_at(night, at(16))
    write_latency(night.runtime, PIPELINE, 7)
    before = read_recorded(night)
    move_to(night, at(17))
    reset_counts(night.warehouse)
    assert write_latency(night.runtime, PIPELINE, 7) == 0
    assert night.warehouse.statement_counts == {"query": 3}
    assert read_recorded(night) == before


def test_what_was_measured_for_somebody_else_is_recorded_without_asking_again(night: Evening) -> None:
    grade_at(night, at(16))
    measured = measure(night.runtime, PIPELINE, 7)
    reset_counts(night.warehouse)
    assert record(night.runtime, measured) == 8
    assert night.warehouse.statement_counts == {"replace_partition": 1}
    with pytest.raises(DataError, match="record 1 to 60 days"):
        record(night.runtime, measure(night.runtime, PIPELINE, 61))


def test_only_dates_that_changed_are_replaced_in_one_statement(night: Evening) -> None:
    night.add(
        LOG, [*chain("old", at(1, day=13), 5, BEFORE), *chain("older", at(1, day=12), 5, DAY - timedelta(days=2))]
    )
    write_latency(night.runtime, PIPELINE, 7)
    kept = [row for row in read_recorded(night) if row["game_date"] == BEFORE]
    move_to(night, at(17))
    night.add(LOG, [*chain("late", at(1, day=12), 5, DAY - timedelta(days=2)), log_row("x", "phase6", at(16), at(17))])
    reset_counts(night.warehouse)
    assert write_latency(night.runtime, PIPELINE, 7) == 2 * 9 + 5 + 1
    assert night.warehouse.statement_counts == {"query": 3, "replace_partition": 1}
    assert [row for row in read_recorded(night) if row["game_date"] == BEFORE] == kept
    keys = [(row["game_date"], row["kind"], row["subject"], row["stage"]) for row in read_recorded(night)]
    assert len(keys) == len(set(keys)) == 3 * 9 + 5 + 1


def test_a_whole_run_has_its_export_and_another_only_its_phases(night: Evening) -> None:
    night.add(LOG, [*chain(RUN, at(1), 5), log_row("picks", "phase6", at(18), at(18, 1))])
    failed = log_row("broken", "phase4", at(18), at(18, 1), status="failed")
    night.add(LOG, [failed])
    kinds = [(row["kind"], row["subject"]) for row in rows_for(read(night)) if row["stage"] in ("exported", "phase6")]
    assert kinds == [("phase", RUN), ("phase", "picks"), ("run", RUN)]
    assert "broken" not in {row["subject"] for row in rows_for(read(night))}


def test_weeks_have_p50_and_p95_of_each_stage(night: Evening) -> None:
    grade_at(night, at(16))
    for number, seconds in enumerate((10, 20, 30)):
        night.add(LOG, chain(f"run-{number}", at(17 + number), seconds))
    night.add(LOG, chain("tomorrow", at(23), 40, DAY + timedelta(days=3)))
    night.add(LOG, [log_row("picks", "phase6", at(18), at(19))])
    move_to(night, at(23, 50, day=17))
    weeks = read(night).weeks
    assert {each.starts_on for each in weeks} == {date(2025, 11, 17), date(2025, 11, 10)}
    assert weeks[0].starts_on == date(2025, 11, 17)
    figures = {(each.kind, each.stage): each for each in weeks if each.starts_on == date(2025, 11, 10)}
    graded, exported, phase6 = figures["date", "graded"], figures["run", "exported"], figures["phase", "phase6"]
    assert (graded.count, graded.p50, graded.over_target) == (1, 36_000.0, 1)
    assert (exported.count, exported.p50, exported.over_target) == (3, 8 * 20 + 14.0, None)
    assert exported.p95 == pytest.approx(8 * 29 + 14)
    assert (phase6.count, phase6.p50) == (3, 20.0), "an export by itself is another thing"
    assert figures["game", "final_seen"].count == 2
    assert ("game", "graded") not in figures, "games are graded by date"


@pytest.mark.parametrize("days", [0, 61])
def test_more_days_than_a_statement_takes_are_refused(night: Evening, days: int) -> None:
    with pytest.raises(DataError, match="record 1 to 60 days"):
        write_latency(night.runtime, PIPELINE, days)
    assert read_recorded(night) == []
