"""The two smaller feeds: ESPN's injury list, made from the archive's absences, and shot zones by
game.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from functools import cached_property
from typing import Any

from local.replay.archive import Archive
from local.replay.games import EPOCH, INJURY_LIST, MICROSECOND, format_us, to_us
from shared.core.clock import at_new_york, new_york_date
from shared.nba.teams import team_by_abbr


class InjuryList:
    """ESPN's injuries: those absent from a game of the New York today, from 11:00 on; a day earlier
    nobody knows.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _by_day(self) -> dict[date, list[dict[str, Any]]]:
        days: dict[date, list[dict[str, Any]]] = defaultdict(list)
        for row in self._archive.table("absences").to_pylist():
            days[row["game_date"].date()].append(row)
        return days

    def answer(self, now_us: int) -> dict[str, Any]:
        """The whole list, grouped by team in order of its name, players by id."""
        now = EPOCH + now_us * MICROSECOND
        today = new_york_date(now)
        announced = to_us(at_new_york(today, INJURY_LIST))
        rows = self._by_day.get(today, []) if announced <= now_us else []
        teams: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row["player_id"], row["game_id"])):
            team = team_by_abbr(row["team_abbr"])
            teams[team.nba_name if team else row["team_abbr"]].append(_entry(row, format_us(announced), today))
        return {
            "timestamp": format_us(now_us),
            "status": "success",
            "season": {"year": today.year + (today.month >= 7), "type": 2, "name": "Regular Season"},
            "injuries": [
                {"id": str(_espn_team_id(name)), "displayName": name, "injuries": entries}
                for name, entries in sorted(teams.items())
            ],
        }


def _espn_team_id(name: str) -> int:
    """ESPN numbers its teams its own way; the archive does not know how, so any stable number
    stands in.
    """
    return sum(name.encode())


def _entry(row: dict[str, Any], announced: str, today: date) -> dict[str, Any]:
    name = row["player_name"]
    return {
        "id": f"{row['player_id']}{today:%y%m%d}",
        "status": "Out",
        "date": announced,
        "shortComment": f"{name} will not play against {row['opponent_abbr']} on {today:%A}.",
        "longComment": f"{name} will not play on {today:%A, %B} {today.day}. Derived from box scores by the archive.",
        "athlete": {"displayName": name, "team": {"abbreviation": row["team_abbr"]}},
        "type": {"name": "INJURY_STATUS_OUT", "description": "out", "abbreviation": "O"},
        "details": {"type": "Undisclosed", "fantasyStatus": {"description": "OUT", "abbreviation": "OUT"}},
    }


class ShotZones:
    """Attempts and makes by zone of finished games, from our own optional source."""

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
