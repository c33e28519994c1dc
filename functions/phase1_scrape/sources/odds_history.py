"""The Odds API's past: the lines of past days as they stood when the last predictions of the day
would be made.

One snapshot a game: opening lines would need a second one and double a cost that is ten times the
live one already, so for past days line movement is unknown (NULL).

What is past does not change, so an answer is paid for once: markets of an event that any earlier
backfill has asked for are not asked for again, nor events that the source refused for good. An
answer of before a market was known is asked for that market alone. A day may so have several files,
each with what the ones before it lack; a file's `failed` are the events that there will never be an
answer for.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import CONNECTIONS, SourceAnswer
from functions.phase1_scrape.sources.odds import (
    SOURCE,
    SPORT,
    ask_for_odds,
    check_event_odds,
    check_events,
    check_no_error,
    events_of,
    markets_of,
    note_refused,
    odd_note,
    parameters_of,
)
from functions.phase1_scrape.sources.patience import Patience, is_for_good
from shared.core.clock import HISTORICAL_CUTOFF, assumed_tipoff, at_new_york, format_timestamp
from shared.core.concurrency import each, in_order
from shared.core.errors import DataError, SourceUnavailable
from shared.nba.feed_values import parse_feed_timestamp
from shared.nba.odds_markets import FIRST_PAST_DAY
from shared.nba.schedule import ScheduledGame
from shared.nba.teams import team_by_name
from shared.stores.raw_files import RawFile, parse_raw_path

logger = logging.getLogger(__name__)

KIND = "event_odds"
_LOG_EVERY = 50


@dataclass
class _Day:
    """What is known of a day: its files, the events answered, those that never will be, and what
    failed this time.
    """

    files: list[RawFile] = field(default_factory=list)
    listings: list[Any] = field(default_factory=list)
    answered: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    """By event, the requests that were answered."""
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    swapped: int = 0
    paid: int = 0
    """Events that an earlier execution has an answer for, whose markets are not asked for again."""

    def lacking(self, event: str, wanted: Sequence[str]) -> list[str]:
        """The wanted markets of an event that nobody has asked for yet."""
        asked = {market for request in self.answered.get(event, ()) for market in markets_of(request)}
        return [market for market in wanted if market not in asked]

    @property
    def failure(self) -> str:
        if not self.failed:
            return ""
        first = min(self.failed)
        events = len(self.failed.keys() | self.answered.keys())
        return f"{len(self.failed)} of {events} events failed, {first} so: {self.failed[first]}"


def fetch_past_odds(fetch: Fetch, games: Sequence[ScheduledGame]) -> Harvest:
    """Lines of all events of the days with games; a retry, or publishing again, fetches the events
    that are missing.

    Days before the source's history cost nothing and are noted, as are events that the source
    refuses for good. An event that fails otherwise costs itself alone: what failed is the harvest's
    failure. Raises SourceUnavailable where there is nothing of any day.
    """
    by_day: dict[date, list[ScheduledGame]] = {}
    for game in games:
        if game.game_date >= FIRST_PAST_DAY:
            by_day.setdefault(game.game_date, []).append(game)
    before = len({game.game_date for game in games if game.game_date < FIRST_PAST_DAY})
    notes = {"before_history": f"{before} days before {FIRST_PAST_DAY}, from which on lines are kept"} if before else {}
    days = sorted(by_day)
    if not days:
        return Harvest(notes=notes)
    earlier: dict[date, list[str]] = {}
    for path in fetch.raw.snapshots(SOURCE, KIND, fetch.now()):
        earlier.setdefault(parse_raw_path(path)[2], []).append(path)
    patience = Patience()
    tasks = {day: partial(_day, fetch, day, by_day[day], earlier.get(day, ()), patience) for day in days}
    found: list[tuple[date, _Day | SourceUnavailable]] = []
    for item in each(tasks, CONNECTIONS):
        found.append(item)
        if len(found) % _LOG_EVERY == 0:
            logger.info("odds of %d of %d past days", len(found), len(days))
    results = in_order(found, days)
    failed = {day: str(result) for day, result in results.items() if isinstance(result, SourceUnavailable)}
    known = {day: result for day, result in results.items() if isinstance(result, _Day)}
    failed |= {day: result.failure for day, result in known.items() if result.failure}
    failure = f"{len(failed)} of {len(days)} days failed, {min(failed)} so: {failed[min(failed)]}" if failed else ""
    files = tuple(file for result in known.values() for file in result.files)
    if not files:
        raise SourceUnavailable(failure)
    refused = {event: why for result in known.values() for event, why in result.refused.items()}
    if refused and not any(result.answered for result in known.values()):
        failure = failure or f"not one of {len(refused)} events was given, the first so: {refused[min(refused)]}"
    return Harvest(files, failure, notes | _notes(known, by_day, refused))


def _notes(
    known: Mapping[date, _Day], by_day: Mapping[date, Sequence[ScheduledGame]], refused: Mapping[str, str]
) -> dict[str, str]:
    notes = {}
    short = [day for day, result in known.items() if len(result.answered) < len(by_day[day])]
    if short:
        notes["events"] = f"{len(short)} of {len(by_day)} days have fewer events than games, {short[0]} the first"
    if refused:
        notes["refused_events"] = (
            f"{len(refused)} events are refused for good and left out, {min(refused)} so: {refused[min(refused)]}"
        )
    swapped = sum(result.swapped for result in known.values())
    if swapped:
        notes["swapped"] = f"{swapped} events have home and away the other way round than the schedule"
    paid = sum(result.paid for result in known.values())
    if paid:
        notes["kept"] = f"{paid} events are there from an earlier run and were not paid for again"
    requests = [one for result in known.values() for requests in result.answered.values() for one in requests]
    return notes | odd_note(each for result in known.values() for each in result.listings) | note_refused(requests)


def _day(fetch: Fetch, day: date, games: Sequence[ScheduledGame], earlier: Sequence[str], patience: Patience) -> _Day:
    """The day's events, those of earlier files first.

    Raises SourceUnavailable where not even a list of them is had.
    """
    known = _read_kept(fetch, day, earlier)
    listed: SourceAnswer | None = None
    if not known.listings:
        patience.check(day)
        # Listed before the first tip-off, an afternoon's games are all there; their odds are asked
        # one by one later.
        first = cutoff(day, min(game.tipoff_at or assumed_tipoff(day) for game in games))
        try:
            listed = fetch.odds.get(
                f"/v4/historical/{SPORT}/events", {"date": format_timestamp(first)}, _check_past_events
            )
        except SourceUnavailable as error:
            patience.note(error)
            raise
        known.listings.append(listed.value["data"])
    asking_times = _asking_times(known, day, games)
    answers: list[SourceAnswer] = []
    refused: dict[str, str] = {}
    for event, at in asking_times.items():
        lacking = known.lacking(event, fetch.markets)
        if not lacking or event in known.refused or at > fetch.now():
            continue  # what is to come has no past yet
        try:
            patience.check(day)
            answer = _ask(fetch, event, at, lacking)
        except SourceUnavailable as error:
            patience.note(error)
            if is_for_good(error):
                refused[event] = known.refused[event] = str(error)
            else:
                known.failed[event] = str(error)
        else:
            answers.append(answer)
            known.answered.setdefault(event, []).append(answer.request)
    if answers or refused or (listed is not None and not known.failed):
        responses = [answer.as_response("odds") for answer in answers]
        if listed is not None:
            responses.insert(0, listed.as_response("events"))
        part = len(earlier)
        known.files.append(fetch.raw.write(SOURCE, KIND, day, fetch.now(), responses, len(answers), refused, part=part))
    elif not known.files:
        raise SourceUnavailable(known.failure)
    return known


def _ask(fetch: Fetch, event: str, at: datetime, markets: Sequence[str]) -> SourceAnswer:
    params = {**parameters_of(markets), "date": format_timestamp(at)}
    return ask_for_odds(fetch, f"/v4/historical/{SPORT}/events/{event}/odds", params, _check_past_odds)


def _read_kept(fetch: Fetch, day: date, earlier: Sequence[str]) -> _Day:
    """What the files of earlier executions have of a day; an answer about a moment that was to come
    then is none.

    A file that adds nothing is left aside, as is one that cannot be read: its events are fetched
    anew.
    """
    known = _Day()
    for path in earlier:
        try:
            content = fetch.raw.read(path)
        except DataError as error:
            logger.warning("%s is fetched anew: %s", day, error)
            continue
        fetched = format_timestamp(content.fetched_at)
        listings = [
            each.body["data"] for each in content.answers_named("events") if each.request["params"]["date"] <= fetched
        ]
        answered = [
            (_event_of(each.request), each.request)
            for each in content.answers_named("odds")
            if each.request["params"]["date"] <= fetched
        ]
        new = any({*markets_of(request)} & {*known.lacking(event, fetch.markets)} for event, request in answered)
        if new or content.failed.keys() - known.refused.keys() or (listings and not known.listings):
            known.listings += listings
            for event, request in answered:
                known.answered.setdefault(event, []).append(request)
            known.refused |= content.failed
            known.files.append(RawFile(SOURCE, KIND, day, path, len(content.answers_named("odds"))))
    known.paid = len(known.answered)
    return known


def _event_of(request: Mapping[str, Any]) -> str:
    return str(request["path"]).split("/")[-2]


def _asking_times(known: _Day, day: date, games: Sequence[ScheduledGame]) -> dict[str, datetime]:
    """By event of the day, the moment to look at its lines.

    Counts the events that are the other way round.
    """
    # By the teams, not by who is at home: feeds disagree about that for games on neutral ground.
    tipoffs = {frozenset((game.home_team, game.away_team)): game for game in games}
    times: dict[str, datetime] = {}
    for event in [event for listed in known.listings for event in events_of(listed, day)]:
        begins = parse_feed_timestamp(event["commence_time"], "commence_time")
        teams = _teams(event)
        game = tipoffs.get(frozenset(teams))
        if game is not None and None not in teams:
            begins = min(begins, game.tipoff_at or assumed_tipoff(day))
            known.swapped += event["id"] not in times and teams[0] != game.home_team
        times.setdefault(event["id"], cutoff(day, begins))
    return times


def cutoff(day: date, tipoff: datetime) -> datetime:
    """The moment to look at: 17:30 New York or, for an earlier game, the second before it begins
    (never in play).
    """
    return min(at_new_york(day, HISTORICAL_CUTOFF), tipoff - timedelta(seconds=1))


def _teams(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    home, away = team_by_name(event["home_team"]), team_by_name(event["away_team"])
    return (home.abbr if home else None, away.abbr if away else None)


def _check_past_events(value: Any) -> None:
    check_events(_data(value))


def _check_past_odds(value: Any) -> None:
    check_event_odds(_data(value))


def _data(value: Any) -> Any:
    check_no_error(value)
    if not isinstance(value, dict) or "data" not in value or "timestamp" not in value:
        raise WrongShape("a historical answer without timestamp and data")
    return value["data"]
