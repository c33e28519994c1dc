"""The replay server: one WSGI app that stands in for NBA.com, the Odds API, ESPN and the shot-zone source.

Base URLs are {server}/nba/stats, {server}/odds, {server}/espn and {server}/zones. Every answer holds only what was
known at now().
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Any

from flask import Flask, Response, request

from local.replay.archive import Archive
from local.replay.games import to_us
from local.replay.odds_api import GAME_MARKETS, PLAYER_MARKETS, REGIONS, OddsApi, Question, wrap_answer
from local.replay.side_feeds import InjuryList, ShotZones
from local.replay.stats_api import PLAYER_HEADERS, SEASON_TYPES, TEAM_HEADERS, StatsApi, parse_day

MONTHLY_QUOTA = 5_000_000
HISTORICAL_COST = 10  # the Odds API charges ten times for historical odds
_ERROR_CODES = "https://the-odds-api.com/liveapi/guides/v4/api-error-codes.html"
_EVENTS = "/v4/sports/basketball_nba/events"
_PAST_EVENTS = "/v4/historical/sports/basketball_nba/events"


class BadRequest(ValueError):
    """A parameter that the source would refuse: the status and body it would refuse it with."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body


def create_replay_app(archive: Archive, now: Callable[[], datetime]) -> Flask:
    """The replay of an archive; `now` gives the simulated moment, timezone-aware."""
    app = Flask("replay")
    stats, odds = StatsApi(archive), OddsApi(archive)
    injuries, zones = InjuryList(archive), ShotZones(archive)
    quota = _Quota()

    def now_us() -> int:
        return to_us(now())

    @app.errorhandler(BadRequest)
    def refuse(error: BadRequest) -> Response:
        return _json(error.body, error.status)

    @app.get("/nba/stats/leaguegamelog")
    def league_game_log() -> Response:
        season, kind = _season(), _choice("SeasonType", SEASON_TYPES, "Regular Season")
        who = _choice("PlayerOrTeam", {"P": "P", "T": "T"}, "T")
        first, last = _day("DateFrom"), _day("DateTo")
        descending = request.args.get("Direction", "DESC").upper() == "DESC"
        rows = stats.league_game_log(season, SEASON_TYPES[kind], who, now_us(), first, last, descending=descending)
        echoed = (
            "LeagueID",
            "Season",
            "SeasonType",
            "PlayerOrTeam",
            "Counter",
            "Sorter",
            "Direction",
            "DateFrom",
            "DateTo",
        )
        headers = PLAYER_HEADERS if who == "P" else TEAM_HEADERS
        return _json(
            {
                "resource": "leaguegamelog",
                "parameters": {name: request.args.get(name) or None for name in echoed},
                "resultSets": [{"name": "LeagueGameLog", "headers": headers, "rowSet": rows}],
            }
        )  # fmt: skip

    @app.get("/nba/stats/scheduleleaguev2")
    def schedule() -> Response:
        season = _season()
        league = {"seasonYear": season, "leagueId": "00", "gameDates": stats.schedule(season, now_us())}
        return _json({"meta": {"version": 1, "time": f"{now():%Y-%m-%dT%H:%M:%SZ}"}, "leagueSchedule": league})

    @app.get(f"/odds{_EVENTS}")
    def events() -> Response:
        _require_key()
        return _json(_within(odds.events(now_us(), live=True)), headers=quota.charge(0))

    @app.get(f"/odds{_EVENTS}/<event>/odds")
    def event_odds(event: str) -> Response:
        _require_key()
        question = _question()
        found = odds.event_odds(event, now_us(), question, live=True)
        return _json(_require_found(found), headers=quota.charge(_cost(question)))

    @app.get(f"/odds{_PAST_EVENTS}")
    def past_events() -> Response:
        _require_key()
        moment = now_us()
        at = min(_parse_date_parameter(), moment)
        answer = wrap_answer(_within(odds.events(at, live=False)), at, moment)
        return _json(answer, headers=quota.charge(1))

    @app.get(f"/odds{_PAST_EVENTS}/<event>/odds")
    def past_event_odds(event: str) -> Response:
        _require_key()
        question, moment = _question(), now_us()
        at = min(_parse_date_parameter(), moment)
        found = _require_found(odds.event_odds(event, at, question, live=False))
        return _json(wrap_answer(found, at, moment), headers=quota.charge(HISTORICAL_COST * _cost(question)))

    @app.get("/espn/apis/site/v2/sports/basketball/nba/injuries")
    def injury_list() -> Response:
        return _json(injuries.answer(now_us()))

    @app.get("/zones/<kind>")
    def shot_zones(kind: str) -> Response:
        if kind not in ("player", "team"):
            raise BadRequest(404, {"message": f"no shot zones by {kind!r}; ask /zones/player or /zones/team"})
        first, last = _day("date_from"), _day("date_to")
        if first is None or last is None:
            raise BadRequest(400, {"message": "date_from and date_to (ISO dates) are required"})
        return _json({"rows": zones.rows(kind, first, last, now_us())})

    return app


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


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, headers=headers, mimetype="application/json")


