"""One small answer of every source, in the whole shape that the source sends, and the real ones
where they are.
"""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from local.replay.report_pdf import Entry
from shared.nba.injury_report.records import STATUSES
from tests.conftest import ROOT
from tests.fuzz.mutations import ODD, mutate_bytes
from tests.support.fake_sources import draw_lists

_HEADERS = [
    "SEASON_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME", "GAME_ID", "GAME_DATE",
    "MATCHUP", "WL", "MIN", "FGM", "FGA", "FG_PCT", "FG3M", "FG3A", "FG3_PCT", "FTM", "FTA", "FT_PCT", "OREB", "DREB",
    "REB", "AST", "STL", "BLK", "TOV", "PF", "PTS", "PLUS_MINUS", "FANTASY_PTS", "VIDEO_AVAILABLE",
]  # fmt: skip
_SHOTS = [8, 20, 0.4, 4, 13, 0.308, 8, 9, 0.889, 0, 7, 7, 5, 0, 1, 3, 2, 28, -5, 43.9, 1]
_SIDES = (
    ("0022500201", 1610612744, "GSW", "Golden State Warriors", "GSW vs. NYK", "W"),
    ("0022500201", 1610612752, "NYK", "New York Knicks", "NYK @ GSW", "L"),
    ("0022500202", 1610612749, "MIL", "Milwaukee Bucks", "MIL vs. IND", "W"),
    ("0022500202", 1610612754, "IND", "Indiana Pacers", "IND @ MIL", "L"),
)


def _box(who: str) -> dict[str, Any]:
    rows = []
    for number, (game, team, code, name, matchup, won) in enumerate(_SIDES):
        row = ["22025", 1000 + number, f"Luka Dončić {number}", team, code, name, game, "2025-11-14", matchup, won, 35]
        rows.append(row + _SHOTS)
    keep = [n for n, header in enumerate(_HEADERS) if who == "P" or not header.startswith("PLAYER_")]
    return {
        "resource": "leaguegamelog",
        "parameters": {"LeagueID": "00", "Season": "2025-26", "PlayerOrTeam": who},
        "resultSets": [
            {
                "name": "LeagueGameLog",
                "headers": [_HEADERS[n] for n in keep],
                "rowSet": [[row[n] for n in keep] for row in rows],
            }
        ],
    }


def _game(game_id: str, home: str, away: str, day: int, status: int) -> dict[str, Any]:
    return {
        "gameId": game_id, "gameCode": f"202511{day}/{away}{home}", "gameStatus": status,
        "gameStatusText": ("7:30 pm ET", "Q2 4:31", "Final")[status - 1], "gameSequence": 1,
        "gameDateEst": f"2025-11-{day}T00:00:00Z", "gameTimeEst": "1900-01-01T19:30:00Z",
        "gameDateTimeEst": f"2025-11-{day}T19:30:00Z", "gameDateTimeUTC": f"2025-11-{day + 1}T00:30:00Z",
        "weekNumber": 4, "ifNecessary": False, "seriesGameNumber": "", "gameLabel": "", "gameSubLabel": "",
        "seriesText": "", "postponedStatus": "N", "isNeutral": False,
        "homeTeam": {"teamId": 1610612765, "teamTricode": home, "wins": 8, "losses": 2, "score": 110, "seed": 0},
        "awayTeam": {"teamId": 1610612755, "teamTricode": away, "wins": 7, "losses": 3, "score": 104, "seed": 0},
    }  # fmt: skip


SCHEDULE = {
    "meta": {"version": 1},
    "leagueSchedule": {
        "seasonYear": "2025-26",
        "leagueId": "00",
        "gameDates": [
            {"gameDate": "11/14/2025 00:00:00", "games": [_game("0022500201", "GSW", "NYK", 14, 3)]},
            {
                "gameDate": "11/15/2025 00:00:00",
                "games": [_game("0022500202", "MIL", "IND", 15, 1), _game("0022500203", "DET", "PHI", 15, 1)],
            },
            {"gameDate": "11/16/2025 00:00:00", "games": [_game("0022500204", "TBD", "TBD", 16, 1)]},
        ],
    },
}


def _lines(player: str, line: float) -> list[dict[str, Any]]:
    return [
        {"name": side, "description": player, "price": price, "point": line}
        for side, price in (("Over", -115), ("Under", 1.91))
    ]


