"""Which date the pointers and the players' files are of: a date without games, and players who do
not play.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.export import run
from functions.phase6_export.schema_check import check
from shared.core.errors import NotFound
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    Evening,
    batch,
    evening,
    expected_row,
    message,
    prediction_row,
    schedule_row,
)

NEXT = DAY + timedelta(days=1)
SCHEDULE = "nba_raw.nbac_schedule"
POINTERS = {
    "v1/predictions/today.json": "predictions",
    "v1/best-bets/latest.json": "best_bets",
    "v1/tonight/all-players.json": "all_players",
}


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """Two games, Alpha and Beta predicted; the date is exported."""
    with evening(tmp_path) as opened:
        opened.add(SCHEDULE, [schedule_row(EARLY), schedule_row(LATE)])
        opened.add_sources()
        opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
        opened.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha"), expected_row(LATE, 2, "Beta")])
        opened.add(
            "nba_predictions.player_prop_predictions",
            [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")],
        )
        run(message(), opened.context("phase6_export"))
        yield opened


def read(night: Evening, path: str) -> Any:
    return json.loads(night.runtime.exports.read(path).data)


def list_game(day: date, status: str) -> Callable[[Evening], None]:
    """A game of two other teams is on the schedule of the day, and does not take place."""
    game = {"game_id": "0022500777", "home_team": "MIA", "away_team": "CHI", "game_date": day, "status": status}
    return lambda night: night.add(SCHEDULE, [schedule_row(EARLY, hours=2) | game])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda night: None, f"no games on {NEXT}"),
        (list_game(NEXT, "postponed"), f"all 1 games on {NEXT} are postponed"),
        (list_game(NEXT, "cancelled"), f"all 1 games on {NEXT} are called off"),
    ],
    ids=["none", "postponed", "cancelled"],
)
def test_on_a_day_without_games_nothing_shows_the_last_days_picks(
    night: Evening, change: Callable[[Evening], None], reason: str
) -> None:
    before = {path: read(night, path) for path in (f"v1/predictions/{DAY}.json", f"v1/best-bets/{DAY}.json")}
    night.clock.move(days=1)
    change(night)
    outcome = run(message(NEXT), night.context("phase6_export"))
    assert (outcome.status, outcome.reason, outcome.messages) == ("no_data", reason, ())
    for path, schema in POINTERS.items():
        body = read(night, path)
        check(body, schema, path)
        assert (body["game_date"], body["empty_reason"]) == (str(NEXT), reason)
        assert not body.get("players")
        assert not body.get("picks")
        assert {each["state"] for each in body["sources"][2:]} == {"missing"}
    assert read(night, "v1/tonight/all-players.json")["total_players"] == 0
    for name, player_id in (("alpha", 1), ("beta", 2)):
        body = read(night, f"v1/tonight/player/{name}.json")
        check(body, "player", name)
        assert (body["game_date"], body["stats"], body["last_games"]) == (str(NEXT), {}, [])
        assert body["player"] == {
            "player_id": player_id,
            "player_lookup": name,
            "player_name": name.title(),
            "file": f"tonight/player/{name}.json",
            "status": "not_playing",
            "reason": f"no game on {NEXT}",
        }
    for path, content in before.items():
        assert read(night, path) == content, "what was said of the day itself stands"
    with pytest.raises(NotFound):
        night.runtime.exports.read(f"v1/predictions/{NEXT}.json")
    status = read(night, "v1/status.json")
    assert (status["game_date"], status["status"], status["reason"]) == (str(NEXT), "no_data", reason)
    assert [each["game_date"] for each in status["dates"]] == [str(NEXT), str(DAY)]


def test_a_day_without_games_again_is_the_same(night: Evening) -> None:
    night.clock.move(days=1)
    paths = [*POINTERS, "v1/tonight/player/alpha.json"]
    run(message(NEXT), night.context("phase6_export"))
    first = {path: read(night, path) for path in paths}
    outcome = run(message(NEXT), night.context("phase6_export"))
    assert outcome.metadata["files_kept_newer"] == []
    assert {path: read(night, path) for path in paths} == first


def test_a_day_without_games_to_come_leaves_tonight_alone(night: Evening) -> None:
    before = {path: read(night, path) for path in POINTERS}
    outcome = run(message(NEXT), night.context("phase6_export"))
    assert outcome.metadata["files"] == ["v1/status.json"]
    assert {path: read(night, path) for path in POINTERS} == before
    status = read(night, "v1/status.json")
    assert (status["game_date"], status["status"]) == (str(DAY), "success")
    assert [(each["game_date"], each["status"]) for each in status["dates"]] == [
        (str(NEXT), "no_data"),
        (str(DAY), "success"),
    ]


def next_evening(night: Evening) -> None:
    """The next day has the early game alone, with Alpha predicted."""
    game = {
        "game_date": NEXT,
        "game_id": "0022500301",
        "tipoff_at": schedule_row(EARLY)["tipoff_at"] + timedelta(days=1),
    }
    later = {"features_as_of": night.clock.now() - timedelta(minutes=5)}
    night.add(SCHEDULE, [schedule_row(EARLY, hours=40) | game])
    batch_id = {"batch_id": f"batch_{NEXT}_r1"}
    night.add("nba_predictions.prediction_batches", [batch(EARLY, day=NEXT) | {"game_id": game["game_id"]}])
    night.add(
        "nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha") | game_fields(game) | batch_id | later]
    )
    written = {"updated_at": night.clock.now(), "tipoff_at": game["tipoff_at"], "line_snapshot_at": None, **later}
    row = prediction_row(EARLY, 1, "Alpha") | game_fields(game) | batch_id | written
    night.add("nba_predictions.player_prop_predictions", [row])


def game_fields(game: dict[str, Any]) -> dict[str, Any]:
    return {name: game[name] for name in ("game_date", "game_id")}


def test_on_the_next_evening_who_does_not_play_is_not_playing(night: Evening) -> None:
    night.clock.move(days=1)
    next_evening(night)
    outcome = run(message(NEXT), night.context("phase6_export"))
    assert outcome.status == "partial", "none of the sources was asked on the day"
    alpha, beta = (read(night, f"v1/tonight/player/{name}.json") for name in ("alpha", "beta"))
    assert (alpha["player"]["status"], alpha["game_date"]) == ("predicted", str(NEXT))
    assert (beta["player"]["status"], beta["game_date"]) == ("not_playing", str(NEXT))
    assert beta["player"]["reason"] == f"not among the players of the games on {NEXT}"
    assert {each["state"] for each in beta["sources"]} >= {"missing"}


def test_an_old_date_again_takes_nothing_from_the_new_one(night: Evening) -> None:
    """Neither pointers nor the top level, and no file of a player whom the new date does not
    have.
    """
    night.clock.move(days=1)
    run(message(NEXT), night.context("phase6_export"))
    night.add("nba_monitoring.expected_outputs", [expected_row(LATE, 9, "Omega")])
    night.add("nba_predictions.player_prop_predictions", [prediction_row(LATE, 9, "Omega")])
    before = {path: read(night, path) for path in [*POINTERS, "v1/tonight/player/alpha.json"]}
    on_top = read(night, "v1/status.json")
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == "success"
    assert read(night, f"v1/predictions/{DAY}.json")["total_players"] == 3
    assert {path: read(night, path) for path in before} == before
    with pytest.raises(NotFound):
        night.runtime.exports.read("v1/tonight/player/omega.json")
    status = read(night, "v1/status.json")
    for name in ("game_date", "status", "reason", "generated_at", "coverage", "sources", "files_written"):
        assert status[name] == on_top[name], name
    assert [(each["game_date"], each["status"]) for each in status["dates"]] == [
        (str(NEXT), "no_data"),
        (str(DAY), "success"),
    ]


@pytest.mark.parametrize("before", [b"no JSON", b"{}", b'{"player": {"player_id": true, "player_name": "A"}}'])
def test_a_file_of_other_making_says_no_more_than_its_name(night: Evening, before: bytes) -> None:
    night.runtime.exports.write("v1/tonight/player/zeta.json", before, content_type="application/json")
    run(message(), night.context("phase6_export"))
    player = read(night, "v1/tonight/player/zeta.json")["player"]
    assert (player["status"], player["player_id"], player["player_name"], player["player_lookup"]) == (
        "not_playing",
        None,
        None,
        "zeta",
    )


@pytest.mark.parametrize("name", ["Notes.txt", "older/alpha.json", "Alpha.json"])
def test_what_is_no_players_file_is_left_alone(night: Evening, name: str) -> None:
    night.runtime.exports.write(f"v1/tonight/player/{name}", b"mine", content_type="text/plain")
    assert run(message(), night.context("phase6_export")).status == "success"
    assert night.runtime.exports.read(f"v1/tonight/player/{name}").data == b"mine"


def test_whoever_shares_a_name_with_another_has_his_file_named(night: Evening) -> None:
    night.add("nba_monitoring.expected_outputs", [expected_row(LATE, 77, "Alpha", "low_minutes")])
    run(message(), night.context("phase6_export"))
    body = read(night, "v1/tonight/player/alpha.json")
    assert body["player"]["status"] == "not_playing"
    assert body["player"]["reason"] == (
        f"the file of this name on {DAY}: tonight/player/alpha-1.json, tonight/player/alpha-77.json"
    )


def test_files_of_players_are_listed_once(night: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    blobs = night.runtime.exports
    listing = blobs.list

    def list_watched(prefix: str) -> list[str]:
        asked.append(prefix)
        return listing(prefix)

    monkeypatch.setattr(blobs, "list", list_watched)
    night.clock.move(days=1)
    run(message(NEXT), night.context("phase6_export"))
    assert asked == ["v1/tonight/player/"]
