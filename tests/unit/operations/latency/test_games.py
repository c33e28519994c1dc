"""When it was known what became of a game and of a date, from planted rows and real grading."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from shared.core.errors import ConfigError, DataError
from shared.operations.latency.latency import Latency, read_latency
from shared.operations.latency.recording import write_latency
from tests.support.prediction_tables import DAY, EARLY, LATE, NOW, TEAMS, Evening, batch, prediction_row
from tests.support.stores import reset_counts
from tests.unit.operations.latency.nights import (
    BOXES,
    END_EARLY,
    END_LATE,
    FETCHED_AT,
    LOADED_AT,
    LOG,
    PIPELINE,
    RESULTS_RUN,
    SCHEDULE,
    SEEN_AT,
    SUMMARY,
    add_results,
    at,
    box,
    grade_at,
    log_row,
    move_to,
    played_night,
    predicted_evening,
    read,
    sighting,
)

HOUR = 3600.0


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    with played_night(tmp_path) as opened:
        yield opened


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Evening]:
    with predicted_evening(tmp_path) as opened:
        yield opened


def test_a_night_game_ends_the_next_day_and_counts_to_its_own_date(night: Evening) -> None:
    """22:00 in New York is 03:00 UTC of the next day; it ends at 06:00 UTC."""
    grade_at(night, at(16))
    early, late = read(night).games
    assert (early.game_id, late.game_id) == (EARLY, LATE)
    assert (early.ended_at, late.ended_at) == (END_EARLY, END_LATE) == (at(3), at(6))
    assert (late.game_date, late.final_seen_at, late.loaded_at) == (DAY, SEEN_AT, LOADED_AT)
    assert late.graded_at == at(16)
    assert (late.is_followed, late.is_due) == (True, True)
    (found,) = read(night).dates
    assert (found.game_date, found.games, found.due, found.graded) == (DAY, 2, 2, 2)
    assert (found.last_end, found.due_by) == (at(6), at(12))
    assert (found.final_seen_at, found.loaded_at, found.graded_at) == (SEEN_AT, LOADED_AT, at(16))
    assert (found.seconds, found.waiting_seconds, found.is_over_target) == (10 * HOUR, None, True)


def test_it_is_on_target_where_it_is_graded_within_six_hours(night: Evening) -> None:
    grade_at(night, at(12))
    (found,) = read(night).dates
    assert (found.seconds, found.is_over_target) == (6 * HOUR, False)


def test_the_target_is_the_deadline_of_pipeline_yaml(night: Evening) -> None:
    grade_at(night, at(12))
    (graded,) = [each for each in PIPELINE.deadlines if each.phase == "grading"]
    stricter = replace(PIPELINE, deadlines=(replace(graded, within_hours=5.0),))
    (found,) = read_latency(night.runtime, stricter, 7).dates
    assert (found.is_over_target, found.due_by) == (True, at(11))
    with pytest.raises(ConfigError, match="no deadline of grading"):
        read_latency(night.runtime, replace(PIPELINE, deadlines=()), 7)


def test_three_statements_whatever_the_days(night: Evening) -> None:
    reset_counts(night.warehouse)
    one, many = read(night, 1), read(night, 400)
    assert night.warehouse.statement_counts == {"query": 6}
    assert one.games == many.games
    assert (many.first_date, many.last_date) == (date(2024, 10, 11), date(2025, 11, 15))


@pytest.mark.parametrize("days", [0, 401])
def test_other_days_are_refused(night: Evening, days: int) -> None:
    with pytest.raises(DataError, match="ask for 1 to 400 days"):
        read(night, days)


# --- the game's end -------------------------------------------------------------------------------


def test_an_end_is_not_after_the_schedule_said_final_and_not_before_it_last_said_live(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(EARLY, "final", at(2, 20)), sighting(LATE, "live", at(6, 40))])
    move_to(before, at(7))
    assert [game.ended_at for game in read(before).games] == [at(2, 20), at(6, 40)]
    before.add(SCHEDULE, [sighting(LATE, "final", at(6, 50))])
    assert [game.ended_at for game in read(before).games] == [at(2, 20), at(6, 40)]


def test_a_live_after_a_final_is_a_mistake_of_the_feed(before: Evening) -> None:
    before.add(
        SCHEDULE, [sighting(EARLY, "final", at(2, 20)), sighting(EARLY, "live", at(5)), sighting(EARLY, "final", at(6))]
    )
    move_to(before, at(7))
    assert (read(before).games[0].ended_at, read(before).games[0].final_seen_at) == (at(2, 20), at(2, 20))


def test_a_game_without_a_tip_off_begins_at_seven(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(EARLY, "scheduled", NOW, tipoff_at=None)])
    assert read(before).games[0].ended_at == END_EARLY


def test_what_is_known_later_than_now_is_not_known(night: Evening) -> None:
    move_to(night, SEEN_AT - timedelta(minutes=1))
    assert [(game.final_seen_at, game.loaded_at) for game in read(night).games] == [(None, None)] * 2


# --- which games count ----------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended"])
def test_a_game_that_does_not_take_place_is_none(night: Evening, status: str) -> None:
    night.add(SCHEDULE, [sighting(LATE, status, SEEN_AT + timedelta(minutes=1))])
    grade_at(night, at(16))
    latency = read(night)
    assert [game.game_id for game in latency.games] == [EARLY]
    assert (latency.dates[0].last_end, latency.dates[0].seconds) == (END_EARLY, 13 * HOUR)


def test_a_postponed_game_counts_to_the_day_it_is_played_on(before: Evening) -> None:
    """What was said of its first day is void, and is nothing to grade on the second."""
    later = date(2025, 11, 16)
    tipoff = at(0, day=17)
    before.add(SCHEDULE, [sighting(LATE, "postponed", at(2)), sighting(EARLY, "final", SEEN_AT)])
    add_results(before, EARLY)
    grade_at(before, at(16))
    before.add(SCHEDULE, [sighting(LATE, "scheduled", at(17), game_date=later, tipoff_at=tipoff)])
    before.add(SCHEDULE, [sighting(LATE, "final", at(11, day=17), game_date=later, tipoff_at=tipoff)])
    move_to(before, at(12, day=17))
    latency = read(before)
    assert [(game.game_date, game.game_id) for game in latency.games] == [(DAY, EARLY), (later, LATE)]
    moved = latency.games[1]
    assert (moved.ended_at, moved.final_seen_at) == (at(3, day=17), at(11, day=17))
    assert [(each.game_date, each.due, each.graded) for each in latency.dates] == [(DAY, 1, 1), (later, 0, 0)]
    before.add("nba_predictions.prediction_batches", [batch(LATE, 2, later)])
    again = prediction_row(LATE, 1, "Again", game_date=later, tipoff_at=tipoff, batch_id=f"batch_{later}_r2")
    before.add("nba_predictions.player_prop_predictions", [again])
    assert [(each.game_date, each.due, each.graded) for each in read(before).dates] == [(DAY, 1, 1), (later, 1, 0)]


def test_a_game_without_predictions_is_not_waited_for(before: Evening) -> None:
    before.warehouse.execute(f"DELETE FROM nba_predictions.prediction_batches WHERE game_id = '{LATE}'")
    before.add(SCHEDULE, [sighting(game, "final", SEEN_AT) for game in (EARLY, LATE)])
    add_results(before, EARLY, LATE)
    grade_at(before, at(16))
    (found,) = read(before).dates
    assert (found.games, found.due, found.graded, found.last_end) == (2, 1, 1, END_EARLY)


def test_a_prediction_from_after_tip_off_is_none(before: Evening) -> None:
    """The tip-off was moved forward: nothing of it can be graded."""
    before.add(SCHEDULE, [sighting(LATE, "scheduled", NOW, tipoff_at=NOW - timedelta(minutes=1))])
    assert [(game.game_id, game.is_due) for game in read(before).games] == [(LATE, False), (EARLY, True)]


def test_a_backfilled_game_is_not_measured(night: Evening) -> None:
    """Its schedule came weeks after it was played: nobody waited for it."""
    old = DAY - timedelta(days=9)
    tipoff = at(0, day=6)
    night.add(SCHEDULE, [sighting(EARLY, "final", NOW, game_id="0022500100", game_date=old, tipoff_at=tipoff)])
    latency = read(night, 14)
    assert [(game.game_date, game.is_followed) for game in latency.games] == [(old, False), (DAY, True), (DAY, True)]
    assert {(each.stage, each.count) for each in latency.weeks if each.kind == "game"} == {
        ("final_seen", 2),
        ("loaded", 2),
    }


def test_a_game_that_the_schedule_lists_no_more_is_none(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(EARLY, "scheduled", NOW, covers_from=DAY)])
    assert [game.game_id for game in read(before).games] == [EARLY]


def test_a_preseason_game_is_none(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(LATE, "scheduled", NOW, season_type="pre_season")])
    assert [game.game_id for game in read(before).games] == [EARLY]


# --- results --------------------------------------------------------------------------------------


def test_half_a_box_score_is_not_loaded_and_a_later_half_is(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(LATE, "final", SEEN_AT)])
    before.add(BOXES, [box(LATE, TEAMS[LATE][0], FETCHED_AT), box(LATE, "LAL", FETCHED_AT)])
    move_to(before, at(13))
    assert read(before).games[1].loaded_at is None
    add_results(before, LATE, moment=at(12, 30))
    before.add(LOG, [log_row(RESULTS_RUN, "phase3", FETCHED_AT, LOADED_AT)])
    before.add(LOG, [log_row(f"{DAY}-heal-phase1-1", "phase3", at(12, 31), at(12, 33))])
    assert read(before).games[1].loaded_at == at(12, 33)


def test_a_box_score_of_a_game_that_is_on_is_none(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(LATE, "live", at(4)), sighting(LATE, "final", SEEN_AT)])
    before.add(BOXES, [box(LATE, team, at(4, 1)) for team in TEAMS[LATE]])
    add_results(before, LATE)
    before.add(
        LOG, [log_row("another", "phase3", at(4, 2), at(4, 3)), log_row("this", "phase3", FETCHED_AT, LOADED_AT)]
    )
    move_to(before, at(13))
    assert read(before).games[1].loaded_at == LOADED_AT


def test_a_box_score_right_after_the_end_counts_once_the_schedule_says_final(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(EARLY, "final", at(2, 20))])
    add_results(before, EARLY, moment=at(2, 21))
    move_to(before, at(2, 30))
    assert read(before).games[0].loaded_at == at(2, 21)


def test_a_box_score_counts_three_hours_after_tip_off_whatever_the_schedule_says(before: Evening) -> None:
    add_results(before, LATE, moment=at(6))
    move_to(before, at(7))
    assert (read(before).games[1].loaded_at, read(before).games[1].final_seen_at) == (at(6), None)


def test_a_box_score_without_minutes_is_none(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(LATE, "final", SEEN_AT)])
    before.add(
        BOXES,
        [box(LATE, team, FETCHED_AT, minutes=minutes) for team, minutes in zip(TEAMS[LATE], (0.0, None), strict=True)],
    )
    add_results(before, LATE, moment=at(12, 30))
    move_to(before, at(13))
    assert read(before).games[1].loaded_at == at(12, 30)


def test_results_are_loaded_once_both_teams_are_in_the_tables(night: Evening) -> None:
    """Half a box score is in the summaries of the one, half a file was fetched of the other."""
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE game_id = '{EARLY}' AND is_home")
    night.warehouse.execute(f"DELETE FROM {BOXES} WHERE game_id = '{LATE}' AND is_home")
    assert [game.loaded_at for game in read(night).games] == [None, None]


def test_a_correction_does_not_make_the_first_results_late(night: Evening) -> None:
    night.add(BOXES, [box(LATE, team, at(20)) for team in TEAMS[LATE]])
    night.add(LOG, [log_row("again", "phase3", at(20, 1), at(20, 2))])
    move_to(night, at(21))
    assert read(night).games[1].loaded_at == LOADED_AT


def test_a_phase_3_that_failed_or_found_nothing_loads_nothing(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(LATE, "final", SEEN_AT)])
    add_results(before, LATE)
    before.add(
        LOG,
        [
            log_row("a", "phase3", FETCHED_AT, at(11, 32), status="failed"),
            log_row("b", "phase3", FETCHED_AT, at(11, 33), status="no_data"),
            log_row("c", "phase3", at(12), at(12, 5), status="partial"),
        ],
    )
    move_to(before, at(13))
    assert read(before).games[1].loaded_at == at(12, 5)


def test_results_of_a_backfill_are_as_old_as_their_fetching(before: Evening) -> None:
    """Its log bears the last of its dates."""
    before.add(SCHEDULE, [sighting(LATE, "final", SEEN_AT)])
    add_results(before, LATE)
    before.add(LOG, [log_row("b", "phase3", at(12), at(12, 5), game_date=date(2025, 11, 15))])
    move_to(before, at(13))
    assert read(before).games[1].loaded_at == FETCHED_AT


def test_under_a_simulated_clock_results_are_loaded_when_they_are_fetched(night: Evening) -> None:
    """The log has the machine's times, a year later."""

    class Machine:
        def now(self) -> datetime:
            return datetime(2026, 11, 30, tzinfo=UTC)

    night.warehouse.execute(f"DELETE FROM {LOG} WHERE TRUE")
    night.add(LOG, [log_row(RESULTS_RUN, "phase3", Machine().now(), Machine().now())])
    runtime = replace(night.runtime, machine=Machine())
    assert [game.loaded_at for game in read_latency(runtime, PIPELINE, 7).games] == [FETCHED_AT] * 2


