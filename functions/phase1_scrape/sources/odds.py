"""The Odds API live: the events of a day, then each event's odds of all markets, in one file."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

from functions.phase1_scrape.failures import ErrorTold, SourceRefused, WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import CONNECTIONS, SourceAnswer
from functions.phase1_scrape.source_breaker import NothingYet
from functions.phase1_scrape.sources.reading import ODD, describe_unreadable, why
from shared.core.clock import new_york_date
from shared.core.concurrency import each, in_order
from shared.core.errors import DataError, SourceUnavailable
from shared.core.redaction import excerpt
from shared.nba.feed_values import parse_feed_timestamp, require_object, show_value, text
from shared.nba.odds_markets import LEAST_MARKETS, REGIONS
from shared.stores.raw_files import RawFile, Response

logger = logging.getLogger(__name__)

SOURCE = "odds_api"
SPORT = "sports/basketball_nba"
KIND = "live_odds"
# In the file, the events that the file before listed and this one's list lacks, as they were listed
# then.
GONE = "gone"
_LONGEST_NOTE = 300
# The parameters that are lists, of which a part may be refused.
LISTS = ("markets", "regions")
# In the request of an answer, the parts that the source refused.
REFUSED = "refused"
_UNPROCESSABLE = 422
# The status of an error code by its words
# (the-odds-api.com/liveapi/guides/v4/api-error-codes.html).
_MEANT = ((429, ("FREQ_LIMIT",)), (401, ("_KEY", "CREDITS", "USAGE")), (404, ("NOT_FOUND", "UNKNOWN_")))
# An id goes into an address and is a key of the raw file.
_EVENT_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def fetch_live_odds(fetch: Fetch, day: date, upcoming: int) -> Harvest:
    """The odds now of the day's events that have not begun.

    `upcoming` is how many the schedule knows.

    An event whose odds fail is named in the file and is the harvest's failure; the others are kept,
    since lines for eight games of nine are worth more than none. One that the file before listed
    and the source lists no more is kept as gone, since nobody offers its lines. Raises
    SourceUnavailable where there are no odds at all, or no event although the schedule has games to
    come.
    """
    earlier = fetch.raw.earlier(SOURCE, KIND, day)
    if day in earlier:
        content = fetch.raw.read(earlier[day])
        kept = content.answers_named("odds")
        file = RawFile(SOURCE, KIND, day, earlier[day], len(kept))
        notes = _notes([answer.body for answer in kept], content.failed, upcoming)
        notes |= odd_note([answer.body for answer in content.answers_named("events")])
        notes |= note_refused([answer.request for answer in kept])
        notes |= _note_gone([event for answer in content.answers_named(GONE) for event in answer.body])
        return Harvest((file,), _failure(content.failed, file.rows) or _none_left(file.rows, day, upcoming), notes)
    listed = fetch.odds.get(f"/v4/{SPORT}/events", {"dateFormat": "iso"}, check_events)
    events = events_of(listed.value, day, after=fetch.now())
    gone = _find_gone(fetch, day, listed.value)
    if not events and not gone:
        raise NothingYet(
            _none_left(0, day, upcoming),
            next_step="run the phase again later; books may not have opened the day yet.",
        )
    ids = [str(event["id"]) for event in events]
    tasks = {event: partial(_event_odds, fetch, event) for event in ids}
    results = in_order(each(tasks, CONNECTIONS), ids)
    answers = [answer for answer in results.values() if isinstance(answer, SourceAnswer)]
    failed = {event: str(error) for event, error in results.items() if isinstance(error, SourceUnavailable)}
    if not answers and failed:
        raise SourceUnavailable(f"all {len(ids)} events failed, the first so: {failed[ids[0]]}")
    responses = [listed.as_response("events"), *(answer.as_response("odds") for answer in answers)]
    if gone:
        responses.append(Response(GONE, {}, {}, json.dumps(gone).encode()))
    file = fetch.raw.write(SOURCE, KIND, day, fetch.now(), responses, len(answers), failed)
    notes = _notes([answer.value for answer in answers], failed, upcoming) | odd_note([listed.value])
    notes |= note_refused([answer.request for answer in answers]) | _note_gone(gone)
    return Harvest((file,), _failure(failed, len(answers)) or _none_left(len(answers), day, upcoming), notes)


def _none_left(fetched: int, day: date, upcoming: int) -> str:
    return "" if fetched else f"The Odds API lists no event of {day} that is to come, the schedule has {upcoming}."


def _find_gone(fetch: Fetch, day: date, listed: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Events to come of the day, as the newest readable file before listed them, that are listed
    for it no more.
    """
    now = fetch.now()
    for path in reversed(fetch.raw.snapshots(SOURCE, KIND, now, day)):
        try:
            before = [event for answer in fetch.raw.read(path).answers_named("events") for event in answer.body]
        except DataError as error:
            logger.warning("%s does not tell which events are gone: %s", path, error)
            continue
        still = {event["id"] for event in events_of(listed, day)}
        return [event for event in events_of(before, day, after=now) if event["id"] not in still]
    return []


