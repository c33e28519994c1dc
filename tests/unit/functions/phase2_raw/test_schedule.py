"""The schedule as rows: the run's days and what is to come, open pairings left out, unreadable
games counted.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from functions.phase2_raw.normalise.schedule import ScheduleRows
from tests.support.fake_sources import GAMES, schedule, schedule_game
from tests.support.normalised import FETCHED, normalise


def test_games_from_two_days_before_on() -> None:
    body = schedule(final=False)
    games = body["leagueSchedule"]["gameDates"][0]["games"]
    for number, day in enumerate((11, 12, 16, 17)):
        games.append(schedule_game(f"002250030{number}", *GAMES[0][1:], day=date(2025, 11, day)))
    tables, problems = normalise(ScheduleRows, "schedule", body)
    rows = tables["nba_raw.nbac_schedule"]
    assert [row["game_date"].day for row in rows] == [12, 14, 14, 16, 17]
    first = rows[1]
    assert (first["game_id"], first["home_team"], first["away_team"]) == ("0022500201", "DET", "PHI")
    assert (first["status"], first["home_points"], first["snapshot_time"]) == ("scheduled", None, FETCHED)
    assert first["tipoff_at"] == datetime(2025, 11, 15, 0, 30, tzinfo=UTC)
    assert problems.sentences == []


def test_open_pairings_are_left_out_and_unreadable_games_are_counted() -> None:
    body = schedule(final=False)
    games = body["leagueSchedule"]["gameDates"][0]["games"]
    games[0]["homeTeam"] = {"teamTricode": None}
    games.append(schedule_game("0022500203", *GAMES[0][1:]) | {"gameStatus": 7})
    games.append(schedule_game("0022500204", *GAMES[0][1:]) | {"gameDateEst": None})
    games.append(schedule_game("0022500205", *GAMES[0][1:], day=date(2025, 1, 1)) | {"gameStatus": 7})
    tables, problems = normalise(ScheduleRows, "schedule", body)
    assert [row["game_id"] for row in tables["nba_raw.nbac_schedule"]] == ["0022500202"]
    assert problems.notes == {"games whose teams are not determined yet": 1}
    assert [sentence.split(": ")[1] for sentence in problems.sentences] == ["game '0022500203'", "game '0022500204'"]


TABLE = "nba_raw.nbac_schedule"


def one(**changes: Any) -> tuple[list[dict[str, Any]], Any]:
    """The rows of a schedule of two games of which the first is changed, and the problems."""
    body = schedule(final=False)
    body["leagueSchedule"]["gameDates"][0]["games"][0] |= changes
    tables, problems = normalise(ScheduleRows, "schedule", body)
    return tables.get(TABLE, []), problems


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"gameStatusText": "PPD"}, "postponed"),
        ({"gameStatusText": "Postponed"}, "postponed"),
        ({"gameStatusText": " ppd - weather"}, "postponed"),
        ({"postponedStatus": "Y"}, "postponed"),
        ({"gameStatusText": "Cancelled"}, "cancelled"),
        ({"gameStatusText": "Canceled"}, "cancelled"),
        ({"gameStatusText": "CNCL"}, "cancelled"),
        ({"gameStatusText": "Game Cancelled"}, "cancelled"),
        ({"postponedStatus": "Cancelled"}, "cancelled"),
        ({"gameStatusText": "Suspended", "gameStatus": 2}, "suspended"),
        ({"gameStatusText": "SUSP - power failure", "gameStatus": 2}, "suspended"),
        ({"gameStatusText": "Q2 4:31", "gameStatus": 2}, "live"),
        ({"gameStatusText": "Final/OT", "gameStatus": 3}, "final"),
        *(({"gameStatusText": text}, "cancelled") for text in (
            "Forfeit", "Final - Forfeited", "Cancled", "Cncld", "CAN", "Called-Off", "No Game", "Walkover",
            "Annul\u00e9", "Cancelado", "Abgesagt",
        )),
        *(({"gameStatusText": text}, "postponed") for text in (
            "P.P.D.", "P P D", "Postp.", "ppd/snow", "Aplazado", "Pospuesto", "Report\u00e9", "Verschoben", "Adiado",
            "Rinviata", "Deferred",
        )),
        *(({"gameStatusText": text, "gameStatus": 2}, "suspended") for text in (
            "Susp", "SUSP.", "Suspendido", "Interrupted", "Interrotta",
        )),
        ({"gameStatusText": "TBD"}, "scheduled"),
        ({"gameStatusText": "7:30 pm ET - delayed"}, "scheduled"),
        ({"seriesText": "BOS wins 4\u20131", "ifNecessary": True}, "cancelled"),
        ({"seriesText": "BOS defeats MIA 4 - 1"}, "cancelled"),
        ({"seriesText": "MIA 0-4"}, "cancelled"),
        ({"seriesText": "BOS clinches series"}, "cancelled"),
        ({"seriesText": "Series over"}, "cancelled"),
        ({"seriesText": "Series tied 3-3", "ifNecessary": True}, "scheduled"),
        ({"seriesText": "Winner of the series advances", "ifNecessary": True}, "scheduled"),
        ({"gameSubLabel": "If Necessary", "ifNecessary": True}, "scheduled"),
        ({"seriesText": "BOS leads 3-1", "ifNecessary": True}, "scheduled"),
        ({"seriesText": "BOS wins 4-1", "ifNecessary": True}, "cancelled"),
        ({"seriesText": "BOS won series 4-2"}, "cancelled"),
        ({"gameStatusText": "Not Necessary"}, "cancelled"),
        ({"gameSubLabel": "Game 6 - not needed"}, "cancelled"),
        ({"seriesText": "BOS wins 4-1", "gameStatus": 3, "gameStatusText": "Final"}, "final"),
    ],
)  # fmt: skip
def test_the_words_of_a_schedule(changes: dict[str, Any], status: str) -> None:
    rows, problems = one(**changes)
    assert [row["status"] for row in rows] == [status, "scheduled"]
    assert problems.sentences == []
    assert [row["covers_from"] for row in rows] == [date(2025, 11, 12)] * 2


@pytest.mark.parametrize("text", ["\u5ef6\u671f", "Game moved", "Scratched"])
def test_a_word_that_is_unknown_is_named_and_the_game_stands(text: str) -> None:
    rows, problems = one(gameStatusText=text)
    assert [(row["status"], row["covers_from"]) for row in rows] == [("scheduled", date(2025, 11, 12))] * 2
    [sentence] = problems.sentences
    assert sentence.endswith(f"gameStatusText of 0022500201 is {text!r}, no word that is known, taken as scheduled")


def test_a_time_to_be_announced_is_none() -> None:
    rows, _ = one(gameStatusText="TBA")
    assert [row["tipoff_at"] is None for row in rows] == [True, False]


@pytest.mark.parametrize("code", ["TBD", "", None, "tbd"])
def test_a_team_to_be_determined_is_noted_and_not_stored(code: Any) -> None:
    rows, problems = one(homeTeam={"teamTricode": code, "teamId": 0})
    assert [row["game_id"] for row in rows] == ["0022500202"]
    assert (problems.sentences, problems.notes) == ([], {"games whose teams are not determined yet": 1})
    assert rows[0]["covers_from"] == date(2025, 11, 12)


def test_a_guest_of_the_pre_season_is_noted_by_its_code() -> None:
    rows, problems = one(gameId="0012500201", homeTeam={"teamTricode": "RMD"})
    assert [row["game_id"] for row in rows] == ["0022500202"]
    assert problems.notes == {"games of RMD, which is no NBA team": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"homeTeam": {"teamTricode": "XYZ"}}, "is 'XYZ', no NBA team"),
        ({"homeTeam": {"teamTricode": ["DET"]}}, "is a list of 1, not a text"),
        ({"homeTeam": {"teamTricode": "PHI"}}, "both teams of 0022500201 are PHI"),
        ({"gameDateTimeUTC": "0001-01-01T00:00:00Z"}, "not in the years 1946 to 2099"),
        ({"gameDateTimeUTC": "9999-12-31T23:59:59-14:00"}, "not in the years 1946 to 2099"),
        ({"gameDateEst": "0001-01-01T00:00:00Z"}, "not in the years 1946 to 2099"),
        ({"gameDateEst": "9999-12-31T00:00:00Z"}, "not in the years 1946 to 2099"),
        ({"gameId": "002250020\u00b2"}, "not 10 digits"),
        ({"gameId": ["0022500201"]}, "not 10 digits"),
        ({"gameStatus": True}, "gameStatus of 0022500201 is True"),
        ({"gameStatus": []}, "gameStatus of 0022500201 is a list of 0"),
        ({"gameStatus": None}, "gameStatus of 0022500201 is None"),
        ({"gameStatusText": ["Final"]}, "gameStatusText of 0022500201 is a list of 1"),
        ({"gameStatus": 3, "homeTeam": {"teamTricode": "DET", "score": 2**63}}, "score of 0022500201 is"),
        ({"gameStatus": 3, "homeTeam": {"teamTricode": "DET", "score": -5}}, "score of 0022500201 is -5"),
        ({"gameStatus": 3, "homeTeam": {"teamTricode": "DET", "score": True}}, "score of 0022500201 is True"),
    ],
)
def test_an_odd_game_is_named_costs_no_other_and_nothing_follows_from_absence(
    changes: dict[str, Any], message: str
) -> None:
    rows, problems = one(**changes)
    assert [(row["game_id"], row["covers_from"]) for row in rows] == [("0022500202", None)]
    [sentence] = problems.sentences
    assert message in sentence


@pytest.mark.parametrize("day", [None, 7, "x", [], {}, {"games": None}, {"games": "x"}])
def test_an_odd_day_costs_no_other(day: Any) -> None:
    body = schedule(final=False)
    body["leagueSchedule"]["gameDates"].insert(0, day)
    tables, problems = normalise(ScheduleRows, "schedule", body)
    assert [(row["game_id"], row["covers_from"]) for row in tables[TABLE]] == [
        ("0022500201", None), ("0022500202", None),
    ]  # fmt: skip
    assert problems.sentences[0].startswith("the/path: gameDates[0]: ")


def test_the_cup_final_is_a_kind_of_its_own() -> None:
    rows, _ = one(gameId="0062500001")
    assert {row["game_id"]: row["season_type"] for row in rows} == {
        "0062500001": "cup_final",
        "0022500202": "regular_season",
    }


def test_a_game_twice_is_the_one_that_takes_place() -> None:
    body = schedule(final=False)
    games = body["leagueSchedule"]["gameDates"][0]["games"]
    games.append(games[0] | {"gameStatusText": "PPD"})
    games[1] |= {"gameStatusText": "PPD"}
    games.append(games[1] | {"gameDateEst": "2025-11-20T00:00:00Z"})
    tables, problems = normalise(ScheduleRows, "schedule", body)
    found = [(row["game_id"], row["game_date"].day, row["status"]) for row in tables[TABLE]]
    assert found == [("0022500201", 14, "scheduled"), ("0022500202", 20, "postponed")]
    assert problems.sentences == []


def test_a_game_twice_that_takes_place_on_different_days_is_named() -> None:
    body = schedule(final=False)
    games = body["leagueSchedule"]["gameDates"][0]["games"]
    games.append(games[0] | {"gameDateEst": "2025-11-15T00:00:00Z"})
    tables, problems = normalise(ScheduleRows, "schedule", body)
    assert [(row["game_id"], row["covers_from"]) for row in tables[TABLE]] == [("0022500202", None)]
    assert "there 2 times and different (2025-11-14 scheduled and 2025-11-15 scheduled)" in problems.sentences[0]


def test_of_a_season_without_a_game_left_the_last_one_says_that_the_list_is_whole() -> None:
    """Else games that were on an earlier list, and are on none any more, would stay."""
    body = schedule(final=False)
    body["leagueSchedule"]["gameDates"][0]["games"] = [
        schedule_game(f"004250040{number}", *GAMES[0][1:], day=date(2025, 11, day))
        for number, day in ((3, 9), (4, 11), (2, 7))
    ]
    tables, problems = normalise(ScheduleRows, "schedule", body)
    [row] = tables["nba_raw.nbac_schedule"]
    assert (row["game_id"], row["game_date"]) == ("0042500404", date(2025, 11, 11))
    assert row["covers_from"] == date(2025, 11, 12)
    assert problems.sentences == []
