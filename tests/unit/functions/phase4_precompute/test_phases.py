"""What phases 3 and 4 report: every run ends in a visible state with a reason, at a fixed number of
statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from shared.core.clock import at_new_york
from tests.support.features_fixture import FeatureFixture, open_world
from tests.support.stores import reset_counts

YESTERDAY, DAY = date(2025, 11, 13), date(2025, 11, 14)
AS_OF = at_new_york(DAY, time(17, 30))
NEXT_MORNING = at_new_york(DAY + timedelta(days=1), time(13))
MORNING = at_new_york(DAY, time(9))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FeatureFixture]:
    with open_world(tmp_path) as world:
        yield world


def play_game(
    world: FeatureFixture, day: date = YESTERDAY, home: str = "BOS", away: str = "LAL", **game: object
) -> str:
    """A game with both box scores; player ids from the teams' letters, so that they are the same
    every day.
    """
    game_id = world.game(day, home, away, **game)  # type: ignore[arg-type]
    for team, opponent, is_home in ((home, away, True), (away, home, False)):
        world.box(day, (ord(team[0]), f"Man {team}"), team, opponent, home=is_home, twos=8, misses=8)
        world.team_box(day, team, opponent, home=is_home, threes=4, twos=2, misses=74)
    return game_id


def test_a_day_without_games(world: FeatureFixture) -> None:
    world.game(DAY + timedelta(days=1), "BOS", "LAL")
    outcome = world.phase3("same_day", DAY, DAY, AS_OF)
    assert (outcome.status, outcome.reason) == ("no_data", "no games on 2025-11-14")


def test_a_schedule_that_was_never_loaded_is_told_apart(world: FeatureFixture) -> None:
    """A dead source must not look like a day off."""
    outcome = world.phase3("same_day", DAY, DAY, AS_OF)
    assert outcome.status == "no_data"
    assert outcome.reason.startswith("the schedule is not loaded")


def test_pre_season_and_postponed_games_are_no_games(world: FeatureFixture) -> None:
    world.game(DAY, "BOS", "LAL", season_type="pre_season")
    world.game(DAY, "GSW", "SAC", status="postponed")
    assert world.phase3("same_day", DAY, DAY, AS_OF).reason == "no games on 2025-11-14"


def test_a_postponed_game_is_found_on_its_new_day(world: FeatureFixture) -> None:
    later = DAY + timedelta(days=3)
    game_id = world.game(DAY, "BOS", "LAL", status="scheduled", game_id="g")
    world.game(later, "BOS", "LAL", status="scheduled", game_id=game_id, seen=MORNING)
    assert world.phase3("same_day", DAY, DAY, AS_OF).reason == "no games on 2025-11-14"
    world.phase3("tomorrow", later, later, AS_OF)
    contexts = world.rows("nba_analytics.upcoming_team_game_context")
    assert {(row["game_id"], row["game_date"]) for row in contexts} == {("g", later)}


def test_games_without_a_known_roster(world: FeatureFixture) -> None:
    """Both teams played this season, but everybody's last game is more than 30 days back."""
    play_game(world, DAY - timedelta(days=31))
    world.phase3("results", DAY - timedelta(days=31), DAY - timedelta(days=31), AS_OF)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    outcome = world.phase3("same_day", DAY, DAY, AS_OF)
    assert outcome.status == "no_data"
    assert outcome.reason.startswith("1 games on 2025-11-14, but nobody is on a roster")
    after = world.phase4("same_day", DAY, DAY, AS_OF, status="no_data", reason=outcome.reason)
    assert after.status == "no_data"
    assert outcome.reason in after.reason


def test_the_thirtieth_day_is_still_on_the_roster(world: FeatureFixture) -> None:
    first = DAY - timedelta(days=30)
    play_game(world, first)
    world.phase3("results", first, first, AS_OF)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    assert world.phase3("same_day", DAY, DAY, AS_OF).record_count == 2