# --- grading --------------------------------------------------------------------------------------


def dates(latency: Latency) -> list[tuple[int, int, float | None, float | None, bool]]:
    return [(each.due, each.graded, each.seconds, each.waiting_seconds, each.is_over_target) for each in latency.dates]


def test_a_date_waits_until_all_its_games_are_graded(before: Evening) -> None:
    before.add(SCHEDULE, [sighting(game, "final", SEEN_AT) for game in (EARLY, LATE)])
    assert dates(read(before)) == [(2, 0, None, None, False)], "not over"
    move_to(before, at(12))
    assert dates(read(before)) == [(2, 0, None, 6 * HOUR, False)]
    add_results(before, EARLY)
    grade_at(before, at(13))
    assert dates(read(before)) == [(2, 1, None, 7 * HOUR, True)]
    add_results(before, LATE, moment=at(14))
    grade_at(before, at(15))
    assert dates(read(before)) == [(2, 2, 9 * HOUR, None, True)]


def test_a_void_of_a_game_that_is_played_after_all_is_no_grade(night: Evening) -> None:
    night.add(SCHEDULE, [sighting(LATE, "postponed", SEEN_AT + timedelta(minutes=1))])
    grade_at(night, at(12))
    night.add(SCHEDULE, [sighting(LATE, "final", at(12, 30))])
    move_to(night, at(13))
    assert [game.graded_at for game in read(night).games] == [at(12), None]


