"""Who is predicted and who is left out, with the reason; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.core.settings import Settings
from shared.nba.stats import PREDICTED
from shared.science.predictions.eligibility import reason_to_leave_out


@dataclass(frozen=True)
class Player:
    """A player to predict: his feature row, and the bookmakers' lines by statistic (empty:
    none).
    """

    features: Mapping[str, Any]
    books: Mapping[str, Sequence[Mapping[str, Any]]]

    @property
    def player_id(self) -> int:
        return int(self.features["player_id"])

    @property
    def has_line(self) -> bool:
        return any(self.has_line_of(stat) for stat in self.books)

    def has_line_of(self, stat: str) -> bool:
        return any(book["is_main"] for book in self.books.get(stat, ()))

    def identity(self) -> dict[str, Any]:
        return _identity(self.features)


@dataclass(frozen=True)
class LeftOut:
    """Somebody on a roster, or with a line, who is not predicted."""

    identity: Mapping[str, Any]
    reason: str
    has_line: bool


def select_players(
    roster: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]], settings: Settings, now: datetime
) -> tuple[list[Player], list[LeftOut]]:
    """Expected players by id, and everyone else on the rosters or with a line, each with the
    reason. Lines of statistics that nobody predicts count for nothing.
    """
    lines = [line for line in lines if line["stat"] in PREDICTED]
    books: dict[tuple[str, int], dict[str, list[Mapping[str, Any]]]] = {}
    for line in lines:
        if line["player_id"] is not None:
            by_stat = books.setdefault((line["game_id"], line["player_id"]), {})
            by_stat.setdefault(line["stat"], []).append(line)
    expected, left_out = [], []
    for row in sorted(roster, key=lambda r: (int(r["player_id"]), r["game_id"])):
        player = Player(row, books.get((row["game_id"], row["player_id"]), {}))
        reason = reason_to_leave_out(row, settings, now)
        if reason is None:
            expected.append(player)
        else:
            left_out.append(LeftOut(player.identity(), reason, player.has_line))
    return expected, left_out + _lined_strangers(roster, lines)


def _lined_strangers(roster: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> list[LeftOut]:
    """Names with a main line that no roster has: of a known player, or of nobody we know."""
    known = {(row["game_id"], row["player_id"]) for row in roster}
    strangers: dict[tuple[str, str], LeftOut] = {}
    for line in lines:
        if not line["is_main"] or (line["game_id"], line["player_id"]) in known:
            continue
        reason = "unresolved_name" if line["player_id"] is None else "not_on_roster"
        strangers[line["game_id"], line["player_lookup"]] = LeftOut(_identity(line), reason, True)
    return [strangers[key] for key in sorted(strangers)]


def _identity(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("game_id", "player_id", "player_lookup", "player_name", "team", "features_as_of")
    return {name: row.get(name) for name in names}
