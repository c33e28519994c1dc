"""Stores of a test's own, deployed as far as the checks can tell: every schedule is expected to
fire.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.settings import Settings
from tests.support.embedded import ManualClock
from tests.support.stores import open_stores
from tests.unit.operations.checks.world import NOW, World


@pytest.fixture(scope="session")
def checks_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with every declared table: creating them takes most of a small test's time."""
    path = tmp_path_factory.mktemp("checks") / "template.duckdb"
    DuckDbWarehouse(path).close()
    return path


@pytest.fixture
def world(tmp_path: Path, checks_template: Path) -> Iterator[World]:
    shutil.copyfile(checks_template, tmp_path / "warehouse.duckdb")
    clock = ManualClock(NOW)
    with open_stores(tmp_path, clock, settings=Settings(raw_bucket="my-nba-raw", project_id="my")) as runtime:
        yield World(runtime, clock)


@pytest.fixture
def embedded(tmp_path: Path, checks_template: Path) -> Iterator[World]:
    """The same on one machine, where nobody fires the schedules."""
    folder = tmp_path / "embedded"
    folder.mkdir()
    shutil.copyfile(checks_template, folder / "warehouse.duckdb")
    clock = ManualClock(NOW)
    with open_stores(folder, clock) as runtime:
        yield World(runtime, clock)
