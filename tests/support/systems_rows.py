"""Feature rows, histories and requests for the tests of the systems: an average player whom a test
then changes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from shared.nba.stats import BASE_STATS
from shared.science.features.names import model_features
from shared.science.model_registry.models import Models
from shared.science.predictions.predict import predict_players
from shared.science.systems.columns import Floats
from shared.science.systems.history import GAMES, HISTORY_VALUES, History
from tests.support.market_features import market_features

# What the average player has in every game.
USUAL = {"points": 20.0, "rebounds": 6.0, "assists": 4.0, "threes": 2.0}
_FORM = ("ewma_20", "ewma_08", "season", "prev_season", "l20")
# Circumstances that change nothing: average pace and defence, one day of rest, nobody more missing
# than lately.
NEUTRAL: dict[str, Any] = {
    **{f"{stat}_{mean}": usual for stat, usual in USUAL.items() for mean in _FORM},
    **{f"{stat}_per_minute_l40": usual / 32.0 for stat, usual in USUAL.items()},
    "games_season": 30,
    "games_known": 60,
    "minutes_ewma_20": 32.0,
    "minutes_l10": 32.0,
    "pace_factor": 1.0,
    "opponent_def_rating_rel": 0.0,
    "opponent_def_rating_l15": 114.0,
    "rest_days": 1,
    "teammates_out_points": 0.0,
    "teammates_out_points_delta": 0.0,
    "points2_l20": 10.0,
    "points3_l20": 6.0,
    "points1_l20": 4.0,
    "opponent_fg2_allowed_rel": 0.0,
    "opponent_fg3_allowed_rel": 0.0,
    "opponent_ft_allowed_rel": 0.0,
    "opponent_rebounds_allowed_rel": 0.0,
    "opponent_assists_allowed_rel": 0.0,
    "is_home": True,
}


def feature_row(**changes: Any) -> dict[str, Any]:
    """A row of ml_feature_store as JSON brings it: what is not NEUTRAL is NULL."""
    return {
        "player_id": 1629029,
        "player_lookup": "lukadoncic",
        "game_id": "0022500201",
        "game_date": "2025-11-14",
        "tipoff_at": "2025-11-15T00:30:00+00:00",
        "features_as_of": "2025-11-14T22:30:00+00:00",
        "quality_score": 92.5,
        **dict.fromkeys(name for stat in BASE_STATS for name in model_features(stat)),
        **dict.fromkeys(market_features()),
        **dict.fromkeys(("paint_share_l20", "mid_share_l20", "three_share_l20")),
        **NEUTRAL,
        **changes,
    }


def feature_columns(*changes: dict[str, Any]) -> dict[str, Floats]:
    """Columns of one NEUTRAL row for each dict of changes (None: NULL)."""
    rows = [feature_row(**change) for change in changes]
    names = [name for name in rows[0] if not isinstance(rows[0][name], str)]
    return {
        name: np.array([np.nan if row[name] is None else float(row[name]) for row in rows], dtype=np.float64)
        for name in names
    }


def packed_history(games: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Columns of games, newest first; what a game does not say is an ordinary game of 20 points."""
    usual: dict[str, Any] = {
        "game_date": "2025-11-01",
        "game_id": "0022500001",
        "opponent": "LAL",
        "points": 20,
        "rebounds": 6,
        "assists": 4,
        "threes": 2,
        "minutes": 32.0,
        "fga": 15,
        "fg3a": 6,
        "fta": 5,
        "usage_rate": 0.28,
        "is_home": True,
        "rest_days": 1,
        "opponent_def_rating": 114.0,
        "team_missing_points": 0.0,
    }
    return {name: [{**usual, **game}[name] for game in games] for name in usual}


def history_of(points: list[float], stat: str = "points") -> History:
    """One player's history of ordinary games with these points, newest first; or with as much of
    another statistic.
    """
    values = {name: np.full((1, GAMES), np.nan) for name in HISTORY_VALUES}
    packed = packed_history([{stat: p} for p in points])
    for name in HISTORY_VALUES:
        values[name][0, : len(points)] = packed[name]
    return History(values, np.array([len(points)]))


def offer(bookmaker: str, line: str, over: int | None, under: int | None, **changes: Any) -> dict[str, Any]:
    """One bookmaker's row of a request's lines."""
    return {
        "bookmaker": bookmaker,
        "line": line,
        "over": over,
        "under": under,
        "snapshot_time": "2025-11-14T16:00:00+00:00",
        "is_main": True,
        **changes,
    }


def of_points(lines: dict[str, Any] | None) -> dict[str, Any]:
    """A request's lines by statistic, where only points have some."""
    return {} if lines is None else {"points": lines}


AS_OF = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)


def predicted_rows(players: list[dict[str, Any]], models: Models, *request: Any, **named: Any) -> list[dict[str, Any]]:
    """The rows of points of predict_players as they are stored: column -> value."""
    rows = [row._asdict() for row in predict_players(players, {"points": models}, *request, **named)]
    return [row for row in rows if row["stat"] == "points"]
