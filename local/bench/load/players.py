"""Made-up players in any number: the feature rows, lines and histories of a day, and small models
trained on noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from shared.nba.stats import BASE_STATS, PREDICTED, STATS
from shared.science.features.names import model_features
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import move_pointer, read_serving
from shared.science.model_registry.registry import save_models
from shared.science.model_registry.stored_models import minutes_features
from shared.science.systems.distribution import start_variance
from shared.science.systems.ensemble import Combination, EnsembleModel
from shared.science.systems.formulas import speaking_systems
from shared.science.systems.history import GAMES
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE
from shared.science.systems.sums import WITH_MARKET, SumMarket, SumModel, pairs_of
from shared.science.systems.xgboost_v1 import Matrix, MinutesTrees, XgboostModel, train
from shared.stores.ports import Blobs, Warehouse
from shared.stores.warehouse.rows import table_of
from shared.stores.warehouse.schemas import load_schema

FEATURES = "nba_predictions.ml_feature_store"
LINES = "nba_analytics.upcoming_player_lines"
PAST_GAMES = "nba_analytics.player_game_summary"
FIRST_PLAYER = 1_000_000
PLAYERS_PER_GAME = 16
BOOKS = ("bookone", "booktwo")
# Of each statistic the systems that speak of it, each at the line and two alternates on either
# side; the others once.
ROWS_PER_PLAYER = sum(
    len(stat.line_steps) * (len(speaking_systems(stat)) + 1) + len(BASE_SYSTEMS) - len(speaking_systems(stat))
    for stat in PREDICTED.values()
)
TRAINED_ON = 2000
MADE_AT = datetime(2025, 1, 1, tzinfo=UTC)
_OF_A_TYPE: dict[str, Any] = {"STRING": "x", "INT64": 1, "FLOAT64": 1.0, "BOOL": False, "NUMERIC": Decimal(1)}
_LEVELS = ("ewma_20", "ewma_08", "season", "prev_season", "l20", "l10")
_USUAL: dict[str, Any] = {
    "games_season": 30,
    "games_known": 60,
    "minutes_ewma_20": 32.0,
    "minutes_l10": 32.0,
    "points_per_minute_l40": 0.6,
    "pace_factor": 1.0,
    "opponent_def_rating_rel": 0.0,
    "opponent_def_rating_l15": 114.0,
    "rest_days": 1,
    "quality_score": 92.5,
    "is_home": True,
    "is_playoffs": False,
    "season": "2025-26",
    "season_type": "regular_season",
    "tipoff_source": "schedule",
}


def lay_out(warehouse: Warehouse, day: date, players: int, as_of: datetime, tipoff: datetime) -> None:
    """Load the day's features and lines of so many players, and their last GAMES games, as phases 3
    and 4 do.
    """
    ids = range(FIRST_PLAYER, FIRST_PLAYER + players)
    _load(warehouse, FEATURES, day, (feature_row(player, day, as_of, tipoff) for player in ids))
    _load(warehouse, LINES, day, (row for player in ids for row in line_rows(player, day, as_of)))
    table = past_games(players, day, tipoff)
    warehouse.load(PAST_GAMES, table, mode="append", job_id=f"load-{day}-games")


def _load(warehouse: Warehouse, table: str, day: date, rows: Iterable[Mapping[str, Any]]) -> None:
    warehouse.load(table, table_of(table, list(rows)), mode="append", job_id=f"load-{day}-{table}")


def _identity(player: int, day: date) -> dict[str, Any]:
    return {
        "game_date": day,
        "game_id": f"00225{(player - FIRST_PLAYER) // PLAYERS_PER_GAME:05d}",
        "player_id": player,
        "player_name": f"Player {player}",
        "player_lookup": f"player{player}",
    }


def feature_row(player: int, day: date, as_of: datetime, tipoff: datetime) -> dict[str, Any]:
    """A row with every model feature known."""
    level = 8.0 + player % 20
    known = {field.name: _OF_A_TYPE[field.type] for field in load_schema(FEATURES).fields if field.type in _OF_A_TYPE}
    read = {name for stat in BASE_STATS for name in model_features(stat)}
    absent = {name: None for name in known if name not in read}
    return {
        **known,
        **absent,
        **{f"{stat}_{mean}": level * STATS[stat].usual / 10 for stat in BASE_STATS for mean in _LEVELS},
        **{"points2_l20": level / 2, "points3_l20": level / 3, "points1_l20": level / 6},
        **_USUAL,
        **_identity(player, day),
        "team": "BOS",
        "opponent": "NYK",
        "features_as_of": as_of,
        "tipoff_at": tipoff,
    }


def line_rows(player: int, day: date, as_of: datetime) -> list[dict[str, Any]]:
    """Each book's main lines, which leave room for two tested lines below."""
    return [
        {
            **_identity(player, day),
            "features_as_of": as_of,
            "stat": stat.name,
            "bookmaker": book,
            "is_main": True,
            "line": Decimal(2 + player % 20 % (1 + round(2 * stat.usual))) + Decimal("0.5"),
            "over_price": -115,
            "under_price": -105,
            "snapshot_time": as_of - timedelta(minutes=20),
        }
        for stat in PREDICTED.values()
        for book in BOOKS
    ]


