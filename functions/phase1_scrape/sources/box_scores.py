"""NBA.com's box scores of players and of teams: one leaguegamelog a season type, for a day or for a
season.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.source_breaker import NothingYet
from functions.phase1_scrape.sources.reading import describe_unreadable
from shared.core.clock import GAME_LENGTH, assumed_tipoff
from shared.core.errors import DataError
from shared.nba.feed_values import show_value
from shared.nba.schedule import COUNTED_TYPES, ScheduledGame
from shared.stores.raw_files import RawFile, parse_raw_path, parse_snapshot_time

logger = logging.getLogger(__name__)

SOURCE = "nba"
KINDS = {"P": "player_boxscores", "T": "team_boxscores"}
# How NBA.com spells the types of season.
SEASON_TYPES = {"regular_season": "Regular Season", "playin": "PlayIn", "playoffs": "Playoffs"}
_COLUMNS = (
    "GAME_ID",
    "GAME_DATE",
    "TEAM_ABBREVIATION",
    "MATCHUP",
    "WL",
    "MIN",
    "PTS",
    "FGA",
    "FG3A",
    "FTA",
    "PLUS_MINUS",
)
# So long before a game's day the file may begin that has it: a backfill asks for a month at a time.
_KEPT_SPAN = timedelta(days=31)
_NAMED = 5  # of the games that lack a box score, so many are named


@dataclass(frozen=True)
class Games:
    """Games of one season whose box scores should exist, and the days they were played on."""

    season: str
    final: Sequence[ScheduledGame]

    @property
    def first(self) -> date:
        return min(game.game_date for game in self.final)

    @property
    def last(self) -> date:
        return max(game.game_date for game in self.final)

    @property
    def season_types(self) -> list[str]:
        """The kinds of game among them, in the order of a season."""
        return [kind for kind in COUNTED_TYPES if any(game.season_type == kind for game in self.final)]


@dataclass(frozen=True)
class Kept:
    """What files of earlier executions have of some games, and the games that none of them has."""

    files: tuple[RawFile, ...]
    bodies: tuple[Any, ...]
    lacking: Sequence[ScheduledGame]


def fetch_box_scores(fetch: Fetch, who: Literal["P", "T"], games: Games, day: date) -> Harvest:
    """All rows of players (P) or teams (T) from the first to the last of the games, kept under
    `day`; where kept files serve, only the days of games that none of them has are asked for.

    Raises NothingYet where not one of the games that the schedule calls final has a row: a source
    that is down must not look like a day without games. Some games lacking is the harvest's
    failure.
    """
    kind = KINDS[who]
    earlier = fetch.raw.earlier(SOURCE, kind, day)
    if day in earlier:
        bodies = _bodies(fetch, earlier[day])
        return _harvest([RawFile(SOURCE, kind, day, earlier[day], _rows(bodies))], bodies, games)
    if not fetch.use_kept:
        file, answered = _ask(fetch, who, games, day)
        return _harvest([file], answered, games)
    kept = _read_kept(fetch, kind, games)
    if not kept.lacking:
        return _harvest(kept.files, kept.bodies, games)
    lacking = Games(games.season, kept.lacking)
    file, answered = _ask(fetch, who, lacking, lacking.first)
    return _harvest([*kept.files, file], [*kept.bodies, *answered], games)


def _read_kept(fetch: Fetch, kind: str, games: Games) -> Kept:
    """The newest kept files that have games of these as they ended; a file that cannot be read is
    passed over.
    """
    files: list[RawFile] = []
    bodies: list[Any] = []
    lacking = {game.game_id: game for game in games.final}
    for path in reversed(fetch.raw.snapshots(SOURCE, kind, fetch.now())):
        day = parse_raw_path(path)[2]
        if not games.first - _KEPT_SPAN <= day <= games.last:
            continue
        try:
            found = _bodies(fetch, path)
        except (DataError, WrongShape) as error:
            logger.warning("%s does not serve: %s", path, error)
            continue
        known_at = parse_snapshot_time(path)
        has = {each for each in _game_ids(found) & lacking.keys() if known_at and _find_end(lacking[each]) <= known_at}
        if not has:
            continue
        files.append(RawFile(SOURCE, kind, day, path, _rows(found)))
        bodies += found
        for game_id in has:
            del lacking[game_id]
        if not lacking:
            break
    return Kept(tuple(files), tuple(bodies), list(lacking.values()))


def _find_end(game: ScheduledGame) -> datetime:
    """From when on a box score of it is one of its end."""
    return (game.tipoff_at or assumed_tipoff(game.game_date)) + GAME_LENGTH


def _bodies(fetch: Fetch, path: str) -> list[Any]:
    """The answers of a file. Raises DataError, WrongShape for one that holds no box scores."""
    bodies = [answer.body for answer in fetch.raw.read(path).answers]
    for body in bodies:
        check(body)
    return bodies


def _ask(fetch: Fetch, who: Literal["P", "T"], games: Games, day: date) -> tuple[RawFile, list[Any]]:
    """Ask NBA.com for the days of the games, and keep the answers. Raises NothingYet."""
    answers = [
        fetch.nba.get(
            "/leaguegamelog",
            {
                "LeagueID": "00",
                "Season": games.season,
                "SeasonType": SEASON_TYPES[season_type],
                "PlayerOrTeam": who,
                "Counter": "1000",
                "Sorter": "DATE",
                "Direction": "DESC",
                "DateFrom": games.first.isoformat(),
                "DateTo": games.last.isoformat(),
            },
            check,
        )
        for season_type in games.season_types
    ]
    bodies = [answer.value for answer in answers]
    if not _game_ids(bodies) & {game.game_id for game in games.final}:
        raise NothingYet(
            f"NBA.com leaguegamelog {who} has no row of the {len(games.final)} games that the schedule calls final "
            f"({games.first} to {games.last}).",
            next_step="the run is retried; run phase 1 for the date again once NBA.com has the box scores.",
        )
    responses = [answer.as_response("leaguegamelog") for answer in answers]
    return fetch.raw.write(SOURCE, KINDS[who], day, fetch.now(), responses, _rows(bodies)), bodies


def _harvest(files: Sequence[RawFile], bodies: Sequence[Any], games: Games) -> Harvest:
    found = _game_ids(bodies)
    odd = [why for body in bodies for why in _odd(body)]
    notes = {"unreadable": describe_unreadable("rows", odd)} if odd else {}
    lacking = sorted(game.game_id for game in games.final if game.game_id not in found)
    if not lacking:
        return Harvest(tuple(files), notes=notes)
    named = ", ".join(lacking[:_NAMED]) + (" ..." if len(lacking) > _NAMED else "")
    return Harvest(tuple(files), f"{len(lacking)} of {len(games.final)} final games have no row ({named})", notes)


def check(value: Any) -> None:
    """Raises WrongShape unless it is a leaguegamelog with the columns that phase 2 reads and, where
    it has rows, one at least that is as long as those.
    """
    try:
        result = value["resultSets"][0]
        headers, rows = result["headers"], result["rowSet"]
    except (KeyError, TypeError, IndexError) as error:
        raise WrongShape(f"no resultSets[0].headers and rowSet ({show_value(error)})") from error
    if not isinstance(headers, list) or not isinstance(rows, list):
        raise WrongShape("resultSets[0].headers or rowSet is no list")
    missing = [column for column in _COLUMNS if column not in headers]
    if missing:
        raise WrongShape(f"a leaguegamelog without the columns {', '.join(missing)}")
    if rows and not any(_fits(row, headers) for row in rows):
        raise WrongShape(f"a leaguegamelog whose rows are not all {len(headers)} long: not one of {len(rows)} is")


def _fits(row: Any, headers: Sequence[Any]) -> bool:
    return isinstance(row, list) and len(row) == len(headers)


def _odd(body: Any) -> list[str]:
    """Rows that do not fit the columns, or belong to no game."""
    headers, rows = body["resultSets"][0]["headers"], body["resultSets"][0]["rowSet"]
    column = headers.index("GAME_ID")
    odd = []
    for number, row in enumerate(rows):
        if not _fits(row, headers):
            odd.append(f"rowSet[{number}] is {show_value(row)}, not {len(headers)} long")
        elif not isinstance(row[column], str):
            odd.append(f"GAME_ID of rowSet[{number}] is {show_value(row[column])}, no text")
    return odd


def _rows(bodies: Sequence[Any]) -> int:
    results = [body["resultSets"][0] for body in bodies]
    return sum(_fits(row, result["headers"]) for result in results for row in result["rowSet"])


def _game_ids(bodies: Sequence[Any]) -> set[str]:
    found: set[str] = set()
    for body in bodies:
        headers, rows = body["resultSets"][0]["headers"], body["resultSets"][0]["rowSet"]
        column = headers.index("GAME_ID")
        found.update(row[column] for row in rows if _fits(row, headers) and isinstance(row[column], str))
    return found
