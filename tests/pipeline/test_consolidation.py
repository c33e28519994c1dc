"""The guarded MERGE: what it writes, what it refuses, and that nothing is dropped before it was
verified.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from shared.chain.batches import completion
from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import path_of
from shared.chain.execution.handler import Response
from shared.chain.messages.outbox import send_pending
from shared.chain.resilience import locks
from shared.core.errors import StoreUnavailable
from shared.stores.warehouse.schemas import arrow_schema
from tests.conftest import ROOT
from tests.pipeline.evening import BATCH, DAY, EARLY, LATE, PREDICTIONS, TIPOFFS
from tests.pipeline.staged import R2, announcement, complete, open_batch, prediction, stage
from tests.pipeline.support import NOW, PHASE5, PipelineHarness
from tests.support.stores import reset_counts

ONLY = {"phase5_consolidation": PHASE5["phase5_consolidation"]}


def whole_batch(world: PipelineHarness, staged: dict[str, list[dict[str, Any]]], run_id: str = "run1") -> str:
    """Open a batch, stage its units and complete them all; its announcement is then in the
    queue.
    """
    batch = open_batch(world, *staged, run_id=run_id)
    for unit, rows in staged.items():
        stage(world, unit, rows, batch=batch)
        complete(world, unit, len(rows), batch)
    return batch


def consolidate(world: PipelineHarness, *, wait: bool = False) -> list[Response]:
    """Deliver what is due now to consolidation; `wait` goes on to the retries."""
    return [answer for _, answer in world.run_until_idle(ONLY, wait=wait)]


def table(world: PipelineHarness) -> list[dict[str, Any]]:
    return world.rows(f"SELECT * FROM {PREDICTIONS} ORDER BY player_id, line_value")


def current(world: PipelineHarness) -> list[tuple[int, Any, str]]:
    found = world.rows(
        "SELECT player_id, line_value, batch_id FROM nba_predictions.current_predictions ORDER BY player_id, line_value"
    )
    return [(each["player_id"], each["line_value"], each["batch_id"]) for each in found]


def batch_of(world: PipelineHarness, batch: str = BATCH) -> dict[str, Any]:
    found = world.state.get(path_of(batch))
    assert found is not None
    return found.data


def assert_failed_and_preserved(
    world: PipelineHarness, message: str, staged: int, answers: list[Response], status: int = 503
) -> None:
    """FAILED with what was expected and found, an alert, every staging table there, nothing
    announced.
    """
    assert [answer.status for answer in answers] == [status]
    assert message in answers[0].body["reason"]
    failed = batch_of(world)
    assert failed["status"] == "FAILED"
    assert message in failed["failure"]
    assert len(world.staging_tables()) == staged
    (alert,) = world.alerts()
    assert (alert["severity"], alert["batch_id"], alert["fingerprint"]) == (
        "critical",
        BATCH,
        f"consolidation-failed-{BATCH}",
    )
    assert message in alert["detail"]
    assert world.list_published("nba-phase5-predictions-complete") == []
    assert current(world) == []


# --- what it writes -------------------------------------------------------------------------------


def test_a_batch_is_merged_verified_and_cleaned_up(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5"), prediction(1, "25.0")], "2": [prediction(2, None, game=LATE)]})
    world.move(seconds=90)
    (answer,) = consolidate(world)
    assert (answer.body["status"], answer.body["record_count"]) == ("success", 3)
    assert current(world) == [(1, Decimal("24.5"), BATCH), (1, Decimal("25"), BATCH), (2, None, BATCH)]
    assert {(each["created_at"], each["updated_at"]) for each in table(world)} == {(world.clock.now(),) * 2}
    assert world.staging_tables() == []
    found = batch_of(world)
    assert (found["status"], found["merged_units"], found["rows_in_place"]) == ("CONSOLIDATED", ["1", "2"], 3)
    (announced,) = world.list_published("nba-phase5-predictions-complete")
    assert (announced["batch_id"], announced["record_count"], announced["run_id"]) == (BATCH, 3, "run1")
    assert announced["output_table"] == "player_prop_predictions"
    assert world.alerts() == []


def test_a_staging_table_is_read_by_two_statements(world: PipelineHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    """BigQuery bills ten megabytes of each at least: docs/deploy.md counts two."""
    statements: list[str] = []

    def recording(real: Callable[..., Any]) -> Callable[..., Any]:
        def record(sql: str, *rest: Any) -> Any:
            statements.append(sql)
            return real(sql, *rest)

        return record

    monkeypatch.setattr(world.warehouse, "query", recording(world.warehouse.query))
    monkeypatch.setattr(world.warehouse, "execute", recording(world.warehouse.execute))
    batch = whole_batch(world, {"u1": [prediction(1, "20.5")], "u2": [prediction(2, "20.5")]})
    consolidate(world)
    assert batch_of(world)["status"] == "CONSOLIDATED"
    reads = [sum(f"_staging_{batch}__{unit}" in sql for sql in statements) for unit in ("u1", "u2")]
    assert f"each read by {reads[0]} statements" in (ROOT / "docs/deploy.md").read_text(encoding="utf-8")
    assert reads == [2, 2]


def test_half_points_whole_numbers_and_no_line_are_keys_of_their_own(world: PipelineHarness) -> None:
    lines = ["24", "24.5", "25.0", None]
    whole_batch(world, {"1": [prediction(1, line) for line in lines]})
    consolidate(world)
    assert [line for _, line, _ in current(world)] == [None, Decimal(24), Decimal("24.5"), Decimal(25)]
    # once more: the same four keys are matched, the NULL one too
    whole_batch(world, {"1": [prediction(1, line, batch=R2) for line in lines]}, "run2")
    consolidate(world)
    assert len(table(world)) == 4
    assert {batch for *_, batch in current(world)} == {R2}


def test_on_a_match_identity_and_creation_stay_and_updated_at_is_set_once(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5", predicted=20.0)]})
    consolidate(world)
    (before,) = table(world)
    world.move(hours=1)
    whole_batch(world, {"1": [prediction(1, "24.5", batch=R2, predicted=22.0)]}, "run2")
    consolidate(world)
    (after,) = table(world)
    assert (after["prediction_id"], after["created_at"]) == (before["prediction_id"], before["created_at"])
    assert (after["predicted"], after["batch_id"]) == (22.0, R2)
    assert after["updated_at"] == world.clock.now()
    assert batch_of(world)["status"] == "SUPERSEDED"
    assert batch_of(world)["superseded_by"] == R2


def test_of_duplicate_keys_the_newest_wins(world: PipelineHarness) -> None:
    newer = prediction(1, "24.5", predicted=30.0, updated_at=NOW + timedelta(seconds=1))
    older = prediction(1, "24.5", predicted=10.0)
    whole_batch(world, {"1": [older], "2": [newer], "3": [older]})
    (answer,) = consolidate(world)
    assert answer.body["record_count"] == 1
    (found,) = table(world)
    assert found["predicted"] == 30.0


@pytest.mark.parametrize("order", [("1", "2", "3"), ("3", "2", "1"), ("2", "3", "1")])
def test_a_tie_of_duplicates_is_decided_the_same_way_every_time(world: PipelineHarness, order: tuple[str, ...]) -> None:
    rows = {unit: [prediction(1, "24.5", predicted=10.0 * int(unit))] for unit in order}
    whole_batch(world, rows)
    consolidate(world)
    (found,) = table(world)
    assert found["predicted"] == 10.0


def test_a_column_that_staging_lacks_is_null(world: PipelineHarness) -> None:
    batch = open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5", edge=1.5)], without=["edge", "bookmaker"])
    stage(world, "2", [prediction(2, "9.5", edge=2.5)])
    for unit in ("1", "2"):
        complete(world, unit, 1, batch)
    consolidate(world)
    assert [(each["edge"], each["predicted"]) for each in table(world)] == [(None, 20.0), (2.5, 20.0)]


def test_columns_go_by_name_whatever_their_order(world: PipelineHarness) -> None:
    batch = open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5", p_over=0.25, p_push=0.125)])
    rows = pa.Table.from_pylist(
        [prediction(2, "9.5", p_over=0.5, p_push=0.0625)],
        schema=pa.schema([f for f in reversed(list(arrow_schema(PREDICTIONS))) if f.name != "created_at"]),
    )
    world.warehouse.load(f"nba_staging._staging_{batch}__2", rows, mode="replace", job_id="x")
    for unit in ("1", "2"):
        complete(world, unit, 1, batch)
    consolidate(world)
    assert [(each["p_over"], each["p_push"]) for each in table(world)] == [(0.25, 0.125), (0.5, 0.0625)]


@pytest.mark.heavy
def test_very_many_units_are_gathered_in_chunks(world: PipelineHarness) -> None:
    units = [str(1000 + n) for n in range(230)]
    batch = open_batch(world, *units)
    for unit in units:
        stage(world, unit, [prediction(int(unit), "24.5", predicted=float(unit))])
    for unit in units:
        complete(world, unit, 1, batch)
    reset_counts(world.warehouse)
    (answer,) = consolidate(world)
    assert answer.body["record_count"] == 230
    assert all(each["predicted"] == each["player_id"] for each in table(world))
    assert world.staging_tables() == []
    assert world.warehouse.statement_counts["execute"] == 4  # three chunks and the MERGE


# --- tip-off --------------------------------------------------------------------------------------


def test_a_game_past_its_tip_off_is_neither_inserted_nor_updated(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5", game=LATE)]})
    consolidate(world)
    second = {
        "1": [prediction(1, "24.5", batch=R2, predicted=99.0), prediction(1, "26.5", batch=R2)],
        "2": [prediction(2, "9.5", game=LATE, batch=R2, predicted=11.0)],
    }
    whole_batch(world, second, "run2")
    world.clock.set(TIPOFFS[EARLY])  # tip-off is the moment itself
    (answer,) = consolidate(world)
    assert (answer.body["status"], answer.body["record_count"]) == ("success", 1)
    assert answer.body["reason"] == "2 rows frozen at tip-off"
    announced = world.list_published("nba-phase5-predictions-complete")[-1]
    merged = {"merged_rows": 1, "merge_seconds": 0.0}  # the clock of tests stands still
    assert announced["metadata"] == {"frozen_rows": 2, "revision": 2, **merged}
    assert [(each["player_id"], each["predicted"], each["batch_id"]) for each in table(world)] == [
        (1, 20.0, BATCH),
        (2, 11.0, R2),
    ]
    assert current(world) == [(1, Decimal("24.5"), BATCH), (2, Decimal("9.5"), R2)]
    assert world.staging_tables() == []


def test_at_its_tip_off_a_game_without_rows_stays_with_the_revision_before(world: PipelineHarness) -> None:
    """Revision 2 has nobody of the early game, and is consolidated at its very tip-off: too late to
    say so.
    """
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5", game=LATE)]})
    consolidate(world)
    whole_batch(world, {"2": [prediction(2, "9.5", game=LATE, batch=R2)]}, "run2")
    world.clock.set(TIPOFFS[EARLY])
    consolidate(world)
    assert current(world) == [(1, Decimal("24.5"), BATCH), (2, Decimal("9.5"), R2)]


def test_one_second_before_tip_off_counts(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    world.clock.set(TIPOFFS[EARLY] - timedelta(seconds=1))
    (answer,) = consolidate(world)
    assert answer.body["status"] == "success"
    assert len(current(world)) == 1


def test_a_game_that_tips_off_while_its_rows_are_looked_at_is_left_to_the_retry(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5", game=LATE)]})
    world.clock.set(TIPOFFS[EARLY] - timedelta(seconds=1))
    ports = world.runtime

    class Slow:
        """A warehouse at which the process stands still until after the tip-off."""

        def __getattr__(self, name: str) -> Any:
            if name == "query":
                world.clock.advance_to(TIPOFFS[EARLY])
            return getattr(ports.warehouse, name)

    world.swap(warehouse=Slow())
    answers = consolidate(world)
    assert [answer.status for answer in answers] == [503]
    assert f"{EARLY} tipped off between" in answers[0].body["reason"]
    assert table(world) == []
    world.swap(warehouse=ports.warehouse)
    assert consolidate(world, wait=True)[-1].body["reason"] == "1 rows frozen at tip-off"
    assert [(player, game) for player, game, _ in current(world)] == [(2, Decimal("9.5"))]
    assert batch_of(world)["frozen_rows"] == 1


def test_all_frozen_is_no_data_with_the_reason(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5"), prediction(1, "25.5")]})
    world.clock.set(TIPOFFS[EARLY] + timedelta(minutes=1))
    (answer,) = consolidate(world)
    assert (answer.status, answer.body["status"], answer.body["record_count"]) == (200, "no_data", 0)
    assert "all 2 staged rows are of games that have tipped off" in answer.body["reason"]
    assert table(world) == []
    assert batch_of(world)["status"] == "CONSOLIDATED"
    assert world.alerts() == []
    (announced,) = world.list_published("nba-phase5-predictions-complete")
    assert announced["status"] == "no_data"


def test_a_game_with_nobody_to_predict_is_covered_by_the_batch_that_found_so(world: PipelineHarness) -> None:
    """Revision 2 has no player of the early game any more (all out): its predictions of revision 1
    no longer count.
    """
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5", game=LATE)]})
    consolidate(world)
    whole_batch(world, {"2": [prediction(2, "9.5", game=LATE, batch=R2)]}, "run2")
    consolidate(world)
    assert current(world) == [(2, Decimal("9.5"), R2)]
    assert len(table(world)) == 2  # history


# --- what it refuses ------------------------------------------------------------------------------


def test_staged_rows_that_are_missing_fail_the_batch(world: PipelineHarness) -> None:
    open_batch(world, "1")
    stage(world, "1", [])
    complete(world, "1", 25)
    assert_failed_and_preserved(world, "1: 0 staged, 25 reported", 1, consolidate(world))


def test_a_single_row_that_is_missing_fails_the_batch(world: PipelineHarness) -> None:
    """One is the least that can be missing, and the other unit's row is there to be merged."""
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    stage(world, "2", [])
    complete(world, "1", 1)
    complete(world, "2", 1)
    assert_failed_and_preserved(world, "(2: 0 staged, 1 reported; 0 rows of another", 2, consolidate(world))


