"""NBA.com's schedule of a season: which games there are decides what the other sources are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from functions.phase1_scrape.fetch import Fetch
from functions.phase1_scrape.http_client import WrongShape
from shared.nba_games import ScheduledGame, read_game, schedule_entries
from shared.raw_files import RawFile

SOURCE, KIND = "nba", "schedule"
_KEYS = ("gameId", "gameStatus", "gameDateEst", "homeTeam", "awayTeam")


@dataclass(frozen=True)
class SeasonSchedule:
    """A season's games; `unreadable` are the entries that are no game, each with why (phase 2 counts them)."""

    file: RawFile
    games: Sequence[ScheduledGame]
    unreadable: Sequence[str]


def fetch_schedule(fetch: Fetch, season: str, day: date) -> SeasonSchedule:
    """The schedule of a season such as 2025-26, kept under `day`. Raises SourceUnavailable, also if it has no game."""
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        [answer] = fetch.raw.read(earlier[day]).answers
        entries = list(schedule_entries(answer.body))
        return _read(RawFile(SOURCE, KIND, day, earlier[day], len(entries)), entries)
    answered = fetch.nba.get("/scheduleleaguev2", {"LeagueID": "00", "Season": season}, check)
    entries = list(schedule_entries(answered.value))
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [answered.named("schedule")], len(entries))
    return _read(file, entries)


def check(value: Any) -> None:
    """Raises WrongShape unless it is a schedule with games. An empty season is a dead source: it is published whole."""
    try:
        entries = list(schedule_entries(value))
    except (KeyError, TypeError, IndexError) as error:
        raise WrongShape(f"no leagueSchedule.gameDates[].games ({error!r})") from error
    if not entries:
        raise WrongShape("a schedule without a single game")
    for entry in entries:
        missing = [key for key in _KEYS if key not in entry] if isinstance(entry, dict) else list(_KEYS)
        if missing:
            raise WrongShape(f"a game of the schedule without {', '.join(missing)}")


def _read(file: RawFile, entries: Sequence[Any]) -> SeasonSchedule:
    games, unreadable = [], []
    for entry in entries:
        try:
            games.append(read_game(entry))
        except ValueError as error:
            unreadable.append(str(error))
    return SeasonSchedule(file, games, unreadable)
