"""A runtime on embedded stores with a clock that a test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runtime(tmp_path: Path, clock: ManualClock) -> Iterator[Runtime]:
    with open_stores(tmp_path, clock) as opened:
        yield opened
