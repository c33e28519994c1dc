"""The schedule as rows: the run's days and what is to come, open pairings left out, unreadable games counted."""

from __future__ import annotations

from datetime import UTC, date, datetime

from functions.phase2_raw.normalise.schedule import ScheduleRows
from tests.fake_sources import (
    GAMES,
    schedule,
    schedule_game,
)
from tests.normalised import FETCHED, normalised


def test_games_from_two_days_before_on() -> None:
    body = schedule(final=False)
    games = body["leagueSchedule"]["gameDates"][0]["games"]
    for number, day in enumerate((11, 12, 16, 17)):
        games.append(schedule_game(f"002250030{number}", *GAMES[0][1:], day=date(2025, 11, day)))
    tables, problems = normalised(ScheduleRows, "schedule", body)
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
    tables, problems = normalised(ScheduleRows, "schedule", body)
    assert [row["game_id"] for row in tables["nba_raw.nbac_schedule"]] == ["0022500202"]
    assert problems.notes == {"games whose teams are not determined yet": 1}
    assert [sentence.split(": ")[1] for sentence in problems.sentences] == ["game '0022500203'", "game '0022500204'"]