def past_games(players: int, day: date, tipoff: datetime) -> pa.Table:
    """GAMES games of every player, one every other day, in columns: there may be hundreds of
    thousands.
    """
    rows = players * GAMES
    player = np.repeat(np.arange(FIRST_PLAYER, FIRST_PLAYER + players), GAMES)
    back = np.tile(np.arange(1, GAMES + 1), players)
    texts = [str(number) for number in player]
    ago = [timedelta(days=2 * int(games)) for games in back]
    game = (player - FIRST_PLAYER) // PLAYERS_PER_GAME
    columns: dict[str, Any] = {
        "game_date": [day - each for each in ago],
        "game_id": [f"00224{number:05d}{games:02d}" for number, games in zip(game, back, strict=True)],
        "player_id": player,
        "player_name": [f"Player {text}" for text in texts],
        "player_lookup": [f"player{text}" for text in texts],
        "team": ["BOS"] * rows,
        "opponent": ["NYK"] * rows,
        "is_home": (back % 2 == 0),
        "season": ["2025-26"] * rows,
        "season_type": ["regular_season"] * rows,
        "tipoff_at": [tipoff - each for each in ago],
        "tipoff_source": ["schedule"] * rows,
        "known_at": [tipoff - each + timedelta(hours=3) for each in ago],
        "minutes": 28.0 + back % 8,
        "points": 8 + player % 20 + (player * back) % 9 - 4,
        "rebounds": 2 + player % 8 + (player * back) % 5,
        "assists": 1 + player % 5 + (player * back) % 4,
        "fg3m": (player + back) % 4,
        "fga": 10 + back % 6,
        "fg3a": 3 + back % 4,
        "fta": 2 + back % 4,
        "usage_rate": 0.2 + (player % 10) / 100,
        "snapshot_time": [tipoff - each + timedelta(hours=9) for each in ago],
    }
    return pa.table(columns)


def keep_models(models: Blobs) -> None:
    """Train trees of the usual size on noise, and keep them with an even combination as the current
    models of every base statistic; of every sum a model without correlations.
    """
    random = np.random.default_rng(1)
    minutes: MinutesTrees = {}
    played, of_minutes = random.normal(25.0, 5.0, TRAINED_ON), _noise(random, len(minutes_features()))
    market = MarketCombination(intercept=0.0, line=0.5, early=0.0, price=0.5, late=0.2)
    for name, stat in PREDICTED.items():
        version = f"load-{name}"
        systems = speaking_systems(stat)
        if stat.is_sum:
            apart = {system: dict.fromkeys(pairs_of(stat), 0.0) for system in (*systems, ENSEMBLE, WITH_MARKET)}
            trained = Models(sums=SumModel(version, apart, dict.fromkeys(apart, 1.0), SumMarket(0.0, 0.35, 0.5)))
        else:
            names, start = model_features(name), start_variance(stat)
            results = random.normal(stat.usual, stat.usual_variance**0.5, TRAINED_ON)
            trees = train(stat, _noise(random, len(names)), of_minutes, results, played, minutes)
            even = Combination(0.0, {system: 1 / len(systems) for system in systems})
            ensemble = EnsembleModel(version, even, market, dict.fromkeys((*systems, ENSEMBLE), start), start)
            trained = Models(XgboostModel(version, names, minutes_features(), trees), ensemble)
        save_models(models, name, trained, {"features": list(model_features(name)), "rows": TRAINED_ON})
        move_pointer(models, name, read_serving(models, name), version, by="load", at=MADE_AT, why="made up")


def _noise(random: np.random.Generator, features: int) -> Matrix:
    return random.normal(10.0, 3.0, (TRAINED_ON, features)).astype(np.float32)
