"""The Odds API live: the events of a day, then each event's odds of one group of markets, in one file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import CONNECTIONS, Answer, WrongShape
from functions.phase1_scrape.source_breaker import NothingYet
from shared.clock import new_york_date
from shared.errors import SourceUnavailable
from shared.parallel import each, in_order
from shared.raw_files import RawFile

SOURCE = "odds_api"
SPORT = "sports/basketball_nba"
# The kinds of file and the markets in each.
MARKETS = {"player_points": "player_points,player_points_alternate", "game_lines": "spreads,totals"}
# us: the bookmakers; us_dfs: PrizePicks and Underdog. Each region and market costs quota, so no others.
PARAMETERS = {"regions": "us,us_dfs", "oddsFormat": "american", "dateFormat": "iso"}


def fetch_live_odds(fetch: Fetch, kind: str, day: date, upcoming: int) -> Harvest:
    """The odds now of the day's events that have not begun. `upcoming` is how many the schedule knows.

    An event whose odds fail is named in the file and is the harvest's failure; the others are kept, since lines for
    eight games of nine are worth more than none. Raises SourceUnavailable where there are no odds at all, or no
    event although the schedule has games to come.
    """
    earlier = fetch.raw.earlier(SOURCE, kind, day)
    if day in earlier:
        content = fetch.raw.read(earlier[day])
        file = RawFile(SOURCE, kind, day, earlier[day], len(content.named("odds")))
        bodies = [answer.body for answer in content.named("odds")]
        return Harvest((file,), _failure(content.failed, file.rows), _notes(bodies, content.failed, upcoming))
    listed = fetch.odds.get(f"/v4/{SPORT}/events", {"dateFormat": "iso"}, check_events)
    events = events_of(listed.value, day, after=fetch.now())
    if not events:
        raise NothingYet(
            f"The Odds API lists no event of {day} that is to come, the schedule has {upcoming}.",
            next_step="run the phase again later; books may not have opened the day yet.",
        )
    ids = [str(event["id"]) for event in events]
    tasks = {event: partial(_event_odds, fetch, event, MARKETS[kind]) for event in ids}
    results = in_order(each(tasks, CONNECTIONS), ids)
    answers = [answer for answer in results.values() if isinstance(answer, Answer)]
    failed = {event: str(error) for event, error in results.items() if isinstance(error, SourceUnavailable)}
    if not answers:
        raise SourceUnavailable(f"all {len(ids)} events failed, the first so: {failed[ids[0]]}")
    responses = [listed.named("events"), *(answer.named("odds") for answer in answers)]
    file = fetch.raw.write(SOURCE, kind, day, fetch.now(), responses, len(answers), failed)
    return Harvest((file,), _failure(failed, len(answers)), _notes([a.value for a in answers], failed, upcoming))


def _event_odds(fetch: Fetch, event: str, markets: str) -> Answer:
    return fetch.odds.get(f"/v4/{SPORT}/events/{event}/odds", {**PARAMETERS, "markets": markets}, check_event_odds)


def _failure(failed: Mapping[str, str], fetched: int) -> str:
    if not failed:
        return ""
    return f"{len(failed)} of {len(failed) + fetched} events failed, the first so: {failed[min(failed)]}"


def _notes(bodies: Sequence[Any], failed: Mapping[str, str], upcoming: int) -> dict[str, str]:
    """What the feed does not have, which is no failure of ours."""
    notes = {}
    listed = len(bodies) + len(failed)
    if listed < upcoming:
        notes["events"] = f"{listed} events for {upcoming} games to come"
    bare = sum(not body["bookmakers"] for body in bodies)
    if bare:
        notes["lines"] = f"{bare} of {listed} events have no line yet"
    return notes


def events_of(
    events: Sequence[Mapping[str, Any]], day: date, *, after: datetime | None = None
) -> list[Mapping[str, Any]]:
    """The events that begin on a New York day (and after a moment), in order of time and id."""
    timed = [(datetime.fromisoformat(event["commence_time"]), str(event["id"]), event) for event in events]
    of_day = [item for item in timed if new_york_date(item[0]) == day and (after is None or item[0] > after)]
    return [event for _, _, event in sorted(of_day, key=lambda item: item[:2])]


def check_events(value: Any) -> None:
    """Raises WrongShape unless it is a list of events with id, teams and an aware commence_time."""
    if not isinstance(value, list):
        raise WrongShape(f"the events are no list but {type(value).__name__}")
    for event in value:
        try:
            begins = datetime.fromisoformat(event["commence_time"])
            complete = begins.tzinfo is not None and all(event[key] for key in ("id", "home_team", "away_team"))
        except (KeyError, TypeError, ValueError) as error:
            raise WrongShape(f"an event without id, teams or commence_time ({error!r})") from error
        if not complete:
            raise WrongShape(f"an event with an empty id or team, or a time without a zone: {event!r:.200}")


def check_event_odds(value: Any) -> None:
    """Raises WrongShape unless it is an event with its bookmakers (none is fine: nobody offers the market)."""
    books = value.get("bookmakers") if isinstance(value, dict) and value.get("id") else None
    if not isinstance(books, list) or any(not isinstance(book, dict) or "key" not in book for book in books):
        raise WrongShape("event odds without id and bookmakers[].key")
    if any(not isinstance(book.get("markets"), list) for book in books):
        raise WrongShape("a bookmaker without markets")
