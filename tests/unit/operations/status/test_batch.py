"""A batch in detail: units, rows then and now, staging that is left, and who superseded it."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest

from shared.chain.batches.records import BatchStatus, UnitStatus
from shared.core.errors import DataError, NotFound
from shared.operations.status.batch import GuardFigures, UnitDetail, read_batch
from shared.stores.warehouse import staging
from tests.support import records
from tests.support.prediction_tables import AS_OF, DAY, EARLY, LATE, NOW, TIPOFFS, Evening
from tests.support.stores import reset_counts
from tests.unit.operations.status.test_grid import take_away
from tests.unit.operations.status.world import PREDICTIONS, store_batch

BATCH = f"batch_{DAY}_r1"


def report(opened: Evening, unit: str, **changes: object) -> None:
    result = records.unit(unit, AS_OF, **{"rows": 1, **changes})
    opened.runtime.state.create(f"batches/{BATCH}/units/{unit}", result.to_document())


def test_a_consolidated_batch_has_its_figures_in_two_statements(whole: Evening) -> None:
    for unit in ("1", "2"):
        report(whole, unit)
    reset_counts(whole.warehouse)
    found = read_batch(whole.runtime, BATCH)
    assert whole.warehouse.statement_counts["query"] == 2
    assert found.says == f"{BATCH} is consolidated, 2 rows in place; 2 of 2 units are done"
    assert found.units == tuple(
        UnitDetail(unit, "done", rows=1, players=1, completed_at=AS_OF, is_merged=True) for unit in ("1", "2")
    )
    assert found.counts == {"done": 2, "failed": 0, "missing": 0, "out": 0}
    assert found.guards == GuardFigures(reported=2, in_place=2, there=2, doubled=0, frozen=0)
    assert [(each.game_id, each.tipoff_at, each.rows) for each in found.games] == [
        (EARLY, TIPOFFS[EARLY], 1), (LATE, TIPOFFS[LATE], 1),
    ]  # fmt: skip
    assert (found.expected, found.left_out) == (2, {"low_minutes": 2})
    assert (found.staging_tables, found.superseded_by) == ((), None)


def test_units_that_failed_are_missing_or_are_out_are_told_apart(whole: Evening) -> None:
    store_batch(whole, units_text="1 2 3", unit_count=3, missing=["2", "3"], merged=["1"], late_units=["1"])
    report(whole, "1")
    report(whole, "2", status=UnitStatus.FAILED, rows=0, error="a bad player")
    found = read_batch(whole.runtime, BATCH)
    assert [(each.unit, each.status, each.error) for each in found.units] == [
        ("1", "done", ""), ("2", "failed", "a bad player"), ("3", "missing", ""),
    ]  # fmt: skip
    assert found.late == ("1",)
    store_batch(whole, status=BatchStatus.OPEN, closed_as=None, units_text="1 2 3", unit_count=3, merged=[])
    now_open = read_batch(whole.runtime, BATCH)
    assert now_open.counts == {"done": 1, "failed": 1, "missing": 0, "out": 1}
    assert now_open.says == f"{BATCH} is open; 1 of 3 units are done"


def test_rows_that_are_gone_and_staging_that_is_left_are_seen(whole: Evening) -> None:
    take_away(whole, PREDICTIONS, "player_id = 2")
    table = staging.staging_table(BATCH, "2")
    whole.warehouse.load(table, pa.table({"batch_id": [BATCH]}), mode="replace", job_id="left")
    other = staging.staging_table(f"batch_{DAY}_r2", "2")
    whole.warehouse.load(other, pa.table({"batch_id": ["x"]}), mode="replace", job_id="others")
    found = read_batch(whole.runtime, BATCH)
    assert (found.guards.in_place, found.guards.there) == (2, 1)
    assert found.staging_tables == (table,)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": BatchStatus.CLOSED, "rows_in_place": 0}, "is closed (complete) and not consolidated; 0 of 2 units"),
        ({"status": BatchStatus.FAILED, "failure": "1 of 2 rows", "failed_at": NOW}, "failed: 1 of 2 rows"),
        (
            {"status": BatchStatus.SUPERSEDED, "superseded_by": f"batch_{DAY}_r2"},
            f"is superseded by batch_{DAY}_r2; 0 of 2 units are done",
        ),
    ],
)
def test_how_far_it_is_is_one_sentence(whole: Evening, changes: dict[str, object], says: str) -> None:
    store_batch(whole, **changes)
    found = read_batch(whole.runtime, BATCH)
    assert found.says.startswith(f"{BATCH} {says}")
    assert found.superseded_by == changes.get("superseded_by")


def test_a_batch_that_is_not_there_is_refused(whole: Evening) -> None:
    with pytest.raises(NotFound, match=f"look at the batches of {DAY + timedelta(days=1)}"):
        read_batch(whole.runtime, f"batch_{DAY + timedelta(days=1)}_r1")
    with pytest.raises(DataError, match="is not of the form"):
        read_batch(whole.runtime, "r1")
