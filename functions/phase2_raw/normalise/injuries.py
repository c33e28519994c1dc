"""ESPN's injury list -> nba_raw.injury_report: one row a player for the run's game day.

An empty list is one row without a player."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, joined, make_table, moment, wrong_file
from shared.names import player_lookup, player_lookup_base
from shared.ports import DateRange
from shared.raw_files import RawContent
from shared.teams import team_by_name

TABLE = "nba_raw.injury_report"
# ESPN's words -> ours, the gravest first. Day-to-day players decide at the shoot-around: questionable, as the league
# calls it. Somebody suspended is out however healthy.
STATUSES = {
    "out": "OUT",
    "suspension": "OUT",
    "suspended": "OUT",
    "injured reserve": "OUT",
    "doubtful": "DOUBTFUL",
    "questionable": "QUESTIONABLE",
    "day-to-day": "QUESTIONABLE",
    "probable": "PROBABLE",
}
# A list that names nobody is a fact too: without a row of its own, the list before it would stay in force.
NOBODY: dict[str, Any] = {
    "team": None,
    "player_name": None,
    "player_lookup": None,
    "player_lookup_base": None,
    "status": "NONE",
    "reason": None,
}
_GRAVITY = ("OUT", "DOUBTFUL", "QUESTIONABLE", "PROBABLE")
# The feed's own timestamp counts if it is earlier than our fetch and not so old that its clock must be wrong.
_PLAUSIBLE = timedelta(days=1)


class InjuryRows:
    """Rows of the players listed; the list is the same whatever the day, so its day is the run's."""

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        for answer in content.named("injuries"):
            rows = self._rows(path, answer.body)
            columns = {name: [row[name] for row in rows] for name in NOBODY}
            constants = {
                "game_date": content.game_date,
                "source": content.source,
                "snapshot_time": _snapshot_time(answer.body, content.fetched_at),
                "run_id": content.run_id,
                "source_file": path,
            }
            self._tables.append(make_table(TABLE, len(rows), columns, constants))

    def tables(self) -> dict[str, pa.Table]:
        return joined(TABLE, self._tables)

    def _rows(self, path: str, body: Any) -> list[dict[str, Any]]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        try:
            listed = [(team.get("displayName"), entry) for team in body["injuries"] for entry in team["injuries"]]
        except (KeyError, TypeError, AttributeError) as error:
            raise wrong_file(path, "injuries[].injuries", f"missing or no list ({error!r})") from error
        for team_name, entry in listed:
            try:
                row = _row(team_name, entry)
            except ValueError as error:
                self._problems.row(path, f"injuries of {team_name!r}", str(error))
                continue
            key = (row["team"] or "", row["player_lookup"])
            found[key] = _graver(found[key], row) if key in found else row
        return [found[key] for key in sorted(found)] if listed else [NOBODY]


def _row(team_name: Any, entry: Any) -> dict[str, Any]:
    """One entry. Raises ValueError saying what is missing or unknown; a team that is unknown is NULL."""
    athlete = entry.get("athlete") if isinstance(entry, Mapping) else None
    name = athlete.get("displayName") if isinstance(athlete, Mapping) else None
    if not isinstance(name, str) or not player_lookup(name):
        raise ValueError(f"an entry without athlete.displayName: {entry!r:.200}")
    status = STATUSES.get(str(entry.get("status") or "").strip().lower())
    if status is None:
        raise ValueError(f"status of {name} is {entry.get('status')!r}, none of {', '.join(sorted(STATUSES))}")
    team = team_by_name(team_name) if isinstance(team_name, str) else None
    return {
        "team": team.abbr if team else None,
        "player_name": name,
        "player_lookup": player_lookup(name),
        "player_lookup_base": player_lookup_base(name),
        "status": status,
        "reason": _reason(entry),
    }


def _graver(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """One row of two entries of a player: the graver status, both reasons."""
    graver = min(first, second, key=lambda row: _GRAVITY.index(row["status"]))
    reasons = [row["reason"] for row in (first, second) if row["reason"]]
    return {**graver, "reason": "; ".join(dict.fromkeys(reasons)) or None}


def _reason(entry: Mapping[str, Any]) -> str | None:
    """Body part and kind of injury where they are given ("Knee, Sprain"), else the feed's short comment."""
    details = entry.get("details")
    if isinstance(details, Mapping):
        words = [str(details[key]) for key in ("type", "detail") if details.get(key)]
        words = [word for word in words if word.lower() != "not specified"]
        if words:
            return ", ".join(words)
    comment = entry.get("shortComment")
    return str(comment) if comment else None


def _snapshot_time(body: Mapping[str, Any], fetched_at: datetime) -> datetime:
    if not body.get("timestamp"):
        return fetched_at
    try:
        stated = moment(body["timestamp"])
    except ValueError:
        return fetched_at
    return stated if fetched_at - _PLAUSIBLE <= stated <= fetched_at else fetched_at
