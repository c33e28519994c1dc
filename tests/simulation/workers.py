"""Processes that share the seeds among them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.base import Base, open_base
from tests.simulation.reference import References
from tests.simulation.seed import Result, run_seed

_opened: tuple[Base, References] | None = None


def open_shared(folder: Path) -> tuple[Base, References]:
    """The base of a folder and its references, opened once a process."""
    global _opened
    if _opened is None:
        base = open_base(folder)
        _opened = base, References(base)
    return _opened


def _open(folder: str) -> None:
    open_shared(Path(folder))


def has_readers() -> bool:
    """Whether monitor and dashboard look at what is played: READERS=0 plays without them."""
    return os.environ.get("READERS") != "0"


def _play(seed: int) -> Result:
    assert _opened is not None
    result = run_seed(*_opened, seed, readers=has_readers())
    # a story is long, and told only of what failed
    return result if result.failed else result.without_story()


def results_of(folder: Path, seeds: range, workers: int) -> Iterator[Result]:
    """Every seed's result, in order; without its story where nothing is violated."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_open, initargs=(str(folder),)) as pool:
        yield from pool.map(_play, seeds, chunksize=4)
