"""The grid on a whole day that the pipeline really played, and on gaps planted into it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.replay import Archive
from shared.chain.batches.reading import latest_batch
from shared.core.pipeline import load_pipeline
from shared.operations.status.batch import read_batch
from shared.operations.status.cell import read_cell
from shared.operations.status.grid import read_grid
from shared.operations.status.lineage import read_lineage
from shared.operations.status.model import GridDay, Verdict
from tests.pipeline.healing import PREDICTIONS, Heal, open_healing, play

pytestmark = pytest.mark.heavy  # a whole day, and an evening again for every test

PIPELINE = load_pipeline()


@pytest.fixture(scope="module")
def noon_folder(day_league: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("status-noon") / "state"
    play(folder, Archive(day_league), "same-day-predictions")
    return folder


@pytest.fixture
def noon(noon_folder: Path, day_league: Path, tmp_path: Path) -> Iterator[Heal]:
    """The day at 12:40, its run of 11:30 through."""
    shutil.copytree(noon_folder, tmp_path / "state")
    with open_healing(tmp_path / "state", Archive(day_league)) as world:
        world.at(12, 40)
        yield world


def grid(world: Heal, *days: int) -> list[GridDay]:
    """The day, or those that lie so many days from it."""
    asked = [world.day + timedelta(days=n) for n in days or (0,)]
    return list(read_grid(world.embedded.runtime, PIPELINE, asked).days)


def verdicts(world: Heal) -> dict[str, str]:
    return {cell.phase: cell.verdict.value for cell in grid(world)[0].cells}


def test_a_played_day_is_complete_and_its_history_left_out(day_played: Path, day_league: Path, tmp_path: Path) -> None:
    shutil.copytree(day_played, tmp_path / "state")
    with open_healing(tmp_path / "state", Archive(day_league)) as world:
        runtime, played = world.embedded.runtime, world.embedded.warehouse
        before = sum(played.statement_counts.values())
        days = grid(world, *range(-13, 1))
        assert sum(played.statement_counts.values()) - before == 4
        today = days[-1]
        assert {cell.verdict for cell in today.cells} == {Verdict.COMPLETE}
        figures = today.figures
        assert figures["expected"] == figures["predicted"] > 20
        share = f"{figures['predicted']} of {figures['expected']} players predicted"
        assert today.sentence == f"{world.day}: 3 games, {share}, exported 17:30, graded 11:00 the next day."
        assert [cell.attempts for cell in today.cells] == [1] * 9
        assert all(cell.usual is not None and cell.usual.n > 0 for cell in today.cells)
        for day in days[:-1]:
            word = "left out" if day.games else "nothing to do"
            assert day.cell("phase6").verdict == word, day.sentence
            assert day.cell("phase4").verdict == ("complete" if day.games else "nothing to do")
        batch = latest_batch(runtime.state, world.day)
        assert batch is not None
        detail = read_batch(runtime, batch.batch_id)
        assert (detail.counts["done"], detail.staging_tables) == (len(detail.units), ())
        assert detail.guards.reported == detail.guards.there == today.cell("phase5_consolidation").have
        cell = read_cell(runtime, PIPELINE, world.day, "phase6")
        assert [each.run.run_id for each in cell.executions][:2] == [
            f"{world.day}-grading-daily", f"{world.day}-pre-game-predictions",
        ]  # fmt: skip
        assert all(each.run.started_at.date() - world.day <= timedelta(days=1) for each in cell.executions)
        who = world.rows(f"SELECT MIN(player_lookup) AS who FROM {PREDICTIONS} WHERE game_date = @day")[0]["who"]
        lineage = read_lineage(runtime, world.day, who)
        assert lineage.features is not None
        assert {each.kind for each in lineage.files} >= {"box_scores", "schedule"}
        for file in lineage.files:
            runtime.raw.read(file.path)  # raises NotFound where the path is none


def features(world: Heal) -> None:
    world.take_away("nba_predictions.ml_feature_store")


def rows(world: Heal) -> None:
    world.take_away(PREDICTIONS, "game_date = @day AND MOD(player_id, 3) = 0")


def file(world: Heal) -> None:
    (world.embedded.folder / "exports" / "v1" / "best-bets" / f"{world.day}.json").unlink()


@pytest.mark.parametrize(("take", "phase"), [(features, "phase4"), (rows, "phase5_coordinator"), (file, "phase6")])
def test_what_is_taken_away_is_short_and_a_rerun_of_what_it_names_mends_it(
    noon: Heal, take: Callable[[Heal], Any], phase: str
) -> None:
    assert verdicts(noon) == {**dict.fromkeys(PIPELINE.phase_order, "complete"), "grading": "not due"}
    take(noon)
    (found,) = grid(noon)
    short = found.cell(phase)
    assert (short.verdict, short.rerun) == (Verdict.SHORT, phase)
    assert f"{phase} is short since 11:30" in found.sentence
    assert "self-heal looks at it at 12:45" in found.sentence
    (function,) = (each for each in PIPELINE.functions.values() if each.phase == short.rerun)
    noon.publish(function.trigger, {"game_date": str(noon.day), "run_id": "mended", "mode": "same_day"})
    noon.embedded.run_until_idle()
    assert verdicts(noon) == {**dict.fromkeys(PIPELINE.phase_order, "complete"), "grading": "not due"}
    assert grid(noon)[0].cell(phase).run_id == "mended"


def test_self_heal_and_the_grid_see_the_same(noon: Heal) -> None:
    features(noon)
    (found,) = grid(noon)
    answer = noon.ask()
    assert answer["metadata"]["phase"] == next(cell.phase for cell in found.cells if cell.verdict is Verdict.SHORT)
    assert noon.ask()["result"]["reason"] == "complete"
    detail = read_cell(noon.embedded.runtime, PIPELINE, noon.day, "phase4")
    assert detail.cell.verdict is Verdict.COMPLETE
    assert [each.run_id for each in detail.restarts] == [f"{noon.day}-heal-phase4-1"]
