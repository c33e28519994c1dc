"""leaguegamelog as rows of players and teams: what is read, and that nothing unreadable is dropped in silence."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from functions.phase2_raw.normalise.box_scores import PLAYERS, TEAMS, PlayerBoxScores, TeamBoxScores
from shared.errors import DataError
from tests.fake_sources import (
    box_rows,
    box_scores,
)
from tests.normalised import FETCHED, normalised, sample


def test_the_captured_player_box_scores_are_read_whole() -> None:
    body = json.loads(sample("leaguegamelog_P_2025-03-15.json").read_text())
    tables, problems = normalised(PlayerBoxScores, "leaguegamelog", body)
    assert problems.sentences == []
    assert len(tables[PLAYERS]) == 157
    curry = tables[PLAYERS][0]
    assert curry == {
        "game_date": date(2025, 3, 15), "game_id": "0022400974", "player_id": 201939, "snapshot_time": FETCHED,
        "season": "2024-25", "season_type": "regular_season", "player_name": "Stephen Curry",
        "player_lookup": "stephencurry", "team": "GSW", "opponent": "NYK", "is_home": True, "won": True,
        "minutes": 35.0, "points": 28, "rebounds": 7, "offensive_rebounds": 0, "defensive_rebounds": 7, "assists": 5,
        "steals": 0, "blocks": 1, "turnovers": 3, "fouls": 2, "fgm": 8, "fga": 20, "fg3m": 4, "fg3a": 13, "ftm": 8,
        "fta": 9, "plus_minus": -5, "run_id": "run-1", "source_file": "the/path",
    }  # fmt: skip
    away = next(row for row in tables[PLAYERS] if row["player_name"] == "T.J. McConnell")
    assert (away["team"], away["opponent"], away["is_home"], away["won"]) == ("IND", "MIL", False, False)


def test_team_box_scores_have_a_row_a_side() -> None:
    tables, problems = normalised(TeamBoxScores, "leaguegamelog", box_scores("T"))
    assert problems.sentences == []
    sides = [(row["game_id"], row["team"], row["opponent"], row["is_home"]) for row in tables[TEAMS]]
    assert sides[:2] == [("0022500201", "DET", "PHI", True), ("0022500201", "PHI", "DET", False)]
    assert len(sides) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GAME_ID": None}, "GAME_ID is None"),
        ({"GAME_ID": "22500201"}, "GAME_ID is '22500201'"),
        ({"GAME_DATE": "NOV 14"}, "GAME_DATE is 'NOV 14'"),
        ({"MATCHUP": "DET - PHI"}, "MATCHUP is 'DET - PHI'"),
        ({"TEAM_ABBREVIATION": "PHI"}, "TEAM_ABBREVIATION 'PHI'"),
        ({"PLAYER_ID": None}, "PLAYER_ID is None"),
        ({"PLAYER_ID": "x"}, "PLAYER_ID is 'x'"),
        ({"PLAYER_NAME": ""}, "PLAYER_NAME ''"),
        ({"PTS": "many"}, "PTS is 'many'"),
        ({"PTS": 20.5}, "PTS is 20.5"),
        ({"MIN": "34:12"}, "MIN is '34:12'"),
    ],
)
def test_an_unreadable_row_is_named_and_the_others_are_kept(change: dict[str, Any], said: str) -> None:
    rows = box_rows("P")
    rows[2] |= change
    tables, problems = normalised(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert [row["player_id"] for row in tables[PLAYERS]] == [1000, 1001, 1003]
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: rowSet[2]: ")
    assert said in sentence


def test_missing_statistics_are_null_and_whole_floats_are_whole() -> None:
    rows = box_rows("P")
    rows[0] |= {"PLUS_MINUS": None, "PTS": 21.0, "WL": None, "MIN": 33.7}
    tables, problems = normalised(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert problems.sentences == []
    first = tables[PLAYERS][0]
    assert (first["plus_minus"], first["points"], first["won"], first["minutes"]) == (None, 21, None, 33.7)


def test_an_empty_day_has_no_table() -> None:
    assert normalised(PlayerBoxScores, "leaguegamelog", box_scores("P", []))[0] == {}


def test_a_box_score_of_another_shape_names_file_and_column() -> None:
    body = box_scores("T")
    with pytest.raises(DataError, match=r"the/path: .*without PLAYER_ID, PLAYER_NAME"):
        normalised(PlayerBoxScores, "leaguegamelog", body)
    for row in body["resultSets"][0]["rowSet"]:
        row.pop()
    with pytest.raises(DataError, match="do not fit"):
        normalised(TeamBoxScores, "leaguegamelog", body)
