"""A player's last games, as the coordinator sends them and as the systems read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import SchemaMismatch
from shared.nba.stats import BASE_STATS, POINTS
from shared.science.systems.columns import Floats

if TYPE_CHECKING:
    import pyarrow as pa

# What batch_histories.sql is given as @last_games.
GAMES = 30
# Numbers the systems read: base statistics by their names, the others by player_game_summary's.
HISTORY_VALUES = (
    *BASE_STATS,
    "minutes",
    "fga",
    "fg3a",
    "fta",
    "usage_rate",
    "is_home",
    "rest_days",
    "opponent_def_rating",
    "team_missing_points",
)
# A request of a release that knew points alone lacks them; it may still wait, or be redriven.
_LACKED_BEFORE = frozenset(BASE_STATS) - {POINTS.name}
# What travels in a request besides, for people and error messages.
HISTORY_COLUMNS = ("game_date", "game_id", "opponent", *HISTORY_VALUES)
PackedHistory = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class History:
    """The last games of n players: values[name] is float64[n, GAMES], newest first, NaN where
    unknown.

    count is int64[n]: how many games are there; columns from count on are padding.
    """

    values: Mapping[str, Floats]
    count: NDArray[np.int64]


def pack_histories(games: pa.Table) -> dict[int, dict[str, list[Any]]]:
    """player_id -> columns of his games, JSON-ready, newest first, of the flat result of
    batch_histories.sql.
    """
    columns = {name: _json_values(games.column(name).to_pylist()) for name in HISTORY_COLUMNS}
    rows_of: dict[int, list[int]] = {}
    for row, player_id in enumerate(games.column("player_id").to_pylist()):
        rows_of.setdefault(player_id, []).append(row)
    return {
        player_id: {name: [values[row] for row in rows] for name, values in columns.items()}
        for player_id, rows in rows_of.items()
    }


def _json_values(values: list[Any]) -> list[Any]:
    return [value.isoformat() if hasattr(value, "isoformat") else value for value in values]


def unpack_histories(packed: Sequence[PackedHistory | None]) -> History:
    """Packed histories of n players (None or empty: no games) as arrays.

    A base statistic that a history lacks is NaN: an older release sent points alone. Raises
    SchemaMismatch where a history lacks another column.
    """
    values = {name: np.full((len(packed), GAMES), np.nan) for name in HISTORY_VALUES}
    count = np.zeros(len(packed), dtype=np.int64)
    for row, history in enumerate(packed):
        if not history:
            continue
        there = [name for name in HISTORY_VALUES if name in history or name not in _LACKED_BEFORE]
        missing = [name for name in there if name not in history]
        if missing:
            raise SchemaMismatch(
                f"a player's history lacks {', '.join(missing)}.",
                next_step="send histories made by pack_histories of this version.",
            )
        games = min(len(history["points"]), GAMES)
        count[row] = games
        for name in there:
            values[name][row, :games] = [np.nan if v is None else float(v) for v in history[name][:games]]
    return History(values, count)


def histories_before(
    game_player: NDArray[np.int64],
    game_known_at: NDArray[np.int64],
    game_values: Mapping[str, Floats],
    row_player: NDArray[np.int64],
    row_as_of: NDArray[np.int64],
) -> History:
    """For each row the player's last GAMES games with known_at strictly before the row's as-of.

    Games must be ordered by player, then known_at; times are int64 in one unit. This is training's
    and backtest's way to the arrays that unpack_histories gives in serving.
    """
    players, game_code = np.unique(game_player, return_inverse=True)
    code = np.searchsorted(players, row_player)
    known = np.append(players, -1)[code] == row_player
    code = np.where(known, code, -1)  # a player without a game is before all players, where no game is
    first = np.searchsorted(game_code, code, side="left")
    end = first.copy()
    order = np.argsort(code, kind="stable")
    for start, stop in _runs(code[order]):
        rows = order[start:stop]
        low, high = first[rows[0]], np.searchsorted(game_code, code[rows[0]], side="right")
        end[rows] = low + np.searchsorted(game_known_at[low:high], row_as_of[rows], side="left")
    count = np.minimum(end - first, GAMES).astype(np.int64)
    position = end[:, None] - 1 - np.arange(GAMES)[None, :]
    inside = np.arange(GAMES)[None, :] < count[:, None]
    safe = np.where(inside, position, 0)
    return History({name: np.where(inside, game_values[name][safe], np.nan) for name in HISTORY_VALUES}, count)


def _runs(sorted_codes: NDArray[np.int64]) -> list[tuple[int, int]]:
    if not len(sorted_codes):
        return []
    cuts = np.flatnonzero(np.diff(sorted_codes)) + 1
    edges = [0, *cuts.tolist(), len(sorted_codes)]
    return list(pairwise(edges))
