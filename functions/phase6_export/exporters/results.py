"""results/{date}.json: what was predicted on the main line against what happened, on the last graded date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from functions.phase6_export.document import half_points, points, share
from functions.phase6_export.reading import Row

# The figures of systems/performance.json count; here are the day's bare counts.
BETS = ("win", "loss", "push")


def content(rows: Sequence[Row]) -> dict[str, Any]:
    """Players by game and lookup with each system's grade, and each system's day in counts."""
    grouped = groupby(rows, lambda row: (row["game_id"], row["player_lookup"], row["player_id"]))
    players = [_player(list(group)) for _, group in grouped]
    return {
        "total_players": len(players),
        "total_played": sum(player["void_reason"] is None for player in players),
        "systems": _systems(rows),
        "players": players,
    }


def _systems(rows: Sequence[Row]) -> list[dict[str, Any]]:
    systems = []
    for system in sorted({row["system_id"] for row in rows}):
        own = [row for row in rows if row["system_id"] == system]
        outcomes = Counter(row["outcome"] for row in own)
        profits = [row["profit"] for row in own if row["profit"] is not None]
        counts = {name: outcomes[name] for name in (*BETS, "pass", "no_line", "void")}
        systems.append({"system_id": system, **counts, "priced_bets": len(profits), "profit": points(sum(profits))})
    return systems


def _player(rows: list[Row]) -> dict[str, Any]:
    first = rows[0]
    return {
        "player_id": first["player_id"],
        "player_lookup": first["player_lookup"],
        "player_name": first["player_name"] or first["player_lookup"],
        "team": first["team"],
        "opponent": first["opponent"],
        "game_id": first["game_id"],
        "line": half_points(first["line_value"]),
        "actual_points": first["actual_points"],
        "season_average": points(first["season_average"]),
        "void_reason": first["void_reason"],
        "systems": [
            {
                "system_id": row["system_id"],
                "predicted_points": points(row["predicted_points"]),
                "error": points(row["error"]),
                "p_over": share(row["p_over"]),
                "recommendation": row["recommendation"],
                "outcome": row["outcome"],
                "profit": points(row["profit"]),
            }
            for row in rows
        ],
    }
