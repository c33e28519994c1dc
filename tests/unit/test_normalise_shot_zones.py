"""The optional shot zones as rows of players and teams."""

from __future__ import annotations

from typing import Any

import pytest

from functions.phase2_raw.normalise.shot_zones import ShotZoneRows
from tests.normalised import normalised


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
    [row] = normalised(ShotZoneRows, "zones", zones(backcourt_fgm=None), file_kind="player")[0]["nba_raw.shot_zones"]
    assert (row["season"], row["player_id"], row["team"], row["opponent"]) == ("2024-25", 7, "BOS", "NYK")
    assert (row["restricted_fga"], row["paint_fga"], row["mid_fga"], row["corner3_fga"]) == (1, 2, 3, 4)
    assert (row["above_break3_fga"], row["above_break3_fgm"]) == (11, 5)


def test_a_teams_row_has_no_player() -> None:
    [row] = normalised(ShotZoneRows, "zones", zones(), file_kind="team")[0]["nba_raw.shot_zones"]
    assert row["player_id"] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"game_id": None}, "game_id is None"),
        ({"player_id": None}, "player_id is None"),
        ({"team_abbr": ""}, "team_abbr is ''"),
        ({"game_date": "x"}, "game_date is 'x'"),
        ({"mid_fga": 1.5}, "mid_fga is 1.5"),
        ({"mid_fga": -1}, "mid_fga is -1"),
    ],
)
def test_an_unreadable_zone_row_is_counted(change: dict[str, Any], said: str) -> None:
    tables, problems = normalised(ShotZoneRows, "zones", zones(**change), file_kind="player")
    assert tables == {}
    assert said in problems.sentences[0]
