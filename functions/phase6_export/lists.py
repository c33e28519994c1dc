"""Injury lists as a reader is told of them: of each team whether one was in force for the features
that its predictions saw, whose it was, and of when.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from functions.phase6_export.document import format_optional_timestamp
from functions.phase6_export.rows import Row

OFFICIAL = "official"
# Columns of sources.sql that are about one team of a game.
_COLUMNS = ("list_team", "list_source", "list_submitted", "list_at", "list_names_somebody", "list_seen")


@dataclass(frozen=True)
class TeamList:
    """What was known of a team's injury list."""

    team: str | None
    source: str | None = None
    """Of the newest word on it, which may be that it is not there; None: nothing was known."""
    at: datetime | None = None
    is_submitted: bool = False
    names_somebody: bool = False
    is_seen: bool = True
    """False: known at the moment, and not to the features, which were made without it."""

    @property
    def is_known(self) -> bool:
        return self.is_submitted and self.is_seen

    def as_json(self) -> dict[str, Any]:
        state = "no_list" if not self.is_known else "listed" if self.names_somebody else "nobody_listed"
        return {
            "team": self.team,
            "state": state,
            "source": self.source,
            "snapshot_at": format_optional_timestamp(self.at),
        }


def lists_seen(players: Iterable[Row]) -> dict[tuple[str, str], TeamList]:
    """By game and team what the context of its players says, which is what their features saw;
    players: of players.sql.
    """
    return {
        (row["game_id"], row["team"]): TeamList(
            row["team"],
            row["injury_report_source"],
            row["injury_snapshot_at"],
            is_submitted=row["injury_list_state"] != "no_list",
            names_somebody=row["injury_list_state"] == "listed",
        )
        for row in players
        if row["injury_list_state"] is not None
    }


def of_either(lists: Iterable[TeamList]) -> TeamList:
    """For a player of whom no team is known: a list that is not there before one that is, the older
    of two, which names somebody where either does.
    """
    found = sorted(lists, key=lambda each: (each.is_known, each.at is not None, each.at))
    if not found:
        return TeamList(None)
    return replace(found[0], team=None, names_somebody=any(each.names_somebody for each in found))


def gather_lists(rows: Iterable[Row]) -> list[Row]:
    """The rows of sources.sql, which has one per game and team with a list, as one per game: its
    `lists` are those by team.

    Both teams of a game are in them, also where nothing is known.
    """
    games: dict[str | None, Row] = {}
    for row in rows:
        team, source, is_submitted, at, names_somebody, seen = (row[column] for column in _COLUMNS)
        game = games.setdefault(
            row["game_id"],
            {name: value for name, value in row.items() if name not in _COLUMNS}
            | {"lists": {each: TeamList(each) for each in (row["home_team"], row["away_team"]) if each}},
        )
        if team is not None:
            game["lists"][team] = TeamList(team, source, at, is_submitted, bool(names_somebody), seen is not False)
    return list(games.values())
