"""The optional shot-zone source -> nba_raw.shot_zones: attempts and makes by zone, of players and
of teams.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, each_answer, join_tables, make_table
from functions.phase2_raw.normalise.twice import drop_repeats
from shared.nba import feed_values
from shared.nba.bounds import ZONES as BOUNDS
from shared.nba.feed_values import ElementRefused
from shared.nba.schedule import season_of_game
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

TABLE = "nba_raw.shot_zones"
# Our column -> the source's, summed. Heaves from the backcourt are threes from above the break to a
# defence.
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
        tables: list[pa.Table] = []

        def read(answer: RawAnswer) -> None:
            tables.append(self._read(path, content, answer.body))

        each_answer(path, content.answers_named("zones"), self._problems, read, "rows")
        for table in join_tables(TABLE, tables).values():
            self._tables.append(drop_repeats(table, ("game_id", "team", "player_id"), path, self._problems))

    def tables(self) -> dict[str, pa.Table]:
        return join_tables(TABLE, self._tables)

    def _read(self, path: str, content: RawContent, body: Any) -> pa.Table:
        """Raises ElementRefused where the answer as a whole has another shape."""
        given = feed_values.require_list(feed_values.require_object(body, "the answer").get("rows"), "rows")
        rows = []
        for number, row in enumerate(given):
            with self._problems.element(path, f"rows[{number}]") as notes:
                rows.append(_row(row, content.kind == "player", notes))
        columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        constants = {"snapshot_time": content.fetched_at, "run_id": content.run_id, "source_file": path}
        return make_table(TABLE, len(rows), columns, constants)


def _row(row: Any, player: bool, notes: list[str]) -> dict[str, Any]:
    """Raises ElementRefused naming the field that is missing or wrong."""
    fields = feed_values.require_object(row, "the row")
    game_id = feed_values.game_id(fields.get("game_id"), "game_id")
    player_id = feed_values.whole(fields.get("player_id"), "player_id", BOUNDS["player_id"], notes) if player else None
    if player and player_id is None:
        raise ElementRefused("player_id is None, not a whole number")
    team, opponent = (feed_values.team_code(fields.get(side), side) for side in ("team_abbr", "opponent_abbr"))
    if team == opponent:
        raise ElementRefused(f"team_abbr and opponent_abbr are both {team}")
    shots = {ours: _sum(fields, ours, theirs, notes) for ours, theirs in _COLUMNS.items()}
    for zone in ZONES:
        made, attempted = shots[f"{zone}_fgm"], shots[f"{zone}_fga"]
        if made is not None and attempted is not None and made > attempted:
            raise ElementRefused(f"{zone}_fgm is {made}, above {zone}_fga, {attempted}")
    return {
        "game_date": feed_values.day(fields.get("game_date"), "game_date"),
        "game_id": game_id,
        "season": season_of_game(game_id),
        "player_id": player_id,
        "team": team,
        "opponent": opponent,
    } | shots


def _sum(row: Mapping[str, Any], ours: str, columns: tuple[str, ...], notes: list[str]) -> int | None:
    """The sum of what is given; NULL where nothing is. Raises ElementRefused."""
    bound = BOUNDS[ours]
    read = [feed_values.whole(row.get(column), column, bound, notes) for column in columns]
    given = [value for value in read if value is not None]
    return feed_values.whole(sum(given), ours, bound, notes) if given else None
