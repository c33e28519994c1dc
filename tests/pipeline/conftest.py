"""Fixtures of the pipeline's tests: a template of the warehouse, and a world of its own for every
test.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.evening import lay_out, trigger
from tests.pipeline.support import PipelineHarness, make_template, open_world
from tests.pipeline.whole_day import made_once, make_league, make_run, prepare


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
    with open_world(folder, template, on_disk=True) as world:
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


@pytest.fixture(scope="session")
def day_league(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "day-league", make_league)


@pytest.fixture(scope="session")
def day_base(day_league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with history and models, the day still to be played."""
    return made_once(tmp_path_factory, "day-base", lambda folder: prepare(folder, day_league))


@pytest.fixture(scope="session")
def day_played(day_base: Path, day_league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The day played undisturbed."""

    def play(folder: Path) -> None:
        shutil.copytree(day_base, folder)
        make_run(folder, day_league, check=True)

    return made_once(tmp_path_factory, "day-played", play)
