"""Games that vanish from the schedule, box scores that are corrected, and games that count for rest
alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, open_world

DAY = date(2025, 11, 14)
YESTERDAY = DAY - timedelta(days=1)
NOON, EVENING = at_new_york(DAY, time(12)), at_new_york(DAY, time(17))
ALPHA, BETA, GAMMA, DELTA = (1, "Alpha One"), (2, "Beta Two"), (3, "Gamma Three"), (4, "Delta Four")
CONTEXT = "nba_analytics.upcoming_team_game_context"
SUMMARY = "nba_analytics.player_game_summary"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    with open_world(tmp_path) as world:
        yield world


def boxes(world: FeatureFixture, points: dict[int, int], *, at: datetime, file: str, day: date = YESTERDAY) -> None:
    """The box score of LAL at BOS as one file has it: players and their points, in whole
    two-pointers.
    """
    sides = {1: "BOS", 2: "BOS", 3: "LAL", 4: "LAL"}
    names = dict((ALPHA, BETA, GAMMA, DELTA))
    before = len(world._pending.get("nba_raw.nbac_player_boxscores", []))
    for player, scored in points.items():
        team = sides[player]
        other = "LAL" if team == "BOS" else "BOS"
        world.box(day, (player, names[player]), team, other, home=team == "BOS", twos=scored // 2, misses=5, at=at)
    for row in world._pending["nba_raw.nbac_player_boxscores"][before:]:
        row["source_file"] = file


def team_boxes(world: FeatureFixture, bos: int, lal: int, *, at: datetime, day: date = YESTERDAY) -> None:
    for team, other, points in (("BOS", "LAL", bos), ("LAL", "BOS", lal)):
        world.team_box(day, team, other, home=team == "BOS", threes=0, twos=points // 2, misses=20)
        world._pending["nba_raw.nbac_team_boxscores"][-1]["snapshot_time"] = at


def results(world: FeatureFixture, as_of: datetime = EVENING) -> Any:
    return world.phase3("results", YESTERDAY, YESTERDAY, as_of)


# --- the schedule ---------------------------------------------------------------------------------


def playoff_round(world: FeatureFixture, seen: datetime, numbers: range, covers_from: date) -> None:
    """Games of a round on 19, 21 ... April; known results are final."""
    for number in numbers:
        day = date(2026, 4, 17) + timedelta(days=2 * number)
        status = "final" if day < seen.date() else "scheduled"
        world.game(day, "BOS", "LAL", season_type="playoffs", seen=seen, game_id=f"004250010{number}", status=status)
        world._pending["nba_raw.nbac_schedule"][-1]["covers_from"] = covers_from


def test_a_playoff_game_that_is_not_needed_any_more_is_no_game(world: FeatureFixture) -> None:
    """In the schedule of 20 April and not in that of 27 April: no game, no context, no rest from
    it.
    """
    first, second = datetime(2026, 4, 20, 10, tzinfo=UTC), datetime(2026, 4, 27, 10, tzinfo=UTC)
    playoff_round(world, first, range(1, 8), date(2026, 4, 18))
    next_round = date(2026, 5, 4)
    world.game(next_round, "BOS", "NYK", season_type="playoffs", seen=first, game_id="0042500201", status="scheduled")
    playoff_round(world, second, range(4, 5), date(2026, 4, 25))
    world.game(next_round, "BOS", "NYK", season_type="playoffs", seen=second, game_id="0042500201", status="scheduled")
    world._pending["nba_raw.nbac_schedule"][-1]["covers_from"] = date(2026, 4, 25)
    game5 = date(2026, 4, 27)

    as_of = second + timedelta(minutes=5)
    assert world.phase3("same_day", game5, game5, as_of).reason == "no games on 2026-04-27"
    world.phase3("tomorrow", next_round, next_round, as_of)
    rest = {row["team"]: (row["previous_game_at"], row["team_rest_days"]) for row in world.rows(CONTEXT)}
    game4 = date(2026, 4, 25)
    assert rest["BOS"] == (at_new_york(game4, time(19)), 8), "from game 4, not from game 7 of 1 May"
    assert rest["NYK"] == (None, None)

    # as known a week before, game 5 was a game and game 7 the one to rest from
    world.phase3("tomorrow", game5, game5, first + timedelta(minutes=5))
    world.phase3("tomorrow", next_round, next_round, first + timedelta(minutes=5))
    early = [row for row in world.rows(CONTEXT) if row["features_as_of"] == first + timedelta(minutes=5)]
    assert {row["game_id"] for row in early} == {"0042500105", "0042500201"}
    assert next(row for row in early if row["game_date"] == next_round and row["team"] == "BOS")["team_rest_days"] == 2


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended"])
def test_a_game_that_is_called_off_gives_no_context_and_no_rest(world: FeatureFixture, status: str) -> None:
    for day, status_then in ((DAY - timedelta(days=3), "final"), (YESTERDAY, status), (DAY, "scheduled")):
        world.game(day, "BOS", "LAL", status=status_then)
    world.game(DAY, "GSW", "SAC", status=status)
    world.phase3("same_day", DAY, DAY, NOON)
    rows = world.rows(CONTEXT)
    assert {row["team"]: row["team_rest_days"] for row in rows} == {"BOS": 2, "LAL": 2}


@pytest.mark.parametrize("status", ["suspended", "cancelled"])
def test_what_was_fetched_of_a_game_that_does_not_count_is_no_history(world: FeatureFixture, status: str) -> None:
    world.game(YESTERDAY, "BOS", "LAL", status=status)
    world.game(YESTERDAY, "GSW", "SAC")
    boxes(world, {1: 10, 3: 10}, at=NOON, file="a")
    world.box(YESTERDAY, (7, "Other Man"), "GSW", "SAC", home=True, twos=1, at=NOON)
    team_boxes(world, 10, 10, at=NOON)
    world.team_box(YESTERDAY, "GSW", "SAC", home=True, threes=0, twos=1)
    world.team_box(YESTERDAY, "SAC", "GSW", home=False, threes=0, twos=1)
    results(world)
    assert [row["player_id"] for row in world.rows(SUMMARY)] == [7]
    assert {row["team"] for row in world.rows("nba_analytics.team_offense_game_summary")} == {"GSW", "SAC"}


def test_the_cup_final_counts_for_rest_and_for_nothing_else(world: FeatureFixture) -> None:
    """BOS played it the day before; it is no game of averages, and no game to predict."""
    before = DAY - timedelta(days=4)
    world.game(before, "BOS", "LAL")
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a", day=before)
    world.game(YESTERDAY, "BOS", "NYK", season_type="cup_final", game_id="0062500001")
    world.box(YESTERDAY, ALPHA, "BOS", "NYK", home=True, twos=25, season_type="cup_final", at=NOON)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    world.phase3("results", before, YESTERDAY, EVENING)
    assert [(row["player_id"], row["points"]) for row in world.rows(SUMMARY)] == [(1, 20), (3, 20)]
    world.serve(DAY, EVENING)
    teams = {row["team"]: row for row in world.rows(CONTEXT, f"game_date = '{DAY}'")}
    assert (teams["BOS"]["team_rest_days"], teams["BOS"]["is_back_to_back"]) == (0, True)
    assert (teams["LAL"]["team_rest_days"], teams["BOS"]["rest_advantage"]) == (3, -3)
    features = world.features(DAY)
    assert (features[1]["rest_days"], features[3]["rest_days"]) == (0, 3)
    assert (features[1]["points_l5"], features[1]["games_season"]) == (20.0, 1)
    assert world.phase3("tomorrow", YESTERDAY, YESTERDAY, at_new_york(YESTERDAY, time(12))).status == "no_data"


# --- corrected box scores -------------------------------------------------------------------------


def test_a_player_whom_the_corrected_box_score_leaves_out_is_gone_and_his_share_of_the_sums(
    world: FeatureFixture,
) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 2: 10, 3: 20, 4: 10}, at=NOON, file="a")
    team_boxes(world, 30, 30, at=NOON)
    assert results(world, NOON + timedelta(minutes=1)).status == "success"
    first = {row["player_id"]: row for row in world.rows(SUMMARY)}
    assert set(first) == {1, 2, 3, 4}
    boxes(world, {1: 24, 3: 20, 4: 10}, at=NOON + timedelta(hours=2), file="b")
    team_boxes(world, 24, 30, at=NOON + timedelta(hours=2))
    assert results(world).status == "success"
    rows = {row["player_id"]: row for row in world.rows(SUMMARY)}
    assert {player: row["points"] for player, row in rows.items()} == {1: 24, 3: 20, 4: 10}
    assert (rows[1]["team_fga"], rows[1]["players_points"], rows[1]["team_points"]) == (17, 24, 24)
    assert (first[1]["team_fga"], rows[3]["team_fga"]) == (25, 25)
    # as known before the correction he is there
    assert results(world, NOON + timedelta(hours=1)).status == "success"
    assert {row["player_id"] for row in world.rows(SUMMARY)} == {1, 2, 3, 4}


def test_a_file_of_one_team_replaces_that_team_alone(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 2: 10, 3: 20, 4: 10}, at=NOON, file="a")
    boxes(world, {1: 30}, at=NOON + timedelta(hours=1), file="b")
    results(world)
    assert {row["player_id"]: row["points"] for row in world.rows(SUMMARY)} == {1: 30, 3: 20, 4: 10}


def test_a_player_corrected_to_the_other_team_is_there_once(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 2: 10, 3: 20}, at=NOON, file="a")
    boxes(world, {1: 20, 3: 20}, at=NOON + timedelta(hours=1), file="b")
    world.box(YESTERDAY, BETA, "LAL", "BOS", home=False, twos=5, at=NOON + timedelta(hours=1))
    world._pending["nba_raw.nbac_player_boxscores"][-1]["source_file"] = "b"
    results(world)
    rows = {row["player_id"]: row for row in world.rows(SUMMARY)}
    assert (rows[2]["team"], rows[1]["players_points"], rows[3]["players_points"]) == ("LAL", 20, 30)


@pytest.mark.parametrize("minutes", [0.0, None])
def test_who_played_no_time_has_no_game_and_stays_part_of_the_sums(
    world: FeatureFixture, minutes: float | None
) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 2: 2, 3: 20, 4: 10}, at=NOON, file="a")
    world._pending["nba_raw.nbac_player_boxscores"][1]["minutes"] = minutes
    team_boxes(world, 22, 30, at=NOON)
    assert results(world).status == "success"
    rows = {row["player_id"]: row for row in world.rows(SUMMARY)}
    assert set(rows) == {1, 3, 4}
    assert (rows[1]["players_points"], rows[1]["team_points"]) == (22, 22)


# --- points that do not add up --------------------------------------------------------------------


def final_score(world: FeatureFixture, home: int, away: int) -> None:
    world._pending["nba_raw.nbac_schedule"][-1] |= {"home_points": home, "away_points": away}


def test_points_that_do_not_add_up_name_the_game_and_a_corrected_box_score_mends_it(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 500, 3: 30}, at=NOON, file="a")
    team_boxes(world, 110, 30, at=NOON)
    outcome = results(world, NOON + timedelta(minutes=1))
    assert (outcome.status, outcome.records_failed) == ("partial", 1)
    assert outcome.reason == (
        f"in 1 of 1 final games the players' points do not add up to the team's ({game_id}: BOS 500 of 110)"
    )
    assert outcome.metadata["games_points_apart"] == [game_id]
    rows = {row["team"]: (row["players_points"], row["team_points"]) for row in world.rows(SUMMARY)}
    assert rows == {"BOS": (500, 110), "LAL": (30, 30)}, "what grading reads"
    boxes(world, {1: 110, 3: 30}, at=NOON + timedelta(hours=1), file="b")
    assert results(world).status == "success"


def test_without_a_team_box_score_the_schedules_final_score_is_what_counts(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    final_score(world, 20, 22)
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a")
    outcome = results(world)
    assert f"({game_id}: LAL 20 of 22)" in outcome.reason
    rows = {row["team"]: (row["players_points"], row["team_points"]) for row in world.rows(SUMMARY)}
    assert rows == {"BOS": (20, 20), "LAL": (20, 22)}


def test_the_teams_own_box_score_goes_before_the_schedule(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    final_score(world, 99, 99)
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a")
    team_boxes(world, 20, 20, at=NOON)
    assert results(world).status == "success"


def test_both_teams_apart_are_named_together(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a")
    team_boxes(world, 22, 24, at=NOON)
    outcome = results(world)
    assert outcome.reason.endswith(f"({game_id}: BOS 20 of 22 and LAL 20 of 24)")
    assert outcome.records_failed == 1


def test_where_nobody_says_the_teams_points_nothing_is_held_against_the_players(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a")
    outcome = results(world)
    assert "add up" not in outcome.reason
    assert {row["team_points"] for row in world.rows(SUMMARY)} == {None}


def test_half_a_box_score_is_named(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20}, at=NOON, file="a")
    team_boxes(world, 20, 20, at=NOON)
    outcome = results(world)
    assert outcome.status == "partial"
    assert outcome.reason == f"1 of 1 final games have no player box score ({game_id})"


def third_team(world: FeatureFixture) -> None:
    """Rows of Chicago in the game of Los Angeles at Boston."""
    for player, twos in ((5, 5), (6, 4)):
        world.box(YESTERDAY, (player, f"Third {player}"), "CHI", "BOS", home=False, twos=twos, at=NOON)
        world._pending["nba_raw.nbac_player_boxscores"][-1] |= {"source_file": "a", "game_id": f"{YESTERDAY:%Y%m%d}BL"}


def test_the_rows_of_a_third_team_are_no_half_of_a_box_score(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20}, at=NOON, file="a")
    third_team(world)
    team_boxes(world, 20, 20, at=NOON)
    outcome = results(world)
    assert outcome.status == "partial"
    assert outcome.reason == (
        f"1 of 1 final games have no player box score ({game_id}); "
        f"box scores of 1 games have rows of a team that does not play in them ({game_id} CHI)"
    )
    assert {row["team"] for row in world.rows(SUMMARY)} == {"BOS"}, "what grading and self-heal count"


def test_the_rows_of_a_third_team_are_named_and_left_out(world: FeatureFixture) -> None:
    game_id = world.game(YESTERDAY, "BOS", "LAL")
    boxes(world, {1: 20, 3: 20}, at=NOON, file="a")
    third_team(world)
    team_boxes(world, 20, 20, at=NOON)
    world.team_box(YESTERDAY, "CHI", "BOS", home=False, threes=0, twos=9, misses=20)
    world._pending["nba_raw.nbac_team_boxscores"][-1] |= {"snapshot_time": NOON, "game_id": game_id}
    outcome = results(world)
    assert outcome.metadata["games_with_third_team"] == [f"{game_id} CHI"]
    assert outcome.status == "partial"
    assert {row["team"] for row in world.rows(SUMMARY)} == {"BOS", "LAL"}
    assert {row["team"] for row in world.rows("nba_analytics.team_offense_game_summary")} == {"BOS", "LAL"}
