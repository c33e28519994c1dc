"""The optional shot zones as rows of players and teams."""

from __future__ import annotations

from typing import Any

import pytest

from functions.phase2_raw.normalise.shot_zones import ShotZoneRows
from tests.support.normalised import normalise


def zones(**changes: Any) -> dict[str, Any]:
    names = ("ra", "paint_nonra", "mid", "corner3", "ab3", "backcourt")
    shots = {f"{zone}_{what}": n + 1 for n, zone in enumerate(names)
             for what in ("fga", "fgm")}  # fmt: skip
    keys = {
        "game_id": "0022400001",
        "game_date": "2024-10-22",
        "player_id": 7,
        "team_abbr": "BOS",
        "opponent_abbr": "NYK",
    }
    return {"rows": [keys | shots | changes]}


def test_zones_are_summed_into_ours() -> None:
    [row] = normalise(ShotZoneRows, "zones", zones(backcourt_fgm=None), file_kind="player")[0]["nba_raw.shot_zones"]
    assert (row["season"], row["player_id"], row["team"], row["opponent"]) == ("2024-25", 7, "BOS", "NYK")
    assert (row["restricted_fga"], row["paint_fga"], row["mid_fga"], row["corner3_fga"]) == (1, 2, 3, 4)
    assert (row["above_break3_fga"], row["above_break3_fgm"]) == (11, 5)


def test_a_teams_row_has_no_player() -> None:
    [row] = normalise(ShotZoneRows, "zones", zones(), file_kind="team")[0]["nba_raw.shot_zones"]
    assert row["player_id"] is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"game_id": None}, "game_id is None"),
        ({"player_id": None}, "player_id is None"),
        ({"team_abbr": ""}, "team_abbr is ''"),
        ({"game_date": "x"}, "game_date is 'x'"),
        ({"mid_fga": 1.5}, "mid_fga is 1.5"),
        ({"mid_fga": -1}, "mid_fga is -1"),
    ],
)
def test_an_unreadable_zone_row_is_counted(change: dict[str, Any], message: str) -> None:
    tables, problems = normalise(ShotZoneRows, "zones", zones(**change), file_kind="player")
    assert tables == {}
    assert message in problems.sentences[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mid_fgm": 9}, "mid_fgm is 9, above mid_fga, 3"),
        ({"ra_fga": 2**63}, "ra_fga is 9223372036854775808, not within"),
        ({"ra_fga": int("9" * 400)}, "ra_fga is a whole number of some"),
        ({"player_id": True}, "player_id is True"),
        ({"player_id": 2**63}, "player_id is 9223372036854775808"),
        ({"team_abbr": "TBD"}, "team_abbr is 'TBD', no NBA team"),
        ({"team_abbr": ["BOS"]}, "team_abbr is a list of 1"),
        ({"game_id": "002240000\u00b9"}, "not 10 digits"),
        ({"game_date": "0001-01-01"}, "not in the years"),
    ],
)
def test_a_zone_row_that_cannot_be_costs_no_other(change: dict[str, Any], message: str) -> None:
    body = zones(**change)
    body["rows"] += zones(player_id=8)["rows"] + [None, 7]
    tables, problems = normalise(ShotZoneRows, "zones", body, file_kind="player")
    assert [row["player_id"] for row in tables["nba_raw.shot_zones"]] == [8]
    assert message in problems.sentences[0]
    assert problems.refused == 3


def test_a_player_twice_with_different_shots_is_named() -> None:
    body = zones()
    body["rows"] += zones(ra_fga=7)["rows"]
    tables, problems = normalise(ShotZoneRows, "zones", body, file_kind="player")
    assert tables == {}
    assert "player_id 7: there 2 times with different figures (restricted_fga 1 and 7)" in problems.sentences[0]
