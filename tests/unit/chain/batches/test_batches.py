"""Batches: one open per date, closed once, partial ones completed late, superseded ones left
alone.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest

from local.embedded.sqlite_state import SqliteState
from shared.chain.batches import completion, ending, opening
from shared.chain.batches.opening import BatchPlan
from shared.chain.batches.reading import done_result, get_batch, latest_batch, units_of
from shared.chain.batches.records import Batch, UnitResult, UnitStatus, batch_id_of, parse_batch_id, path_of
from shared.chain.messages.outbox import OutboxMessage
from shared.core.errors import DataError, LeaseHeld, PreconditionFailed, WriteConflict
from shared.stores.ports import Transaction
from tests.support.embedded import START

DAY = date(2025, 11, 14)
R1, R2 = "batch_2025-11-14_r1", "batch_2025-11-14_r2"
PLAN = BatchPlan(DAY, "run1", "phase5_coordinator.run1", "same_day", START, ("a", "b"), {"0022500201": START}, START)
OTHER = replace(PLAN, run_id="run2", execution_id="phase5_coordinator.run2", units=("a",))


def announcement(batch: Batch, sequence: int) -> OutboxMessage:
    return OutboxMessage("nba-phase5-batch-complete", f"{batch.batch_id} {sequence}")


def complete(state: SqliteState, unit: str, status: UnitStatus = UnitStatus.DONE, batch: str = R1) -> Batch:
    result = UnitResult(unit, status, 25, None, 1, None, START + timedelta(seconds=5))
    return completion.complete_unit(state, batch, result, announcement)


def get(state: SqliteState, batch: str = R1) -> Batch:
    found = get_batch(state, batch)
    assert found is not None
    return found


def list_announced(state: SqliteState) -> list[str]:
    return [entry["data"] for entry in get(state).outbox]


def test_ids() -> None:
    assert batch_id_of(DAY, 12) == "batch_2025-11-14_r12"
    assert parse_batch_id("batch_2025-11-14_r12") == (DAY, 12)


@pytest.mark.parametrize("bad", ["", "batch_2025-11-14", "batch_2025-02-30_r1", "batch_2025-11-14_r1_x", "batch_x_r1"])
def test_an_id_of_another_form_is_refused(bad: str) -> None:
    with pytest.raises(DataError) as refused:
        parse_batch_id(bad)
    assert refused.value.event == "invalid_batch_id"
    assert repr(bad) in str(refused.value)


def test_the_first_trigger_opens_revision_1(state: SqliteState) -> None:
    assert latest_batch(state, DAY) is None
    batch = opening.open_batch(state, PLAN, START)
    assert (batch.batch_id, batch.status, batch.units, batch.run_id) == (R1, "OPEN", ["a", "b"], "run1")
    assert batch.games == {"0022500201": START}
    assert (batch.outbox, batch.outbox_pending) == ([], False)
    assert latest_batch(state, DAY) == batch
    assert latest_batch(state, date(2025, 11, 15)) is None


def test_a_batch_has_its_units_by_their_whole_names_and_no_others(state: SqliteState) -> None:
    batch = opening.open_batch(state, replace(PLAN, units=("10", "201", "30")), START)
    assert [unit for unit in ("10", "201", "30", "1", "20", "0", "3", "4") if batch.has_unit(unit)] == [
        "10",
        "201",
        "30",
    ]
    assert (batch.last_unit, batch.unit_count) == ("30", 3)


@pytest.mark.parametrize(
    ("status", "in_progress"),
    [("OPEN", True), ("CLOSED", True), ("CONSOLIDATED", False), ("FAILED", False), ("SUPERSEDED", False)],
)
def test_a_batch_is_in_progress_until_it_is_consolidated_or_given_up(
    state: SqliteState, status: str, in_progress: bool
) -> None:
    opened = opening.open_batch(state, PLAN, START)
    state.update(opened.path, {"status": status})
    assert get(state).in_progress is in_progress


def test_who_was_taken_over_opens_no_batch(state: SqliteState) -> None:
    def taken_over(transaction: Transaction) -> None:
        raise LeaseHeld("taken over")

    with pytest.raises(LeaseHeld):
        opening.open_batch(state, PLAN, START, taken_over)
    assert (state.count("batches"), latest_batch(state, DAY)) == (0, None)


def test_a_batch_that_is_named_and_not_there_yet_is_a_conflict_to_retry(state: SqliteState) -> None:
    state.create(f"batch_dates/{DAY}", {"batch_id": R1, "revision": 1})
    with pytest.raises(WriteConflict, match="named but not there yet"):
        opening.open_batch(state, PLAN, START)


@pytest.mark.parametrize("closed", [False, True])
def test_a_trigger_that_finds_it_in_progress_joins(state: SqliteState, closed: bool) -> None:
    opening.open_batch(state, PLAN, START)
    if closed:
        complete(state, "a")
        complete(state, "b")
        assert get(state).status == "CLOSED"
    joined = opening.open_batch(state, OTHER, START)
    assert (joined.batch_id, joined.run_id) == (R1, "run1")


@pytest.mark.parametrize("ended", ["CONSOLIDATED", "FAILED", "SUPERSEDED"])
def test_after_its_end_the_next_revision_opens(state: SqliteState, ended: str) -> None:
    opening.open_batch(state, PLAN, START)
    state.update(path_of(R1), {"status": ended})
    assert opening.open_batch(state, OTHER, START).batch_id == R2


def test_a_restored_state_gives_no_forgotten_batchs_id_again(state: SqliteState) -> None:
    again = replace(OTHER, state_epoch=2)
    assert opening.open_batch(state, again, START).batch_id == "batch_2025-11-14_r1001"
    state.update("batches/batch_2025-11-14_r1001", {"status": "CONSOLIDATED"})
    next_one = replace(again, execution_id="another")
    assert opening.open_batch(state, next_one, START).batch_id == "batch_2025-11-14_r1002"
    assert batch_id_of(DAY, 1001) == "batch_2025-11-14_r1001"


@pytest.mark.parametrize(("epoch", "revision"), [(1, 2), (2, 1001), (3, 2001)])
def test_the_first_revision_of_a_new_epoch_is_above_all_that_an_earlier_one_opened(
    state: SqliteState, epoch: int, revision: int
) -> None:
    """The restored state remembers revision 1 of epoch 1; others of that epoch may be in the
    tables.
    """
    opened = opening.open_batch(state, PLAN, START)
    state.update(opened.path, {"status": "CONSOLIDATED"})
    again = opening.open_batch(state, replace(OTHER, state_epoch=epoch), START)
    assert (again.revision, again.batch_id) == (revision, f"batch_2025-11-14_r{revision}")
    empty = opening.open_batch(state, replace(OTHER, state_epoch=epoch, game_date=date(2025, 11, 15)), START)
    assert empty.revision == 1000 * (epoch - 1) + 1


def test_the_retry_of_the_execution_that_opened_it_gets_its_own_batch(state: SqliteState) -> None:
    first = opening.open_batch(state, PLAN, START)
    assert opening.open_batch(state, PLAN, START + timedelta(minutes=5)) == first
    state.update(path_of(R1), {"status": "FAILED"})
    assert opening.open_batch(state, PLAN, START).batch_id == R1


def test_of_many_triggers_at_once_one_opens_it(state: SqliteState) -> None:
    gate, found = threading.Barrier(16), []

    def race(number: int) -> None:
        plan = replace(PLAN, run_id=f"run{number}", execution_id=f"phase5_coordinator.run{number}")
        gate.wait()
        found.append(opening.open_batch(state, plan, START).run_id)

    threads = [threading.Thread(target=race, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert state.count("batches") == 1


def test_other_dates_have_batches_of_their_own(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    tomorrow = opening.open_batch(state, replace(OTHER, game_date=date(2025, 11, 15)), START)
    assert tomorrow.batch_id == "batch_2025-11-15_r1"


def test_the_last_unit_closes_it_with_its_announcement_in_the_same_write(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    assert complete(state, "a").status == "OPEN"
    assert list_announced(state) == []
    closed = complete(state, "b")
    assert (closed.status, closed.closed_as, closed.missing) == ("CLOSED", "complete", [])
    assert closed.closed_at == START + timedelta(seconds=5)
    assert closed.outbox_pending is True
    assert [entry["id"] for entry in closed.outbox] == [f"{R1}-1-0"]
    assert list_announced(state) == [f"{R1} 1"]


def test_repeating_a_completion_changes_nothing(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    for _ in range(3):
        complete(state, "a")
    assert get(state).status == "OPEN"
    complete(state, "b")
    version = get(state).version
    for unit in ("a", "b"):
        complete(state, unit)
    assert get(state).version == version
    assert len(units_of(state, R1)) == 2


def test_a_completion_that_merely_completes_does_not_write_the_batch(state: SqliteState) -> None:
    version = opening.open_batch(state, PLAN, START).version
    complete(state, "a")
    assert get(state).version == version


def test_what_was_recorded_of_a_unit(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    assert done_result(state, R1, "a") is None
    complete(state, "a", UnitStatus.FAILED)
    assert done_result(state, R1, "a") is None
    complete(state, "a")
    recorded = done_result(state, R1, "a")
    assert recorded == UnitResult("a", UnitStatus.DONE, 25, None, 1, None, START + timedelta(seconds=5))


def test_a_done_unit_is_not_made_failed_by_a_later_message(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    complete(state, "a")
    complete(state, "a", UnitStatus.FAILED)
    assert done_result(state, R1, "a") is not None


def test_a_done_unit_stays_what_its_first_completion_reported(state: SqliteState) -> None:
    """Its staging table may be merged by now: what is verified against must not change under it."""
    opening.open_batch(state, PLAN, START)
    first = UnitResult("a", UnitStatus.DONE, 25, "staging_a", 1, None, START)
    completion.complete_unit(state, R1, first, announcement)
    later = replace(first, rows=3, completed_at=START + timedelta(hours=1))
    completion.complete_unit(state, R1, later, announcement)
    assert done_result(state, R1, "a") == first


def test_a_failed_unit_counts_and_is_announced_again_when_it_is_done_after_all(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    complete(state, "a", UnitStatus.FAILED)
    complete(state, "b")
    assert get(state).missing == ["a"]
    complete(state, "a")
    assert get(state).missing == []
    assert get(state).late_units == ["a"]
    assert list_announced(state) == [f"{R1} 1", f"{R1} 2"]
    complete(state, "a")
    assert len(list_announced(state)) == 2


def test_closing_as_partial_names_what_is_missing(state: SqliteState) -> None:
    opened = opening.open_batch(state, replace(PLAN, units=("c", "a", "b")), START)
    complete(state, "b")
    complete(state, "c", UnitStatus.FAILED)
    assert sorted(completion.close_partial(state, opened, START, announcement)) == ["a", "c"]
    closed = get(state)
    assert (closed.status, closed.closed_as, closed.missing) == ("CLOSED", "partial", ["a", "c"])
    assert list_announced(state) == [f"{R1} 1"]
    with pytest.raises(PreconditionFailed):
        completion.close_partial(state, opened, START, announcement)


def test_a_batch_whose_units_were_all_recorded_is_closed_as_complete_whether_done_or_failed(state: SqliteState) -> None:
    """The process of the last unit died before it closed the batch: nothing more is expected of
    anybody.
    """
    opened = opening.open_batch(state, PLAN, START)
    for unit, status in (("a", UnitStatus.DONE), ("b", UnitStatus.FAILED)):
        result = UnitResult(unit, status, 25, None, 1, None, START)
        state.create(f"{opened.path}/units/{unit}", result.to_document())
    assert completion.close_partial(state, opened, START, announcement) == ["b"]
    assert (get(state).closed_as, get(state).missing) == ("complete", ["b"])


@pytest.mark.parametrize("status", ["CLOSED", "CONSOLIDATED", "FAILED"])
def test_a_late_unit_is_accepted_and_announced_again(state: SqliteState, status: str) -> None:
    completion.close_partial(state, opening.open_batch(state, PLAN, START), START, announcement)
    state.update(path_of(R1), {"status": status})
    late = complete(state, "a")
    assert (late.status, late.missing) == (status, ["b"])
    assert list_announced(state) == [f"{R1} 1", f"{R1} 2"]


def test_a_late_unit_of_a_superseded_batch_is_counted_and_no_more(state: SqliteState) -> None:
    completion.close_partial(state, opening.open_batch(state, PLAN, START), START, announcement)
    state.update(path_of(R1), {"status": "SUPERSEDED"})
    complete(state, "a")
    assert list_announced(state) == [f"{R1} 1"]
    assert [result.unit for result in units_of(state, R1)] == ["a"]


def test_a_unit_of_no_batch_is_poison(state: SqliteState) -> None:
    with pytest.raises(DataError, match="does not exist") as refused:
        complete(state, "a")
    assert refused.value.event == "unknown_batch"


@pytest.mark.parametrize("last", ["199", "200"], ids=["another unit", "the last of their order"])
def test_a_large_batch_is_closed_by_whichever_unit_comes_last(state: SqliteState, last: str) -> None:
    units = tuple(str(number) for number in range(completion.MANY_UNITS + 1))
    opened = opening.open_batch(state, replace(PLAN, units=units), START)
    for unit in units:
        if unit not in (last, "7"):
            done = UnitResult(unit, UnitStatus.DONE, 25, None, 1, None, START)
            state.create(f"{opened.path}/units/{unit}", done.to_document())
    assert complete(state, "7").status == "OPEN"
    assert complete(state, last).closed_as == "complete"


def test_what_a_superseded_or_unknown_batch_names_as_missing_is_not_settled(state: SqliteState) -> None:
    assert completion.settle_missing(state, R1, announcement) == []
    opened = opening.open_batch(state, PLAN, START)
    completion.close_partial(state, opened, START, announcement)
    complete(state, "a", UnitStatus.FAILED)
    assert completion.settle_missing(state, R1, announcement) == []
    state.update(f"{opened.path}/units/a", {"status": UnitStatus.DONE})
    state.update(opened.path, {"status": "SUPERSEDED"})
    assert completion.settle_missing(state, R1, announcement) == []
    state.update(opened.path, {"status": "CLOSED"})
    assert completion.settle_missing(state, R1, announcement) == ["a"]
    assert get(state).missing == ["b"]


def test_consolidated_supersedes_every_earlier_revision_of_the_date_and_no_other(state: SqliteState) -> None:
    for ended in ("FAILED", "CONSOLIDATED"):
        opened = opening.open_batch(state, replace(PLAN, execution_id=ended), START)
        state.update(opened.path, {"status": ended})
    other = opening.open_batch(state, replace(PLAN, game_date=date(2025, 11, 15)), START)
    third = opening.open_batch(state, PLAN, START)
    ending.mark_consolidated(state, third, ["b", "a"], 50, START)
    assert [(d.id, d.data["status"]) for d in state.query("batches")] == [
        (R1, "SUPERSEDED"),
        (R2, "SUPERSEDED"),
        ("batch_2025-11-14_r3", "CONSOLIDATED"),
        (other.batch_id, "OPEN"),
    ]
    found = get(state, "batch_2025-11-14_r3")
    assert (found.merged, found.rows_in_place, found.consolidated_at) == (["a", "b"], 50, START)


def test_frozen_rows_add_up_over_the_consolidations_of_a_batch(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    for merged, frozen, total in ((["a"], 5, 5), (["a", "b"], 3, 8), (["a", "b"], 0, 8)):
        ending.mark_consolidated(state, get(state), merged, 25, START, frozen)
        assert get(state).frozen_rows == total


def test_a_batch_that_changed_meanwhile_is_not_marked(state: SqliteState) -> None:
    seen = opening.open_batch(state, PLAN, START)
    complete(state, "a")
    complete(state, "b")
    with pytest.raises(PreconditionFailed):
        ending.mark_consolidated(state, seen, ["a"], 25, START)
    with pytest.raises(PreconditionFailed):
        ending.mark_failed(state, seen, "expected 25, found 0", START)
    ending.mark_failed(state, get(state), "expected 25, found 0", START)
    assert get(state).failure == "expected 25, found 0"


def test_a_batch_that_changed_once_while_its_last_unit_completed_is_closed_all_the_same(state: SqliteState) -> None:
    opening.open_batch(state, replace(PLAN, units=("a",)), START)
    tried: list[int] = []

    def meddling_once(batch: Batch, sequence: int) -> OutboxMessage:
        if not tried:
            state.update(batch.path, {"touched": 1})
        tried.append(sequence)
        return announcement(batch, sequence)

    result = UnitResult("a", UnitStatus.DONE, 25, None, 1, None, START)
    assert completion.complete_unit(state, R1, result, meddling_once).status == "CLOSED"
    assert (tried, list_announced(state)) == ([1, 1], [f"{R1} 1"])


def test_a_batch_that_changes_again_and_again_is_a_conflict_to_retry(state: SqliteState) -> None:
    """Every attempt to close it finds that somebody else has written meanwhile."""
    opening.open_batch(state, replace(PLAN, units=("a",)), START)
    busy = 0

    def meddling(batch: Batch, sequence: int) -> OutboxMessage:
        nonlocal busy
        busy += 1
        state.update(batch.path, {"touched": busy})
        return announcement(batch, sequence)

    result = UnitResult("a", UnitStatus.DONE, 25, None, 1, None, START)
    with pytest.raises(WriteConflict, match="changed 20 times"):
        completion.complete_unit(state, R1, result, meddling)
    assert completion.complete_unit(state, R1, result, announcement).status == "CLOSED"


def test_an_alert_of_a_damaged_system_is_in_the_batch_s_outbox_once(state: SqliteState) -> None:
    opening.open_batch(state, PLAN, START)
    alerts = {name: OutboxMessage("nba-alerts", f'{{"about": "{name}"}}') for name in ("b_system", "a_system")}
    ending.mark_consolidated(state, get(state), ["a"], 25, START, 0, {"b_system": alerts["b_system"]})
    assert get(state).outbox_pending
    ending.mark_consolidated(state, get(state), ["a", "b"], 50, START, 0, alerts)
    batch = get(state)
    assert [(entry["id"], entry["data"]) for entry in batch.outbox] == [
        (f"{R1}-damaged-0", '{"about": "b_system"}'),
        (f"{R1}-damaged-1", '{"about": "a_system"}'),
    ]
    assert batch.damaged_systems == ["b_system", "a_system"]


def test_a_unit_names_damaged_systems_where_there_are_any_and_else_has_no_such_field(state: SqliteState) -> None:
    """A worker of the release before reads what this one wrote."""
    opening.open_batch(state, PLAN, START)
    complete(state, "a")
    damaged = UnitResult("b", UnitStatus.DONE, 25, None, 1, None, START, {"xgboost_v1": "model.json is cut"})
    completion.complete_unit(state, R1, damaged, announcement)
    whole, without = state.query(f"batches/{R1}/units")
    assert "damaged" not in whole.data
    assert without.data["damaged"] == {"xgboost_v1": "model.json is cut"}
