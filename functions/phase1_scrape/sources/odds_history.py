"""The Odds API's past: the lines of past days as they stood when the last predictions of the day would be made.

One snapshot a game: opening lines would need a second one and double a cost that is ten times the live one already, so
for past days line movement is unknown (NULL).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import CONNECTIONS, Answer, Refused, WrongShape
from functions.phase1_scrape.sources.odds import (
    MARKETS,
    PARAMETERS,
    SOURCE,
    SPORT,
    check_event_odds,
    check_events,
    events_of,
)
from shared.clock import HISTORICAL_CUTOFF, assumed_tipoff, at_new_york
from shared.errors import SourceUnavailable
from shared.nba_games import ScheduledGame
from shared.parallel import each, in_order
from shared.raw_files import RawFile
from shared.teams import team_by_name

logger = logging.getLogger(__name__)

KIND = "event_odds"
# Player props are kept from then on (the-odds-api.com/historical-odds-data; game lines alone go back to June 2020).
FIRST_DAY = date(2023, 5, 4)
# All markets of an event in one request: as much quota as apart, half the time.
ALL_MARKETS = ",".join(MARKETS.values())
# So many days failing means that the source is down, not a day broken: the rest is not even tried.
GIVE_UP_AFTER = 5
_LOG_EVERY = 50


@dataclass
class _Patience:
    """How many days have failed; spent at once where the source refuses the key."""

    failed: int = 0
    spent: bool = False
    turn: threading.Lock = field(default_factory=threading.Lock)

    def note(self, error: SourceUnavailable) -> None:
        with self.turn:
            self.failed += 1
            # A missing event (404) is that event's matter; a refused key or parameter is refused every day.
            refused = isinstance(error, Refused) and error.status != 404
            self.spent = self.spent or self.failed >= GIVE_UP_AFTER or refused


def fetch_past_odds(fetch: Fetch, games: Sequence[ScheduledGame]) -> Harvest:
    """One file a day with games; a retry fetches the days that are missing.

    Days before the source's history cost nothing and are noted. A day with a failing event is not written, so that a
    retry fetches it whole; what failed is the harvest's failure. Raises SourceUnavailable where no day succeeded.
    """
    by_day: dict[date, list[ScheduledGame]] = {}
    for game in games:
        if game.game_date >= FIRST_DAY:
            by_day.setdefault(game.game_date, []).append(game)
    before = len({game.game_date for game in games if game.game_date < FIRST_DAY})
    notes = {"before_history": f"{before} days before {FIRST_DAY}, from which on lines are kept"} if before else {}
    days = sorted(by_day)
    if not days:
        return Harvest(notes=notes)
    earlier = fetch.raw.earlier(SOURCE, KIND)
    patience = _Patience()
    tasks = {day: partial(_day, fetch, day, by_day[day], earlier.get(day), patience) for day in days}
    found: list[tuple[date, RawFile | SourceUnavailable]] = []
    for item in each(tasks, CONNECTIONS):
        found.append(item)
        if len(found) % _LOG_EVERY == 0:
            logger.info("odds of %d of %d past days", len(found), len(days))
    results = in_order(found, days)
    files = tuple(file for file in results.values() if isinstance(file, RawFile))
    failed = {day: error for day, error in results.items() if isinstance(error, SourceUnavailable)}
    failure = f"{len(failed)} of {len(days)} days failed, {min(failed)} so: {failed[min(failed)]}" if failed else ""
    if not files:
        raise SourceUnavailable(failure)
    short = [file for file in files if file.rows < len(by_day[file.game_date])]
    if short:
        notes["events"] = (
            f"{len(short)} of {len(days)} days have fewer events than games, {short[0].game_date} the first"
        )
    return Harvest(files, failure, notes)


def _day(fetch: Fetch, day: date, games: Sequence[ScheduledGame], earlier: str | None, patience: _Patience) -> RawFile:
    if earlier:
        return RawFile(SOURCE, KIND, day, earlier, len(fetch.raw.read(earlier).named("odds")))
    if patience.spent:
        raise SourceUnavailable(
            f"{day} was not tried after {patience.failed} days had failed.",
            next_step="publish the same backfill again once the source answers: it fetches what is missing.",
        )
    try:
        return _fetch_day(fetch, day, games)
    except SourceUnavailable as error:
        patience.note(error)
        raise


def _fetch_day(fetch: Fetch, day: date, games: Sequence[ScheduledGame]) -> RawFile:
    tipoffs = {(game.home_team, game.away_team): game.tipoff_at or assumed_tipoff(day) for game in games}
    # Listed before the first tip-off, an afternoon's games are all there; their odds are asked for one by one later.
    first = cutoff(day, min(tipoffs.values()))
    listed = fetch.odds.get(f"/v4/historical/{SPORT}/events", {"date": _iso(first)}, _check_past_events)
    answers: list[Answer] = []
    for event in events_of(listed.value["data"], day):
        tipoff = min(
            datetime.fromisoformat(event["commence_time"]), tipoffs.get(_teams(event), datetime.max.replace(tzinfo=UTC))
        )
        answers.append(
            fetch.odds.get(
                f"/v4/historical/{SPORT}/events/{event['id']}/odds",
                {**PARAMETERS, "markets": ALL_MARKETS, "date": _iso(cutoff(day, tipoff))},
                _check_past_odds,
            )
        )
    responses = [listed.named("events"), *(answer.named("odds") for answer in answers)]
    return fetch.raw.write(SOURCE, KIND, day, fetch.now(), responses, len(answers))


def cutoff(day: date, tipoff: datetime) -> datetime:
    """The moment to look at: 17:30 New York or, for an earlier game, the second before it begins (never in play)."""
    return min(at_new_york(day, HISTORICAL_CUTOFF), tipoff - timedelta(seconds=1))


def _teams(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    home, away = team_by_name(event["home_team"]), team_by_name(event["away_team"])
    return (home.abbr if home else None, away.abbr if away else None)


def _iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _check_past_events(value: Any) -> None:
    check_events(_data(value))


def _check_past_odds(value: Any) -> None:
    check_event_odds(_data(value))


def _data(value: Any) -> Any:
    if not isinstance(value, dict) or "data" not in value or "timestamp" not in value:
        raise WrongShape("a historical answer without timestamp and data")
    return value["data"]
