"""Fixtures that several unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.sqlite_file import SqliteFile
from local.sqlite_state import SqliteState


@pytest.fixture
def state(tmp_path: Path) -> Iterator[SqliteState]:
    """The embedded state port on a file of the test's own."""
    with closing(SqliteFile(tmp_path / "state.sqlite")) as file:
        yield SqliteState(file)
