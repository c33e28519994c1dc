"""ESPN's injury list: everybody listed now, by team."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.sources.reading import describe_unreadable
from shared.nba.feed_values import show_value
from shared.stores.raw_files import RawFile

SOURCE, KIND = "espn", "injuries"
PATH = "/apis/site/v2/sports/basketball/nba/injuries"


def fetch_injuries(fetch: Fetch, day: date) -> Harvest:
    """The list as it stands now, kept under the game day it is fetched for.

    Raises SourceUnavailable.
    """
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        [kept] = fetch.raw.read(earlier[day]).answers
        players, odd = _players(kept.body)
        file = RawFile(SOURCE, KIND, day, earlier[day], players)
    else:
        answer = fetch.espn.get(PATH, {}, check)
        players, odd = _players(answer.value)
        file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), [answer.as_response("injuries")], players)
    # Nobody injured in thirty teams is hardly true in a season, but before the first list of a day
    # it can be.
    notes = {} if players else {"empty": "the injury list names nobody"}
    if odd:
        notes["unreadable"] = describe_unreadable("teams or entries", odd)
    return Harvest((file,), notes=notes)


def check(value: Any) -> None:
    """Raises WrongShape unless it is a list of teams; where it has any, one at least with its list
    of entries.
    """
    teams = value.get("injuries") if isinstance(value, dict) else None
    if not isinstance(teams, list):
        raise WrongShape("no list of injuries by team")
    if teams and not any(_is_team(team) for team in teams):
        raise WrongShape("not one team with its list of injuries")


def _is_team(team: Any) -> bool:
    return isinstance(team, dict) and isinstance(team.get("injuries"), list)


def _players(value: Any) -> tuple[int, list[str]]:
    """How many entries there are, and what is none."""
    teams = value["injuries"]
    odd = [
        f"injuries[{n}] is {show_value(team)}, no team with its list"
        for n, team in enumerate(teams)
        if not _is_team(team)
    ]
    entries = [entry for team in teams if _is_team(team) for entry in team["injuries"]]
    odd += [f"{show_value(entry)} is no entry" for entry in entries if not isinstance(entry, dict)]
    return sum(isinstance(entry, dict) for entry in entries), odd