@pytest.mark.parametrize(("missing", "message"), [(10, "07, 08, 09."), (11, "07, 08, 09 ....")])
def test_of_many_missing_tables_ten_are_named(world: PipelineHarness, missing: int, message: str) -> None:
    units = [f"{number:02d}" for number in range(missing)]
    open_batch(world, *units)
    for unit in units:
        complete(world, unit, 1)
    (answer,) = consolidate(world)
    assert f"{missing} of {missing} staging tables are missing: 00, 01, " in answer.body["reason"]
    assert message in answer.body["reason"]


def test_a_batch_that_staged_no_row_at_all_fails(world: PipelineHarness) -> None:
    """A MERGE of nothing affects zero rows: never a success."""
    open_batch(world, "1")
    stage(world, "1", [])
    complete(world, "1", 0)
    assert_failed_and_preserved(world, "none of its 1 units staged a row", 1, consolidate(world))


def test_a_batch_whose_units_all_failed_fails(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    complete(world, "1", None)
    complete(world, "2", None)
    assert_failed_and_preserved(world, "none of its 2 units staged a row", 0, consolidate(world))


def test_a_merge_that_affects_nothing_fails_and_drops_nothing(world: PipelineHarness) -> None:
    """Every key is there already, of a newer revision: the stale batch may not touch them."""
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    world.add(PREDICTIONS, [{**prediction(1, "24.5", batch=R2, predicted=77.0), "created_at": NOW}])
    assert_failed_and_preserved(world, "the MERGE affected 0 rows, 1 were expected", 1, consolidate(world))
    (kept,) = table(world)
    assert (kept["predicted"], kept["batch_id"]) == (77.0, R2)


def test_a_missing_staging_table_fails_the_batch(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5")]})
    world.warehouse.drop([f"nba_staging._staging_{BATCH}__2"])
    assert_failed_and_preserved(world, "1 of 2 staging tables are missing: 2", 1, consolidate(world))
    assert table(world) == []


def test_an_extra_column_is_refused_with_its_name(world: PipelineHarness) -> None:
    open_batch(world, "1")
    name = f"nba_staging._staging_{BATCH}__1"
    schema = pa.schema(
        [*(f for f in arrow_schema(PREDICTIONS) if f.name != "created_at"), pa.field("mood", pa.string())]
    )
    rows = pa.Table.from_pylist([{**prediction(1, "24.5"), "mood": "good"}], schema=schema)
    world.warehouse.load(name, rows, mode="replace", job_id="x")
    complete(world, "1", 1)
    assert_failed_and_preserved(world, "undeclared mood", 1, consolidate(world), status=500)


def test_a_missing_key_column_is_refused_with_its_name(world: PipelineHarness) -> None:
    open_batch(world, "1")
    stage(world, "1", [prediction(1, "24.5")], without=["line_value"])
    complete(world, "1", 1)
    assert_failed_and_preserved(world, "missing line_value", 1, consolidate(world), status=500)


@pytest.mark.parametrize("change", [{"batch_id": R2}, {"game_date": DAY + timedelta(days=1)}], ids=["batch", "date"])
def test_rows_of_another_batch_or_date_fail_the_batch(world: PipelineHarness, change: dict[str, Any]) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5"), prediction(1, "25.5", **change)]})
    assert_failed_and_preserved(world, "1 rows of another batch or date", 1, consolidate(world))
    assert table(world) == []


def test_rows_that_vanish_after_the_merge_fail_the_verification(world: PipelineHarness) -> None:
    """Somebody deletes a row between MERGE and verification."""
    whole_batch(world, {"1": [prediction(1, "24.5"), prediction(1, "25.5")]})
    warehouse = world.warehouse

    class Meddling:
        def execute(self, sql: str, params: Any = None) -> int:
            affected = warehouse.execute(sql, params)
            warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE line_value = 25.5")
            return affected

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    world.swap(warehouse=Meddling())
    assert_failed_and_preserved(world, "1 keys are in place (0 doubled rows), 2 were expected", 1, consolidate(world))


def test_a_row_that_is_in_place_twice_fails_the_verification(world: PipelineHarness) -> None:
    """Somebody writes a copy of a row between MERGE and verification."""
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    warehouse = world.warehouse

    class Meddling:
        def execute(self, sql: str, params: Any = None) -> int:
            affected = warehouse.execute(sql, params)
            world.add(PREDICTIONS, [{**prediction(1, "24.5"), "created_at": NOW}])
            return affected

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    world.swap(warehouse=Meddling())
    assert_failed_and_preserved(world, "1 keys are in place (1 doubled rows), 1 were expected", 1, consolidate(world))


# --- after a failure ------------------------------------------------------------------------------


def test_a_retry_picks_up_from_the_preserved_tables(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    complete(world, "2", 1)
    assert [answer.status for answer in consolidate(world)] == [503]
    stage(world, "2", [prediction(2, "9.5")])  # the unit's request was published again
    answers = consolidate(world, wait=True)
    assert answers[-1].body["status"] == "success"
    assert [player for player, *_ in current(world)] == [1, 2]
    assert batch_of(world)["status"] == "CONSOLIDATED"
    assert world.staging_tables() == []


def test_a_failure_that_stays_ends_in_the_dead_letters_and_an_operator_can_consolidate(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    complete(world, "2", 1)
    answers = consolidate(world, wait=True)
    assert [answer.status for answer in answers] == [503] * 5
    dead = world.bus.pull("phase5-consolidation-nba-phase5-batch-complete-dead-letter")
    assert len(dead) == 1
    assert {alert["fingerprint"] for alert in world.alerts()} == {f"consolidation-failed-{BATCH}"}
    (logged,) = world.rows("SELECT status, attempts FROM nba_reference.processor_run_history")
    assert logged == {"status": "failed", "attempts": 5}
    stage(world, "2", [prediction(2, "9.5")])
    # what one batch is short of opens no breaker: the operator's message is not held
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14", "batch_id": BATCH})
    (answer,) = consolidate(world)
    assert answer.body["status"] == "success"
    assert len(current(world)) == 2


def test_staging_of_a_failed_batch_goes_when_a_later_revision_is_consolidated(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5")]})
    world.warehouse.drop([f"nba_staging._staging_{BATCH}__2"])
    consolidate(world)
    assert len(world.staging_tables()) == 1
    whole_batch(world, {"1": [prediction(1, "24.5", batch=R2)]}, "run2")
    assert [answer.status for answer in consolidate(world)] == [200]
    assert world.staging_tables() == []
    # the failed batch's own retry now finds it superseded, and merges nothing
    answers = consolidate(world, wait=True)
    assert [answer.body["status"] for answer in answers] == ["superseded"]
    assert current(world) == [(1, Decimal("24.5"), R2)]


def test_a_superseded_batch_never_merges(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    world.state.update(path_of(BATCH), {"status": "SUPERSEDED", "superseded_by": R2})
    (answer,) = consolidate(world)
    assert answer.body["status"] == "superseded"
    assert table(world) == []


def test_an_older_revision_does_not_overwrite_a_newer_one(world: PipelineHarness) -> None:
    """Revision 1 failed and is retried after revision 2 was merged, in a state that forgot to
    supersede it.
    """
    whole_batch(world, {"1": [prediction(1, "24.5")], "2": [prediction(2, "9.5")]})
    world.warehouse.drop([f"nba_staging._staging_{BATCH}__2"])
    consolidate(world)
    whole_batch(world, {"1": [prediction(1, "24.5", batch=R2, predicted=22.0)]}, "run2")
    consolidate(world)
    world.state.update(path_of(BATCH), {"status": "FAILED"})
    stage(world, "1", [prediction(1, "24.5", predicted=11.0)])
    stage(world, "2", [prediction(2, "9.5")])
    answers = consolidate(world)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14", "batch_id": BATCH})
    answers = consolidate(world)
    assert answers[-1].status == 503
    assert [(each["player_id"], each["predicted"]) for each in table(world) if each["batch_id"] == R2] == [(1, 22.0)]
    assert (1, Decimal("24.5"), R2) in current(world)


# --- repeats and late units -----------------------------------------------------------------------


def test_a_repeat_after_success_merges_nothing_and_announces_again(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    consolidate(world)
    before = table(world)
    world.move(minutes=5)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14"})
    (answer,) = consolidate(world)
    assert (answer.body["status"], answer.body["reason"]) == ("success", "already consolidated")
    assert answer.body["record_count"] == 1
    assert table(world) == before
    _, again = world.list_published("nba-phase5-predictions-complete")
    assert again["metadata"] == {"frozen_rows": 0, "revision": 1}


def test_a_repeat_finishes_what_a_crash_left(world: PipelineHarness) -> None:
    """Died after CONSOLIDATED, before the earlier revision was superseded and staging was
    dropped.
    """
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    consolidate(world)
    whole_batch(world, {"1": [prediction(1, "24.5", batch=R2)]}, "run2")
    consolidate(world)
    world.state.update(path_of(BATCH), {"status": "FAILED"})
    stage(world, "1", [prediction(1, "24.5")])
    stage(world, "1", [prediction(1, "24.5", batch=R2)], batch=R2)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14"})
    consolidate(world)
    assert batch_of(world)["status"] == "SUPERSEDED"
    assert world.staging_tables() == []


def test_a_late_unit_of_a_partial_batch_is_consolidated_again(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    stage(world, "2", [prediction(2, "9.5", game=LATE)])  # staged, but its worker died before it said so
    open_ = get_batch(world.state, BATCH)
    assert open_ is not None
    assert completion.close_partial(world.state, open_, world.clock.now(), announcement) == ["2"]
    send_pending(open_.path, world.state, world.bus, world.raw)
    (answer,) = consolidate(world)
    assert (answer.body["status"], answer.body["records_failed"]) == ("partial", 1)
    assert "units missing or failed: 2" in answer.body["reason"]
    first = table(world)
    assert world.staging_tables() == [f"nba_staging._staging_{BATCH}__2"], "what is not merged is not dropped"
    world.move(minutes=3)
    complete(world, "2", 1)
    (again,) = consolidate(world)
    assert (again.body["status"], again.body["record_count"], again.body["sequence"]) == ("success", 2, 2)
    assert [player for player, *_ in current(world)] == [1, 2]
    assert table(world)[:1] == first
    assert [each["sequence"] for each in world.list_published("nba-phase5-predictions-complete")] == [1, 2]
    assert batch_of(world)["rows_in_place"] == 2
    assert world.staging_tables() == []


def test_a_unit_that_failed_is_shown_and_the_rest_is_merged(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "2", None)
    complete(world, "1", 1)
    (answer,) = consolidate(world)
    assert (answer.body["status"], answer.body["records_failed"]) == ("partial", 1)
    assert len(current(world)) == 1


def test_an_open_batch_is_left_alone(world: PipelineHarness) -> None:
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14"})
    (answer,) = consolidate(world)
    assert answer.body["status"] == "skipped"
    assert len(world.staging_tables()) == 1


def test_no_batch_is_no_data_and_an_unknown_one_is_poison(world: PipelineHarness) -> None:
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14"})
    assert consolidate(world)[0].body["status"] == "no_data"
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-14", "batch_id": BATCH})
    assert consolidate(world)[0].body["error_type"] == "unknown_batch"
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    consolidate(world)
    world.publish("nba-phase5-batch-complete", {"game_date": "2025-11-15", "batch_id": BATCH})
    assert "is not of 2025-11-15" in consolidate(world)[0].body["reason"]


def test_one_at_a_time_for_a_date(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    lease = timedelta(seconds=330)
    with locks.acquire("consolidation-2025-11-14", world.state, world.clock, owner="other", epoch=1, lease=lease):
        assert [answer.body["error_type"] for answer in consolidate(world)] == ["LeaseHeld"]
        assert table(world) == []
    assert consolidate(world, wait=True)[-1].body["status"] == "success"


def test_a_stale_holder_of_the_lock_does_not_write(world: PipelineHarness) -> None:
    """The process pauses before its MERGE until its lease has ended."""
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    warehouse = world.warehouse

    class Slow:
        def query(self, sql: str, params: Any = None) -> Any:
            world.move(seconds=331)
            return warehouse.query(sql, params)

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    world.swap(warehouse=Slow())
    (answer,) = consolidate(world)
    assert (answer.status, answer.body["error_type"]) == (503, "LeaseHeld")
    assert table(world) == []
    assert len(world.staging_tables()) == 1


def test_a_stale_holder_of_the_lock_does_not_mark_the_batch(world: PipelineHarness) -> None:
    """The process pauses between its MERGE and the batch's state; the retry finds the rows in
    place.
    """
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    warehouse = world.warehouse

    class Slow:
        def load(self, *arguments: Any, **options: Any) -> int:
            world.move(seconds=331)
            return warehouse.load(*arguments, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    world.swap(warehouse=Slow())
    (answer,) = consolidate(world)
    assert (answer.status, answer.body["error_type"]) == (503, "LeaseHeld")
    assert batch_of(world)["status"] == "CLOSED"
    assert len(world.staging_tables()) == 1
    world.swap(warehouse=warehouse)
    assert consolidate(world, wait=True)[-1].body["status"] == "success"
    assert (batch_of(world)["status"], batch_of(world)["rows_in_place"]) == ("CONSOLIDATED", 1)


def test_a_batch_that_changes_while_it_is_consolidated_is_not_marked_and_its_staging_stays(
    world: PipelineHarness,
) -> None:
    """A late unit says that it is done between the MERGE and the batch's state; the retry merges
    both.
    """
    open_batch(world, "1", "2")
    stage(world, "1", [prediction(1, "24.5")])
    complete(world, "1", 1)
    stage(world, "2", [prediction(2, "9.5", game=LATE)])
    closing = get_batch(world.state, BATCH)
    assert closing is not None
    completion.close_partial(world.state, closing, world.clock.now(), announcement)
    send_pending(closing.path, world.state, world.bus, world.raw)
    warehouse = world.warehouse

    class Late:
        def load(self, *arguments: Any, **options: Any) -> int:
            complete(world, "2", 1)
            return warehouse.load(*arguments, **options)

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    world.swap(warehouse=Late())
    (delivery,) = world.bus.due(dict.fromkeys(ONLY, 1))
    answer = world.deliver(delivery)
    assert (answer.status, answer.body["error_type"]) == (503, "WriteConflict")
    assert batch_of(world)["status"] == "CLOSED"
    assert len(world.staging_tables()) == 2
    world.swap(warehouse=warehouse)
    consolidate(world, wait=True)
    assert (batch_of(world)["status"], batch_of(world)["merged_units"]) == ("CONSOLIDATED", ["1", "2"])
    assert [player for player, *_ in current(world)] == [1, 2]
    assert world.staging_tables() == []


def test_what_the_holder_before_did_to_the_batch_is_seen_under_the_lock(world: PipelineHarness) -> None:
    """A newer revision is consolidated between our first look at the batch and the lock."""
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    state = world.state
    looked: list[str] = []

    class Waiting:
        def get(self, path: str) -> Any:
            found = state.get(path)
            if path == path_of(BATCH) and not looked:
                looked.append(path)
                state.update(path, {"status": "SUPERSEDED", "superseded_by": R2})
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(state, name)

    world.swap(state=Waiting())
    (answer,) = consolidate(world)
    assert (answer.status, answer.body["status"]) == (200, "superseded")
    assert table(world) == []
    assert len(world.staging_tables()) == 1


def test_a_failed_announcement_does_not_look_like_a_failed_merge(world: PipelineHarness) -> None:
    whole_batch(world, {"1": [prediction(1, "24.5")]})
    bus = world.bus

    class Down:
        def publish(self, topic: str, data: bytes, attributes: Any = None) -> str:
            raise StoreUnavailable("Pub/Sub does not answer")

    world.swap(bus=Down())
    assert [answer.status for answer in consolidate(world)] == [503]
    assert batch_of(world)["status"] == "CONSOLIDATED"
    assert len(current(world)) == 1
    world.swap(bus=bus)
    reset_counts(world.warehouse)
    (answer,) = consolidate(world, wait=True)
    assert answer.body["status"] == "success"
    assert len(world.list_published("nba-phase5-predictions-complete")) == 1
    assert world.warehouse.statement_counts.get("execute", 0) == 0
