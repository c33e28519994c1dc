"""The two tables of injury lists: who is listed, and whose list there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import join_tables, make_table
from shared.nba.player_names import player_lookup, player_lookup_base
from shared.stores.raw_files import RawContent

REPORT, TEAMS = "nba_raw.injury_report", "nba_raw.injury_report_teams"
# A list that names nobody is a fact too: without a row of its own, the list before it would stay in
# force.
NOBODY: dict[str, Any] = {
    "team": None,
    "player_name": None,
    "player_lookup": None,
    "player_lookup_base": None,
    "status": "NONE",
    "reason": None,
}
_GRAVITY = ("OUT", "DOUBTFUL", "QUESTIONABLE", "PROBABLE", "AVAILABLE")


def listed_row(team: str | None, name: str, status: str, reason: str | None) -> dict[str, Any]:
    """One player of a list; a team that is unknown is NULL."""
    return {
        "team": team,
        "player_name": name,
        "player_lookup": player_lookup(name),
        "player_lookup_base": player_lookup_base(name),
        "status": status,
        "reason": reason,
    }


def once_each(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows by team and player; of a player who is listed twice the graver status and both
    reasons.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        key = (row["team"] or "", row["player_lookup"])
        found[key] = _graver(found[key], row) if key in found else row
    return [found[key] for key in sorted(found)]


def _graver(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    graver = min(first, second, key=lambda row: _GRAVITY.index(row["status"]))
    reasons = [row["reason"] for row in (first, second) if row["reason"]]
    return {**graver, "reason": "; ".join(dict.fromkeys(reasons)) or None}


class InjuryTables:
    """Collects lists and gives them as the two tables."""

    def __init__(self) -> None:
        self._players: list[pa.Table] = []
        self._teams: list[pa.Table] = []

    def add(
        self,
        path: str,
        content: RawContent,
        snapshot_time: datetime,
        players: list[dict[str, Any]],
        submitted: Mapping[str, bool],
    ) -> None:
        """A list as it was at a moment, of the file's game date; `submitted` by team."""
        constants: dict[str, date | datetime | str] = {
            "game_date": content.game_date,
            "source": content.source,
            "snapshot_time": snapshot_time,
            "run_id": content.run_id,
            "source_file": path,
        }
        of_players = {name: [row[name] for row in players] for name in NOBODY}
        self._players.append(make_table(REPORT, len(players), of_players, constants))
        of_teams = {"team": sorted(submitted), "submitted": [submitted[team] for team in sorted(submitted)]}
        self._teams.append(make_table(TEAMS, len(submitted), of_teams, constants))

    def tables(self) -> dict[str, pa.Table]:
        return join_tables(REPORT, self._players) | join_tables(TEAMS, self._teams)