def _season() -> str:
    season = request.args.get("Season", "")
    if not re.fullmatch(r"\d{4}-\d{2}", season):
        raise BadRequest(400, {"Message": f"The Season property must look like 2025-26, not {season!r}."})
    return season


def _choice(name: str, known: dict[str, str], default: str) -> str:
    value = request.args.get(name, default)
    if value not in known:
        raise BadRequest(400, {"Message": f"The {name} property is {value!r}; known: {', '.join(known)}."})
    return value


def _day(name: str) -> Any:
    text = request.args.get(name, "")
    if not text:
        return None
    try:
        return parse_day(text)
    except ValueError as error:
        raise BadRequest(400, {"Message": f"The {name} property is no date: {text!r}."}) from error


def _refuse(code: str, message: str, status: int = 422) -> BadRequest:
    """A refusal in the Odds API's form."""
    anchor = code.lower().replace("_", "-")
    return BadRequest(status, {"message": message, "error_code": code, "details_url": f"{_ERROR_CODES}#{anchor}"})


def _require_key() -> None:
    if not request.args.get("apiKey"):
        raise _refuse("MISSING_KEY", "API key is missing. Get an API key at https://the-odds-api.com", 401)


def _parse_date_parameter() -> int:
    text = request.args.get("date", "")
    return _parse_timestamp_parameter("date", text, "INVALID_HISTORICAL_TIMESTAMP")


def _parse_timestamp_parameter(name: str, text: str, code: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refuse(code, f"Invalid {name} parameter {text!r}: ISO 8601, like 2025-01-01T00:00:00Z.") from error
    if moment.tzinfo is None:
        raise _refuse(code, f"Invalid {name} parameter {text!r}: a zone is needed, like 2025-01-01T00:00:00Z.")
    return to_us(moment)


def _within(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events whose tip-off lies between commenceTimeFrom and commenceTimeTo, where they are given."""
    for name, keep in (("commenceTimeFrom", 1), ("commenceTimeTo", -1)):
        text = request.args.get(name, "")
        if text:
            code = f"INVALID_COMMENCE_TIME_{name[12:].upper()}"
            edge = _parse_timestamp_parameter(name, text, code)
            events = [
                event for event in events
                if keep * (to_us(datetime.fromisoformat(event["commence_time"])) - edge) >= 0
            ]  # fmt: skip
    return events


def _require_found(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        message = "Event not found. The event may have expired or the event id may be invalid."
        raise _refuse("EVENT_NOT_FOUND", message, 404)
    return found


def _question() -> Question:
    """The question of an event odds request; 422 as the Odds API answers for what it does not know."""
    markets = _words("markets", "h2h")
    unknown = [market for market in markets if market not in (*PLAYER_MARKETS, *GAME_MARKETS)]
    if unknown:
        raise _refuse("INVALID_MARKET", f"Markets not supported by this endpoint: {', '.join(unknown)}")
    regions, books = _words("regions"), _words("bookmakers")
    if not regions and not books:
        raise _refuse("MISSING_REGION", "Missing regions parameter: regions or bookmakers must be specified")
    if set(regions) - REGIONS:
        raise _refuse("INVALID_REGION", f"Invalid regions parameter: {','.join(sorted(set(regions) - REGIONS))}")
    form = request.args.get("oddsFormat", "decimal")
    if form not in ("american", "decimal"):
        raise _refuse("INVALID_ODDS_FORMAT", f"Invalid oddsFormat parameter {form!r}: american or decimal")
    return Question(markets, frozenset(regions), frozenset(books), form == "decimal")


def _words(name: str, default: str = "") -> tuple[str, ...]:
    text = request.args.get(name, default)
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _cost(question: Question) -> int:
    return len(question.markets) * max(1, len(question.regions))
