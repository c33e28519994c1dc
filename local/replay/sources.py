"""The five sources of the replay: for the parameters of a request what the source would have
answered at now()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from types import MappingProxyType
from typing import Any

from local.replay.archive import Archive
from local.replay.espn_list import EspnList
from local.replay.games import to_us
from local.replay.injury_lists import InjuryLists
from local.replay.odds_api import OddsApi, Question, wrap_answer
from local.replay.official_reports import OfficialReports
from local.replay.parameters import (
    Arguments,
    RequestRefused,
    keep_within,
    read_choice,
    read_day,
    read_past,
    read_question,
    read_season,
    require_found,
    require_key,
)
from local.replay.shot_zones import ShotZones
from local.replay.stats_api import PLAYER_HEADERS, SEASON_TYPES, TEAM_HEADERS, StatsApi

MONTHLY_QUOTA = 5_000_000
HISTORICAL_COST = 10  # the Odds API charges ten times for historical odds
# Parameters of a game log that NBA.com repeats in its answer.
_ECHOED = (
    *("LeagueID", "Season", "SeasonType", "PlayerOrTeam", "Counter", "Sorter", "Direction", "DateFrom", "DateTo"),
)


@dataclass(frozen=True)
class ReplayAnswer:
    """What a source answers with status 200."""

    body: Any
    """A PDF where it is bytes, else JSON."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


class Sources:
    """Every method answers one path; what it raises is RequestRefused alone."""

    def __init__(self, archive: Archive, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stats, self._odds = StatsApi(archive), OddsApi(archive)
        lists = InjuryLists(archive)
        self._official, self._espn = OfficialReports(archive, lists), EspnList(archive, lists)
        self._zones = ShotZones(archive)
        self._quota = _Quota()

    def _now_us(self) -> int:
        return to_us(self._now())

    # --- NBA.com ---

    def league_game_log(self, args: Arguments) -> ReplayAnswer:
        """Box scores of a season's games, a row for each team or player."""
        season, kind = read_season(args), read_choice(args, "SeasonType", SEASON_TYPES, "Regular Season")
        who = read_choice(args, "PlayerOrTeam", ("P", "T"), "T")
        first, last = read_day(args, "DateFrom"), read_day(args, "DateTo")
        descending = args.get("Direction", "DESC").upper() == "DESC"
        rows = self._stats.league_game_log(
            season, SEASON_TYPES[kind], who, self._now_us(), first, last, descending=descending
        )
        headers = PLAYER_HEADERS if who == "P" else TEAM_HEADERS
        return ReplayAnswer(
            {
                "resource": "leaguegamelog",
                "parameters": {name: args.get(name) or None for name in _ECHOED},
                "resultSets": [{"name": "LeagueGameLog", "headers": headers, "rowSet": rows}],
            }
        )

    def schedule(self, args: Arguments) -> ReplayAnswer:
        """The schedule of a season."""
        season = read_season(args)
        league = {"seasonYear": season, "leagueId": "00", "gameDates": self._stats.schedule(season, self._now_us())}
        meta = {"version": 1, "time": f"{self._now():%Y-%m-%dT%H:%M:%SZ}"}
        return ReplayAnswer({"meta": meta, "leagueSchedule": league})

    # --- the Odds API ---

    def events(self, args: Arguments) -> ReplayAnswer:
        """Games that have odds."""
        require_key(args)
        found = keep_within(args, self._odds.events(self._now_us(), live=True))
        return ReplayAnswer(found, self._quota.charge(0))

    def event_odds(self, args: Arguments, event: str) -> ReplayAnswer:
        """Odds of a game."""
        require_key(args)
        question = read_question(args)
        found = require_found(self._odds.event_odds(event, self._now_us(), question, live=True))
        return ReplayAnswer(found, self._quota.charge(_cost_of(question)))

    def past_events(self, args: Arguments) -> ReplayAnswer:
        """Games that had odds at a moment."""
        require_key(args)
        now = self._now_us()
        at = min(read_past(args), now)
        found = keep_within(args, self._odds.events(at, live=False))
        return ReplayAnswer(wrap_answer(found, at, now), self._quota.charge(1))

    def past_event_odds(self, args: Arguments, event: str) -> ReplayAnswer:
        """Odds of a game at a moment."""
        require_key(args)
        question, now = read_question(args), self._now_us()
        at = min(read_past(args), now)
        found = require_found(self._odds.event_odds(event, at, question, live=False))
        return ReplayAnswer(wrap_answer(found, at, now), self._quota.charge(HISTORICAL_COST * _cost_of(question)))

    # --- injuries: the league and ESPN ---

    def official_report(self, args: Arguments, name: str) -> ReplayAnswer:
        """The injury report in a file."""
        found = self._official.find(name, self._now())
        if found is None:
            raise RequestRefused(404, {"message": f"there is no report {name!r}, or not yet"})
        return ReplayAnswer(found)

    def injury_list(self, args: Arguments) -> ReplayAnswer:
        """Every team's injured players."""
        return ReplayAnswer(self._espn.answer(self._now_us()))

    # --- the shot zones ---

    def shot_zones(self, args: Arguments, kind: str) -> ReplayAnswer:
        """Shots by zone of the games of some days, by player or team."""
        if kind not in ("player", "team"):
            raise RequestRefused(404, {"message": f"no shot zones by {kind!r}; ask /zones/player or /zones/team"})
        first, last = read_day(args, "date_from"), read_day(args, "date_to")
        if first is None or last is None:
            raise RequestRefused(400, {"message": "date_from and date_to (ISO dates) are required"})
        return ReplayAnswer({"rows": self._zones.rows(kind, first, last, self._now_us())})


class _Quota:
    """The Odds API's counters, counted down over the life of the server."""

    def __init__(self) -> None:
        self._used = 0
        self._lock = Lock()

    def charge(self, cost: int) -> dict[str, str]:
        """The headers of an answer that costs so many requests."""
        with self._lock:
            self._used += cost
            used = self._used
        left = max(0, MONTHLY_QUOTA - used)
        return {"x-requests-remaining": str(left), "x-requests-used": str(used), "x-requests-last": str(cost)}


def _cost_of(question: Question) -> int:
    return len(question.markets) * max(1, len(question.regions))
