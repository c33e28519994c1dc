"""NBA.com's schedule of a season: which games there are decides what the other sources are asked
for.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from functions.phase1_scrape.failures import SourceRefused, WrongShape
from functions.phase1_scrape.fetch import Fetch
from functions.phase1_scrape.sources.reading import ODD, why
from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.events import Event
from shared.nba.feed_values import show_value
from shared.nba.schedule import ScheduledGame, read_game, schedule_days, season_of
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawFile, parse_raw_path, parse_snapshot_time

logger = logging.getLogger(__name__)

SOURCE, KIND = "nba", "schedule"
# How a source says that it knows no such season; 403 and 422 are about the address and the request.
_UNKNOWN = (400, 404)
# A tip-off in UTC may stand on the day after the game's, a moved one a little further until both
# are mended.
_TIPOFF_NEAR = timedelta(days=7)
_KEYS = ("gameId", "gameStatus", "gameDateEst", "homeTeam", "awayTeam")


@dataclass(frozen=True)
class SeasonSchedule:
    """A season's games; `unreadable` are the entries that are no game, each with why (phase 2
    counts them).

    `known_at` is None for the schedule as it is now, else the moment at which an older one was
    fetched that stands in for it, since NBA.com did not answer.
    """

    file: RawFile
    games: Sequence[ScheduledGame]
    unreadable: Sequence[str]
    known_at: datetime | None = None


def fetch_schedule(fetch: Fetch, season: str, day: date) -> SeasonSchedule:
    """The schedule of a season such as 2025-26, kept under `day`.

    Raises SourceUnavailable, also where the current season has no game: it is published whole.
    Raises DataError where the source answers that it has none of another season: who asked for that
    is to blame, not the source.
    """
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        return _read_kept(fetch, season, day, earlier[day])
    params, current = {"LeagueID": "00", "Season": season}, season_of(new_york_date(fetch.now()))
    try:
        answered = fetch.nba.get("/scheduleleaguev2", params, partial(check_season, season=season, current=current))
    except SourceRefused as refused:
        if season != current and refused.status in _UNKNOWN:
            raise _no_season(season, current, refused.message) from refused
        raise
    games, odd, count = _read(answered.value, season)
    if not games:
        raise _no_season(season, current, odd[0] if odd else "its schedule is empty")
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [answered.as_response("schedule")], count)
    return SeasonSchedule(file, games, odd)


def read_newest_schedule(fetch: Fetch, season: str) -> SeasonSchedule | None:
    """The newest schedule of a season that any execution fetched up to now; None where the bucket
    has none.

    A file that cannot be read is passed over for the one before it.
    """
    for path in reversed(fetch.raw.snapshots(SOURCE, KIND, fetch.now())):
        day = parse_raw_path(path)[2]
        if season_of(day) != season:
            continue
        try:
            found = _read_kept(fetch, season, day, path)
        except (DataError, WrongShape) as error:
            logger.warning("%s cannot stand in for the schedule: %s", path, error)
            continue
        return replace(found, known_at=parse_snapshot_time(path))
    return None


def read_settled_schedule(fetch: Fetch, season: str, dates: DateRange) -> SeasonSchedule | None:
    """The newest kept schedule of a season, where it was fetched after the dates and every game of
    them was final: what it says of them changes no more. None: there is none such.
    """
    known = read_newest_schedule(fetch, season)
    if known is None or known.known_at is None or new_york_date(known.known_at) <= dates.last:
        return None
    games = [game for game in known.games if game.counts and dates.first <= game.game_date <= dates.last]
    return replace(known, known_at=None) if all(game.status == "final" for game in games) else None


def _read_kept(fetch: Fetch, season: str, day: date, path: str) -> SeasonSchedule:
    answers = fetch.raw.read(path).answers
    if len(answers) != 1:
        raise WrongShape(f"{len(answers)} answers for one schedule")
    games, odd, count = _read(answers[0].body, season)
    return SeasonSchedule(RawFile(SOURCE, KIND, day, path, count), games, odd)


def _no_season(season: str, current: str, answer: str) -> DataError:
    return DataError(
        f"NBA.com has no game of the season {season} ({answer}); now is {current}.",
        next_step="publish again with the day that was meant, or once the season's schedule is out (August).",
        event=Event.NO_SUCH_SEASON,
    )


def check_season(value: Any, season: str, current: str) -> None:
    """As `check`, of one season: another season's games would look like days without any.

    A season that is not the current may not exist: then its schedule is empty or, of one that is to
    come, another's.
    """
    if season != current and _entries(value) == ([], []):
        return
    check(value)
    games, odd, _ = _read(value, season)
    if not games and season <= current:
        raise WrongShape(f"a schedule without a single game of {season}: {odd[0]}")


def check(value: Any) -> None:
    """Raises WrongShape unless it is a schedule with games, one at least of which can be read.

    An empty season is a dead source: it is published whole.
    """
    entries, odd = _entries(value)
    if not entries:
        raise WrongShape("a schedule without a single game" + (f" ({odd[0]})" if odd else ""))
    reasons = []
    for entry in entries:
        try:
            _game(entry)
        except ODD as error:
            reasons.append(why(error))
        else:
            return
    raise WrongShape(f"a schedule without a game that can be read: {reasons[0]}")


def _entries(value: Any) -> tuple[list[Any], list[str]]:
    """The entries of all days, and which days are none.

    Raises WrongShape where there is no list of days.
    """
    try:
        days = schedule_days(value)
    except ValueError as error:
        raise WrongShape(f"no leagueSchedule.gameDates ({why(error)})") from error
    entries: list[Any] = []
    odd = []
    for number, day in enumerate(days):
        games = day.get("games") if isinstance(day, dict) else None
        if isinstance(games, list):
            entries.extend(games)
        else:
            odd.append(f"gameDates[{number}] is {show_value(day)}, no day with its games")
    return entries, odd


def _read(value: Any, season: str) -> tuple[list[ScheduledGame], list[str], int]:
    """Games, why other entries are none, and how many entries there are.

    Raises WrongShape as `check` does.
    """
    entries, odd = _entries(value)
    games = []
    for entry in entries:
        try:
            game = _game(entry)
            if game.season != season:
                # one id of another season would ask for that season's box scores
                raise ValueError(f"game {game.game_id} is of {game.season}, not of {season}")
            games.append(game)
        except ODD as error:
            odd.append(why(error))
    return games, odd, len(entries)


def _game(entry: Any) -> ScheduledGame:
    """Raises one of ODD where an entry is no game."""
    if not isinstance(entry, dict):
        raise ValueError(f"a game of the schedule is {show_value(entry)}")
    missing = [key for key in _KEYS if key not in entry]
    if missing:
        raise ValueError(f"a game of the schedule without {', '.join(missing)}")
    game = read_game(entry)
    if game.tipoff_at is not None and abs(game.tipoff_at.date() - game.game_date) > _TIPOFF_NEAR:
        raise ValueError(f"gameDateTimeUTC of {game.game_id} is {game.tipoff_at}, days from {game.game_date}")
    return game
