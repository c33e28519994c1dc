"""Orphaned staging tables: listed, and dropped only where what they hold is verified in place or
outdated.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.chain.batches.records import BatchStatus, path_of
from shared.chain.resilience import locks
from tests.pipeline.evening import BATCH, DAY, EARLY, PREDICTIONS
from tests.pipeline.staged import R2, complete, open_batch, prediction, stage
from tests.pipeline.support import NOW, Killed, PipelineHarness
from tests.pipeline.sweeping import SWEEP, ask_for_sweep, sweep_once


def merge_rows(world: PipelineHarness, *rows: dict[str, Any]) -> None:
    """Rows that are in the predictions table."""
    world.add(PREDICTIONS, [{**row, "created_at": NOW} for row in rows])


def batch_with(world: PipelineHarness, status: str, units: list[str], done: list[str], **fields: Any) -> None:
    """An opened batch with these units done, put into a status by hand."""
    open_batch(world, *units)
    for unit in done:
        complete(world, unit, 1)
    world.state.update(path_of(BATCH), {"status": status, "missing_units": [], **fields})


def next_day(world: PipelineHarness) -> None:
    world.move(hours=24)


def test_verified_keys_go_and_the_others_stay_and_are_named(world: PipelineHarness) -> None:
    """Tables of units whose completion was never recorded: nobody will merge them any more."""
    batch_with(world, BatchStatus.CONSOLIDATED, ["1", "2", "3", "4"], ["1"], merged_units=["1"], rows_in_place=1)
    rows = {unit: prediction(int(unit), "9.5") for unit in ("2", "3", "4")}
    in_place = stage(world, "2", [rows["2"], prediction(2, None)])
    absent = stage(world, "3", [rows["3"], prediction(3, None)])
    elsewhere = stage(world, "4", [rows["4"]])
    merge_rows(world, rows["2"], prediction(2, None), rows["3"], prediction(4, "9.5", batch=R2))
    next_day(world)
    metadata = sweep_once(world)["metadata"]
    assert metadata["dropped"] == [in_place]
    assert metadata["kept"] == {"1 of its keys are not in place": [absent, elsewhere]}
    assert world.staging_tables() == [absent, elsewhere]


def test_before_24_hours_nothing_is_an_orphan(world: PipelineHarness) -> None:
    batch_with(world, BatchStatus.CONSOLIDATED, ["1"], [], merged_units=[])
    stage(world, "1", [prediction(1, "9.5")])
    merge_rows(world, prediction(1, "9.5"))
    world.move(hours=24, seconds=-1)
    assert sweep_once(world)["result"]["status"] == "no_data"
    assert len(world.staging_tables()) == 1
    world.move(seconds=1)
    assert len(sweep_once(world)["metadata"]["dropped"]) == 1


def test_a_merged_units_table_was_verified_by_consolidation(world: PipelineHarness) -> None:
    """A zombie staged it again; the game's rows were frozen since, so that not every key need be in
    place.
    """
    batch_with(world, BatchStatus.CONSOLIDATED, ["1"], ["1"], merged_units=["1"], rows_in_place=0)
    table = stage(world, "1", [prediction(1, "9.5")])
    copies = stage(world, "gathered-0", [prediction(1, "9.5")])
    next_day(world)
    before = world.warehouse.statement_counts.get("query", 0)
    assert sweep_once(world)["metadata"]["dropped"] == [table, copies]
    assert world.warehouse.statement_counts.get("query", 0) == before


@pytest.mark.parametrize("status", [BatchStatus.FAILED, BatchStatus.CLOSED, BatchStatus.CONSOLIDATED])
def test_what_a_batch_has_yet_to_merge_stays_even_if_its_keys_are_in_place(world: PipelineHarness, status: str) -> None:
    """Consolidating it again needs the table; without it the batch could never become
    CONSOLIDATED.
    """
    batch_with(world, status, ["1"], ["1"], merged_units=[], closed_at=NOW, reported_at=NOW)
    table = stage(world, "1", [prediction(1, "9.5")])
    merge_rows(world, prediction(1, "9.5"))
    next_day(world)
    (why,) = sweep_once(world)["metadata"]["kept"]
    assert why == f"{BATCH} is {status} and has yet to merge it: publish it to nba-phase5-batch-complete"
    assert world.staging_tables() == [table]


def test_a_later_consolidated_revision_lets_all_go(world: PipelineHarness) -> None:
    batch_with(world, BatchStatus.FAILED, ["1", "2"], ["1"])
    tables = [stage(world, unit, [prediction(int(unit), "9.5")]) for unit in ("1", "2")]
    open_batch(world, "7", run_id="run2")
    next_day(world)
    world.state.update(path_of(R2), {"status": BatchStatus.FAILED})
    assert "dropped" not in sweep_once(world)["metadata"]
    assert world.staging_tables() == tables
    world.state.update(path_of(R2), {"status": BatchStatus.CONSOLIDATED, "merged_units": ["7"]})
    assert sweep_once(world)["metadata"]["dropped"] == tables
    assert world.staging_tables() == []


def test_a_superseded_batch_never_merges_so_its_keys_alone_decide(world: PipelineHarness) -> None:
    """The revision that superseded it failed later on, over a late unit."""
    batch_with(world, BatchStatus.SUPERSEDED, ["1", "2", "3"], ["1", "2", "3"], merged_units=["1"])
    verified, in_place, absent = (stage(world, unit, [prediction(int(unit), "9.5")]) for unit in ("1", "2", "3"))
    merge_rows(world, prediction(2, "9.5"))
    open_batch(world, "1", run_id="run2")
    world.state.update(path_of(R2), {"status": BatchStatus.FAILED})
    next_day(world)
    metadata = sweep_once(world)["metadata"]
    assert metadata["dropped"] == [verified, in_place]
    assert metadata["kept"] == {"1 of its keys are not in place": [absent]}


def test_an_earlier_consolidated_revision_lets_nothing_go(world: PipelineHarness) -> None:
    batch_with(world, BatchStatus.CONSOLIDATED, ["1"], ["1"], merged_units=["1"])
    open_batch(world, "1", run_id="run2")
    world.state.update(path_of(R2), {"status": BatchStatus.FAILED})
    table = stage(world, "1", [prediction(1, "9.5", batch=R2)], batch=R2)
    merge_rows(world, prediction(1, "9.5"))
    next_day(world)
    assert sweep_once(world)["metadata"]["kept"] == {"1 of its keys are not in place": [table]}
    assert world.staging_tables() == [table]


def test_tables_of_unknown_batches_and_names_are_listed_only(world: PipelineHarness) -> None:
    unknown = stage(world, "1", [prediction(1, "9.5")])
    odd = stage(world, "1", [prediction(1, "9.5")], batch="of_somebody")
    merge_rows(world, prediction(1, "9.5"))
    next_day(world)
    assert sweep_once(world)["metadata"]["kept"] == {
        "its batch is not known": [unknown],
        "no batch has such a name": [odd],
    }
    assert world.staging_tables() == sorted([odd, unknown])


def test_a_table_without_rows_or_key_proves_nothing(world: PipelineHarness) -> None:
    batch_with(world, BatchStatus.CONSOLIDATED, ["1", "2", "3"], ["1"], merged_units=["1"])
    empty = stage(world, "2", [])
    keyless = stage(world, "3", [prediction(3, "9.5")], without=["line_value"])
    next_day(world)
    assert sweep_once(world)["metadata"]["kept"] == {
        "it has no rows": [empty],
        "it has no key to verify": [keyless],
    }
    assert len(world.staging_tables()) == 2


def test_while_its_date_is_consolidated_nothing_is_looked_at(world: PipelineHarness) -> None:
    batch_with(world, BatchStatus.CONSOLIDATED, ["1"], ["1"], merged_units=["1"])
    table = stage(world, "1", [prediction(1, "9.5")])
    next_day(world)
    name, lease = f"consolidation-{DAY.isoformat()}", timedelta(minutes=5)
    with locks.acquire(name, world.state, world.clock, owner="another", epoch=1, lease=lease):
        assert sweep_once(world)["metadata"]["kept"] == {"its date is being consolidated": [table]}
    assert sweep_once(world)["metadata"]["dropped"] == [table]


def test_a_sweep_that_dies_before_dropping_verifies_again(world: PipelineHarness) -> None:
    """Meanwhile a row went away: what was verified then does not count now."""
    batch_with(world, BatchStatus.CONSOLIDATED, ["1"], [], merged_units=[])
    table = stage(world, "1", [prediction(1, "9.5")])
    merge_rows(world, prediction(1, "9.5"))
    next_day(world)
    ask_for_sweep(world)
    with world.kill_at("sweep.verified"), pytest.raises(Killed):
        world.run_until_idle(SWEEP)
    assert world.staging_tables() == [table]
    world.start()
    world.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE game_id = @game", {"game": EARLY})
    world.run_until_idle(SWEEP)
    assert world.staging_tables() == [table]
    merge_rows(world, prediction(1, "9.5"))
    assert sweep_once(world)["metadata"]["dropped"] == [table]


def test_very_many_tables_are_verified_in_parts(world: PipelineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.stores.warehouse.staging.MOST_TABLES", 2)
    units = [str(n) for n in range(1, 6)]
    batch_with(world, BatchStatus.CONSOLIDATED, units, [], merged_units=[])
    tables = [stage(world, unit, [prediction(int(unit), "9.5")]) for unit in units]
    merge_rows(world, *(prediction(int(unit), "9.5") for unit in units))
    next_day(world)
    before = world.warehouse.statement_counts.get("query", 0)
    assert sweep_once(world)["metadata"]["dropped"] == tables
    assert world.warehouse.statement_counts.get("query", 0) == before + 3


def test_the_schedule_lists_tables_four_times_a_day(world: PipelineHarness) -> None:
    for _ in range(24 * 6):
        sweep_once(world, schedule="batch-sweep")
        world.move(minutes=10)
    assert world.warehouse.statement_counts["tables"] == 4
    sweep_once(world)
    assert world.warehouse.statement_counts["tables"] == 5, "an operator's sweep always looks"
