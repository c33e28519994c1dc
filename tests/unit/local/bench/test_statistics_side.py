"""One side of `make bench`'s comparison of statistics, as its process measures it."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.bench import statistics_side
from local.bench.prepare import LEAGUE, load_history
from local.league import write_league
from local.replay import Archive
from tests.support.models_by_stat import few_trees

pytestmark = pytest.mark.heavy


def test_a_side_trains_and_says_how_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its history's training is done: under the same run id nothing would be trained."""
    write_league(tmp_path / "whole", seed=5, seasons=2, teams=4, games_per_team=20, last_day_games=2)
    state = tmp_path / "state"
    monkeypatch.setattr(statistics_side, "RUNS", 2)
    monkeypatch.setattr(statistics_side, "PLAYERS", 5)
    with few_trees():
        load_history(state, Archive(tmp_path / "whole"), lambda done, total: None)
        found = statistics_side.measure(state, state / LEAGUE)
    assert found["training_seconds"] > 0.05
    assert found["rows"] > 0
    assert found["merge_ms"] > 0
