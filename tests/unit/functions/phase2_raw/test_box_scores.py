"""leaguegamelog as rows of players and teams: what is read, and that nothing unreadable is dropped
in silence.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from functions.phase2_raw.normalise.box_scores import NUMBERS, PLAYERS, TEAMS, PlayerBoxScores, TeamBoxScores
from shared.core.errors import DataError
from shared.nba.stats import STATS, Stat
from tests.support.fake_sources import box_rows, box_scores
from tests.support.normalised import FETCHED, normalise, sample


def test_the_captured_player_box_scores_are_read_whole() -> None:
    body = json.loads(sample("leaguegamelog_P_2025-03-15.json").read_text())
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", body)
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
    tables, problems = normalise(TeamBoxScores, "leaguegamelog", box_scores("T"))
    assert problems.sentences == []
    sides = [(row["game_id"], row["team"], row["opponent"], row["is_home"]) for row in tables[TEAMS]]
    assert sides[:2] == [("0022500201", "DET", "PHI", True), ("0022500201", "PHI", "DET", False)]
    assert len(sides) == 4


@pytest.mark.parametrize(
    ("change", "message"),
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
def test_an_unreadable_row_is_named_and_the_others_are_kept(change: dict[str, Any], message: str) -> None:
    rows = box_rows("P")
    rows[2] |= change
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert [row["player_id"] for row in tables[PLAYERS]] == [1000, 1001, 1003]
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: rowSet[2]: ")
    assert message in sentence


def test_missing_statistics_are_null_and_whole_floats_are_whole() -> None:
    rows = box_rows("P")
    rows[0] |= {"PLUS_MINUS": None, "PTS": 21.0, "WL": None, "MIN": 33.7}
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert problems.sentences == []
    first = tables[PLAYERS][0]
    assert (first["plus_minus"], first["points"], first["won"], first["minutes"]) == (None, 21, None, 33.7)


def test_an_empty_day_has_no_table() -> None:
    assert normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", []))[0] == {}


def test_a_box_score_of_another_shape_names_file_and_column() -> None:
    body = box_scores("T")
    with pytest.raises(DataError, match=r"the/path: .*without PLAYER_ID, PLAYER_NAME"):
        normalise(PlayerBoxScores, "leaguegamelog", body)
    for row in body["resultSets"][0]["rowSet"]:
        row.pop()
    with pytest.raises(DataError, match="do not fit"):
        normalise(TeamBoxScores, "leaguegamelog", body)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"PTS": 500}, "PTS is 500, not within 0 to 150"),
        ({"PTS": 2**62}, "not within 0 to 150"),
        ({"PTS": 10**26}, "not within 0 to 150"),
        ({"PTS": int("9" * 400)}, "PTS is a whole number of some"),
        ({"PTS": -5}, "PTS is -5"),
        ({"PTS": True}, "PTS is True"),
        ({"PTS": []}, "PTS is a list of 0"),
        ({"STL": "x"}, "STL is 'x'"),
        ({"MIN": float("inf")}, "MIN is inf"),
        ({"MIN": 1e300}, "MIN is 1e+300"),
        ({"MIN": -1}, "MIN is -1"),
        ({"FGM": 18, "FGA": 17}, "FGM is 18, above FGA, 17"),
        ({"FG3M": 7}, "FG3M is 7, above FG3A, 6"),
        ({"FTM": 5}, "FTM is 5, above FTA, 4"),
        ({"GAME_DATE": "0001-01-01"}, "not in the years 1946 to 2099"),
        ({"GAME_DATE": "9999-12-31"}, "not in the years 1946 to 2099"),
        ({"GAME_DATE": ["2025-11-14"]}, "GAME_DATE is a list"),
        ({"GAME_ID": "002250020\u00b2"}, "GAME_ID is '002250020\u00b2', not 10 digits"),
        ({"GAME_ID": {}}, "GAME_ID is an object"),
        ({"MATCHUP": "TBD @ LAL", "TEAM_ABBREVIATION": "TBD"}, "no NBA team"),
        ({"MATCHUP": "LAL @ LAL"}, "a team against itself"),
        ({"TEAM_ABBREVIATION": []}, "TEAM_ABBREVIATION a list of 0"),
        ({"PLAYER_ID": 2**63}, "PLAYER_ID is 9223372036854775808, not within"),
        ({"PLAYER_ID": True}, "PLAYER_ID is True"),
        ({"PLAYER_ID": float("nan")}, "PLAYER_ID is None"),
        ({"PLAYER_NAME": "A\ud800"}, "characters that no text has"),
        ({"PLAYER_NAME": ["A"]}, "is no player's name"),
        ({"WL": []}, "WL is a list of 0"),
    ],
)
def test_a_value_that_cannot_be_costs_its_row_alone(change: dict[str, Any], message: str) -> None:
    rows = box_rows("P")
    rows[2] |= change
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert [row["player_id"] for row in tables[PLAYERS]] == [1000, 1001, 1003]
    [sentence] = problems.sentences
    assert sentence.startswith("the/path: rowSet[2]: ")
    assert message in sentence
    sentence.encode()


@pytest.mark.parametrize(
    ("header", "column"), [("MIN", "minutes"), ("PTS", "points"), ("STL", "steals"), ("WL", "won")]
)
def test_nan_is_a_missing_value_and_is_named(header: str, column: str) -> None:
    rows = box_rows("P")
    rows[2][header] = float("nan")
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert [row[column] is None for row in tables[PLAYERS]] == [False, False, True, False]
    assert problems.sentences == [f"the/path: rowSet[2]: {header} is NaN, taken as missing"]
    assert problems.refused == 0


def test_a_player_twice_with_different_figures_is_named_and_counts_for_nothing() -> None:
    """To add up both would be wrong whichever is right."""
    rows = box_rows("P")
    rows.append({**rows[1], "PTS": 40})
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P", rows))
    assert [row["player_id"] for row in tables[PLAYERS]] == [1000, 1002, 1003]
    assert problems.sentences == [
        "the/path: game_id 0022500201, player_id 1001: there 2 times with different figures (points 21 and 40)"
    ]


def test_a_row_twice_the_same_counts_once_over_all_answers_of_a_file() -> None:
    tables, problems = normalise(PlayerBoxScores, "leaguegamelog", box_scores("P"), box_scores("P"))
    assert [row["player_id"] for row in tables[PLAYERS]] == [1000, 1001, 1002, 1003]
    assert problems.sentences == []


def test_a_team_twice_with_different_figures_is_named() -> None:
    rows = box_rows("T")
    rows.append({**rows[0], "PTS": 99})
    tables, problems = normalise(TeamBoxScores, "leaguegamelog", box_scores("T", rows))
    assert [row["team"] for row in tables[TEAMS]] == ["PHI", "LAL", "LAC"]
    assert "team DET: there 2 times" in problems.sentences[0]


@pytest.mark.parametrize("row", [None, 7, "x", {}, [], ["0022500201"]])
def test_a_row_of_another_length_costs_no_other(row: Any) -> None:
    body = box_scores("T")
    body["resultSets"][0]["rowSet"][1] = row
    tables, problems = normalise(TeamBoxScores, "leaguegamelog", body)
    assert [each["team"] for each in tables[TEAMS]] == ["DET", "LAL", "LAC"]
    assert [sentence.split(": ")[1] for sentence in problems.sentences] == ["rowSet[1]"]


def test_an_answer_of_another_shape_costs_no_other_answer_of_the_file() -> None:
    tables, problems = normalise(TeamBoxScores, "leaguegamelog", {"resultSets": []}, box_scores("T"))
    assert len(tables[TEAMS]) == 4
    assert problems.sentences == ["the/path: answer 0: resultSets[0] is None, not an object"]


def test_row_numbers_are_the_feeds() -> None:
    body = box_scores("T")
    rows = body["resultSets"][0]["rowSet"]
    rows[0] = []
    rows[2][rows[2].index(21)] = 999
    _, problems = normalise(TeamBoxScores, "leaguegamelog", body)
    assert [sentence.split(": ")[1] for sentence in problems.sentences] == ["rowSet[0]", "rowSet[2]"]


@pytest.mark.parametrize("stat", [stat for stat in STATS.values() if not stat.is_sum], ids=lambda stat: stat.name)
def test_a_statistic_is_read_from_the_column_of_the_box_score_that_its_record_names(stat: Stat) -> None:
    assert NUMBERS[stat.box_score] == stat.column, "correct shared/nba/stats.py, or this mapping"
