"""What every night begins with: a small league, its history, and the results of the day before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.league import write_league
from local.replay import Archive
from tests.pipeline.healing import open_healing
from tests.pipeline.nights.night import Night, day_of, open_night
from tests.pipeline.nights.operator import Operator
from tests.pipeline.whole_day import made_once


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """A season of six teams."""
    return Archive(
        made_once(
            tmp_path_factory,
            "nights-league",
            lambda folder: write_league(folder, seed=5, seasons=1, teams=6, games_per_team=24),
        )
    )


@pytest.fixture(scope="session")
def history(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state at 06:20: history is loaded, the day still to come."""

    def load(folder: Path) -> None:
        with open_healing(folder, archive) as world:
            world.day = day_of(archive)
            day = world.begin()
            for stretch in day.missing_history(0):
                day.load_history(stretch)
            world.at(6, 20)

    return made_once(tmp_path_factory, "nights-history", load)


@pytest.fixture(scope="session")
def dawn(archive: Archive, history: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state at 06:50, the results of yesterday are there."""

    def play(folder: Path) -> None:
        shutil.copytree(history, folder)
        with open_night(folder, archive, tmp_path_factory.mktemp("dawn")) as night:
            night.until(6, 50)

    return made_once(tmp_path_factory, "nights-dawn", play)


@pytest.fixture
def night(archive: Archive, dawn: Path, tmp_path: Path) -> Iterator[Night]:
    """A night of its own, from 06:50 on."""
    shutil.copytree(dawn, tmp_path / "state")
    with open_night(tmp_path / "state", archive, tmp_path) as opened:
        yield opened
        print("\n".join(opened.transcript))


@pytest.fixture
def operator(night: Night) -> Iterator[Operator]:
    """Somebody who acts in that night."""
    person = Operator(night)
    yield person
    person.close()


@pytest.fixture
def early(archive: Archive, history: Path, tmp_path: Path) -> Iterator[Night]:
    """A night of its own, from 06:20 on: yesterday's results are still to come."""
    shutil.copytree(history, tmp_path / "state")
    with open_night(tmp_path / "state", archive, tmp_path) as opened:
        yield opened
        print("\n".join(opened.transcript))