def test_a_grade_of_another_day_is_not_of_this_one(night: Evening) -> None:
    """Graded by mistake, before the schedule said that it was played two days later."""
    later = date(2025, 11, 16)
    grade_at(night, at(12))
    night.add(SCHEDULE, [sighting(LATE, "final", at(13), game_date=later, tipoff_at=at(0, day=17))])
    move_to(night, at(13, day=17))
    assert [(game.game_date, game.graded_at) for game in read(night).games] == [(DAY, at(12)), (later, None)]


def test_a_grade_that_is_given_again_is_as_old_as_the_first_that_was_recorded(night: Evening) -> None:
    grade_at(night, at(12))
    assert write_latency(night.runtime, PIPELINE, 7) > 0
    grade_at(night, at(20))
    assert {game.graded_at for game in read(night).games} == {at(12)}
    assert dates(read(night)) == [(2, 2, 6 * HOUR, None, False)]
    assert write_latency(night.runtime, PIPELINE, 7) == 0, "nothing else is to be recorded"


def test_without_a_record_the_latest_grading_is_all_there_is(night: Evening) -> None:
    grade_at(night, at(12))
    grade_at(night, at(20))
    assert dates(read(night)) == [(2, 2, 14 * HOUR, None, True)]


def test_a_date_without_games_is_not_there(tmp_path: Path) -> None:
    with predicted_evening(tmp_path) as opened:
        opened.warehouse.execute(f"DELETE FROM {SCHEDULE} WHERE TRUE")
        latency = read(opened)
        assert (latency.games, latency.dates, latency.runs, latency.weeks) == ((), (), (), ())
