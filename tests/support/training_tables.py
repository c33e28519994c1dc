"""A warehouse with games to train on: one a day from the first of January, features that say what
will happen.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from tests.support.stores import append
from tests.support.systems_rows import NEUTRAL

NIGHT = timedelta(hours=3)
# What a usual player has of the other statistics, by column of the box score.
OTHERS = {"rebounds": 6.0, "assists": 4.0, "fg3m": 2.0}
START = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)


def load(warehouse: DuckDbWarehouse, table: str, rows: list[dict[str, Any]]) -> None:
    append(warehouse, table, rows, f"test-{table}")


def game(number: int) -> dict[str, Any]:
    """Identity of the number-th game, one a day."""
    tipoff = START + timedelta(days=number)
    return {
        "game_date": (tipoff - timedelta(hours=5)).date(),
        "game_id": f"00224{number:05d}",
        "tipoff_at": tipoff,
        "known_at": tipoff + NIGHT,
        "season": "2024-25",
        "season_type": "regular_season",
    }


def summary_row(number: int, player_id: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of player_game_summary."""
    return {
        **game(number),
        "player_id": player_id,
        "player_name": f"Player {player_id}",
        "player_lookup": f"player{player_id}",
        "team": "AAA",
        "opponent": "BBB",
        "is_home": True,
        "tipoff_source": "schedule",
        "minutes": 30.0,
        "points": number,
        "snapshot_time": game(number)["known_at"],
        **changes,
    }


def feature_store_row(number: int, player_id: int, **changes: Any) -> dict[str, Any]:
    known = {name: value for name, value in NEUTRAL.items() if name != "is_home"}
    this = game(number)
    return {
        **known,
        "game_date": this["game_date"],
        "game_id": this["game_id"],
        "player_id": player_id,
        "features_as_of": this["tipoff_at"] - timedelta(hours=1),
        "player_name": f"Player {player_id}",
        "player_lookup": f"player{player_id}",
        "team": "AAA",
        "opponent": "BBB",
        "tipoff_at": this["tipoff_at"],
        "tipoff_source": "schedule",
        "season": "2024-25",
        "season_type": "regular_season",
        "quality_score": 90.0,
        "is_home": True,
        "is_playoffs": False,
        **changes,
    }


def fill(warehouse: DuckDbWarehouse, games: int, players: int, *, leak: bool = False) -> None:
    """leak: the mean of the last three games is of the game at hand."""
    random = np.random.default_rng(2)
    points = random.negative_binomial(8, 0.3, (games, players))
    chance = np.random.default_rng(3)
    others = {column: chance.poisson(usual, (games, players)) for column, usual in OTHERS.items()}
    box = [
        summary_row(n, p, points=int(points[n, p]), **{name: int(counts[n, p]) for name, counts in others.items()})
        for n in range(games)
        for p in range(players)
    ]
    load(warehouse, "nba_analytics.player_game_summary", box)
    store = [
        feature_store_row(
            n,
            p,
            points_l10=float(points[max(0, n - 10) : n, p].mean()) if n else None,
            points_l3=float(points[n, p]) if leak else None,
        )
        for n in range(games)
        for p in range(players)
    ]
    load(warehouse, "nba_predictions.ml_feature_store", store)
