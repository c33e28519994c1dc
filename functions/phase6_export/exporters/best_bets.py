"""best-bets/{date}.json: the bets with the highest expected value at a price that a bookmaker
offers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from functions.phase6_export.document import format_optional_timestamp, half_points, points, share
from functions.phase6_export.exporters import injuries, withheld
from functions.phase6_export.exporters.advice import BETS, Advice
from functions.phase6_export.exporters.predictions import main_of
from functions.phase6_export.reading import Day, Key, key_of
from functions.phase6_export.reasons import full_reason
from functions.phase6_export.rows import Row
from shared.nba.stats import place_of

SYSTEM = "ensemble_v1"
# Enough for an evening of nine games.
MOST = 20
# What tells a candidate and its rank.
_OF_A_BET = (
    *("system_id", "recommendation", "side", "bookmaker", "over_price", "over_bookmaker", "under_price"),
    *("under_bookmaker", "expected_value", "confidence_score", "player_lookup", "player_id", "stat", "line_value"),
    "game_id",
)


def content(day: Day, *, most_per_player: int = 1, withhold_without_injuries: bool = False) -> dict[str, Any]:
    """The best MOST picks of SYSTEM, highest expected value first.

    A candidate is a row of SYSTEM (main line or alternate) that says OVER or UNDER and has an
    offered price on that side. Bets on one player in one game win and lose together, so each player
    enters most_per_player times at most, with his best bets of all, each on another statistic;
    `left_out` counts the other candidates of the players on the list. Bets on games that do not
    take place as predicted stand under `withheld`, by name. Of a team without an injury list in
    force there is no pick where those are withheld, and else each says so.
    """
    candidates: Counter[Key] = Counter()
    best: dict[Key, dict[str, Row]] = {}
    for row in filter(_is_bet, day.offered.only(*_OF_A_BET)):
        player = key_of(row)
        if withhold_without_injuries and day.injuries_unknown(day.considered[player]):
            continue
        candidates[player] += 1
        of_him = best.setdefault(player, {})
        if row["stat"] not in of_him or _rank(row) < _rank(of_him[row["stat"]]):
            of_him[row["stat"]] = row
    allowed = {player: sorted(of_him.values(), key=_rank)[:most_per_player] for player, of_him in best.items()}
    picks = sorted((row for rows in allowed.values() for row in rows), key=_rank)[:MOST]
    others = {player: candidates[player] - len(allowed[player]) for player in map(key_of, picks)}
    return {
        "system_id": SYSTEM,
        "most_picks": MOST,
        "most_per_player": most_per_player,
        "total_candidates": candidates.total(),
        "left_out": _count_left_out(others.values(), most_per_player),
        "picks": [{"rank": rank, **_pick(row, day)} for rank, row in enumerate(picks, start=1)],
        "withheld": withheld.entries(day, filter(_is_bet, day.not_offered.only(*_OF_A_BET))),
    }


def _count_left_out(others: Collection[int], most_per_player: int) -> dict[str, Any]:
    """others: of each player on the list, how many candidates the limit leaves out."""
    bets, players = sum(others), sum(map(bool, others))
    limit = (
        "his best bet alone" if most_per_player == 1 else f"his best {most_per_player} alone, each on another statistic"
    )
    why = (
        "Bets on one player in one game win and lose together, whether on several lines or on several statistics: "
        f"the list has {limit}. Left out: {_write_count(bets, 'other bet')} on {_write_count(players, 'player')} of it."
    )
    return {"bets": bets, "players": players, "reason": why if bets else None}


def _write_count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _is_bet(row: Row) -> bool:
    is_advice = row["system_id"] == SYSTEM and Advice.of(row).recommendation in BETS
    return is_advice and row["expected_value"] is not None


def _rank(row: Row) -> tuple[Any, ...]:
    """Highest expected value first; then confidence; then an order that is always the same."""
    return (
        -row["expected_value"],
        -(row["confidence_score"] or 0.0),
        row["player_lookup"],
        row["player_id"],
        place_of(row["stat"]),
        row["line_value"],
    )


def _pick(bet: Row, day: Day) -> dict[str, Any]:
    """bet: the columns _OF_A_BET of a row."""
    his = day.by_player[key_of(bet)]
    of_the_stat = [each for each in his if (each["stat"], each["system_id"]) == (bet["stat"], SYSTEM)]
    row, main = next(each for each in of_the_stat if each["line_value"] == bet["line_value"]), main_of(of_the_stat)
    player, advice = day.considered[key_of(row)], Advice.of(row)
    return {
        "player_id": row["player_id"],
        "player_lookup": row["player_lookup"],
        "player_name": player["player_name"],
        **day.venue(player),
        "game_id": row["game_id"],
        "tipoff_at": format_optional_timestamp(day.tipoffs[row["game_id"]]),
        "stat": row["stat"],
        "line": half_points(row["line_value"]),
        "line_kind": row["line_kind"],
        "recommendation": advice.recommendation,
        "side": advice.side,
        "bookmaker": advice.bookmaker,
        "price": advice.price,
        "p_over": share(row["p_over"]),
        "p_push": share(row["p_push"]),
        "expected_value": share(row["expected_value"]),
        "confidence": share(row["confidence_score"]),
        "predicted": points(row["predicted"]),
        "edge": points(row["edge"]),
        "reason": full_reason(row, main, player),
        **injuries.entry(day, player),
    }
