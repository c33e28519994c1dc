"""Shot zones of players and teams by game: the optional source, asked for only where ZONES_BASE_URL
is set.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import SourceClient
from functions.phase1_scrape.sources.box_scores import Games
from functions.phase1_scrape.sources.reading import describe_unreadable
from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.nba.feed_values import show_value
from shared.stores.raw_files import RawFile

logger = logging.getLogger(__name__)

SOURCE = "zones"
KINDS = ("player", "team")


def fetch_shot_zones(fetch: Fetch, zones: SourceClient, games: Games, day: date) -> Harvest:
    """Rows of players and of teams for the games' days, kept under `day`. Raises SourceUnavailable.

    No rows at all is noted, not a failure: seasons are missing from the source.
    """
    fetched = [_fetch(fetch, zones, kind, games, day) for kind in KINDS]
    empty = [file.kind for file, _ in fetched if not file.rows]
    notes = {"empty": f"no {' or '.join(empty)} rows for {games.first} to {games.last}"} if empty else {}
    odd = [why for _, found in fetched for why in found]
    if odd:
        notes["unreadable"] = describe_unreadable("rows", odd)
    return Harvest(tuple(file for file, _ in fetched), notes=notes)


def _fetch(fetch: Fetch, zones: SourceClient, kind: str, games: Games, day: date) -> tuple[RawFile, list[str]]:
    earlier = fetch.raw.earlier(SOURCE, kind, day)
    if day in earlier:
        [kept] = fetch.raw.read(earlier[day]).answers
        rows, odd = _rows(kept.body)
        return RawFile(SOURCE, kind, day, earlier[day], rows), odd
    days = {"date_from": games.first.isoformat(), "date_to": games.last.isoformat()}
    served = _read_kept(fetch, kind, days, day) if fetch.use_kept else None
    if served is not None:
        return served
    answer = zones.get(f"/{kind}", days, check)
    rows, odd = _rows(answer.value)
    return fetch.raw.write(SOURCE, kind, day, fetch.now(), [answer.as_response("zones")], rows), odd


def _read_kept(fetch: Fetch, kind: str, days: Mapping[str, str], day: date) -> tuple[RawFile, list[str]] | None:
    """The newest file of an earlier execution that was asked for these days or more, once they were
    over; None: there is none. One that cannot be read is passed over.
    """
    for path in reversed(fetch.raw.snapshots(SOURCE, kind, fetch.now(), day)):
        try:
            content = fetch.raw.read(path)
        except DataError as error:
            logger.warning("%s does not serve: %s", path, error)
            continue
        asked = content.answers[0].request.get("params", {}) if len(content.answers) == 1 else {}
        covers = asked.get("date_from", "~") <= days["date_from"] and days["date_to"] <= asked.get("date_to", "")
        if covers and days["date_to"] < new_york_date(content.fetched_at).isoformat():
            rows, odd = _rows(content.answers[0].body)
            return RawFile(SOURCE, kind, day, path, rows), odd
    return None


def check(value: Any) -> None:
    """Raises WrongShape unless it is {"rows": [...]}; where it has any, one at least an object."""
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, list) or (rows and not any(isinstance(row, dict) for row in rows)):
        raise WrongShape('no {"rows": [...]}')


def _rows(value: Any) -> tuple[int, list[str]]:
    """How many rows there are, and what is none."""
    odd = [
        f"rows[{n}] is {show_value(row)}, no row" for n, row in enumerate(value["rows"]) if not isinstance(row, dict)
    ]
    return len(value["rows"]) - len(odd), odd
