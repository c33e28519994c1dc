"""A day played on a state that already holds later days knows no more and no less than on a fresh
one.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from local.day.day import Day
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.league import write_league
from local.replay import Archive

pytestmark = pytest.mark.heavy  # two whole days

FEATURES = "nba_predictions.ml_feature_store"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=7, seasons=1, teams=4, games_per_team=20)
    return Archive(folder)


def play_morning(embedded: EmbeddedRuntime, archive: Archive, day: date) -> None:
    """History, the results of yesterday, and the features of the first run of the day."""
    played = Day(embedded, archive, day, lambda label, completed: None)
    for stretch in played.missing_history(0):
        played.load_history(stretch)
    for event in played.events[:2]:
        played.play(event)
    played.finish()


def features(folder: Path, day: date) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as warehouse:
        # the morning's own: the later day's history computed others, as of 17:30
        of_day = f"FROM {FEATURES} WHERE game_date = $day"
        sql = f"{of_day} AND features_as_of = (SELECT MIN(features_as_of) {of_day}) ORDER BY ALL"
        return warehouse.execute(sql, {"day": day}).fetchall()


def test_an_earlier_day_after_a_later_one(archive: Archive, tmp_path: Path) -> None:
    days = archive.game_days()
    early, late = days[len(days) // 2], days[-1]
    assert late - early > timedelta(days=7)
    fresh, both = tmp_path / "fresh", tmp_path / "both"
    with open_runtime(fresh, archive=archive.folder) as embedded:
        play_morning(embedded, archive, early)
    with open_runtime(both, archive=archive.folder) as embedded:
        play_morning(embedded, archive, late)
        play_morning(embedded, archive, early)
    assert features(fresh, early)
    assert features(both, early) == features(fresh, early)
