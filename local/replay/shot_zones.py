"""Shot zones by game, from our own optional source."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from local.replay.archive import Archive


class ShotZones:
    """Attempts and makes by zone of finished games."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _players(self) -> list[tuple[int, dict[str, Any]]]:
        return self._read("shot_zones_player_game")

    @cached_property
    def _teams(self) -> list[tuple[int, dict[str, Any]]]:
        return self._read("shot_zones_team_game")

    def _read(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        games = self._archive.games
        rows = [
            (games.index[row["game_id"]], row | {"game_date": row["game_date"].date().isoformat()})
            for row in self._archive.table(name).to_pylist()
        ]
        return sorted(rows, key=lambda item: (item[0], item[1].get("player_id", 0), item[1]["team_abbr"]))

    def rows(self, kind: str, first: date, last: date, now_us: int) -> list[dict[str, Any]]:
        """Rows of `kind` (player or team) of games from `first` to `last` that had ended; columns
        as archived.
        """
        games = self._archive.games
        found = self._players if kind == "player" else self._teams
        return [row for game, row in found if first <= games.day[game] <= last and games.end_us[game] <= now_us]
