"""Openings, resolutions and people's actions are rows of the warehouse, once each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest

from shared.chain.resilience import audit_log, pause_switch
from shared.core import failpoints
from shared.operations.actions.signature import Signature
from shared.operations.incidents import acting
from shared.operations.incidents.history import load_alerts, load_audit
from shared.operations.incidents.observing import observe
from shared.stores.runtime import Runtime
from tests.support.embedded import START, ManualClock
from tests.unit.operations.incidents.incident_cases import CHECK, green_finding, red_finding

DAY = date(2025, 11, 14)


def rows(runtime: Runtime, table: str) -> list[dict[str, Any]]:
    order = {"alerts": "raised_on", "audit_log": "acted_on"}[table]
    sql = f"SELECT * FROM nba_monitoring.{table} WHERE {order} = @day"
    found: list[dict[str, Any]] = runtime.warehouse.query(sql, {"day": DAY}).to_pylist()
    return found


class Died(BaseException):
    """The process died here."""


@contextmanager
def dying_at(point: str) -> Iterator[None]:
    def hook(reached: str) -> None:
        if reached == point:
            raise Died(point)

    failpoints.install(hook)
    try:
        yield
    finally:
        failpoints.install(None)


def test_an_incident_is_a_row_when_opened_and_one_when_resolved(runtime: Runtime, clock: ManualClock) -> None:
    finding = red_finding(figures={"batch_id": "b1"}, next_step="publish it", game_date=DAY)
    (name,) = observe(runtime, [finding], {CHECK}).opened
    assert (load_alerts(runtime), load_alerts(runtime)) == (1, 0)
    clock.move(minutes=15)
    observe(runtime, [finding], {CHECK})
    assert load_alerts(runtime) == 0
    acting.acknowledge(runtime, [name], Signature("ada", "on it"))
    observe(runtime, [green_finding()], {CHECK})
    assert load_alerts(runtime) == 1
    opened, resolved = sorted(rows(runtime, "alerts"), key=lambda row: row["changed_at"])
    assert opened == {
        "raised_on": DAY,
        "alert_id": name,
        "fingerprint": "consolidation:2025-11-14",
        "severity": "error",
        "title": "0 of 146 rows are in place.",
        "detail": "Next: publish it",
        "game_date": DAY,
        "batch_id": "b1",
        "raised_at": START,
        "resolved_at": None,
        "change": "opened",
        "changed_at": START,
        "resolution": None,
        "occurrences": 1,
        "acknowledged_by": None,
    }
    assert resolved == {
        **opened,
        "resolved_at": clock.now(),
        "change": "resolved",
        "changed_at": clock.now(),
        "resolution": "its check is green again",
        "occurrences": 2,
        "acknowledged_by": "ada",
    }


def test_all_that_is_new_is_one_load(runtime: Runtime) -> None:
    observe(runtime, [red_finding(f"2025-11-{day}") for day in range(10, 19)], {CHECK})
    observe(runtime, [], {CHECK})
    before = runtime.warehouse.statement_counts  # type: ignore[attr-defined]  # the embedded one counts
    assert load_alerts(runtime) == 18
    after = runtime.warehouse.statement_counts  # type: ignore[attr-defined]
    assert sum(after.values()) - sum(before.values()) == 1
    assert {row["change"] for row in rows(runtime, "alerts")} == {"opened", "resolved"}


@pytest.mark.parametrize("point", ["rows.recorded", "rows.loaded"])
def test_a_crash_loads_no_row_twice_and_none_not_at_all(runtime: Runtime, clock: ManualClock, point: str) -> None:
    observe(runtime, [red_finding()], {CHECK})
    with dying_at(point), pytest.raises(Died):
        load_alerts(runtime)
    clock.move(minutes=15)
    observe(runtime, [green_finding(), red_finding("2025-11-13")], {CHECK})
    load_alerts(runtime)
    found = sorted((row["fingerprint"], row["change"]) for row in rows(runtime, "alerts"))
    assert found == [
        ("consolidation:2025-11-13", "opened"),
        ("consolidation:2025-11-14", "opened"),
        ("consolidation:2025-11-14", "resolved"),
    ]
    assert load_alerts(runtime) == 0


def test_what_people_did_is_loaded_once(runtime: Runtime, clock: ManualClock) -> None:
    pause_switch.pause(runtime.state, who="ada", reason="odd\nodds", now=clock.now())
    with dying_at("rows.loaded"), pytest.raises(Died):
        load_audit(runtime)
    clock.move(seconds=1)
    pause_switch.resume(runtime.state, who="eve", reason="fine", now=clock.now())
    assert load_audit(runtime) == 2
    assert load_audit(runtime) == 0
    first, second = sorted(rows(runtime, "audit_log"), key=lambda row: row["acted_at"])
    assert first == {
        "acted_on": DAY,
        "audit_id": first["audit_id"],
        "action": "pause",
        "who": "ada",
        "reason": "odd odds",
        "details": '{"turn": 1}',
        "outcome": "paused",
        "acted_at": START,
    }
    assert (second["action"], second["who"], second["outcome"]) == ("resume", "eve", "resumed")


def test_more_than_one_load_takes_is_loaded_by_the_next(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.operations.incidents.history.MOST_DOCUMENTS", 3)
    for number in range(5):
        audit_log.record(
            runtime.state,
            "note",
            who="ada",
            reason="why",
            details={"n": number},
            now=datetime(2025, 11, 14, tzinfo=UTC),
        )
    assert [load_audit(runtime) for _ in range(3)] == [3, 2, 0]
    assert len(rows(runtime, "audit_log")) == 5
