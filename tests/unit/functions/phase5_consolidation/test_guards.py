"""The guards of consolidation, as tables: what passes, and of what does not its code and words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from functions.phase5_consolidation import guards
from functions.phase5_consolidation.guards import RowsInPlace, StagedRows
from shared.core.errors import StagingMismatch, WriteConflict
from shared.core.events import Event

BATCH = "batch_2025-11-14_r1"
TEN = datetime(2025, 11, 14, 22, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def names(count: int) -> list[str]:
    return [f"{number:02d}" for number in range(count)]


@pytest.mark.parametrize(
    ("staged", "pending", "message"),
    [
        ([], [], None),
        (["1", "2"], ["1", "2"], None),
        (["1", "2"], ["1"], None),
        (["1"], ["2", "1"], "1 of 2 staging tables are missing: 2."),
        ([], ["2", "10", "1"], "3 of 3 staging tables are missing: 1, 10, 2."),
        ([], names(10), f"10 of 10 staging tables are missing: {', '.join(names(10))}."),
        ([], names(11), f"11 of 11 staging tables are missing: {', '.join(names(10))} ...."),
    ],
)
def test_every_pending_unit_has_a_table(staged: list[str], pending: list[str], message: str | None) -> None:
    if message is None:
        guards.expect_tables(BATCH, staged, pending)
        return
    with pytest.raises(StagingMismatch) as raised:
        guards.expect_tables(BATCH, staged, pending)
    assert str(raised.value).startswith(f"{BATCH}: {message}")
    assert raised.value.event is Event.STAGING_MISSING


def test_nothing_is_merged_on_nothing() -> None:
    guards.expect_something(BATCH, 5, 1)
    with pytest.raises(StagingMismatch, match=f"{BATCH}: none of its 5 units staged a row") as raised:
        guards.expect_something(BATCH, 5, 0)
    assert raised.value.event is Event.NOTHING_STAGED


@pytest.mark.parametrize(
    ("by_unit", "foreign", "reported", "message"),
    [
        ({}, 0, {}, None),
        ({"1": 3}, 0, {"1": 3}, None),
        # a unit that reported no row stages an empty table, which no row of the check is of
        ({"1": 3}, 0, {"1": 3, "2": 0}, None),
        ({"1": 2}, 0, {"1": 3}, "(1: 2 staged, 3 reported; 0 rows"),
        ({"1": 4}, 0, {"1": 3}, "(1: 4 staged, 3 reported; 0 rows"),
        ({"1": 2, "2": 1}, 0, {"2": 2, "1": 3}, "(1: 2 staged, 3 reported; 2: 1 staged, 2 reported; 0 rows"),
        ({}, 0, {"1": 3}, "(1: 0 staged, 3 reported; 0 rows"),
        ({"1": 3}, 1, {"1": 3}, "(counts fit; 1 rows of another batch or date)"),
    ],
)
def test_staged_rows_are_what_was_reported(
    by_unit: Mapping[str, int], foreign: int, reported: Mapping[str, int], message: str | None
) -> None:
    staged = StagedRows(by_unit, foreign, keys=3, frozen=0)
    if message is None:
        guards.expect_reported(BATCH, staged, reported)
        return
    with pytest.raises(StagingMismatch) as raised:
        guards.expect_reported(BATCH, staged, reported)
    assert f"{BATCH}: staged rows are not what was reported {message}" in str(raised.value)
    assert raised.value.event is Event.STAGED_ROWS_WRONG


def test_of_many_wrong_units_ten_are_named() -> None:
    with pytest.raises(StagingMismatch) as raised:
        guards.expect_reported(BATCH, StagedRows({}, 0, 0, 0), dict.fromkeys(names(11), 1))
    assert "09: 0 staged" in str(raised.value)
    assert "10: 0 staged" not in str(raised.value)


@pytest.mark.parametrize(
    ("affected", "expected", "event"),
    [
        (0, 0, None),
        (7, 7, None),
        (0, 7, Event.ZERO_ROW_MERGE),
        (6, 7, Event.MERGED_ROWS_WRONG),
        (8, 7, Event.MERGED_ROWS_WRONG),
        (1, 0, Event.MERGED_ROWS_WRONG),
    ],
)
def test_the_merge_affects_the_keys_that_are_not_frozen(affected: int, expected: int, event: Event | None) -> None:
    if event is None:
        guards.expect_merged(BATCH, affected, expected)
        return
    with pytest.raises(
        StagingMismatch, match=f"the MERGE affected {affected} rows, {expected} were expected"
    ) as raised:
        guards.expect_merged(BATCH, affected, expected)
    assert raised.value.event is event


@pytest.mark.parametrize(
    ("by_game", "doubled", "expected", "frozen", "passes"),
    [
        ({}, 0, 0, 0, True),
        ({"A": 4, "B": 3}, 0, 7, 0, True),
        ({"A": 4, "B": 2}, 0, 7, 0, False),
        ({"A": 4, "B": 4}, 0, 7, 0, False),
        ({"A": 4, "B": 3}, 1, 7, 0, False),
        # frozen rows may be in place from an attempt before their tip-off, all or some or none of them
        ({"A": 4, "B": 3}, 0, 5, 2, True),
        ({"A": 4, "B": 2}, 0, 5, 2, True),
        ({"A": 4, "B": 1}, 0, 5, 2, True),
        ({"A": 4, "B": 4}, 0, 5, 2, False),
        ({"A": 4}, 0, 5, 2, False),
    ],
)
def test_the_keys_in_place_are_those_merged_now_and_before(
    by_game: Mapping[str, int], doubled: int, expected: int, frozen: int, passes: bool
) -> None:
    found = RowsInPlace(by_game, doubled)
    if passes:
        guards.expect_in_place(BATCH, found, expected, frozen)
        return
    message = (
        rf"{sum(by_game.values())} keys are in place \({doubled} doubled rows\), {expected} were expected, {frozen}"
    )
    with pytest.raises(StagingMismatch, match=message) as raised:
        guards.expect_in_place(BATCH, found, expected, frozen)
    assert raised.value.event is Event.ROWS_IN_PLACE_WRONG


@pytest.mark.parametrize(
    ("tipoffs", "begun"),
    [
        ({}, None),
        # frozen already when the rows were looked at
        ({"A": TEN}, None),
        ({"A": TEN + 11 * SECOND}, None),
        ({"A": TEN + SECOND}, "A tipped off"),
        ({"A": TEN + 10 * SECOND}, "A tipped off"),
        ({"B": TEN + SECOND, "A": TEN + SECOND, "C": TEN + 11 * SECOND}, "A, B tipped off"),
    ],
)
def test_no_game_tips_off_between_look_and_merge(tipoffs: Mapping[str, datetime], begun: str | None) -> None:
    later = TEN + 10 * SECOND
    if begun is None:
        guards.expect_no_tipoff(BATCH, tipoffs, TEN, later)
        return
    with pytest.raises(WriteConflict, match=f"{BATCH}: {begun} between {TEN.isoformat()}".replace("+", r"\+")):
        guards.expect_no_tipoff(BATCH, tipoffs, TEN, later)
