"""Games as NBA.com schedules them, and what a schedule or box score must have to be accepted."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.phase1_scrape.failures import WrongShape
from functions.phase1_scrape.sources import box_scores, injuries, schedule, shot_zones
from shared.nba.schedule import read_game, schedule_entries, season_of, season_type_of, seasons_between
from tests.conftest import ROOT
from tests.support.fake_sources import GAMES, box_rows, schedule_game

SAMPLES = ROOT.parent / "shared" / "samples"


@pytest.fixture
def samples() -> Path:
    if not SAMPLES.is_dir():
        pytest.skip(f"needs the captured answers; {SAMPLES} is absent")
    return SAMPLES


def entry(**changes: Any) -> dict[str, Any]:
    return schedule_game(*GAMES[0], **changes)


def test_the_captured_schedule_is_read_whole(samples: Path) -> None:
    answer = json.loads((samples / "scheduleleaguev2_2025-03-14_to_16.json").read_text())
    schedule.check(answer)
    games = [read_game(each) for each in schedule_entries(answer)]
    assert len(games) == 26
    first = games[0]
    assert (first.game_id, first.game_date, first.season) == ("0022400958", date(2025, 3, 14), "2024-25")
    assert (first.season_type, first.home_team, first.away_team) == ("regular_season", "MIA", "BOS")
    assert first.tipoff_at == datetime(2025, 3, 14, 23, 0, tzinfo=UTC)
    assert (first.status, first.home_points, first.away_points) == ("final", 91, 103)
    assert all(game.counts for game in games)


def test_the_captured_box_scores_are_accepted(samples: Path) -> None:
    box_scores.check(json.loads((samples / "leaguegamelog_P_2025-03-15.json").read_text()))


@pytest.mark.parametrize(
    ("day", "season"),
    [
        (date(2025, 10, 2), "2025-26"),
        (date(2026, 6, 20), "2025-26"),
        (date(2025, 8, 31), "2024-25"),
        (date(1999, 12, 1), "1999-00"),
        (date(2020, 10, 11), "2019-20"),
        (date(2020, 12, 22), "2020-21"),
    ],
)
def test_the_season_of_a_day(day: date, season: str) -> None:
    assert season_of(day) == season


def test_seasons_between_days() -> None:
    assert seasons_between(date(2023, 3, 1), date(2025, 1, 1)) == ["2022-23", "2023-24", "2024-25"]


@pytest.mark.parametrize(
    ("game_id", "kind"),
    [
        ("0012500001", "pre_season"),
        ("0022500001", "regular_season"),
        ("0032500001", "other"),
        ("0042500101", "playoffs"),
        ("0052500101", "playin"),
        ("0062500001", "cup_final"),
    ],
)
def test_the_kind_of_game_is_in_its_id(game_id: str, kind: str) -> None:
    assert season_type_of(game_id) == kind


@pytest.mark.parametrize(
    "changes",
    [
        {"gameStatusText": "TBD"},
        {"gameDateTimeUTC": "2025-11-14T05:00:00Z"},  # midnight in New York
        {"gameDateTimeUTC": None},
    ],
)
def test_a_time_to_be_determined_is_none(changes: dict[str, Any]) -> None:
    assert read_game(entry(**changes)).tipoff_at is None


@pytest.mark.parametrize("changes", [{"postponedStatus": "Y"}, {"gameStatusText": "PPD"}])
def test_a_postponed_game_does_not_count(changes: dict[str, Any]) -> None:
    game = read_game(entry(**changes))
    assert game.status == "postponed"
    assert not game.counts


def test_points_are_unknown_before_the_final_and_where_an_archive_has_none() -> None:
    assert read_game(entry()).home_points is None
    assert read_game(entry(final=True)).home_points == 110
    unknown = entry(
        final=True, homeTeam={"teamTricode": "DET", "score": 0}, awayTeam={"teamTricode": "PHI", "score": 0}
    )
    assert (read_game(unknown).home_points, read_game(unknown).away_points) == (None, None)


def test_a_game_has_begun_by_its_status_or_its_time() -> None:
    now = datetime(2025, 11, 14, 20, 0, tzinfo=UTC)
    assert not read_game(entry()).has_begun(now)
    assert read_game(entry(gameStatus=2)).has_begun(now)
    assert read_game(entry()).has_begun(datetime(2025, 11, 15, 0, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gameId": 22500201}, "gameId is 22500201"),
        ({"gameId": None}, "gameId is None"),
        ({"gameDateEst": "soon"}, "gameDateEst of 0022500201 is 'soon'"),
        ({"gameStatus": 9}, "gameStatus of 0022500201 is 9"),
        ({"homeTeam": None}, "homeTeam of 0022500201 is None"),
        ({"gameDateTimeUTC": "7:30 pm"}, "gameDateTimeUTC of 0022500201 is '7:30 pm'"),
        ({"gameDateTimeUTC": "2025-11-15T00:30:00"}, "without a time zone"),
    ],
)
def test_an_unreadable_game_says_which_field_and_value(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_game(entry(**changes))


@pytest.mark.parametrize("value", [{}, [], None, {"leagueSchedule": {"gameDates": [{"games": [{"gameId": "1"}]}]}}])
def test_what_is_no_schedule_is_refused(value: Any) -> None:
    with pytest.raises(WrongShape):
        schedule.check(value)


def test_a_schedule_without_games_is_refused() -> None:
    with pytest.raises(WrongShape, match="without a single game"):
        schedule.check({"leagueSchedule": {"gameDates": []}})


def test_box_scores_need_their_columns_and_full_rows() -> None:
    headers = list(box_rows("P")[0])
    with pytest.raises(WrongShape, match="without the columns GAME_ID"):
        box_scores.check({"resultSets": [{"headers": headers[1:], "rowSet": []}]})
    with pytest.raises(WrongShape, match="not all"):
        box_scores.check({"resultSets": [{"headers": headers, "rowSet": [["0022500201"]]}]})
    with pytest.raises(WrongShape, match="resultSets"):
        box_scores.check({"resultSets": []})


@pytest.mark.parametrize("value", [None, [], {"injuries": {}}, {"injuries": [{"displayName": "Jazz"}]}])
def test_what_is_no_injury_list_is_refused(value: Any) -> None:
    with pytest.raises(WrongShape):
        injuries.check(value)


@pytest.mark.parametrize("value", [None, [], {"rows": None}, {"rows": [1]}])
def test_what_is_no_zone_answer_is_refused(value: Any) -> None:
    with pytest.raises(WrongShape):
        shot_zones.check(value)
