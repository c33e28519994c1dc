"""Stores of a test's own, deployed as far as the checks can tell: every schedule is expected to
fire.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.core.settings import Settings
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores
from tests.unit.operations.checks.world import NOW, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    clock = ManualClock(NOW)
    with open_stores(tmp_path, clock, settings=Settings(raw_bucket="my-nba-raw", project_id="my")) as runtime:
        yield World(runtime, clock)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[World]:
    """The same on one machine, where nobody fires the schedules."""
    folder = tmp_path / "embedded"
    folder.mkdir()
    clock = ManualClock(NOW)
    with open_stores(folder, clock) as runtime:
        yield World(runtime, clock)
