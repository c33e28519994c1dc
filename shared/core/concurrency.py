"""Tasks side by side in threads that keep the log context: a line logged in one still says which
run it belongs to.

A hook makes them run one after the other instead, in an order it decides: the simulation replays a
seed exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import Any, TypeVar, cast

from shared.core.errors import SourceUnavailable

T = TypeVar("T")
K = TypeVar("K")
A = TypeVar("A")
B = TypeVar("B")

_sequence: Callable[[int], Sequence[int]] | None = None


def use_sequential(order: Callable[[int], Sequence[int]] | None) -> None:
    """Run all later tasks of this process in the caller's thread; None goes back to threads.

    `order` gives, for n tasks, the permutation of range(n) in which they run.
    """
    global _sequence
    _sequence = order


def each(
    tasks: Mapping[K, Callable[[], T]], workers: int, *, name: str = "fetch"
) -> Iterator[tuple[K, T | SourceUnavailable]]:
    """Run the tasks side by side; yields (key, result) as they end, a source's failure as its
    result.

    `name` is the prefix of the threads' names. Any other error is raised once the tasks that had
    begun are done; those that had not are dropped.
    """
    if not tasks:
        return
    if _sequence is not None:
        yield from _one_by_one(tasks, _sequence(len(tasks)))
        return
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(tasks))), thread_name_prefix=name)
    try:
        keys: dict[Future[Any], K] = {pool.submit(copy_context().run, task): key for key, task in tasks.items()}
        for done in as_completed(keys):
            error = done.exception()
            if error is None:
                yield keys[done], done.result()
            elif isinstance(error, SourceUnavailable):
                yield keys[done], error
            else:
                raise error
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(tasks: Mapping[K, Callable[[], T]], order: Sequence[int]) -> Iterator[tuple[K, T | SourceUnavailable]]:
    if sorted(order) != list(range(len(tasks))):
        raise ValueError(f"the order {list(order)} is no permutation of the {len(tasks)} tasks")
    keys = list(tasks)
    for key in (keys[index] for index in order):
        try:
            # a context of its own, as in a thread: what a task binds does not leak into the next
            result: T | SourceUnavailable = copy_context().run(tasks[key])
        except SourceUnavailable as error:
            result = error
        yield key, result


def in_order(found: Iterable[tuple[K, T]], order: Iterable[K]) -> dict[K, T]:
    """Results by key in a fixed order, whichever ended first."""
    results = dict(found)
    return {key: results[key] for key in order}


def all_of(tasks: Mapping[K, Callable[[], T]], workers: int, *, name: str) -> dict[K, T]:
    """Every task's result, in the order of the tasks; any failure is raised."""
    results: dict[K, T] = {}
    for key, result in each(tasks, workers, name=name):
        if isinstance(result, SourceUnavailable):
            raise result
        results[key] = result
    return {key: results[key] for key in tasks}


def both(first: Callable[[], A], second: Callable[[], B], *, name: str) -> tuple[A, B]:
    """What two tasks return that wait for different answers; any failure is raised."""
    found = all_of({0: first, 1: second}, 2, name=name)
    return cast("tuple[A, B]", (found[0], found[1]))
