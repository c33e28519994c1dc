"""results/{date}.json: every line that was judged against what happened, on the last graded
date.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain, groupby
from typing import Any

from functions.phase6_export.by_stat import list_by_stat
from functions.phase6_export.document import half_points, points, share
from functions.phase6_export.exporters import best_bets_record
from functions.phase6_export.exporters.advice import BETS
from functions.phase6_export.reading import MAIN_KINDS
from functions.phase6_export.rows import Row, Rows
from shared.nba.stats import place_of

# The figures of systems/performance.json count; here are the day's bare counts.
SETTLED = ("win", "loss", "push")
# Alternates of one player win and lose with his main line, so that their bets are counted apart.
MAIN, ALTERNATE = MAIN_KINDS, ("alternate",)
# What the counts of the systems look at.
_COUNTED = ("stat", "system_id", "line_kind", "recommendation", "side", "price", "outcome", "profit")


@dataclass(frozen=True)
class Grade:
    """A row of results.sql as the exports had offered it: what no book priced was no bet
    (advice.py).
    """

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


def content(rows: Rows, day: date, picks: Sequence[Row]) -> dict[str, Any]:
    """Players by game and lookup with their statistics, of each every system's grades by line; each
    system's day in counts, by statistic; and the best bets.

    `rows` are of one day; of `picks` (best_bets_record.sql) the same day's count. The players are
    made one at a time.
    """
    players = rows.groups("game_id", "player_lookup", "player_id")
    leading = (_leading_row(found.only("line_kind", "void_reason")) for found in players.values())
    return {
        "total_players": len(players),
        "total_played": sum(row["void_reason"] is None for row in leading),
        "systems": _systems(rows.only(*_COUNTED)),
        "best_bets": [best_bets_record.graded_pick(row) for row in picks if row["game_date"] == day],
        "players": (_player(found) for found in players.values()),
    }


@dataclass
class _Counts:
    """A system's day: outcomes, and what each unit staked on a bet has won or lost."""

    outcomes: Counter[str] = field(default_factory=Counter)
    profits: list[float] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.outcomes[Grade(row).outcome] += 1
        if row["profit"] is not None:
            self.profits.append(row["profit"])

    def as_json(self, *others: str) -> dict[str, Any]:
        counts = {name: self.outcomes[name] for name in (*SETTLED, *others)}
        return {**counts, "priced_bets": len(self.profits), "profit": points(sum(self.profits))}


def _systems(rows: Rows) -> list[dict[str, Any]]:
    mains: defaultdict[tuple[str, str], _Counts] = defaultdict(_Counts)
    alternates: defaultdict[tuple[str, str], _Counts] = defaultdict(_Counts)
    for row in rows:
        counts = alternates if row["line_kind"] in ALTERNATE else mains
        counts[row["stat"], row["system_id"]].add(row)
    return [
        {
            "stat": key[0],
            "system_id": key[1],
            **mains[key].as_json("pass", "no_line", "void"),
            "alternates": alternates[key].as_json("pass", "void"),
        }
        for key in sorted({*mains, *alternates}, key=lambda key: (place_of(key[0]), key[1]))
    ]


def _leading_row(rows: Iterable[Row]) -> Row:
    """Of a player's rows, or those of one of his statistics, the one that says what is the same of
    all lines: the main line's, else the first."""
    found = list(rows)
    return next((row for row in found if row["line_kind"] in MAIN), found[0])


def _player(rows: Rows) -> dict[str, Any]:
    stats = list_by_stat(rows)
    first = _leading_row(chain.from_iterable(stats.values()))
    return {
        "player_id": first["player_id"],
        "player_lookup": first["player_lookup"],
        "player_name": first["player_name"] or first["player_lookup"],
        "team": first["team"],
        "opponent": first["opponent"],
        "game_id": first["game_id"],
        "void_reason": first["void_reason"],
        "stats": {stat: _stat(of_it) for stat, of_it in stats.items()},
    }


def _stat(rows: Sequence[Row]) -> dict[str, Any]:
    """A player's grades of one statistic, by system and line."""
    first, grades = _leading_row(rows), [Grade(row) for row in rows]
    return {
        "line": half_points(first["line_value"]) if first["line_kind"] in MAIN else None,
        "actual": first["actual"],
        "season_average": points(first["season_average"]),
        "systems": [_system(list(group)) for _, group in groupby(grades, lambda each: each.row["system_id"])],
    }


def _system(grades: list[Grade]) -> dict[str, Any]:
    first = grades[0].row
    return {
        "system_id": first["system_id"],
        "predicted": points(first["predicted"]),
        "error": points(first["error"]),
        "lines": [each.line() for each in grades],
    }
