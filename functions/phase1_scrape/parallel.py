"""Threads that keep the log context: a line logged while fetching still says which run it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import Any, TypeVar

from shared.errors import SourceUnavailable

T = TypeVar("T")
K = TypeVar("K")


def each(tasks: Mapping[K, Callable[[], T]], workers: int) -> Iterator[tuple[K, T | SourceUnavailable]]:
    """Run the tasks side by side; yields (key, result) as they end, a source's failure as its result.

    Any other error is raised once the tasks that had begun are done; those that had not are dropped.
    """
    if not tasks:
        return
    pool = ThreadPoolExecutor(max_workers=max(1, min(workers, len(tasks))), thread_name_prefix="fetch")
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


def in_order(found: Iterable[tuple[K, T]], order: Iterable[K]) -> dict[K, T]:
    """Results by key in a fixed order, whichever ended first."""
    results = dict(found)
    return {key: results[key] for key in order}
