"""NBA.com's schedule -> nba_raw.nbac_schedule: the games of the run's days and all to come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, joined, make_table, wrong_file
from shared.nba_games import ScheduledGame, read_game, schedule_entries
from shared.ports import DateRange
from shared.raw_files import RawContent

TABLE = "nba_raw.nbac_schedule"
# The answer is the whole season, six times a day. What is over is known; of what is to come every game is appended, so
# that one moved to a later day is no longer counted on the day it was on. Yesterday's may still be postponed.
BEFORE = timedelta(days=2)


class ScheduleRows:
    """Games from two days before the run's first day on."""

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._first = dates.first - BEFORE
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        games = [game for answer in content.named("schedule") for game in self._games(path, answer.body)]
        fields = ("game_date", "game_id", "season", "season_type", "home_team", "away_team", "tipoff_at", "status",
                  "home_points", "away_points", "is_neutral")  # fmt: skip
        columns = {name: [getattr(game, name) for game in games] for name in fields}
        constants = {"snapshot_time": content.fetched_at, "run_id": content.run_id, "source_file": path}
        self._tables.append(make_table(TABLE, len(games), columns, constants))

    def tables(self) -> dict[str, pa.Table]:
        return joined(TABLE, self._tables)

    def _games(self, path: str, body: Any) -> list[ScheduledGame]:
        try:
            entries = [entry for entry in schedule_entries(body) if self._is_wanted(entry)]
        except (KeyError, TypeError, AttributeError) as error:
            raise wrong_file(path, "leagueSchedule.gameDates[].games", f"missing or no list ({error!r})") from error
        games = {}
        for entry in entries:
            try:
                game = read_game(entry)
            except ValueError as error:
                self._problems.row(path, f"game {entry.get('gameId')!r}", str(error))
                continue
            if game.home_team is None or game.away_team is None:
                self._problems.left_out("games whose teams are not determined yet")
                continue
            games[game.game_id] = game
        return sorted(games.values(), key=lambda game: (game.game_date, game.game_id))

    def _is_wanted(self, entry: Mapping[str, Any]) -> bool:
        """Whether a game is of the days wanted; one whose day cannot be read is, so that it is counted."""
        try:
            day = date.fromisoformat(str(entry.get("gameDateEst"))[:10])
        except ValueError:
            return True
        return day >= self._first
