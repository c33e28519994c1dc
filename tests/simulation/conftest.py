"""The base that every seed of this folder begins with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation.base import Base, prepare
from tests.simulation.reference import References


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the base, for other processes too."""
    folder = tmp_path_factory.mktemp("simulation")
    prepare(folder)
    return folder


@pytest.fixture(scope="session")
def base(base_folder: Path) -> Base:
    return prepare(base_folder)


@pytest.fixture(scope="session")
def references(base: Base) -> References:
    return References(base)
