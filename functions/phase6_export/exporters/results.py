"""results/{date}.json: every line that was judged against what happened, on the last graded date."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from functions.phase6_export.document import half_points, points, share
from functions.phase6_export.exporters import best_bets_record
from functions.phase6_export.exporters.advice import BETS
from functions.phase6_export.reading import Row

# The figures of systems/performance.json count; here are the day's bare counts.
SETTLED = ("win", "loss", "push")
# Alternates of one player win and lose with his main line, so that their bets are counted apart.
MAIN, ALTERNATE = ("main", "none"), ("alternate",)


@dataclass(frozen=True)
class Grade:
    """A row of results.sql as the exports had offered it: what no book priced was no bet (advice.py)."""

    row: Row

    @property
    def priced(self) -> bool:
        """A book priced the side. Rows older than the price have a profit where there was one."""
        return self.row["price"] is not None or self.row["profit"] is not None

    @property
    def is_no_bet(self) -> bool:
        """The table keeps a decision at the assumed price, right or wrong."""
        is_bet_of_old = (
            self.row["side"] is None and self.row["outcome"] == "void"
        )  # nothing says whether it had a price
        return self.row["recommendation"] in BETS and not self.priced and not is_bet_of_old

    @property
    def recommendation(self) -> str:
        return "PASS" if self.is_no_bet else str(self.row["recommendation"])

    @property
    def outcome(self) -> str:
        return "pass" if self.is_no_bet and self.row["outcome"] != "void" else str(self.row["outcome"])

    def line(self) -> dict[str, Any]:
        """One line of a system."""
        row = self.row
        return {
            "line": half_points(row["line_value"]),
            "kind": row["line_kind"],
            "side": row["side"] or (row["recommendation"] if row["recommendation"] in BETS else None),
            "recommendation": self.recommendation,
            "priced": self.priced,
            "bookmaker": row["bookmaker"],
            "price": row["price"],
            "p_over": share(row["p_over"]),
            "outcome": self.outcome,
            "profit": points(row["profit"]),
        }


def content(rows: Sequence[Row], picks: Sequence[Row]) -> dict[str, Any]:
    """Players by game and lookup with each system's grades by line, each system's day in counts, and the best bets.

    `rows` are of one day; of `picks` (best_bets_record.sql) the same day's count.
    """
    grades = [Grade(row) for row in rows]
    grouped = groupby(grades, lambda each: (each.row["game_id"], each.row["player_lookup"], each.row["player_id"]))
    players = [_player(list(group)) for _, group in grouped]
    return {
        "total_players": len(players),
        "total_played": sum(player["void_reason"] is None for player in players),
        "systems": _systems(grades),
        "best_bets": [best_bets_record.graded_pick(row) for row in picks if row["game_date"] == rows[0]["game_date"]],
        "players": players,
    }


def _systems(grades: Sequence[Grade]) -> list[dict[str, Any]]:
    systems = []
    for system in sorted({each.row["system_id"] for each in grades}):
        own = [each for each in grades if each.row["system_id"] == system]
        counts = _counts([each for each in own if each.row["line_kind"] in MAIN], ("pass", "no_line", "void"))
        alternates = _counts([each for each in own if each.row["line_kind"] in ALTERNATE], ("pass", "void"))
        systems.append({"system_id": system, **counts, "alternates": alternates})
    return systems


def _counts(grades: Sequence[Grade], others: Sequence[str]) -> dict[str, Any]:
    """Outcomes, and what a unit staked on each bet has won or lost."""
    outcomes = Counter(each.outcome for each in grades)
    profits = [each.row["profit"] for each in grades if each.row["profit"] is not None]
    counts = {name: outcomes[name] for name in (*SETTLED, *others)}
    return {**counts, "priced_bets": len(profits), "profit": points(sum(profits))}


def _player(grades: list[Grade]) -> dict[str, Any]:
    first = next((each.row for each in grades if each.row["line_kind"] in MAIN), grades[0].row)
    return {
        "player_id": first["player_id"],
        "player_lookup": first["player_lookup"],
        "player_name": first["player_name"] or first["player_lookup"],
        "team": first["team"],
        "opponent": first["opponent"],
        "game_id": first["game_id"],
        "line": half_points(first["line_value"]) if first["line_kind"] in MAIN else None,
        "actual_points": first["actual_points"],
        "season_average": points(first["season_average"]),
        "void_reason": first["void_reason"],
        "systems": [_system(list(group)) for _, group in groupby(grades, lambda each: each.row["system_id"])],
    }


def _system(grades: list[Grade]) -> dict[str, Any]:
    first = grades[0].row
    return {
        "system_id": first["system_id"],
        "predicted_points": points(first["predicted_points"]),
        "error": points(first["error"]),
        "lines": [each.line() for each in grades],
    }
