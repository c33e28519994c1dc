"""The program runs in this process: what it does to the process is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.nba import hooks_put_back


@pytest.fixture(autouse=True)
def _hooks() -> Iterator[None]:
    with hooks_put_back():
        yield
