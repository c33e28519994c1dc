"""NBA.com's schedule of a season: which games there are decides what the other sources are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from functions.phase1_scrape.fetch import Fetch
from functions.phase1_scrape.http_client import Refused, WrongShape
from shared.clock import new_york_date
from shared.errors import DataError
from shared.nba_games import ScheduledGame, read_game, schedule_entries, season_of
from shared.raw_files import RawFile

SOURCE, KIND = "nba", "schedule"
# How a source says that it knows no such season; 403 and 422 are about the address and the request.
_UNKNOWN = (400, 404)
_KEYS = ("gameId", "gameStatus", "gameDateEst", "homeTeam", "awayTeam")


@dataclass(frozen=True)
class SeasonSchedule:
    """A season's games; `unreadable` are the entries that are no game, each with why (phase 2 counts them)."""

    file: RawFile
    games: Sequence[ScheduledGame]
    unreadable: Sequence[str]


def fetch_schedule(fetch: Fetch, season: str, day: date) -> SeasonSchedule:
    """The schedule of a season such as 2025-26, kept under `day`.

    Raises SourceUnavailable, also where the current season has no game: it is published whole. Raises DataError where
    the source answers that it has none of another season: who asked for that is to blame, not the source.
    """
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        [answer] = fetch.raw.read(earlier[day]).answers
        entries = list(schedule_entries(answer.body))
        return _read(RawFile(SOURCE, KIND, day, earlier[day], len(entries)), entries)
    params, current = {"LeagueID": "00", "Season": season}, season_of(new_york_date(fetch.now()))
    try:
        answered = fetch.nba.get("/scheduleleaguev2", params, check if season == current else check_entries)
    except Refused as refused:
        if season != current and refused.status in _UNKNOWN:
            raise _no_season(season, current, refused.message) from refused
        raise
    entries = list(schedule_entries(answered.value))
    if not entries:
        raise _no_season(season, current, "its schedule is empty")
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [answered.named("schedule")], len(entries))
    return _read(file, entries)


def check(value: Any) -> None:
    """Raises WrongShape unless it is a schedule with games. An empty season is a dead source: it is published whole."""
    check_entries(value)
    if not list(schedule_entries(value)):
        raise WrongShape("a schedule without a single game")


def check_entries(value: Any) -> None:
    """Raises WrongShape unless it is a schedule, be it an empty one."""
    try:
        entries = list(schedule_entries(value))
    except (KeyError, TypeError, IndexError) as error:
        raise WrongShape(f"no leagueSchedule.gameDates[].games ({error!r})") from error
    for entry in entries:
        missing = [key for key in _KEYS if key not in entry] if isinstance(entry, dict) else list(_KEYS)
        if missing:
            raise WrongShape(f"a game of the schedule without {', '.join(missing)}")


def _no_season(season: str, current: str, said: str) -> DataError:
    return DataError(
        f"NBA.com has no game of the season {season} ({said}); now is {current}.",
        next_step="publish again with the day that was meant, or once the season's schedule is out (August).",
        reason="no_such_season",
    )


def _read(file: RawFile, entries: Sequence[Any]) -> SeasonSchedule:
    games, unreadable = [], []
    for entry in entries:
        try:
            games.append(read_game(entry))
        except ValueError as error:
            unreadable.append(str(error))
    return SeasonSchedule(file, games, unreadable)