_UPDATE = "2025-11-14T15:00:00Z"
EVENT = {
    "id": "cd0bc7d0c238f4446ce1c03d0cea7ec4", "sport_key": "basketball_nba", "sport_title": "NBA",
    "commence_time": "2025-11-15T00:10:00Z", "home_team": "Golden State Warriors", "away_team": "New York Knicks",
    "bookmakers": [
        {"key": "draftkings", "title": "DraftKings", "last_update": _UPDATE, "markets": [
            {"key": "player_points", "last_update": _UPDATE,
             "outcomes": _lines("Stephen Curry", 27.5) + _lines("Jalen Brunson", 28.5)},
            {"key": "player_points_alternate", "last_update": _UPDATE, "outcomes": _lines("Stephen Curry", 34.5)[:1]},
            {"key": "player_threes", "last_update": _UPDATE, "outcomes": _lines("Stephen Curry", 4.5)},
            {"key": "player_points_rebounds_assists", "last_update": _UPDATE,
             "outcomes": _lines("Jalen Brunson", 39.5)},
        ]},
        {"key": "fanduel", "title": "FanDuel", "last_update": _UPDATE, "markets": [
            {"key": "spreads", "last_update": _UPDATE, "outcomes": [
                {"name": "Golden State Warriors", "price": 1.91, "point": -6.5},
                {"name": "New York Knicks", "price": 1.91, "point": 6.5}]},
            {"key": "totals", "last_update": _UPDATE, "outcomes": [
                {"name": "Over", "price": 1.87, "point": 231.5}, {"name": "Under", "price": 1.87, "point": 231.5}]},
        ]},
    ],
}  # fmt: skip
PAST_EVENT = {"timestamp": "2025-11-14T16:00:00Z", "previous_timestamp": "2025-11-14T15:55:00Z", "data": EVENT}
EVENTS = [{key: value for key, value in EVENT.items() if key != "bookmakers"} | {"id": f"event{n}"} for n in range(3)]


def _injury(name: str, status: str, code: str) -> dict[str, Any]:
    return {
        "id": "1", "status": status, "date": "2025-11-13T20:00Z", "shortComment": f"{name} won't play Friday.",
        "longComment": "He hurt himself.", "athlete": {"displayName": name, "position": {"abbreviation": "G"}},
        "type": {"id": "4", "name": code, "description": status.lower(), "abbreviation": "O"},
        "details": {"type": "Knee", "location": "Leg", "detail": "Sprain", "side": "Left", "returnDate": "2025-12-01",
                    "fantasyStatus": {"description": "OUT", "abbreviation": "OUT"}},
    }  # fmt: skip


INJURIES = {
    "timestamp": "2025-11-14T16:00:00Z",
    "status": "success",
    "season": {"year": 2026, "type": 2},
    "injuries": [
        {"id": "9", "displayName": "Golden State Warriors",
         "injuries": [_injury("Stephen Curry", "Out", "INJURY_STATUS_OUT"),
                      _injury("Al Horford", "Day-To-Day", "INJURY_STATUS_DAYTODAY")]},
        {"id": "18", "displayName": "New York Knicks",
         "injuries": [_injury("Jalen Brunson", "Questionable", "INJURY_STATUS_QUESTIONABLE")]},
    ],
}  # fmt: skip

_ZONE_NAMES = ("ra", "paint_nonra", "mid", "corner3", "ab3", "backcourt")


def _zones(player: bool) -> dict[str, Any]:
    shots = {f"{zone}_{what}": made for zone in _ZONE_NAMES for what, made in (("fga", 5), ("fgm", 2))}
    return {
        "rows": [
            {"game_id": game, "game_date": "2025-11-14", "team_abbr": code, "opponent_abbr": other, **shots}
            | ({"player_id": 1000 + number} if player else {})
            for number, (game, code, other) in enumerate(
                (("0022500201", "GSW", "NYK"), ("0022500201", "NYK", "GSW"), ("0022500202", "MIL", "IND"))
            )
        ]
    }


PLAYER_BOX, TEAM_BOX = _box("P"), _box("T")
PLAYER_ZONES, TEAM_ZONES = _zones(True), _zones(False)


REPORT_TIME = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)


def reports() -> list[str]:
    """Official injury reports as a raw file keeps them."""
    times = (REPORT_TIME, REPORT_TIME - timedelta(hours=1))
    return [base64.b64encode(draw_lists(report_time)).decode() for report_time in times]


def odd_report(sent: bytes, random_: random.Random) -> str:
    """A report with a few bytes changed, or of cells with odd texts, as a raw file keeps it."""
    if random_.random() < 0.5:
        pdf = mutate_bytes(base64.b64decode(json.loads(sent)), random_)
    else:
        texts = [value for value in ODD if isinstance(value, str)]
        entries = [
            Entry(
                random_.choice(("Joel Embiid", "Paul George", random_.choice(texts) or "A")),
                random_.choice((*STATUSES, *STATUSES, "RESTING")),
                random_.choice(("-", "Rest", random_.choice(texts))),
            )
            for _ in range(random_.choice((0, 1, 2, 40)))
        ]
        pdf = draw_lists(REPORT_TIME, {random_.choice(("PHI", "DET")): entries})
    return base64.b64encode(pdf).decode()


def real(name: str) -> list[Any]:
    """A captured answer cut to a few elements, or nothing where the captured ones are absent."""
    path = ROOT.parent / "shared" / "samples" / name
    if not path.is_file():
        return []
    value = json.loads(path.read_text(encoding="utf-8"))
    if "resultSets" in value:
        value["resultSets"][0]["rowSet"] = value["resultSets"][0]["rowSet"][:5]
    if "leagueSchedule" in value:
        value = {"leagueSchedule": {"gameDates": value["leagueSchedule"]["gameDates"][:2]}}
        for day in value["leagueSchedule"]["gameDates"]:
            day["games"] = day["games"][:2]
            for game in day["games"]:
                game.pop("broadcasters", None)
                game.pop("pointsLeaders", None)
    return [value]
