"""`make run` with sources that fail all day, and a day without games after a day with some: what
readers are told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask

from functions.phase6_export.schema_check import check
from local.cli import run
from local.host import runtime
from local.host.runtime import replay_app
from local.league import write_league
from local.replay import Archive

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.heavy  # whole days

EVERYBODY = "tonight/all-players.json"
FEEDS = re.compile(r"/odds|/espn|/official")
Play = Callable[[date], tuple[int, str]]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("archive") / "league"
    write_league(folder, seed=5, seasons=1, teams=6, games_per_team=24)
    return Archive(folder)


@pytest.fixture
def play(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Play:
    """Plays a day on the test's own state as `make run` does: its exit code and its last line."""

    def play_day(day: date) -> tuple[int, str]:
        places = {"ARCHIVE": str(archive.folder), "LOCAL_DIR": str(tmp_path)}
        settings = {**places, "DATE": str(day), "HISTORY_SEASONS": "0", "PORT": "0"}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("RUNTIME", raising=False)
        code = run.main()
        out, err = capsys.readouterr()
        assert err == ""
        return code, out.splitlines()[-1]

    return play_day


def read(folder: Path, path: str) -> Any:
    return json.loads((folder / "exports" / "v1" / path).read_text(encoding="utf-8"))


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def failing(*arguments: Any) -> Flask:
    """The replay of an archive whose odds and injuries answer 503 to everything."""
    app = replay_app(*arguments)
    inner = app.wsgi_app

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if FEEDS.match(environ["PATH_INFO"]):
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        return inner(environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]
    return app


def test_a_day_whose_odds_and_injuries_fail_says_so_everywhere(
    archive: Archive, play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "replay_app", failing)
    day = archive.last_date
    code, last = play(day)
    assert code == 3
    for words in ("injuries missing: no injury list of", "player_lines missing", "game_lines missing"):
        assert words in last
    assert last.startswith("Done, with gaps: export: ")
    runs = {each["schedule"]: each["phases"][-1] for each in summary(tmp_path)["runs"]}
    for schedule in ("overnight-predictions", "same-day-predictions", "phase6-tonight-picks", "pre-game-predictions"):
        assert (runs[schedule]["name"], runs[schedule]["status"]) == ("phase6_export", "partial"), schedule
    status = read(tmp_path, "status.json")
    check(status, "status", "status.json")
    assert (status["game_date"], status["status"]) == (str(day), "partial")
    assert "injuries missing" in status["reason"]
    for path in (f"predictions/{day}.json", "predictions/today.json", "best-bets/latest.json", EVERYBODY):
        states = {each["source"]: each["state"] for each in read(tmp_path, path)["sources"]}
        assert states == {
            "schedule": "current", "box_scores": "current",
            "injuries": "missing", "player_lines": "missing", "game_lines": "missing",
        }, path  # fmt: skip
    players = [each for game in read(tmp_path, "tonight/all-players.json")["games"] for each in game["players"]]
    assert len(players) > 20
    assert {(each["injury_status"], each["injuries_unknown"]) for each in players} == {("unknown", True)}


def test_a_day_without_games_after_one_with_games_shows_none_of_its_picks(
    archive: Archive, play: Play, tmp_path: Path
) -> None:
    days = archive.game_days()
    free = next(day + timedelta(days=1) for day in reversed(days[:-1]) if day + timedelta(days=1) not in days)
    code, last = play(free - timedelta(days=1))
    assert (code, last) == (0, "Done.")
    assert {each["state"] for each in read(tmp_path, "predictions/today.json")["sources"]} == {"current"}
    names = sorted(path.name for path in (tmp_path / "exports/v1/tonight/player").iterdir())
    assert len(names) > 20
    picks = read(tmp_path, f"predictions/{free - timedelta(days=1)}.json")

    code, last = play(free)
    assert (code, last) == (0, "Done.")
    for path, schema in (
        ("predictions/today.json", "predictions"),
        ("best-bets/latest.json", "best_bets"),
        ("tonight/all-players.json", "all_players"),
    ):
        body = read(tmp_path, path)
        check(body, schema, path)
        assert (body["game_date"], body["empty_reason"]) == (str(free), f"no games on {free}")
        assert not body.get("players", body.get("picks", body.get("games")))
    assert sorted(path.name for path in (tmp_path / "exports/v1/tonight/player").iterdir()) == names
    for name in names:
        body = read(tmp_path, f"tonight/player/{name}")
        assert (body["player"]["status"], body["game_date"], body["stats"]) == ("not_playing", str(free), {})
        assert body["player"]["player_name"], "the file before said it"
    assert read(tmp_path, f"predictions/{free - timedelta(days=1)}.json") == picks
    status = read(tmp_path, "status.json")
    assert (status["game_date"], status["status"]) == (str(free), "no_data")
    runs = {each["schedule"]: [phase["name"] for phase in each["phases"]] for each in summary(tmp_path)["runs"]}
    assert runs["overnight-predictions"][-1] == "phase6_export", "the first run of the day gets there"
