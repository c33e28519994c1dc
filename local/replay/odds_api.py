"""The Odds API's NBA paths, live and historical, as they answered at a moment."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import numpy as np

from local.replay.archive import PRE_SEASON, Archive
from local.replay.games import MICROSECOND, Games, format_us
from local.replay.lines import FANTASY_BOOKS, Lines, event_bookmakers
from shared.core.clock import GAME_LENGTH
from shared.nba.stats import STAT_OF_MARKET
from shared.nba.teams import team_by_abbr

GAME_MARKETS = ("h2h", "spreads", "totals")
REGIONS = frozenset({"us", "us2", "us_dfs", "us_ex", "uk", "eu", "au", "fr", "se"})
LISTED_AHEAD = timedelta(days=7) // MICROSECOND
SNAPSHOT_STEP = timedelta(minutes=5) // MICROSECOND


@dataclass(frozen=True, slots=True)
class Question:
    """What an event odds request asks for."""

    markets: tuple[str, ...]
    regions: frozenset[str]
    bookmakers: frozenset[str]  # when not empty, these alone, whatever the regions
    decimal: bool


class OddsApi:
    """Answers of api.the-odds-api.com; moments are microseconds since 1970 UTC."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lines = Lines(archive)

    @cached_property
    def _by_tipoff(self) -> tuple[list[int], list[int]]:
        """(tip-offs, game numbers) in order of tip-off, without pre-season, which is another sport
        key there.
        """
        games: Games = self._archive.games
        order = np.lexsort((np.arange(len(games.day)), games.tipoff_us)).tolist()
        numbers = [number for number in order if games.season_type[number] != PRE_SEASON]
        return [int(games.tipoff_us[number]) for number in numbers], numbers

    @cached_property
    def _events(self) -> dict[int, dict[str, Any]]:
        return {number: self._event(number) for number in self._by_tipoff[1]}

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {event["id"]: number for number, event in self._events.items()}

    def _event(self, number: int) -> dict[str, Any]:
        games = self._archive.games
        home, away = team_by_abbr(games.home[number]), team_by_abbr(games.away[number])
        return {
            "id": event_id(games.game_id[number]),
            "sport_key": "basketball_nba",
            "sport_title": "NBA",
            "commence_time": format_us(int(games.tipoff_us[number])),
            "home_team": home.full_name if home else games.home[number],
            "away_team": away.full_name if away else games.away[number],
        }

    def events(self, at_us: int, *, live: bool) -> list[dict[str, Any]]:
        """Events listed at a moment, by tip-off: live those to come, historical also those being
        played.
        """
        tipoffs, numbers = self._by_tipoff
        begin = at_us if live else at_us - GAME_LENGTH // MICROSECOND
        low, high = bisect_right(tipoffs, begin), bisect_left(tipoffs, at_us + LISTED_AHEAD)
        listed = self._archive.games.listed_us
        return [self._events[number] for number in numbers[low:high] if listed[number] <= at_us]

    def event_odds(self, event: str, at_us: int, question: Question, *, live: bool) -> dict[str, Any] | None:
        """One event with its books' latest snapshots at or before `at_us`; None when it is not
        listed then.
        """
        games, number = self._archive.games, self._number_of.get(event)
        if number is None or games.listed_us[number] > at_us or (live and games.tipoff_us[number] <= at_us):
            return None
        head = self._events[number]
        players = [market for market in question.markets if market in STAT_OF_MARKET]
        others = [market for market in question.markets if market in GAME_MARKETS]
        found = self._lines.game_markets(number, at_us, others, question.decimal) if others else []
        if players:
            found += self._lines.player_markets(number, at_us, players, question.decimal)
        asked = [item for item in found if _is_asked(item[0], question)]
        return head | {"bookmakers": event_bookmakers(asked, head["home_team"], head["away_team"])}


def event_id(game_id: str) -> str:
    """The replay's event id of a game: 32 hex digits, as the real ones are."""
    return hashlib.md5(game_id.encode(), usedforsecurity=False).hexdigest()


def wrap_answer(data: Any, at_us: int, now_us: int) -> dict[str, Any]:
    """A historical answer with the moment its data stand for and the neighbours, none of them in
    the future.
    """
    following = at_us + SNAPSHOT_STEP
    return {
        "timestamp": format_us(at_us),
        "previous_timestamp": format_us(at_us - SNAPSHOT_STEP),
        "next_timestamp": format_us(following) if following <= now_us else None,
        "data": data,
    }


def _is_asked(book: str, question: Question) -> bool:
    if question.bookmakers:
        return book in question.bookmakers
    return ("us_dfs" if book in FANTASY_BOOKS else "us") in question.regions
