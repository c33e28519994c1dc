"""What every test of whole backtests begins with: a league of four teams, and models of a few
trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.league import write_league
from shared.science.systems import xgboost_v1


@contextmanager
def train_few_trees() -> Iterator[None]:
    """Trainings within take fifteen and ten rounds: enough to tell models apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xgboost_v1, "POINTS_ROUNDS", 15)
        patch.setattr(xgboost_v1, "PART_ROUNDS", 10)
        yield


def write_small_league(factory: pytest.TempPathFactory) -> Path:
    """The archive of two seasons; its folder."""
    folder = factory.mktemp("archive") / "league"
    write_league(folder, seed=4, seasons=2, teams=4, games_per_team=40, last_day_games=2)
    return folder
