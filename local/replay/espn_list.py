"""ESPN's injury list as it stood: from the lists of the archive, and where it has none of a team,
from who was absent in the box scores.
"""

from __future__ import annotations

import logging
import zlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Any

from local.replay.archive import Archive
from local.replay.games import EPOCH, INJURY_LIST, MICROSECOND, format_us, to_us
from local.replay.injury_lists import InjuryLists, Listing
from shared.core.clock import at_new_york, new_york_date
from shared.nba.teams import team_by_abbr

logger = logging.getLogger(__name__)

Entry = dict[str, Any]
# Ours, and ESPN's abbreviation of it. Somebody who is AVAILABLE is not on ESPN's list.
_STATUSES = {"OUT": "O", "DOUBTFUL": "D", "QUESTIONABLE": "Q", "PROBABLE": "P"}


class EspnList:
    """Who is listed for a game of the New York today.

    A team that no list of the archive covers, early or late, has those who were absent from the
    game, from 11:00 on: nobody knew them so, which is logged once.
    """

    def __init__(self, archive: Archive, lists: InjuryLists) -> None:
        self._archive, self._lists = archive, lists
        self._warned = False

    @cached_property
    def _absences(self) -> dict[date, list[Entry]]:
        days: dict[date, list[Entry]] = defaultdict(list)
        for row in self._archive.table("absences").to_pylist():
            days[row["game_date"].date()].append(row)
        return days

    def answer(self, now_us: int) -> dict[str, Any]:
        """The whole list, grouped by team in order of its name, players by name where they are
        listed, by id where they were absent.
        """
        today = new_york_date(EPOCH + now_us * MICROSECOND)
        teams: dict[str, list[Entry]] = defaultdict(list)
        for abbr, entry in (*self._find_listed(today, now_us), *self._find_absent(today, now_us)):
            team = team_by_abbr(abbr)
            teams[team.nba_name if team else abbr].append(entry)
        return {
            "timestamp": format_us(now_us),
            "status": "success",
            "season": {"year": today.year + (today.month >= 7), "type": 2, "name": "Regular Season"},
            "injuries": [
                {"id": str(_espn_team_id(name)), "displayName": name, "injuries": entries}
                for name, entries in sorted(teams.items())
            ],
        }

    def _find_listed(self, today: date, now_us: int) -> Iterator[tuple[str, Entry]]:
        """Team and entry of everybody on a list in force."""
        days = self._archive.games.day
        for game in range(bisect_left(days, today), bisect_right(days, today)):
            for team, found in self._lists.of_game(game, now_us).items():
                for player in sorted(found.players, key=lambda each: each.player_name):
                    if player.status in _STATUSES:
                        yield team, _listed_entry(player, team, found.report_us, today)

    def _find_absent(self, today: date, now_us: int) -> Iterator[tuple[str, Entry]]:
        """Team and entry of those who were absent, of teams without any list."""
        announced = to_us(at_new_york(today, INJURY_LIST))
        rows = [] if announced > now_us else [row for row in self._absences.get(today, ()) if not self._covers(row)]
        if rows and not self._warned:
            self._warned = True
            teams = ", ".join(sorted({row["team_abbr"] for row in rows}))
            logger.warning(
                "The archive has no injury list of %s on %s: ESPN's list names who did not play, which nobody "
                "knew for sure. Days after this one are not logged.",
                teams,
                today,
            )
        for row in sorted(rows, key=lambda row: (row["player_id"], row["game_id"])):
            yield row["team_abbr"], _absent_entry(row, format_us(announced), today)

    def _covers(self, row: Entry) -> bool:
        game = self._archive.games.index.get(row["game_id"])
        return game is not None and self._lists.covers(game, row["team_abbr"])


def _espn_team_id(name: str) -> int:
    """ESPN numbers its teams its own way; the archive does not know how, so any stable number
    stands in.
    """
    return sum(name.encode())


def _listed_entry(player: Listing, team: str, report_us: int, today: date) -> Entry:
    name, status = player.player_name, player.status
    return {
        "id": f"{zlib.crc32(name.encode())}{today:%y%m%d}",
        "status": status.capitalize(),
        "date": format_us(report_us),
        "shortComment": f"{name} is listed as {status.lower()} for {today:%A}'s game.",
        "longComment": f"{name} is listed as {status.lower()} for the game of {today:%A, %B} {today.day}.",
        "athlete": {"displayName": name, "team": {"abbreviation": team}},
        "type": {
            "name": f"INJURY_STATUS_{status}", "description": status.lower(), "abbreviation": _STATUSES[status],
        },
        "details": {
            "type": player.reason or "Undisclosed",
            "fantasyStatus": {"description": status, "abbreviation": status},
        },
    }  # fmt: skip


def _absent_entry(row: Entry, announced: str, today: date) -> Entry:
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
