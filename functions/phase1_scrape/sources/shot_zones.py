"""Shot zones of players and teams by game: the optional source, asked for only where ZONES_BASE_URL is set."""

from __future__ import annotations

from datetime import date
from typing import Any

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import SourceClient, WrongShape
from functions.phase1_scrape.sources.box_scores import Games
from shared.raw_files import RawFile

SOURCE = "zones"
KINDS = ("player", "team")


def fetch_shot_zones(fetch: Fetch, zones: SourceClient, games: Games, day: date) -> Harvest:
    """Rows of players and of teams for the games' days, kept under `day`. Raises SourceUnavailable.

    No rows at all is noted, not a failure: seasons are missing from the source.
    """
    files = tuple(_fetch(fetch, zones, kind, games, day) for kind in KINDS)
    empty = [file.kind for file in files if not file.rows]
    notes = {"empty": f"no {' or '.join(empty)} rows for {games.first} to {games.last}"} if empty else {}
    return Harvest(files, notes=notes)


def _fetch(fetch: Fetch, zones: SourceClient, kind: str, games: Games, day: date) -> RawFile:
    earlier = fetch.raw.earlier(SOURCE, kind, day)
    if day in earlier:
        [kept] = fetch.raw.read(earlier[day]).answers
        return RawFile(SOURCE, kind, day, earlier[day], len(kept.body["rows"]))
    days = {"date_from": games.first.isoformat(), "date_to": games.last.isoformat()}
    answer = zones.get(f"/{kind}", days, check)
    return fetch.raw.write(SOURCE, kind, day, fetch.now(), [answer.named("zones")], len(answer.value["rows"]))


def check(value: Any) -> None:
    """Raises WrongShape unless it is {"rows": [objects]}."""
    rows = value.get("rows") if isinstance(value, dict) else None
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise WrongShape('no {"rows": [...]}')
