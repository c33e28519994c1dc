"""The optional shot-zone source -> nba_raw.shot_zones: attempts and makes by zone, of players and of teams."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, joined, make_table, wrong_file
from shared.nba_games import is_game_id, season_of_game
from shared.ports import DateRange
from shared.raw_files import RawContent

TABLE = "nba_raw.shot_zones"
# Our column -> the source's, summed. Heaves from the backcourt are threes from above the break to a defence.
ZONES = {
    "restricted": ("ra",),
    "paint": ("paint_nonra",),
    "mid": ("mid",),
    "corner3": ("corner3",),
    "above_break3": ("ab3", "backcourt"),
}
_COLUMNS = {f"{ours}_{what}": tuple(f"{zone}_{what}" for zone in theirs)
            for ours, theirs in ZONES.items() for what in ("fga", "fgm")}  # fmt: skip


class ShotZoneRows:
    """Rows by player and game, and by team and game (player_id NULL)."""

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        for answer in content.named("zones"):
            try:
                given = list(answer.body["rows"])
            except (KeyError, TypeError) as error:
                raise wrong_file(path, "rows", f"missing or no list ({error!r})") from error
            rows = []
            for number, row in enumerate(given):
                try:
                    rows.append(_row(row, content.kind == "player"))
                except ValueError as error:
                    self._problems.row(path, f"rows[{number}]", str(error))
            columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
            constants = {"snapshot_time": content.fetched_at, "run_id": content.run_id, "source_file": path}
            self._tables.append(make_table(TABLE, len(rows), columns, constants))

    def tables(self) -> dict[str, pa.Table]:
        return joined(TABLE, self._tables)


def _row(row: Any, player: bool) -> dict[str, Any]:
    """Raises ValueError naming the field that is missing or wrong."""
    if not isinstance(row, Mapping):
        raise ValueError(f"{row!r:.100} is no object")
    game_id, player_id = row.get("game_id"), row.get("player_id")
    if not is_game_id(game_id):
        raise ValueError(f"game_id is {game_id!r}, not 10 digits")
    if player and not isinstance(player_id, int):
        raise ValueError(f"player_id is {player_id!r}, not a whole number")
    for side in ("team_abbr", "opponent_abbr"):
        if not isinstance(row.get(side), str) or not row[side]:
            raise ValueError(f"{side} is {row.get(side)!r}")
    try:
        day = date.fromisoformat(str(row.get("game_date"))[:10])
    except ValueError:
        raise ValueError(f"game_date is {row.get('game_date')!r}, not a date") from None
    return {
        "game_date": day,
        "game_id": game_id,
        "season": season_of_game(str(game_id)),
        "player_id": player_id if player else None,
        "team": row["team_abbr"],
        "opponent": row["opponent_abbr"],
    } | {ours: _sum(row, theirs) for ours, theirs in _COLUMNS.items()}


def _sum(row: Mapping[str, Any], columns: tuple[str, ...]) -> int | None:
    """The sum of what is given; NULL where nothing is."""
    values = [row[column] for column in columns if row.get(column) is not None]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{' or '.join(columns)} is {value!r}, not a number of shots")
    return sum(values) if values else None