def test_results_before_the_final_whistle(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL", status="live")
    outcome = world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    assert (outcome.status, outcome.reason) == ("no_data", "none of the 1 games of 2025-11-13 is final yet")


def test_a_box_score_of_a_game_still_on_is_none(world: FeatureFixture) -> None:
    """Fetched two hours after tip-off: no history, no result; the final one takes its place."""
    world.game(YESTERDAY, "BOS", "LAL", status="live")
    world.box(YESTERDAY, (1, "Jimmy Butler III"), "BOS", "LAL", home=True, twos=1, at=at_new_york(YESTERDAY, time(21)))
    world.box(YESTERDAY, (2, "Austin Reaves"), "LAL", "BOS", home=False, twos=1, at=at_new_york(YESTERDAY, time(21)))
    assert world.phase3("results", YESTERDAY, YESTERDAY, AS_OF).status == "no_data"
    assert world.rows("nba_analytics.player_game_summary") == []


def test_a_schedule_that_is_not_refreshed_does_not_hold_up_results(world: FeatureFixture) -> None:
    """It still says scheduled the next noon; the box scores say that the game is over."""
    play_game(world, status="scheduled")
    outcome = world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    assert (outcome.status, outcome.record_count) == ("success", 2)


def test_final_games_without_box_scores_are_partial(world: FeatureFixture) -> None:
    play_game(world)
    missing = world.game(YESTERDAY, "GSW", "SAC")
    outcome = world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    assert (outcome.status, outcome.record_count, outcome.records_failed) == ("partial", 2, 1)
    assert f"1 of 2 final games have no player box score ({missing})" in outcome.reason
    assert f"1 of 2 final games have no team box score ({missing})" in outcome.reason


def test_the_next_delivery_mends_what_was_partial(world: FeatureFixture) -> None:
    world.game(YESTERDAY, "BOS", "LAL")
    assert world.phase3("results", YESTERDAY, YESTERDAY, AS_OF).status == "partial"
    play_game(world)
    outcome = world.phase3("results", YESTERDAY, YESTERDAY, NEXT_MORNING)
    assert (outcome.status, outcome.record_count) == ("success", 2)
    assert [row["points"] for row in world.rows("nba_analytics.player_game_summary")] == [16, 16]


def test_phase_4_by_hand_computes_the_newest_context_again(world: FeatureFixture) -> None:
    """{"game_date": ...} on nba-phase4-trigger: its own moment has no context, the newest one
    has.
    """
    play_game(world)
    world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    world.serve(DAY, MORNING)
    world.serve(DAY, AS_OF)
    evening = world.features(DAY, AS_OF)
    world.warehouse.execute("DELETE FROM nba_predictions.ml_feature_store WHERE game_date = @day", {"day": DAY})
    outcome = world.phase4("same_day", DAY, DAY, AS_OF + timedelta(minutes=20), by_hand=True)
    assert outcome.status == "success"
    assert world.features(DAY) == evening


def test_phase_4_by_hand_without_any_context(world: FeatureFixture) -> None:
    outcome = world.phase4("same_day", DAY, DAY, AS_OF, by_hand=True)
    assert outcome.status == "no_data"
    assert outcome.reason.endswith("publish the date to nba-phase3-trigger")


def test_phase_4_says_what_it_wrote(world: FeatureFixture) -> None:
    play_game(world)
    world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    world.game(DAY, "BOS", "LAL", status="scheduled")
    outcome = world.serve(DAY, AS_OF)
    assert outcome.reason == (
        "no team's injury list of the day is known: features of missing players are NULL; no player has a line"
    )
    figures = {name: outcome.metadata[name] for name in ("row_count", "games", "players", "rows_of_quality")}
    assert figures == {"row_count": 2, "games": 1, "players": 2, "rows_of_quality": 0}


@pytest.mark.parametrize(
    ("tip", "commence", "expected", "source"),
    [
        (time(22), datetime(2025, 11, 15, 0, 10).astimezone(AS_OF.tzinfo), time(22), "schedule"),
        (None, at_new_york(DAY, time(20, 10)), time(20, 10), "odds"),
        (None, None, time(19), "assumed"),
    ],
)
def test_tip_off_comes_from_schedule_odds_or_assumption(
    world: FeatureFixture, tip: time | None, commence: datetime | None, expected: time, source: str
) -> None:
    play_game(world)
    world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    world.game(DAY, "BOS", "LAL", tip=tip, status="scheduled")
    world.line(DAY, "BOS", "LAL", "Man BOS", "15.5", at=MORNING, commence=commence)
    world.serve(DAY, AS_OF)
    row = world.features(DAY)[ord("B")]
    assert (row["tipoff_at"], row["tipoff_source"]) == (at_new_york(DAY, expected), source)


def test_statements_do_not_grow_with_games(world: FeatureFixture) -> None:
    """A day, a day of two games and a season of many take the same number of warehouse calls."""
    pairs = [("BOS", "LAL"), ("GSW", "SAC"), ("NYK", "DEN")]
    for home, away in pairs:
        play_game(world, home=home, away=away)
    world.phase3("results", YESTERDAY, YESTERDAY, AS_OF)
    counts = []
    for number, games in enumerate(([pairs[0]], pairs)):
        day = DAY + timedelta(days=number)
        for home, away in games:
            world.game(day, home, away, status="scheduled")
        world.load()
        reset_counts(world.warehouse)
        world.phase3("tomorrow", day, day, AS_OF)
        phase3 = sum(world.warehouse.statement_counts.values())
        assert world.phase4("tomorrow", day, day, AS_OF).record_count == 2 * len(games)
        counts.append((phase3, sum(world.warehouse.statement_counts.values()) - phase3))
    assert counts == [(6, 6), (6, 6)]


def test_results_take_seven_statements(world: FeatureFixture) -> None:
    play_game(world)
    world.load()
    reset_counts(world.warehouse)
    assert world.phase3("results", YESTERDAY, YESTERDAY, AS_OF).status == "success"
    assert sum(world.warehouse.statement_counts.values()) == 7


def test_a_backfill_derives_absences_and_doing_it_again_changes_nothing(world: FeatureFixture) -> None:
    """Out of rotation for one game: listed as derived, and missing for his team."""
    days = [date(2025, 11, day) for day in (3, 5, 7)]
    for day in days:
        play_game(world, day)
        if day != days[-1]:
            world.box(day, (1, "Absent Man"), "BOS", "LAL", home=True, minutes=20.0, twos=6)
            world.box(day, (2, "Small Man"), "BOS", "LAL", home=True, minutes=14.0, twos=6)
    found = []
    for _ in range(2):
        world.backfill(days[0], days[-1], AS_OF)
        found.append((world.rows("nba_raw.injury_report"), world.rows("nba_predictions.ml_feature_store")))
    assert found[0] == found[1]
    reports, features = found[0]
    assert [(row["player_id"], row["game_date"], row["source"]) for row in reports] == [(1, days[-1], "derived")]
    assert reports[0]["snapshot_time"] == at_new_york(days[-1], time(11))
    mate = next(row for row in features if row["player_id"] == ord("B") and row["game_date"] == days[-1])
    assert (mate["teammates_out_count"], mate["teammates_out_points"]) == (1, 12.0)
    absent = next(row for row in features if row["player_id"] == 1 and row["game_date"] == days[-1])
    assert (absent["injury_status"], absent["injury_source"]) == ("OUT", "derived")


def test_shot_zones_where_they_exist(world: FeatureFixture) -> None:
    """Sixty games: LA allows twice the league's points in the paint, where the man of BOS scores
    most.
    """
    first = date(2025, 9, 1)
    for i in range(60):
        day = first + timedelta(days=i)
        home, away = ("BOS", "LAL") if i % 2 else ("BOS", "SAC")
        play_game(world, day, home=home, away=away)
        generous = away == "LAL"
        world.zones(day, None, home, away, home=True, paint=40 if generous else 10, mid=5)
        world.zones(day, None, away, home, home=False, paint=10, mid=5)
        world.zones(day, ord("B"), home, away, home=True, paint=6, mid=2)
    last = first + timedelta(days=59)
    day = last + timedelta(days=1)
    world.backfill(first, last, NEXT_MORNING)
    world.game(day, "BOS", "LAL", status="scheduled")
    world.phase3("tomorrow", day, day, at_new_york(day, time(17, 30)))
    world.phase4("tomorrow", day, day, at_new_york(day, time(17, 30)))
    row = world.features(day)[ord("B")]
    assert (row["paint_share_l20"], row["mid_share_l20"], row["three_share_l20"]) == (0.75, 0.25, 0.0)
    # per team and game: LAL allows 80, the league (30 x 80 + 90 x 20) / 120 = 35
    assert row["opponent_paint_allowed_rel"] == pytest.approx(80 / 35 - 1, abs=1e-6)
    assert row["opponent_mid_allowed_rel"] == 0.0
    assert row["zone_mismatch"] == pytest.approx(0.75 * (80 / 35 - 1), abs=1e-5)
    assert row["zone_source"] == "shot_zones"
