"""Games that were predicted and are not offered any more, with the reason beside their names and
their players'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from functions.phase6_export.document import format_optional_timestamp
from functions.phase6_export.reading import Day, key_of
from functions.phase6_export.rows import Row


def entries(day: Day, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One entry per game of the rows (day.not_offered, or some of them), with the players of the
    rows.
    """
    games = {game["game_id"]: game for game in day.games}
    players: dict[str, dict[int, dict[str, Any]]] = {}
    for row in rows:
        name = day.considered.get(key_of(row), row).get("player_name") or row["player_lookup"]
        player = {"player_id": row["player_id"], "player_lookup": row["player_lookup"], "player_name": name}
        players.setdefault(row["game_id"], {})[row["player_id"]] = player
    return [
        {
            "game_id": game_id,
            "home_team": games[game_id]["home_team"],
            "away_team": games[game_id]["away_team"],
            "tipoff_at": format_optional_timestamp(day.tipoffs[game_id]),
            "reason": day.withheld[game_id],
            "players": sorted(players[game_id].values(), key=lambda each: (each["player_lookup"], each["player_id"])),
        }
        for game_id in sorted(players)
    ]
