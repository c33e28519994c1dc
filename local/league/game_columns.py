"""The columns that every file of the archive takes from its game: ids, dates, teams and points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from local.league.calendar import Game
from local.league.players import Ints
from local.league.tables import SCHEMAS

SEASON_TYPE = "regular_season"


class GameColumns:
    """The columns that every file takes from the game: ids, dates, teams, points."""

    def __init__(self, games: list[Game], abbrs: list[str], scores: Ints) -> None:
        names = pa.array(abbrs)
        self._home = names.take(pa.array([game.home for game in games]))
        self._away = names.take(pa.array([game.away for game in games]))
        self._scores = scores
        self.tipoff = np.array([game.tipoff.replace(tzinfo=None) for game in games], dtype="datetime64[us]")
        self._columns: dict[str, Any] = {
            "game_id": pa.array([game.game_id for game in games]),
            "game_date": pa.array(np.array([game.day for game in games], dtype="datetime64[us]")),
            "season": pa.array([game.season for game in games]),
            "season_type": pa.array([SEASON_TYPE] * len(games)),
            "home_abbr": self._home,
            "away_abbr": self._away,
            "home_points": pa.array(scores[:, 0]),
            "away_points": pa.array(scores[:, 1]),
        }

    def schedule(self) -> Mapping[str, Any]:
        count = len(self._scores)
        won = np.where(self._scores[:, 0] > self._scores[:, 1], "W", "L")
        return self.pick("schedule") | {
            "home_wl": won.tolist(),
            "is_neutral": np.zeros(count, dtype=np.bool_),
            "tipoff_utc": self.tipoff,
        }

    def pick(self, file: str, game: Ints | None = None, home: NDArray[np.bool_] | None = None) -> dict[str, Any]:
        """The columns of `file` that belong to the game; with `home`, also the row's team and its
        opponent.
        """
        index = pa.array(np.arange(len(self._scores)) if game is None else game)
        chosen = {name: column.take(index) for name, column in self._columns.items() if name in SCHEMAS[file].names}
        if home is not None:
            ours, theirs = self._home.take(index), self._away.take(index)
            at_home = pa.array(home)
            chosen["team_abbr"] = _choose(at_home, ours, theirs)
            chosen["opponent_abbr"] = _choose(at_home, theirs, ours)
        return chosen


def _choose(condition: pa.Array, yes: pa.Array, no: pa.Array) -> pa.Array:
    return pc.if_else(condition, yes, no)
