"""Fixtures of the pipeline's tests: a template of the warehouse, and a world of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.support import World, make_template, open_world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[World]:
    with open_world(tmp_path / "state", template) as opened:
        yield opened
