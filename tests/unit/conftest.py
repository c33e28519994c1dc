"""Fixtures that several unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.science.systems import xgboost_v1


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    """The embedded state port on a file of the test's own."""
    with closing(SqliteFile(tmp_path / "state.sqlite")) as file:
        yield SqliteState(file)


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trees fitted in a tenth of the time, where a test asks what they have seen and not what they
    know.
    """
    monkeypatch.setattr(xgboost_v1, "POINTS_ROUNDS", 24)
    monkeypatch.setattr(xgboost_v1, "PART_ROUNDS", 12)
