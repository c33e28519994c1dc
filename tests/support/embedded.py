"""What the tests of the embedded runtime share: a small pipeline, a manual clock, tiny functions on
disk.
"""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.core.pipeline import FunctionSpec, Pipeline, Subscription

START = datetime(2025, 11, 14, 12, 0, tzinfo=UTC)
MIN_BACKOFF, MAX_BACKOFF, ACK_DEADLINE, ATTEMPTS = 10, 60, 600, 5


class ManualClock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, **by: float) -> None:
        self._now += timedelta(**by)


def function_spec(
    name: str, *topics: str, announces: str = "done", instances: int = 8, timeout: int = 30
) -> FunctionSpec:
    subscriptions = tuple(
        Subscription(f"{name}-{topic}", topic, name, ACK_DEADLINE, MIN_BACKOFF, MAX_BACKOFF, ATTEMPTS)
        for topic in topics
    )
    return FunctionSpec(
        name=name,
        phase=name,
        topics=topics,
        announces=announces,
        publishes=(),
        memory_mb=256,
        timeout_seconds=timeout,
        concurrency=1,
        min_instances=0,
        max_instances=instances,
        lease_seconds=timeout + 30,
        subscriptions=subscriptions,
        datasets={},
        buckets={},
    )


def small_pipeline(*functions: FunctionSpec) -> Pipeline:
    """The functions given (or `first` on topic a, `second` on a and b), and an operators'
    subscription on `done`.
    """
    found = functions or (function_spec("first", "a"), function_spec("second", "a", "b"))
    return Pipeline(
        functions={each.name: each for each in found},
        pull_subscriptions={"done": "done-operators"},
        modes={},
        phase_order=(),
        schedules={},
        alerts_topic="done",
    )


def write_function(folder: Path, name: str, body: str) -> None:
    """{folder}/{name}/main.py with the body given (dedented)."""
    (folder / name).mkdir(parents=True)
    (folder / name / "main.py").write_text(textwrap.dedent(body), encoding="utf-8")
