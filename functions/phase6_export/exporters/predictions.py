"""predictions/{date}.json: every row of current_predictions, by player, statistic, system and
line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from functions.phase6_export.by_stat import list_by_stat
from functions.phase6_export.document import fair_price, format_optional_timestamp, half_points, points, share
from functions.phase6_export.exporters import injuries, withheld
from functions.phase6_export.exporters.advice import Advice
from functions.phase6_export.reading import Day
from functions.phase6_export.reasons import explanation, line_reasons
from functions.phase6_export.rows import Row

# The field of a player that his own file has too.
STATS = "stats"


def content(day: Day) -> dict[str, Any]:
    """Players by game and lookup, each with his statistics, their systems and lines; `total_rows`
    counts the rows.

    Of a game that does not take place as predicted there is nothing but its entry under `withheld`.
    The players are made one at a time.
    """
    return {
        "total_players": len(day.by_player),
        "total_rows": len(day.offered),
        "players": _players(day),
        "withheld": withheld.entries(day, day.not_offered.distinct("game_id", "player_id", "player_lookup")),
    }


def _players(day: Day) -> Iterator[dict[str, Any]]:
    for key in day.predicted_players:
        stats, player = list_by_stat(day.by_player[key]), day.considered[key]
        first = next(iter(stats.values()))[0]
        yield {
            "player_id": first["player_id"],
            "player_lookup": first["player_lookup"],
            "player_name": player["player_name"],
            "team": player["team"],
            "game_id": first["game_id"],
            "tipoff_at": format_optional_timestamp(day.tipoffs[first["game_id"]]),
            "features_as_of": format_optional_timestamp(first["features_as_of"]),
            "quality_score": points(first["quality_score"]),
            **injuries.entry(day, player),
            STATS: {stat: _stat(rows, player) for stat, rows in stats.items()},
        }


def _stat(rows: Sequence[Row], player: Row) -> dict[str, Any]:
    """A player's rows of one statistic (by system and line); player: his row of players.sql."""
    main = next((row["line_value"] for row in rows if row["line_kind"] == "main"), None)
    return {
        "line": half_points(main),
        "line_snapshot_at": format_optional_timestamp(rows[0]["line_snapshot_at"]),
        "systems": _systems(rows, player),
    }


def _systems(rows: Sequence[Row], player: Row) -> list[dict[str, Any]]:
    systems = []
    for system, group in groupby(rows, lambda row: row["system_id"]):
        lines = list(group)
        first, main = lines[0], main_of(lines)
        systems.append(
            {
                "system_id": system,
                "model_version": first["model_version"],
                "predicted": points(first["predicted"]),
                "predicted_no_market": points(first["predicted_no_market"]),
                "predicted_sd": points(first["predicted_sd"]),
                "uses_market": first["uses_market"],
                "error_code": first["error_code"],
                "error_message": first["error_message"],
                "explanation": explanation(main),
                "lines": [
                    _line(row, reason) for row, reason in zip(lines, line_reasons(lines, main, player), strict=True)
                ],
            }
        )
    return systems


def main_of(rows: Sequence[Row]) -> Row:
    """Of one system's rows of a player and statistic the one that has the explanation for all: the
    main line's, or without a line.

    The first where none has one: of a system that could not predict, or written before there were
    explanations.
    """
    return next((row for row in rows if row["explanation"] is not None), rows[0])


def _line(row: Row, reason: str) -> dict[str, Any]:
    advice = Advice.of(row)
    return {
        "line": half_points(row["line_value"]),
        "kind": row["line_kind"],
        **advice.books(row),
        "p_over": share(row["p_over"]),
        "p_push": share(row["p_push"]),
        "fair_over_price": fair_price(row["fair_over_price"]),
        "edge": points(row["edge"]),
        "expected_value": share(row["expected_value"]),
        "confidence": share(row["confidence_score"]),
        "recommendation": advice.recommendation,
        "reason": reason,
    }
