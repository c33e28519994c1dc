"""What every measurement shares: the stopwatch, how progress is reported, and the error of one that
shows a defect.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from shared.core.errors import PipelineError

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Told (steps done, steps in all)."""


class BenchFailed(PipelineError):
    """Two ways that must give the same did not, or a promise on counts is broken; times never raise
    this.
    """


def time_work(work: Callable[[], T]) -> tuple[float, T]:
    """Real seconds that the work took, and what it returned."""
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


def milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def ratio(slow: float, fast: float) -> float:
    """How many times longer `slow` took."""
    return round(slow / fast, 1)
