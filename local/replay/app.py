"""The replay server: one WSGI app that stands in for NBA.com, the Odds API, the league's injury
reports, ESPN and the shot-zone source.

Base URLs are {server}/nba/stats, {server}/odds, {server}/official, {server}/espn and
{server}/zones. Every answer holds only what was known at now().
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Flask, Response, request

from local.replay.archive import Archive
from local.replay.parameters import RequestRefused
from local.replay.sources import ReplayAnswer, Sources

ROUTES: Mapping[str, Callable[..., ReplayAnswer]] = {
    "/nba/stats/leaguegamelog": Sources.league_game_log,
    "/nba/stats/scheduleleaguev2": Sources.schedule,
    "/odds/v4/sports/basketball_nba/events": Sources.events,
    "/odds/v4/sports/basketball_nba/events/<event>/odds": Sources.event_odds,
    "/odds/v4/historical/sports/basketball_nba/events": Sources.past_events,
    "/odds/v4/historical/sports/basketball_nba/events/<event>/odds": Sources.past_event_odds,
    "/official/<name>": Sources.official_report,
    "/espn/apis/site/v2/sports/basketball/nba/injuries": Sources.injury_list,
    "/zones/<kind>": Sources.shot_zones,
}


def create_replay_app(archive: Archive, now: Callable[[], datetime]) -> Flask:
    """The replay of an archive; `now` gives the simulated moment, timezone-aware."""
    app = Flask("replay")
    sources = Sources(archive, now)

    def respond(**parts: str) -> Response:
        answer = ROUTES[str(request.url_rule)](sources, request.args, **parts)
        if isinstance(answer.body, bytes):
            return Response(answer.body, headers=answer.headers, mimetype="application/pdf")
        return _json(answer.body, 200, answer.headers)

    @app.errorhandler(RequestRefused)
    def refuse(refused: RequestRefused) -> Response:
        return _json(refused.body, refused.status)

    for path in ROUTES:
        app.add_url_rule(path, path.replace(".", ""), respond)
    return app


def _json(body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status=status, headers=headers, mimetype="application/json")
