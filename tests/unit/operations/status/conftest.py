"""A whole evening, made once and copied for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.prediction_tables import Evening
from tests.unit.operations.status.world import make_whole, open_copy


@pytest.fixture(scope="session")
def whole_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_whole(tmp_path_factory.mktemp("whole") / "state")


@pytest.fixture
def whole(whole_folder: Path, tmp_path: Path) -> Iterator[Evening]:
    """The day at 12:05 New York, its run of 11:30 through and exported."""
    with open_copy(whole_folder, tmp_path / "state") as opened:
        yield opened
