"""What every implementation of the state port must do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.core.errors import AlreadyExists, Fatal, NotFound, PreconditionFailed
from shared.core.settings import Settings
from shared.stores.gcp import stores
from shared.stores.ports import ArrayUnion, Filter, Increment, State, Transaction
from tests.contract.real_project import real_project

NOON = datetime(2025, 11, 14, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "firestore"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    if request.param == "firestore" and (real := real_project()):
        database = request.getfixturevalue("real_database")
        real.clear(database)
        yield stores.state(Settings(project_id=real.project, firestore_database=database))
        return
    if request.param == "firestore":
        request.getfixturevalue("firestore_emulator")
        yield stores.state(Settings(project_id=request.getfixturevalue("own_name")))
        return
    file = SqliteFile(tmp_path / "state.sqlite")
    yield SqliteState(file)
    file.close()


def test_what_is_created_is_read_with_every_kind_of_value(state: State) -> None:
    data = {
        "text": "Dončić",
        "empty": "",
        "number": 2**62,
        "float": 0.1 + 0.2,
        "yes": True,
        "nothing": None,
        "list": [1, "a", None, {"deep": [NOON]}],
        "map": {"inner": {"at": NOON}},
        "at": NOON.replace(microsecond=123456),
    }
    state.create("players/1", data)
    document = state.get("players/1")
    assert document is not None
    assert document.data == data
    assert document.data["yes"] is True
    assert document.id == "1"


def test_a_moment_comes_back_in_utc(state: State) -> None:
    state.create("a/1", {"at": NOON.astimezone(timezone(timedelta(hours=-5)))})
    document = state.get("a/1")
    assert document is not None
    assert document.data["at"] == NOON
    assert document.data["at"].tzinfo == UTC


def test_absent_documents(state: State) -> None:
    assert state.get("a/none") is None
    with pytest.raises(NotFound, match="a/none"):
        state.update("a/none", {"x": 1})
    state.delete("a/none")


def test_create_is_once(state: State) -> None:
    state.create("a/1", {"by": "first"})
    with pytest.raises(AlreadyExists, match="a/1"):
        state.create("a/1", {"by": "second"})
    assert read(state, "a/1") == {"by": "first"}


def test_create_decides_between_threads(state: State) -> None:
    won = in_threads(8, lambda number: create_once(state, {"by": number}))
    assert won.count(True) == 1


def create_once(state: State, data: dict[str, Any]) -> bool:
    try:
        state.create("a/contested", data)
    except AlreadyExists:
        return False
    return True


def test_update_sets_top_level_fields_and_keeps_the_others(state: State) -> None:
    state.create("a/1", {"x": 1, "y": {"deep": 1, "other": 2}})
    state.update("a/1", {"y": {"deep": 3}, "z": None})
    assert read(state, "a/1") == {"x": 1, "y": {"deep": 3}, "z": None}


def test_field_names_are_names_and_no_paths(state: State) -> None:
    state.create("a/1", {"x.y": 1, "map": {"c.d": 1}, "x": {"y": 5}, "été": 0})
    state.update("a/1", {"x.y": 2, "map": {"e.f": 3}, "été": Increment(1), "a b": []})
    assert read(state, "a/1") == {"x.y": 2, "map": {"e.f": 3}, "x": {"y": 5}, "été": 1, "a b": []}
    assert [document.id for document in state.query("a", [Filter("x.y", "==", 2)])] == ["1"]
    assert state.query("a", [Filter("x.y", "==", 5)]) == []


def test_empty_maps_and_lists_stay(state: State) -> None:
    state.create("a/1", {"map": {}, "list": [], "deep": {"map": {}}})
    state.update("a/1", {"other": {}, "list": [{}]})
    assert read(state, "a/1") == {"map": {}, "list": [{}], "deep": {"map": {}}, "other": {}}


def test_transforms(state: State) -> None:
    state.create("a/1", {"n": 5, "list": ["b", 1], "text": "x"})
    state.update("a/1", {"n": Increment(2), "new": Increment(-1), "list": ArrayUnion(("a", "b", "a"))})
    state.update("a/1", {"text": Increment(4), "fresh": ArrayUnion((1,))})
    assert read(state, "a/1") == {"n": 7, "new": -1, "list": ["b", 1, "a"], "text": 4, "fresh": [1]}


def test_increments_of_many_threads_all_count(state: State) -> None:
    state.create("a/1", {"n": 0})

    def add(number: int) -> None:
        for _ in range(20):
            state.update("a/1", {"n": Increment(1)})

    in_threads(8, add)
    assert read(state, "a/1") == {"n": 160}


def test_version_is_a_precondition(state: State) -> None:
    state.create("a/1", {"n": 1})
    first = state.get("a/1")
    assert first is not None
    state.update("a/1", {"n": 2}, if_version=first.version)
    with pytest.raises(PreconditionFailed, match="a/1"):
        state.update("a/1", {"n": 3}, if_version=first.version)
    assert read(state, "a/1") == {"n": 2}


def test_a_document_made_again_has_another_version(state: State) -> None:
    state.create("a/1", {"n": 1})
    first = state.get("a/1")
    state.delete("a/1")
    state.create("a/1", {"n": 1})
    assert first is not None
    with pytest.raises(PreconditionFailed):
        state.update("a/1", {"n": 2}, if_version=first.version)


def test_a_version_decides_between_threads(state: State) -> None:
    state.create("a/1", {"n": 0})
    first = state.get("a/1")
    assert first is not None
    won = in_threads(8, lambda number: update_once(state, number, first.version))
    assert won.count(True) == 1


def update_once(state: State, number: int, version: str) -> bool:
    try:
        state.update("a/1", {"n": number}, if_version=version)
    except PreconditionFailed:
        return False
    return True


def test_a_transaction_gives_its_result_and_writes_all(state: State) -> None:
    state.create("a/1", {"n": 1})

    def body(transaction: Transaction) -> int:
        document = transaction.get("a/1")
        assert document is not None
        transaction.update("a/1", {"n": Increment(10)})
        transaction.create("a/2", {"n": document.data["n"]})
        transaction.set("a/3", {"only": True})
        return 42

    assert state.transaction(body) == 42
    assert [d.data for d in state.query("a")] == [{"n": 11}, {"n": 1}, {"only": True}]


def test_set_replaces_the_whole_document(state: State) -> None:
    state.create("a/1", {"x": 1})
    state.transaction(lambda transaction: transaction.set("a/1", {"y": 2}))
    assert read(state, "a/1") == {"y": 2}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_transaction_that_raises_writes_nothing(state: State, error: type[BaseException]) -> None:
    def body(transaction: Transaction) -> None:
        transaction.set("a/1", {"n": 1})
        raise error("no")

    with pytest.raises(error):
        state.transaction(body)
    assert state.get("a/1") is None


def test_one_write_that_fails_undoes_the_others(state: State) -> None:
    state.create("a/2", {"n": 0})

    def body(transaction: Transaction) -> None:
        transaction.set("a/1", {"n": 1})
        transaction.create("a/2", {"n": 2})

    with pytest.raises(AlreadyExists):
        state.transaction(body)
    assert state.get("a/1") is None
    assert read(state, "a/2") == {"n": 0}


def test_a_transaction_reads_before_it_writes(state: State) -> None:
    def body(transaction: Transaction) -> None:
        transaction.set("a/1", {"n": 1})
        transaction.get("a/1")

    with pytest.raises((Fatal, ValueError), match="read"):
        state.transaction(body)


def test_read_modify_write_in_transactions_loses_nothing(state: State) -> None:
    state.create("a/1", {"n": 0})

    def add(transaction: Transaction) -> None:
        document = transaction.get("a/1")
        assert document is not None
        transaction.update("a/1", {"n": document.data["n"] + 1})

    in_threads(4, lambda number: [state.transaction(add) for _ in range(4)])
    assert read(state, "a/1") == {"n": 16}


@pytest.fixture
def units(state: State) -> State:
    rows: list[dict[str, Any]] = [
        {"n": 3, "name": "c", "at": NOON, "done": True},
        {"n": 1, "name": "a", "at": NOON - timedelta(seconds=1), "done": False},
        {"n": 2.5, "name": "b", "at": NOON + timedelta(microseconds=1), "done": True},
        {"n": "2", "name": None, "at": None},
        {"name": "e"},
    ]
    for number, row in enumerate(rows):
        state.create(f"batches/b1/units/u{number}", row)
    state.create("batches/b2/units/u0", {"n": 3})
    state.create("batches/b1", {"n": 3})
    return state


ALL = ["u0", "u1", "u2", "u3", "u4"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ([], ALL),
        ([Filter("n", "==", 3)], ["u0"]),
        ([Filter("n", "==", 2.5)], ["u2"]),
        ([Filter("n", "==", "2")], ["u3"]),
        ([Filter("n", "<", 3)], ["u1", "u2"]),
        ([Filter("n", ">=", 2.5)], ["u0", "u2"]),
        ([Filter("n", "!=", 3)], ["u1", "u2", "u3"]),
        ([Filter("n", "in", [1, "2", 99])], ["u1", "u3"]),
        ([Filter("name", "==", None)], ["u3"]),
        ([Filter("name", "!=", None)], ["u0", "u1", "u2", "u4"]),
        ([Filter("name", ">", "a")], ["u0", "u2", "u4"]),
        ([Filter("done", "==", False)], ["u1"]),
        ([Filter("done", "!=", True)], ["u1"]),
        ([Filter("at", "<=", NOON)], ["u0", "u1"]),
        ([Filter("at", ">", NOON)], ["u2"]),
        ([Filter("at", "==", NOON.astimezone(timezone(timedelta(hours=9))))], ["u0"]),
        ([Filter("at", "!=", NOON)], ["u1", "u2"]),
        ([Filter("done", "==", True), Filter("n", "<", 3)], ["u2"]),
        ([Filter("absent", "==", 1)], []),
        ([Filter("absent", "!=", 1)], []),
    ],
)
def test_filters(units: State, where: list[Filter], expected: list[str]) -> None:
    assert [document.id for document in units.query("batches/b1/units", where)] == expected
    assert units.count("batches/b1/units", where) == len(expected)


def test_order_and_limit(units: State) -> None:
    numbers = [Filter("n", ">", 0)]
    assert ids(units, numbers, order_by="n") == ["u1", "u2", "u0"]
    assert ids(units, numbers, order_by="n", limit=2) == ["u1", "u2"]
    assert ids(units, [Filter("done", "!=", None)], order_by="at") == ["u1", "u0", "u2"]
    assert ids(units, limit=0) == []
    # a document without the field is not in an ordered result
    assert ids(units, [Filter("name", "!=", None)], order_by="n") == ["u1", "u2", "u0"]


def test_equal_order_goes_by_id(state: State) -> None:
    for name in ("b", "a", "c"):
        state.create(f"x/{name}", {"n": 1})
    assert [document.id for document in state.query("x", order_by="n")] == ["a", "b", "c"]


def test_a_deleted_document_is_in_no_query(units: State) -> None:
    units.delete("batches/b1/units/u0")
    assert ids(units) == ["u1", "u2", "u3", "u4"]


@pytest.mark.parametrize("path", ["a", "a/1/b", "", "/1", "a/", "a//b/1"])
def test_wrong_paths_are_refused(state: State, path: str) -> None:
    with pytest.raises((Fatal, ValueError)):
        state.get(path)


@pytest.mark.parametrize(
    "value",
    [
        Decimal("1.5"),
        NOON.replace(tzinfo=None),
        NOON.date(),
        {1, 2},
        [[1], [2]],
        2**63,
        float("nan"),
        b"bytes",
        {1: "key"},
        object(),
        "x" * 1_048_576,
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_that_firestore_does_not_store_are_refused(state: State, value: object) -> None:
    """float nan and bytes it does store; they have no place in the port's JSON-like data."""
    with pytest.raises((Fatal, TypeError, ValueError)):
        state.create("a/1", {"value": value})
    assert state.get("a/1") is None


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.datetimes(timezones=st.just(UTC)),
    lambda deeper: (
        st.lists(deeper.filter(lambda value: not isinstance(value, list)), max_size=3)
        | st.dictionaries(st.text("abc_", min_size=1), deeper, max_size=3)
    ),
    max_leaves=8,
)


def test_any_value_survives(state: State) -> None:
    @given(values)
    def survives(value: object) -> None:
        state.transaction(lambda transaction: transaction.set("a/any", {"value": value}))
        assert read(state, "a/any") == {"value": value}

    survives()


def read(state: State, path: str) -> dict[str, Any]:
    document = state.get(path)
    assert document is not None
    return document.data


def ids(state: State, where: list[Filter] | None = None, **how: Any) -> list[str]:
    return [document.id for document in state.query("batches/b1/units", where or [], **how)]


def in_threads(count: int, work: Any) -> list[Any]:
    """What `work(number)` gave in each of `count` threads that begin together."""
    begin, results = threading.Barrier(count), [None] * count

    def one(number: int) -> None:
        begin.wait()
        results[number] = work(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
