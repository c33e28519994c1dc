"""NBA.com's schedule -> nba_raw.nbac_schedule: the games of the run's days and all to come."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa

from functions.phase2_raw.normalise.rows import Problems, each_answer, join_tables, make_table
from shared.nba import feed_values
from shared.nba.feed_values import ElementRefused
from shared.nba.schedule import TAKES_PLACE, ScheduledGame, read_game, schedule_days
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawAnswer, RawContent

TABLE = "nba_raw.nbac_schedule"
# The answer is the whole season, six times a day. What is over is known; of what is to come every
# game is appended, so that one moved to a later day is no longer counted on the day it was on.
# Yesterday's may still be postponed.
BEFORE = timedelta(days=2)
_FIELDS = ("game_date", "game_id", "season", "season_type", "home_team", "away_team", "tipoff_at", "status",
           "home_points", "away_points", "is_neutral")  # fmt: skip
_OPEN = "games whose teams are not determined yet"


class ScheduleRows:
    """Games from two days before the run's first day on.

    A game that the answer no longer lists is off, so each row says from which day on the answer is
    whole (covers_from); nothing is concluded from an answer of which an entry could not be read.
    Where no game is left, the last one of the season says so by its row.
    """

    def __init__(self, dates: DateRange, problems: Problems) -> None:
        self._first = dates.first - BEFORE
        self._problems = problems
        self._tables: list[pa.Table] = []

    def add(self, path: str, content: RawContent) -> None:
        games: dict[str, list[ScheduledGame]] = {}
        over: list[Any] = []
        before = self._problems.refused

        def read(answer: RawAnswer) -> None:
            self._read(path, answer.body, games, over)

        each_answer(path, content.answers_named("schedule"), self._problems, read, "leagueSchedule.gameDates[].games")
        found = sorted(
            (game for entries in games.values() for game in self._one(path, entries)),
            key=lambda game: (game.game_date, game.game_id),
        )
        whole = self._problems.refused == before
        if whole and not found:
            found = _last_of(over)
        columns = {name: [getattr(game, name) for game in found] for name in _FIELDS}
        constants = {
            "snapshot_time": content.fetched_at,
            "run_id": content.run_id,
            "source_file": path,
            "covers_from": self._first if whole else None,
        }
        self._tables.append(make_table(TABLE, len(found), columns, constants))

    def tables(self) -> dict[str, pa.Table]:
        return join_tables(TABLE, self._tables)

    def _read(self, path: str, body: Any, games: dict[str, list[ScheduledGame]], over: list[Any]) -> None:
        """Put the games wanted into `games`, entries of days before into `over`.

        Raises ElementRefused.
        """
        for number, day in enumerate(schedule_days(body)):
            entries: list[Any] = []
            with self._problems.element(path, f"gameDates[{number}]"):
                entries = feed_values.require_list(feed_values.require_object(day, "the day").get("games"), "games")
            for entry in entries:
                if not self._is_wanted(entry):
                    over.append(entry)
                else:
                    game_id = entry.get("gameId") if isinstance(entry, dict) else entry
                    with self._problems.element(path, f"game {feed_values.show_value(game_id)}") as notes:
                        game = read_game(entry, notes)
                        if game.guest is not None:
                            self._problems.leave_out(f"games of {game.guest}, which is no NBA team")
                        elif game.home_team is None or game.away_team is None:
                            self._problems.leave_out(_OPEN)
                        else:
                            games.setdefault(game.game_id, []).append(game)

    def _one(self, path: str, entries: list[ScheduledGame]) -> list[ScheduledGame]:
        """The entry that counts of all of a game: the one that takes place, or the latest that does
        not.
        """
        standing = list(dict.fromkeys(game for game in entries if game.status in TAKES_PLACE))
        if not standing:
            return [max(entries, key=lambda game: game.game_date)]
        if len(standing) == 1:
            return standing
        days = " and ".join(f"{game.game_date} {game.status}" for game in standing)
        self._problems.row(path, f"game {entries[0].game_id!r}", f"there {len(standing)} times and different ({days})")
        return []

    def _is_wanted(self, entry: Any) -> bool:
        """Whether a game is of the days wanted; one whose day cannot be read is, so that it is
        counted.
        """
        try:
            day = feed_values.day(entry.get("gameDateEst") if isinstance(entry, dict) else None, "gameDateEst")
        except ElementRefused:
            return True
        return day >= self._first


def _last_of(entries: list[Any]) -> list[ScheduledGame]:
    """The last game among entries with readable days, as a list of one; none where no entry is a
    game of two teams.
    """
    for entry in sorted(entries, key=lambda entry: str(entry["gameDateEst"]), reverse=True):
        try:
            game = read_game(entry, [])
        except ElementRefused:
            continue
        if game.guest is None and game.home_team is not None and game.away_team is not None:
            return [game]
    return []
