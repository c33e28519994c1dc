"""ESPN's injury list: everybody listed now, by team."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import WrongShape
from shared.raw_files import RawFile

SOURCE, KIND = "espn", "injuries"
PATH = "/apis/site/v2/sports/basketball/nba/injuries"


def fetch_injuries(fetch: Fetch, day: date) -> Harvest:
    """The list as it stands now, kept under the game day it is fetched for. Raises SourceUnavailable."""
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        [kept] = fetch.raw.read(earlier[day]).answers
        return Harvest((RawFile(SOURCE, KIND, day, earlier[day], _players(kept.body)),))
    answer = fetch.espn.get(PATH, {}, check)
    players = _players(answer.value)
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [answer.named("injuries")], players)
    # Nobody injured in thirty teams is hardly true in a season, but before the first list of a day it can be.
    return Harvest((file,), notes={} if players else {"empty": "the injury list names nobody"})


def check(value: Any) -> None:
    """Raises WrongShape unless it is a list of teams, each with its list of entries."""
    teams = value.get("injuries") if isinstance(value, dict) else None
    if not isinstance(teams, list):
        raise WrongShape("no list of injuries by team")
    if any(not isinstance(team, dict) or not isinstance(team.get("injuries"), list) for team in teams):
        raise WrongShape("a team without its list of injuries")


def _players(value: Any) -> int:
    return sum(len(team["injuries"]) for team in value["injuries"])
