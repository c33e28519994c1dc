"""NBA.com's box scores of players and of teams: one leaguegamelog a season type, for a day or for a
season.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import WrongShape
from functions.phase1_scrape.source_breaker import NothingYet
from functions.phase1_scrape.sources.reading import describe_unreadable
from shared.nba.feed_values import show_value
from shared.nba.schedule import COUNTED_TYPES, ScheduledGame
from shared.stores.raw_files import RawFile

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


def fetch_box_scores(fetch: Fetch, who: Literal["P", "T"], games: Games, day: date) -> Harvest:
    """All rows of players (P) or teams (T) from the first to the last of the games, kept under
    `day`.

    Raises NothingYet where not one of the games that the schedule calls final has a row: a source
    that is down must not look like a day without games. Some games lacking is the harvest's
    failure.
    """
    kind = KINDS[who]
    earlier = fetch.raw.earlier(SOURCE, kind, day)
    if day in earlier:
        bodies = [answer.body for answer in fetch.raw.read(earlier[day]).answers]
        return _harvest(RawFile(SOURCE, kind, day, earlier[day], _rows(bodies)), bodies, games)
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
    rows = _rows(bodies)
    file = fetch.raw.write(
        SOURCE, kind, day, fetch.now(), [answer.as_response("leaguegamelog") for answer in answers], rows
    )
    return _harvest(file, bodies, games)


def _harvest(file: RawFile, bodies: Sequence[Any], games: Games) -> Harvest:
    found = _game_ids(bodies)
    odd = [why for body in bodies for why in _odd(body)]
    notes = {"unreadable": describe_unreadable("rows", odd)} if odd else {}
    lacking = sorted(game.game_id for game in games.final if game.game_id not in found)
    if not lacking:
        return Harvest((file,), notes=notes)
    named = ", ".join(lacking[:_NAMED]) + (" ..." if len(lacking) > _NAMED else "")
    return Harvest((file,), f"{len(lacking)} of {len(games.final)} final games have no row ({named})", notes)


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
