"""Rows of the two tables of injury lists, with everything ordinary filled in."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from shared.nba.player_names import player_lookup, player_lookup_base

PLAYERS = "nba_raw.injury_report"
TEAMS = "nba_raw.injury_report_teams"


def make_player_row(
    day: date, source: str, name: str, team: str | None, status: str, at: datetime, reason: str | None = None
) -> dict[str, Any]:
    """A player on a list of a moment; the names of a file are its source and that moment."""
    return {
        "game_date": day,
        "team": team,
        "player_name": name,
        "player_lookup": player_lookup(name),
        "player_lookup_base": player_lookup_base(name),
        "status": status,
        "reason": reason,
        **_file(source, at),
    }


def make_empty_row(day: date, source: str, at: datetime) -> dict[str, Any]:
    """The one row of a list that names nobody."""
    return {"game_date": day, "status": "NONE", **_file(source, at)}


def make_team_row(day: date, source: str, team: str, at: datetime, *, submitted: bool = True) -> dict[str, Any]:
    """A team that a list has, or says is not there yet."""
    return {"game_date": day, "team": team, "submitted": submitted, **_file(source, at)}


def _file(source: str, at: datetime) -> dict[str, Any]:
    path = f"raw/{source}/{at:%Y%m%dT%H%M}.json.gz"
    return {"source": source, "snapshot_time": at, "run_id": "test", "source_file": path}
