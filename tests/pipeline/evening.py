"""A small evening for the tests of phase 5: two games, four players, three lines, and how their
runs are compared.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.nba.stats import PREDICTED
from shared.stores.warehouse.schemas import load_schema
from tests.pipeline.support import NOW, PipelineHarness
from tests.support.systems_rows import NEUTRAL

DAY = date(2025, 11, 14)
BATCH = "batch_2025-11-14_r1"
FEATURES = "nba_predictions.ml_feature_store"
LINES = "nba_analytics.upcoming_player_lines"
GAMES = "nba_analytics.player_game_summary"
PREDICTIONS = "nba_predictions.player_prop_predictions"
EARLY, LATE = "0022500201", "0022500202"
TIPOFFS = {EARLY: datetime(2025, 11, 15, 0, 0, tzinfo=UTC), LATE: datetime(2025, 11, 15, 3, 0, tzinfo=UTC)}
AS_OF = NOW - timedelta(minutes=1)
SYSTEMS = 5
# player_id -> game and main line (None: nobody offers one)
PLAYERS: dict[int, tuple[str, str | None]] = {
    101: (EARLY, "24.5"),
    102: (EARLY, "25.0"),
    201: (LATE, "9.5"),
    202: (LATE, None),
}
# Five lines of points where there is one; of every other statistic no line is offered.
ROWS_OF_A_PLAYER = {has_line: (len(PREDICTED) - 1 + (5 if has_line else 1)) * SYSTEMS for has_line in (True, False)}
TOTAL_ROWS = sum(ROWS_OF_A_PLAYER[line is not None] for _, line in PLAYERS.values())

_ANY: dict[str, Any] = {
    "STRING": "x",
    "INT64": 1,
    "FLOAT64": 1.0,
    "NUMERIC": Decimal(1),
    "BOOL": False,
    "DATE": DAY,
    "TIMESTAMP": AS_OF,
}


def row(table: str, **values: Any) -> dict[str, Any]:
    """A row with something in every REQUIRED column."""
    return {f.name: _ANY[f.type] for f in load_schema(table).fields if f.required} | values


def feature_row(player_id: int, game_id: str, **changes: Any) -> dict[str, Any]:
    values = {
        **NEUTRAL,
        "game_date": DAY,
        "game_id": game_id,
        "player_id": player_id,
        "features_as_of": AS_OF,
        "player_name": f"Player {player_id}",
        "player_lookup": f"player{player_id}",
        "team": "BOS",
        "tipoff_at": TIPOFFS[game_id],
        "injury_status": None,
        "quality_score": 90.0,
        "season": "2025-26",
        "season_type": "regular_season",
        "points_ewma_20": 10.0 + player_id % 100 * 5,
        "is_playoffs": False,
    }
    return row(FEATURES, **{**values, **changes})


def line_row(player_id: int | None, game_id: str, line: str, bookmaker: str, **changes: Any) -> dict[str, Any]:
    values = {
        "game_date": DAY,
        "game_id": game_id,
        "features_as_of": AS_OF,
        "player_id": player_id,
        "player_lookup": f"player{player_id}",
        "player_name": f"Player {player_id}",
        "stat": "points",
        "bookmaker": bookmaker,
        "is_main": True,
        "line": Decimal(line),
        "over_price": -115,
        "under_price": -105,
        "snapshot_time": AS_OF - timedelta(minutes=20),
    }
    return row(LINES, **{**values, **changes})


def history_rows(player_id: int, games: int = 8) -> list[dict[str, Any]]:
    return [
        row(
            GAMES,
            game_date=DAY - timedelta(days=2 * n + 2),
            game_id=f"00225000{n:02d}",
            player_id=player_id,
            player_lookup=f"player{player_id}",
            tipoff_at=TIPOFFS[EARLY] - timedelta(days=2 * n + 2),
            known_at=TIPOFFS[EARLY] - timedelta(days=2 * n + 2) + timedelta(hours=3),
            minutes=30.0 + n % 3,
            points=15 + (n * player_id) % 11,
            rebounds=4 + (n + player_id) % 5,
            assists=2 + (n * player_id) % 4,
            fg3m=n % 4,
            fga=14,
            fg3a=5,
            fta=4,
            usage_rate=0.25,
        )
        for n in range(games)
    ]


def lay_out(world: PipelineHarness) -> None:
    """The evening's features, lines and histories, as phases 3 and 4 leave them."""
    world.add(FEATURES, [feature_row(player, game) for player, (game, _) in PLAYERS.items()])
    books = [
        line_row(player, game, line, bookmaker)
        for player, (game, line) in PLAYERS.items()
        if line is not None
        for bookmaker in ("bookone", "booktwo")
    ]
    world.add(LINES, books)
    world.add(GAMES, [game for player in PLAYERS for game in history_rows(player)])


# What may differ between two runs of the same inputs.
IDENTITY = ("prediction_id", "batch_id", "created_at", "updated_at")
KEY = ("game_date", "game_id", "player_id", "stat", "system_id", "line_value")


def current_predictions(world: PipelineHarness) -> list[dict[str, Any]]:
    """What counts, without what may differ, by key."""
    found = world.rows("SELECT * FROM nba_predictions.current_predictions")
    kept = [{name: value for name, value in each.items() if name not in IDENTITY} for each in found]
    return sorted(kept, key=lambda each: [str(each[name]) for name in KEY])


def trigger(world: PipelineHarness, **message: Any) -> None:
    world.publish("nba-predictions-trigger", {"game_date": "2025-11-14", "run_id": "2025-11-14-test", **message})
