"""Where a player plays, and against whom, as the schedule has it now."""

from __future__ import annotations

from typing import Any

from functions.phase6_export.reading import Day
from functions.phase6_export.rows import Row


def venue(day: Day, player: Row) -> dict[str, Any]:
    """team, opponent and is_home of a row of players.sql; the last two are None where the schedule lacks the game."""
    game = next((game for game in day.games if game["game_id"] == player["game_id"]), None)
    if game is None or player["team"] is None:
        return {"team": player["team"], "opponent": None, "is_home": None}
    is_home = player["team"] == game["home_team"]
    return {"team": player["team"], "opponent": game["away_team" if is_home else "home_team"], "is_home": is_home}
