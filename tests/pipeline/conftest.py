"""Fixtures of the pipeline's tests: a template of the warehouse, and a world of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.evening import lay_out, trigger
from tests.pipeline.support import PipelineHarness, make_template, open_world


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def world(tmp_path: Path, template: Path) -> Iterator[PipelineHarness]:
    with open_world(tmp_path / "state", template) as opened:
        yield opened


@pytest.fixture(scope="session")
def evening_template(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Path:
    """A warehouse with the evening in it, closed."""
    folder = tmp_path_factory.mktemp("evening")
    with open_world(folder, template) as world:
        lay_out(world)
    return folder / "warehouse.duckdb"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, evening_template: Path) -> Iterator[PipelineHarness]:
    with open_world(tmp_path_factory.mktemp("undisturbed"), evening_template) as world:
        trigger(world)
        world.run_until_idle()
        yield world


@pytest.fixture
def evening(tmp_path: Path, evening_template: Path) -> Iterator[PipelineHarness]:
    with open_world(tmp_path / "state", evening_template) as world:
        yield world
