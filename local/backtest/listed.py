"""Rows of injury lists as one of the other worlds has them: who is listed, and whose list there is.

All are of the source "what_if", which phase 3 takes before any other; of a team that they do not
name the world's own lists stay in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from local.backtest.worlds import DAY_BEFORE, DERIVED, LAST_LIST, LINE_TIME, World
from local.replay import Archive
from local.replay.games import to_us
from local.replay.injury_lists import InjuryLists
from shared.core.clock import at_new_york
from shared.nba.player_names import player_lookup, player_lookup_base
from shared.stores.ports import Warehouse
from shared.stores.warehouse.sql import read_sql

SOURCE = "what_if"
# Before any row's own time: what it says was known is another world's.
KNOWN_AT = time(0)


@dataclass
class Lists:
    """Rows of nba_raw.injury_report and of nba_raw.injury_report_teams."""

    players: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)

    def add_team(self, day: date, team: str, *, submitted: bool = True) -> None:
        self.teams.append({"team": team, "submitted": submitted, **_common(day)})

    def add_player(self, day: date, row: Mapping[str, Any]) -> None:
        self.players.append({**row, **_common(day)})


def _common(day: date) -> dict[str, Any]:
    return {"game_date": day, "source": SOURCE, "snapshot_time": at_new_york(day, KNOWN_AT), "run_id": SOURCE}


def lists_of(world: World, warehouse: Warehouse, archive: Archive, first: date, last: date) -> Lists:
    """What the world knows of the games from first to last."""
    return _READERS[world](warehouse, archive, {"first_date": first, "last_date": last})


Days = Mapping[str, date]


def _read_absent(name: str, reason: str) -> Callable[[Warehouse, Archive, Days], Lists]:
    """Of a statement that gives each team of each game, with those absent or none."""

    def read(warehouse: Warehouse, archive: Archive, days: Days) -> Lists:
        del archive
        found = Lists()
        teams: set[tuple[date, str]] = set()
        for row in warehouse.query(read_sql("local.backtest", name), days).to_pylist():
            day, team = row.pop("game_date"), row["team"]
            if (day, team) not in teams:
                teams.add((day, team))
                found.add_team(day, team, submitted=row["is_known"])
            if row.pop("is_known") and row["player_id"] is not None:
                found.add_player(day, {**row, "status": "OUT", "reason": reason})
        return found

    return read


def _read_archived(moment: str) -> Callable[[Warehouse, Archive, Days], Lists]:
    """Of the archive's lists in force at a moment of each game: a column of game_moments.sql."""

    def read(warehouse: Warehouse, archive: Archive, days: Days) -> Lists:
        found, lists = Lists(), InjuryLists(archive)
        for row in warehouse.query(read_sql("local.backtest", "game_moments"), days).to_pylist():
            at, game = row[moment], archive.games.index.get(row["game_id"])
            # a game without a moment (no line was known) keeps the world's own list
            if at is not None and game is not None:
                _add_game(found, lists, row, game, at)
        return found

    return read


def _add_game(found: Lists, lists: InjuryLists, row: Mapping[str, Any], game: int, at: datetime) -> None:
    in_force = lists.of_game(game, to_us(at))
    for team in (row["home"], row["away"]):
        if not lists.covers(game, team):
            continue
        listed = in_force.get(team)
        found.add_team(row["game_date"], team, submitted=listed is not None and listed.submitted)
        for each in listed.players if listed is not None else ():
            name = each.player_name
            named = {"player_name": name, "player_lookup": player_lookup(name)}
            named["player_lookup_base"] = player_lookup_base(name)
            entry = {"team": team, **named, "status": each.status, "reason": each.reason or None}
            found.add_player(row["game_date"], entry)


_READERS: Mapping[World, Callable[[Warehouse, Archive, Days], Lists]] = {
    LINE_TIME: _read_archived("line_at"),
    LAST_LIST: _read_archived("before_tipoff"),
    DAY_BEFORE: _read_absent("absent_before", "absent from the game before"),
    DERIVED: _read_absent("absent", "did not play"),
}