def _note_gone(gone: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    if not gone:
        return {}
    named = ", ".join(f"{event['away_team']} at {event['home_team']}" for event in gone)
    return {"gone": f"{len(gone)} events are listed no more, so nobody offers lines: {excerpt(named, _LONGEST_NOTE)}"}


def _event_odds(fetch: Fetch, event: str) -> SourceAnswer:
    return ask_for_odds(fetch, f"/v4/{SPORT}/events/{event}/odds", parameters_of(fetch.markets), check_event_odds)


def parameters_of(markets: Sequence[str]) -> dict[str, str]:
    """What an event's odds are asked for with: all markets in one request, which costs as much as
    apart and is one answer for one moment.
    """
    return {
        "regions": ",".join(REGIONS),
        "oddsFormat": "american",
        "dateFormat": "iso",
        "markets": ",".join(markets),
    }


def ask_for_odds(fetch: Fetch, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> SourceAnswer:
    """Odds of one event; where a market or region is refused (422), asked again without it.

    What the refusal names is left out; where it names nothing of what was asked for, one part at a
    time, and where that does not help all but LEAST_MARKETS. What was left out stands in the
    answer's request under `refused`. Raises SourceRefused where nothing of it is given,
    SourceUnavailable as any request.
    """
    answer = _ask_for_fewer(fetch, path, params, check)
    given = answer.request["params"]
    left_out = [part for name in LISTS for part in params[name].split(",") if part not in given[name].split(",")]
    return replace(answer, request={**answer.request, REFUSED: left_out}) if left_out else answer


def markets_of(request: Mapping[str, Any]) -> list[str]:
    """The markets that a kept request has asked for, given or refused."""
    return [*request["params"]["markets"].split(","), *request.get(REFUSED, ())]


def _ask_for_fewer(fetch: Fetch, path: str, params: Mapping[str, str], check: Callable[[Any], None]) -> SourceAnswer:
    """The answer, and of refused requests the next with fewer parts.

    Raises as ask_for_odds.
    """
    try:
        return fetch.odds.get(path, params, check)
    except SourceRefused as refused:
        if refused.status != _UNPROCESSABLE or not _is_about_a_list(refused.answer):
            raise
        fewer = _without_named(params, refused.answer)
        if fewer is not None:
            return _ask_for_fewer(fetch, path, fewer, check)  # of fewer parts each time, so it ends
        for fewer in (*_one_less(params), *_least(params)):
            try:
                return fetch.odds.get(path, fewer, check)
            except SourceRefused as again:
                if again.status != _UNPROCESSABLE:
                    raise
        raise


def _is_about_a_list(answer: str) -> bool:
    """Whether a refusal is about markets or regions; one without a code of the Odds API may be."""
    code = re.search(r'"error_code"\s*:\s*"([A-Z_]+)"', answer)
    return code is None or "MARKET" in code.group(1) or "REGION" in code.group(1)


def _without_named(params: Mapping[str, str], answer: str) -> dict[str, str] | None:
    """The parameters without the parts that a refusal names; None where that is none of them, or
    all of a list.
    """
    for name in LISTS:
        parts = params[name].split(",")
        left = [part for part in parts if not re.search(rf"(?<!\w){re.escape(part)}(?!\w)", answer)]
        if left and len(left) < len(parts):
            return {**params, name: ",".join(left)}
    return None


def _one_less(params: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The parameters without one part of a list, the last (which matters least) first."""
    for name in LISTS:
        parts = params[name].split(",")
        for at in reversed(range(len(parts) if len(parts) > 1 else 0)):
            yield {**params, name: ",".join(parts[:at] + parts[at + 1 :])}


def _least(params: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The parameters with the least markets, where that are fewer by two or more: one less was
    tried.
    """
    parts = params["markets"].split(",")
    least = [part for part in parts if part in LEAST_MARKETS]
    if least and len(least) < len(parts) - 1:
        yield {**params, "markets": ",".join(least)}


def note_refused(requests: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Which markets and regions were left out of how many requests because the source refused
    them.
    """
    count, refused = 0, Counter[str]()
    for request in requests:
        count += 1
        refused.update(request.get(REFUSED, ()))
    if not refused:
        return {}
    parts = ", ".join(f"{part} for {found}" for part, found in sorted(refused.items()))
    return {"refused": f"refused by the source and left out: {parts} of {count} events"}


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


def odd_note(listings: Iterable[Any]) -> dict[str, str]:
    """What stands in lists of events and is none."""
    odd = [why for listed in listings for why in odd_events(listed)]
    return {"unreadable": describe_unreadable("entries of the list of events", odd)} if odd else {}


def events_of(events: Sequence[Any], day: date, *, after: datetime | None = None) -> list[Mapping[str, Any]]:
    """The events that begin on a New York day (and after a moment), in order of time and id; odd
    ones left out.
    """
    found = [(begins, event) for begins, event in _read(events)[0] if new_york_date(begins) == day]
    of_day = [item for item in found if after is None or item[0] > after]
    return [event for _, event in sorted(of_day, key=lambda item: (item[0], item[1]["id"]))]


def odd_events(events: Sequence[Any]) -> list[str]:
    """Why entries of a list of events are none, or one that was there before."""
    return _read(events)[1]


def _read(events: Sequence[Any]) -> tuple[list[tuple[datetime, Mapping[str, Any]]], list[str]]:
    """Events with their beginnings, and why the others are none."""
    found: dict[str, tuple[datetime, Mapping[str, Any]]] = {}
    odd = []
    for number, event in enumerate(events):
        try:
            fields = require_object(event, "it")
            event_id, *_ = [text(fields.get(name), name) for name in ("id", "home_team", "away_team")]
            if not _EVENT_ID.fullmatch(fields["id"]):  # as it came: it goes into an address
                raise ValueError(f"id {show_value(fields['id'])} is not of letters and digits")
            if event_id in found:
                raise ValueError(f"id {event_id} is listed twice")
            found[event_id] = (parse_feed_timestamp(fields.get("commence_time"), "commence_time"), event)
        except ODD as error:
            odd.append(f"event {number}: {why(error)}")
    return list(found.values()), odd


def check_no_error(value: Any) -> None:
    """Raises ErrorTold for the Odds API's own form of an error, which {"message", "error_code"}
    is.
    """
    code = value.get("error_code") if isinstance(value, dict) else None
    if isinstance(code, str):
        status = next((status for status, words in _MEANT if any(word in code for word in words)), _UNPROCESSABLE)
        raise ErrorTold(f"error_code {code}", status)


def check_events(value: Any) -> None:
    """Raises WrongShape unless it is a list of events; where it has any, one at least with id,
    teams and a time.
    """
    check_no_error(value)
    if not isinstance(value, list):
        raise WrongShape(f"the events are no list but {type(value).__name__}")
    found, odd = _read(value)
    if odd and not found:
        raise WrongShape(f"not one event with id, teams and an aware commence_time ({odd[0]})")


def check_event_odds(value: Any) -> None:
    """Raises WrongShape unless it is an event with its bookmakers (none is fine: nobody offers the
    market).

    One bookmaker of many without key or markets is for phase 2 to name.
    """
    check_no_error(value)
    books = value.get("bookmakers") if isinstance(value, dict) and value.get("id") else None
    if not isinstance(books, list):
        raise WrongShape("event odds without id and bookmakers")
    if books and not any(_is_book(book) for book in books):
        raise WrongShape("event odds without one bookmaker that has key and markets")


def _is_book(book: Any) -> bool:
    return isinstance(book, dict) and "key" in book and isinstance(book.get("markets"), list)
