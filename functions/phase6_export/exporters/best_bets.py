"""best-bets/{date}.json: the bets with the highest expected value at a price that a bookmaker offers."""

from __future__ import annotations

from typing import Any

from functions.phase6_export.document import half_points, moment, points, share
from functions.phase6_export.exporters import withheld
from functions.phase6_export.reading import Day, Row, key_of

SYSTEM = "ensemble_v1"
# Enough for an evening of nine games; with one bet a player the list seldom fills further.
MOST = 20


def content(day: Day, *, withhold_without_injuries: bool = False) -> dict[str, Any]:
    """The best MOST picks of SYSTEM, highest expected value first.

    A candidate is a row of SYSTEM (main line or alternate) that says OVER or UNDER and has an offered price on that
    side. Lines of one player win and lose together, so each player enters once, with his best line. Bets on games that
    do not take place as predicted stand under `withheld`, by name. Of a game without an injury list in force there is
    no pick where those are withheld, and else each says so.
    """
    offered = [row for row in day.offered if not (withhold_without_injuries and day.injuries_unknown(row["game_id"]))]
    candidates = sorted((row for row in offered if _is_bet(row)), key=_rank)
    picks: dict[int, Row] = {}
    for row in candidates:
        picks.setdefault(row["player_id"], row)
    best = [_pick(row, day) for row in picks.values()][:MOST]
    return {
        "system_id": SYSTEM,
        "most_picks": MOST,
        "total_candidates": len(candidates),
        "picks": [{"rank": rank, **pick} for rank, pick in enumerate(best, start=1)],
        "withheld": withheld.entries(day, filter(_is_bet, day.predictions)),
    }


def _price(row: Row) -> int | None:
    price: int | None = row["over_price"] if row["recommendation"] == "OVER" else row["under_price"]
    return price


def _is_bet(row: Row) -> bool:
    is_advice = row["system_id"] == SYSTEM and row["recommendation"] in ("OVER", "UNDER")
    return is_advice and _price(row) is not None and row["expected_value"] is not None


def _rank(row: Row) -> tuple[Any, ...]:
    """Highest expected value first; then confidence; then an order that is always the same."""
    return (
        -row["expected_value"],
        -(row["confidence_score"] or 0.0),
        row["player_lookup"],
        row["player_id"],
        row["line_value"],
    )


def _pick(row: Row, day: Day) -> dict[str, Any]:
    player = day.considered[key_of(row)]
    return {
        "player_id": row["player_id"],
        "player_lookup": row["player_lookup"],
        "player_name": player["player_name"],
        "team": player["team"],
        "game_id": row["game_id"],
        "tipoff_at": moment(day.tipoffs[row["game_id"]]),
        "line": half_points(row["line_value"]),
        "line_kind": row["line_kind"],
        "recommendation": row["recommendation"],
        "bookmaker": row["bookmaker"],
        "price": _price(row),
        "expected_value": share(row["expected_value"]),
        "confidence": share(row["confidence_score"]),
        "predicted_points": points(row["predicted_points"]),
        "edge": points(row["edge"]),
        "reason": row["reason"],
        "injuries_unknown": day.injuries_unknown(row["game_id"]),
    }
