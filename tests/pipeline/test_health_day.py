"""The checks on a played day: green at noon and in the evening, and what is taken away is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from local.league import write_league
from local.replay import Archive
from shared.core.pipeline import load_pipeline
from shared.operations.checks.causes import FOLLOWS_FROM
from shared.operations.checks.health import Health, read_health
from shared.operations.levels import Level
from tests.pipeline.healing import Heal, export, feeds, open_healing, play, predictions, rows_of_a_system, the_batch
from tests.support.stores import reset_counts

pytestmark = pytest.mark.heavy  # a day is played


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=1, teams=6, games_per_team=24)
    return Archive(folder)


@pytest.fixture(scope="module")
def noon_folder(archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noon") / "state"
    play(folder, archive, "same-day-predictions")
    return folder


@pytest.fixture
def noon(noon_folder: Path, archive: Archive, tmp_path: Path) -> Iterator[Heal]:
    """The day at a quarter past noon, its run of 11:30 through."""
    shutil.copytree(noon_folder, tmp_path / "state")
    with open_healing(tmp_path / "state", archive) as world:
        world.at(12, 15)
        yield world


def look(world: Heal) -> Health:
    return read_health(world.embedded.runtime, load_pipeline(), timedelta(hours=24))


def roots(health: Health) -> set[str]:
    found = [each for each in health.findings if each.level is not Level.GREEN and FOLLOWS_FROM not in each.figures]
    return {each.fingerprint for each in found}


def test_a_played_noon_is_green_in_five_statements(noon: Heal) -> None:
    reset_counts(noon.embedded.warehouse)
    health = look(noon)
    assert roots(health) == set()
    assert (health.level, health.exit_code) == (Level.GREEN, 0)
    assert noon.embedded.warehouse.statement_counts == {"query": 4, "tables": 1}
    quota = next(each for each in health.findings if each.check == "odds-quota")
    assert isinstance(quota.figures["remaining"], int)
    merge = next(each for each in health.findings if each.check == "merge")
    assert {"rows_in_place", "merge_seconds"} <= merge.figures.keys()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (feeds, {"source-fresh:injury_report", "source-fresh:player_lines"}),
        (predictions, {"predictions-updated"}),
        (rows_of_a_system, {"predictions-updated"}),
        (export, {"export-written"}),
        (the_batch, {"consolidation"}),
    ],
)
def test_what_is_taken_away_is_named(noon: Heal, change: Callable[[Heal], None], expected: set[str]) -> None:
    change(noon)
    found = roots(look(noon))
    assert found == {each if ":" in each else f"{each}:{noon.day}" for each in expected}


def test_self_heals_restart_makes_it_green_again(noon: Heal) -> None:
    export(noon)
    assert roots(look(noon)) == {f"export-written:{noon.day}"}
    noon.ask()
    assert roots(look(noon)) == set()
