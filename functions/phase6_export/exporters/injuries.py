"""What files say of injuries: of a player his own status with its reason, and of his team whether
its list was known.
"""

from __future__ import annotations

from typing import Any

from functions.phase6_export.document import share
from functions.phase6_export.reading import Day
from functions.phase6_export.rows import Row


def entry(day: Day, player: Row) -> dict[str, Any]:
    """player: of players.sql. Without a list of his team his status is unknown, unless another list
    names him.
    """
    found = day.list_of(player["game_id"], player["team"])
    says = found.is_known or player["is_listed_elsewhere"]
    return {
        "injury_status": player["injury_status"] if says else "unknown",
        "injury_reason": player["injury_reason"] if says else None,
        "play_probability": _find_play_probability(player) if says else None,
        "injuries_unknown": not found.is_known,
        "injury_list": found.as_json(),
    }


def _find_play_probability(player: Row) -> float | None:
    """By his status; forecasts and probabilities are of the nights on which he plays."""
    absent = player["absence_probability"]
    return None if absent is None else share(1.0 - absent)


def entries(day: Day, game: Row) -> list[dict[str, Any]]:
    """The two teams' lists, the home team's first; none of a game that the schedule lacks."""
    teams = (game.get("home_team"), game.get("away_team"))
    return [day.list_of(game["game_id"], team).as_json() for team in teams if team is not None]
