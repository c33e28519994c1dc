"""A real HTTP server that answers as the sources do for one small day, until a test tells it to
answer badly.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug.serving import WSGIRequestHandler, make_server

from local.replay.report_pdf import Entry, ReportedGame, draw_report
from shared.core.clock import NEW_YORK, new_york_date
from shared.core.settings import Settings
from shared.nba.injury_report.names import reports_until

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

DAY = date(2025, 11, 14)
# (game_id, home, away, home name, away name, tip-off UTC); the last one begins on the next UTC day.
GAMES = (
    ("0022500201", "DET", "PHI", "Detroit Pistons", "Philadelphia 76ers", "2025-11-15T00:30:00Z"),
    ("0022500202", "LAL", "LAC", "Los Angeles Lakers", "Los Angeles Clippers", "2025-11-15T03:30:00Z"),
)
KEY = "the-secret-key-of-the-odds-api"


@dataclass(frozen=True)
class Reply:
    """One answer. `promised` is a Content-Length that differs from what is sent."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None

    @classmethod
    def of(cls, value: Any, **headers: str) -> Reply:
        return cls(200, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


# Below it are the official injury reports.
OFFICIAL = "/official/"
HTML = Reply(200, b"<html><body>Access denied</body></html>", {"Content-Type": "text/html"})
TRUNCATED = Reply(200, b'{"leagueSchedule": {"gameDates": [', {"Content-Type": "application/json"})
CUT_OFF = Reply(200, b'{"leagueSchedule": ', {"Content-Type": "application/json"}, promised=1000)


class FakeSources:
    """`says[name]` replaces the answer of a source: a Reply, or a list of Replies of which the last
    one stays.

    Names: schedule, box P, box T, events, live_odds, event_odds (of the past), or one of the two
    with " {event id}", injuries, official (or with " {file's name}"). Every report is there that
    could be.
    """

    def __init__(self) -> None:
        self.says: dict[str, Reply | list[Reply]] = {}
        self.asked: list[str] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.final = False
        self._turn = threading.Lock()
        self.base_url = ""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        path, params = environ["PATH_INFO"], dict(parse_qsl(environ["QUERY_STRING"]))
        headers = {key[5:]: value for key, value in environ.items() if key.startswith("HTTP_")}
        with self._turn:
            self.requests.append((path, params, headers))
            reply = self._reply(path, params)
        length = len(reply.body) if reply.promised is None else reply.promised
        start_response(f"{reply.status} Told", [*reply.headers.items(), ("Content-Length", str(length))])
        return [reply.body]

    def _reply(self, path: str, params: dict[str, str]) -> Reply:
        name, event = self._name(path, params)
        self.asked.append(name)
        for key in (f"{name} {event}", name):
            reply = self.says.get(key)
            if isinstance(reply, list):
                return reply.pop(0) if len(reply) > 1 else reply[0]
            if reply is not None:
                return reply
        value = self._value(name, event, params)
        if isinstance(value, bytes):
            return Reply(200, value, {"Content-Type": "application/pdf"})
        return Reply(404, b'{"message": "nothing here"}') if value is None else Reply.of(value, **self._quota(path))

    @staticmethod
    def _quota(path: str) -> dict[str, str]:
        return (
            {"x-requests-remaining": "490", "x-requests-used": "10", "x-requests-last": "2"} if "/v4/" in path else {}
        )

    @staticmethod
    def _name(path: str, params: dict[str, str]) -> tuple[str, str]:
        if path.endswith("/scheduleleaguev2"):
            return "schedule", ""
        if path.endswith("/leaguegamelog"):
            return f"box {params['PlayerOrTeam']}", ""
        if path.endswith("/events"):
            return "events", ""
        if path.endswith("/odds"):
            return "event_odds" if "date" in params else "live_odds", path.split("/")[-2]
        if path.startswith(OFFICIAL):
            return "official", path.removeprefix(OFFICIAL)
        return ("injuries", "") if path.endswith("/injuries") else (path, "")

    def _value(self, name: str, event: str, params: dict[str, str]) -> Any:
        past = "date" in params
        values: dict[str, Callable[[], Any]] = {
            "schedule": lambda: schedule(self.final),
            "box P": lambda: box_scores("P"),
            "box T": lambda: box_scores("T"),
            "events": lambda: _historical(events()) if past else events(),
            "live_odds": lambda: event_odds(event, props=True, lines=True),
            "event_odds": lambda: _historical(event_odds(event, props=True, lines=True)),
            "injuries": injuries,
            "official": lambda: official_report(event),
        }
        return values[name]() if name in values else None


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def serving(sources: FakeSources) -> Iterator[FakeSources]:
    """The server on a free port while the block runs."""
    server = make_server("127.0.0.1", 0, sources, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    sources.base_url = f"http://127.0.0.1:{server.port}"
    try:
        yield sources
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings_for(base_url: str, **changes: Any) -> Settings:
    """Every source at the server, no waiting."""
    return replace(
        Settings(
            nba_base_url=f"{base_url}/stats",
            odds_base_url=base_url,
            espn_base_url=base_url,
            official_reports_base_url=f"{base_url}{OFFICIAL}".rstrip("/"),
            odds_api_key=KEY,
            http_timeout_seconds=10.0,
            http_attempts=2,
            http_backoff_seconds=0.0,
            http_requests_per_second=0.0,
        ),
        **changes,
    )


def schedule(final: bool, games: tuple[tuple[str, ...], ...] = GAMES) -> dict[str, Any]:
    return {"leagueSchedule": {"gameDates": [{"games": [schedule_game(*game, final=final) for game in games]}]}}


def schedule_game(
    game_id: str, home: str, away: str, home_name: str, away_name: str, tipoff: str, *, final: bool = False,
    day: date = DAY, **changes: Any,
) -> dict[str, Any]:  # fmt: skip
    return {
        "gameId": game_id,
        "gameStatus": 3 if final else 1,
        "gameStatusText": "Final" if final else "7:30 pm ET",
        "gameDateEst": f"{day}T00:00:00Z",
        "gameDateTimeUTC": tipoff,
        "homeTeam": {"teamTricode": home, "score": 110 if final else 0},
        "awayTeam": {"teamTricode": away, "score": 104 if final else 0},
        "postponedStatus": "N",
        "isNeutral": False,
    } | changes


_STATS = {
    "WL": "W", "MIN": 34, "PTS": 21, "REB": 9, "OREB": 2, "DREB": 7, "AST": 5, "STL": 1, "BLK": 0, "TOV": 3, "PF": 2,
    "FGM": 8, "FGA": 17, "FG3M": 2, "FG3A": 6, "FTM": 3, "FTA": 4, "PLUS_MINUS": -4,
}  # fmt: skip


def box_rows(who: str, games: tuple[tuple[str, ...], ...] = GAMES) -> list[dict[str, Any]]:
    """One player (or the team) a side, as dicts by header."""
    rows = []
    for number, (game_id, home, away, *_) in enumerate(games):
        for side, (own, matchup) in enumerate(((home, f"{home} vs. {away}"), (away, f"{away} @ {home}"))):
            row = {"GAME_ID": game_id, "GAME_DATE": str(DAY), "TEAM_ABBREVIATION": own, "MATCHUP": matchup, **_STATS}
            player = {"PLAYER_ID": 1000 + 2 * number + side, "PLAYER_NAME": f"Luka Dončić {number}{side}"}
            rows.append(row | player if who == "P" else row)
    return rows


def box_scores(who: str, rows: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rows = box_rows(who) if rows is None else rows
    headers = list(box_rows(who)[0])
    return {"resultSets": [{"headers": headers, "rowSet": [[row[name] for name in headers] for row in rows]}]}


def events() -> list[dict[str, Any]]:
    return [
        {"id": f"event{number}", "commence_time": tipoff, "home_team": home, "away_team": away}
        for number, (_, _, _, home, away, tipoff) in enumerate(GAMES)
    ]


def outcome(side: str, player: str, point: Any, price: Any) -> dict[str, Any]:
    return {"name": side, "description": player, "point": point, "price": price}


def market(key: str, outcomes: list[dict[str, Any]], last_update: str = "2025-11-14T15:00:00Z") -> dict[str, Any]:
    return {"key": key, "last_update": last_update, "outcomes": outcomes}


def event_odds(event: str, *, props: bool = False, lines: bool = False) -> dict[str, Any] | None:
    found = {each["id"]: each for each in events()}.get(event)
    if found is None:
        return None
    markets = []
    if props:
        both = [outcome("Over", "Luka Dončić", 24.5, -115), outcome("Under", "Luka Dončić", 24.5, -105)]
        markets.append(market("player_points", both))
    if lines:
        spreads = [{"name": found["home_team"], "point": -6.5}, {"name": found["away_team"], "point": 6.5}]
        markets += [
            market("spreads", spreads),
            market("totals", [{"name": n, "point": 231.5} for n in ("Over", "Under")]),
        ]
    return found | {"bookmakers": [{"key": "draftkings", "title": "DraftKings", "markets": markets}]}


def injuries() -> dict[str, Any]:
    entry = {
        "status": "Out",
        "athlete": {"displayName": "Joel Embiid"},
        "details": {"type": "Knee", "detail": "Surgery"},
    }
    return {
        "timestamp": "2025-11-14T16:00:00Z",
        "injuries": [{"displayName": "Philadelphia 76ers", "injuries": [entry]}],
    }


# Of the first game one team lists somebody and one nobody, of the second one has not submitted yet.
LISTS: Mapping[str, Sequence[Entry]] = {
    "PHI": (
        Entry("Joel Embiid", "OUT", "Injury/Illness - Left Knee; Surgery"),
        Entry("Paul George", "QUESTIONABLE", "Injury/Illness - Right Ankle; Sprain"),
    ),
    "DET": (),
    "LAC": (Entry("Kawhi Leonard", "AVAILABLE", "-"),),
}


def report_name(report_time: datetime) -> str:
    """What the report of a moment is called."""
    [report] = islice(reports_until(report_time), 1)
    assert report.report_time == report_time
    return report.name


def draw_lists(
    report_time: datetime, lists: Mapping[str, Sequence[Entry]] = LISTS, *, day: date | None = None
) -> bytes:
    """The report of a moment about the games, as if they were of `day`; the moment's, where none is
    given.
    """
    played = day or new_york_date(report_time)
    games = [
        ReportedGame(played, datetime.fromisoformat(tipoff), away, home, lists) for _, home, away, _, _, tipoff in GAMES
    ]
    return draw_report(report_time, games)


@cache
def official_report(name: str) -> bytes | None:
    """The report of that name about the games, of its own day; None where none is called so."""
    found = re.fullmatch(r"Injury-Report_(\d{4}-\d\d-\d\d)_(\d\d)(?:_(\d\d))?([AP]M)\.pdf", name)
    if found is None:
        return None
    stated = f"{found[1]} {found[2]}:{found[3] or '30'} {found[4]}"
    local = datetime.strptime(stated, "%Y-%m-%d %I:%M %p").replace(tzinfo=NEW_YORK)
    report_time = local.astimezone(UTC)
    [newest] = islice(reports_until(report_time), 1)
    return draw_lists(report_time) if newest.name == name else None


def _historical(data: Any) -> Any:
    return None if data is None else {"timestamp": "2025-11-14T22:30:00Z", "data": data}
