"""What a request to the replay asks for, and how each source refuses what it does not
understand."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from local.replay.games import to_us
from local.replay.odds_api import GAME_MARKETS, REGIONS, Question
from local.replay.stats_api import parse_day
from shared.nba.stats import STAT_OF_MARKET

_ERROR_CODES = "https://the-odds-api.com/liveapi/guides/v4/api-error-codes.html"

Arguments = Mapping[str, str]
"""The parameters of a request's query."""


class RequestRefused(ValueError):
    """A parameter that the source would refuse: the status and body it would refuse it with."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def read_season(args: Arguments) -> str:
    """The season, as 2025-26. Raises RequestRefused."""
    season = args.get("Season", "")
    if not re.fullmatch(r"\d{4}-\d{2}", season):
        raise RequestRefused(400, {"Message": f"The Season property must look like 2025-26, not {season!r}."})
    return season


def read_choice(args: Arguments, name: str, known: Collection[str], default: str) -> str:
    """One of the known words. Raises RequestRefused."""
    value = args.get(name, default)
    if value not in known:
        raise RequestRefused(400, {"Message": f"The {name} property is {value!r}; known: {', '.join(known)}."})
    return value


def read_day(args: Arguments, name: str) -> date | None:
    """A day, None where none is asked for. Raises RequestRefused."""
    text = args.get(name, "")
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise RequestRefused(400, {"Message": f"The {name} property is no date: {text!r}."}) from error


def _refuse(code: str, message: str, status: int = 422) -> RequestRefused:
    """A refusal in the Odds API's form."""
    anchor = code.lower().replace("_", "-")
    return RequestRefused(status, {"message": message, "error_code": code, "details_url": f"{_ERROR_CODES}#{anchor}"})


def require_key(args: Arguments) -> None:
    """Raises RequestRefused where there is no key; any key will do."""
    if not args.get("apiKey"):
        raise _refuse("MISSING_KEY", "API key is missing. Get an API key at https://the-odds-api.com", 401)


def read_past(args: Arguments) -> int:
    """The moment that historical odds are asked for, microseconds. Raises RequestRefused."""
    return _parse_timestamp("date", args.get("date", ""), "INVALID_HISTORICAL_TIMESTAMP")


def _parse_timestamp(name: str, text: str, code: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refuse(code, f"Invalid {name} parameter {text!r}: ISO 8601, like 2025-01-01T00:00:00Z.") from error
    if moment.tzinfo is None:
        raise _refuse(code, f"Invalid {name} parameter {text!r}: a zone is needed, like 2025-01-01T00:00:00Z.")
    return to_us(moment)


def keep_within(args: Arguments, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events whose tip-off lies between commenceTimeFrom and commenceTimeTo, where they are given.

    Raises RequestRefused.
    """
    for name, keep in (("commenceTimeFrom", 1), ("commenceTimeTo", -1)):
        text = args.get(name, "")
        if text:
            code = f"INVALID_COMMENCE_TIME_{name[12:].upper()}"
            edge = _parse_timestamp(name, text, code)
            events = [
                event for event in events
                if keep * (to_us(datetime.fromisoformat(event["commence_time"])) - edge) >= 0
            ]  # fmt: skip
    return events


def require_found(found: dict[str, Any] | None) -> dict[str, Any]:
    """Raises RequestRefused where there is no such event."""
    if found is None:
        message = "Event not found. The event may have expired or the event id may be invalid."
        raise _refuse("EVENT_NOT_FOUND", message, 404)
    return found


def read_question(args: Arguments) -> Question:
    """The question of an event odds request; 422 as the Odds API answers for what it does not
    know."""
    markets = _words(args, "markets", "h2h")
    unknown = [market for market in markets if market not in (*STAT_OF_MARKET, *GAME_MARKETS)]
    if unknown:
        raise _refuse("INVALID_MARKET", f"Markets not supported by this endpoint: {', '.join(unknown)}")
    regions, books = _words(args, "regions"), _words(args, "bookmakers")
    if not regions and not books:
        raise _refuse("MISSING_REGION", "Missing regions parameter: regions or bookmakers must be specified")
    if set(regions) - REGIONS:
        raise _refuse("INVALID_REGION", f"Invalid regions parameter: {','.join(sorted(set(regions) - REGIONS))}")
    form = args.get("oddsFormat", "decimal")
    if form not in ("american", "decimal"):
        raise _refuse("INVALID_ODDS_FORMAT", f"Invalid oddsFormat parameter {form!r}: american or decimal")
    return Question(markets, frozenset(regions), frozenset(books), form == "decimal")


def _words(args: Arguments, name: str, default: str = "") -> tuple[str, ...]:
    text = args.get(name, default)
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
