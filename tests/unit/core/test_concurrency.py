"""Tasks side by side, and one after the other in an order that a hook decides."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from shared.core.concurrency import all_of, each, in_order, use_sequential
from shared.core.errors import SourceUnavailable, StoreUnavailable


@pytest.fixture
def backwards() -> Iterator[None]:
    use_sequential(lambda n: list(reversed(range(n))))
    yield
    use_sequential(None)


def _fail(error: Exception) -> int:
    raise error


def test_side_by_side_tasks_wait_for_one_another() -> None:
    barrier = threading.Barrier(3, timeout=20)  # breaks unless all three run at once
    found = in_order(each(dict.fromkeys(range(3), barrier.wait), 3), range(3))
    assert set(found.values()) == {0, 1, 2}


@pytest.mark.usefixtures("backwards")
def test_the_hook_gives_the_order_and_the_caller_s_thread() -> None:
    seen: list[tuple[str, int]] = []
    tasks = {name: lambda name=name: seen.append((name, threading.get_ident())) for name in "abc"}
    assert [key for key, _ in each(tasks, 8)] == ["c", "b", "a"]
    assert seen == [(name, threading.get_ident()) for name in "cba"]


@pytest.mark.usefixtures("backwards")
def test_one_after_the_other_a_source_s_failure_is_a_result_and_another_error_drops_the_rest() -> None:
    down = SourceUnavailable("down")
    ran: list[str] = []
    tasks: dict[str, Callable[[], object]] = {
        "never": partial(ran.append, "never"),
        "breaks": partial(_fail, StoreUnavailable("no answer")),
        "down": partial(_fail, down),
    }
    found = each(tasks, 8)
    assert next(found) == ("down", down)
    with pytest.raises(StoreUnavailable, match="no answer"):
        next(found)
    assert ran == []


@pytest.mark.parametrize("order", [[0], [0, 0], [1, 2], [0, 1, 2]])
def test_an_order_that_forgets_or_doubles_a_task_is_refused(order: Sequence[int]) -> None:
    use_sequential(lambda n: order)
    try:
        with pytest.raises(ValueError, match="no permutation of the 2 tasks"):
            list(each({1: int, 2: int}, 8))
    finally:
        use_sequential(None)


def test_all_of_keeps_the_order_of_the_tasks_and_raises_any_failure() -> None:
    first_done = threading.Event()
    tasks: dict[str, Callable[[], object]] = {"slow": partial(first_done.wait, 20), "fast": first_done.set}
    assert list(all_of(tasks, 2, name="t").items()) == [("slow", True), ("fast", None)]
    with pytest.raises(SourceUnavailable, match="down"):
        all_of({1: partial(_fail, SourceUnavailable("down"))}, 2, name="t")
