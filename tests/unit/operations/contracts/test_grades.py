"""Which results and grades the contracts count, read from the tables: both teams' players, points
that add up, and grades that say what the box score says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.grading.grade import run
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.operations.contracts.rules import first_shortage
from shared.operations.contracts.snapshot import Snapshot, read_snapshot
from shared.science.systems.error_codes import NOTHING_TO_SAY
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    TIPOFFS,
    Evening,
    batch,
    evening,
    expected_row,
    message,
    prediction_row,
    schedule_row,
    summary_row,
)

SCHEDULE = "nba_raw.nbac_schedule"
SUMMARY = "nba_analytics.player_game_summary"
PREDICTIONS = "nba_predictions.player_prop_predictions"
NEXT_NOON = TIPOFFS[LATE] + timedelta(hours=14)


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """The morning after: both games final, two players a game, one of each predicted and graded."""
    with evening(tmp_path) as opened:
        opened.add(SCHEDULE, [schedule_row(game, "final", hours=48 + 18) for game in (EARLY, LATE)])
        opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
        opened.add(SUMMARY, [summary_row(EARLY, 1, "Alpha", 25), summary_row(LATE, 2, "Beta", 20)])
        opened.add(
            SUMMARY,
            [summary_row(EARLY, 91, "Guest", 8, at_home=False), summary_row(LATE, 92, "Host", 9, at_home=False)],
        )
        opened.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
        opened.clock.move(hours=23)
        run(message(), opened.context("grading"))
        yield opened


def snapshot(night: Evening, now: datetime = NEXT_NOON) -> Snapshot:
    return read_snapshot(night.runtime, DAY, now)


def short(night: Evening) -> tuple[str, str] | None:
    seen = snapshot(night)
    assert seen.group == "played"
    # the files are unit/functions/self_heal/test_files.py's
    contracts = [each for each in load_pipeline().contracts["played"] if each.check != "published"]
    found = first_shortage(seen, contracts, Settings())
    return None if found is None else (found.contract.check, found.reason)


def change(night: Evening, player_id: int, *rows: dict[str, Any]) -> None:
    """Other rows in the place of a player's."""
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id = {player_id}")
    if rows:
        night.add(SUMMARY, rows)


def test_a_graded_night_is_complete(night: Evening) -> None:
    assert short(night) is None
    assert [(game.grades, game.predictions, game.result_teams) for game in snapshot(night).games] == [(1, 1, 2)] * 2


def test_half_a_box_score_is_short_of_results_whatever_was_graded(night: Evening) -> None:
    change(night, 92)
    assert short(night) == ("results", f"1 of 2 games ({LATE}) have no box scores of both teams")


def test_points_that_do_not_add_up_are_short_of_results_until_the_corrected_box_score(night: Evening) -> None:
    change(night, 2, {**summary_row(LATE, 2, "Beta", 20), "players_points": 120, "team_points": 100})
    assert short(night) == ("results", f"the players' points of 1 of 2 games ({LATE}) do not add up to the team's")
    change(night, 2, {**summary_row(LATE, 2, "Beta", 20), "players_points": 100, "team_points": 100})
    assert short(night) is None


def test_a_corrected_box_score_asks_for_grading_again(night: Evening) -> None:
    change(night, 1, summary_row(EARLY, 1, "Alpha", 27))
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({EARLY})")
    run(message(), night.context("grading"))
    assert short(night) is None


def test_a_void_of_somebody_who_is_in_the_box_score_by_now_asks_for_grading_again(night: Evening) -> None:
    change(night, 1, summary_row(EARLY, 7, "Other", 3))
    run(message(), night.context("grading"))
    assert short(night) is None, "void, and rightly"
    change(night, 7, summary_row(EARLY, 7, "Other", 3), summary_row(EARLY, 1, "Alpha", 25))
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({EARLY})")
    run(message(), night.context("grading"))
    assert short(night) is None


def test_a_grade_of_somebody_whom_the_correction_took_away_asks_for_grading_again(night: Evening) -> None:
    change(night, 2, summary_row(LATE, 7, "Other", 20))
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({LATE})")


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended"])
def test_a_game_called_off_is_not_chased(night: Evening, status: str) -> None:
    change(night, 2)
    change(night, 92)
    night.warehouse.execute(f"DELETE FROM nba_predictions.prediction_accuracy WHERE game_id = '{LATE}'")
    night.add(SCHEDULE, [schedule_row(LATE, status, hours=48 + 19)])
    assert short(night) is None


@pytest.mark.parametrize(
    "moved_to", [DAY - timedelta(days=1), DAY + timedelta(days=3), DAY + timedelta(days=250), None]
)
def test_a_game_that_left_the_date_is_not_chased(night: Evening, moved_to: date | None) -> None:
    """Moved to another day, or gone from a list that covers its day."""
    change(night, 2)
    change(night, 92)
    if moved_to:
        night.add(SCHEDULE, [schedule_row(LATE, day=moved_to, hours=48 + 19)])
    else:
        covering = {"covers_from": DAY - timedelta(days=2)}
        night.add(SCHEDULE, [schedule_row(EARLY, "final", hours=48 + 19) | covering])
    assert [game.game_id for game in snapshot(night).games] == [EARLY]
    assert short(night) is None


def test_a_prediction_of_after_the_tip_off_that_was_moved_forward_needs_no_grade(night: Evening) -> None:
    night.add(
        SCHEDULE,
        [schedule_row(LATE, "final", hours=48 + 19) | {"tipoff_at": prediction_row(LATE, 2, "B")["updated_at"]}],
    )
    night.warehouse.execute(f"DELETE FROM nba_predictions.prediction_accuracy WHERE game_id = '{LATE}'")
    assert [(game.predictions, game.grades) for game in snapshot(night).games] == [(1, 1), (0, 0)]
    assert short(night) is None


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (f"game_id = '{LATE}'", f"1 grades are of predictions that are gone: 1 of 2 games ({LATE})"),
        ("TRUE", f"2 grades are of predictions that are gone: 2 of 2 games ({EARLY}, {LATE})"),
    ],
)
def test_deleted_predictions_behind_grades_are_named(night: Evening, condition: str, reason: str) -> None:
    night.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE {condition}")
    assert short(night) == ("kept", reason)


def test_a_prediction_without_a_line_and_its_grade_belong_together(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 91, "Guest", None)])
    run(message(), night.context("grading"))
    assert short(night) is None
    night.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE player_id = 91")
    assert short(night) == ("kept", f"1 grades are of predictions that are gone: 1 of 2 games ({EARLY})")


def test_a_grade_is_of_one_statistic(night: Evening) -> None:
    """The same player, system and line: a grade that is gone is missing, and one whose prediction
    is gone stands alone. Of a statistic that the box score lacks the void is a grade.
    """
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", stat="another")])
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({EARLY})")
    run(message(), night.context("grading"))
    assert short(night) is None
    night.warehouse.execute(f"DELETE FROM {PREDICTIONS} WHERE stat = 'another'")
    assert short(night) == ("kept", f"1 grades are of predictions that are gone: 1 of 2 games ({EARLY})")


def test_what_says_nothing_of_a_statistic_needs_no_grade(night: Evening) -> None:
    """Of a system that lacks something to say it with there is a grade, a pass."""
    nothing: dict[str, Any] = {"mean": None, "recommendation": "PASS", "system": "zone_matchup_v1"}
    row = prediction_row(EARLY, 1, "Alpha", "6.5", stat="rebounds", error_code=NOTHING_TO_SAY, **nothing)
    night.add(PREDICTIONS, [row])
    assert short(night) is None
    assert [(game.grades, game.predictions) for game in snapshot(night).games] == [(1, 1)] * 2
    night.add(PREDICTIONS, [row | {"stat": "assists", "error_code": "no_games"}])
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({EARLY})")


def test_a_void_of_a_statistic_that_is_counted_by_now_asks_for_grading_again(night: Evening) -> None:
    accuracy = "nba_predictions.prediction_accuracy"
    void = "outcome = 'void', void_reason = 'no_figure', actual = NULL"
    night.warehouse.execute(f"UPDATE {accuracy} SET {void} WHERE player_id = 1 AND game_date = @day", {"day": DAY})
    assert short(night) == ("grades", f"1 current predictions have no grade: 1 of 2 games ({EARLY})")
    run(message(), night.context("grading"))
    assert short(night) is None


def test_rows_of_the_newest_batch_that_were_never_graded_are_counted_too(night: Evening) -> None:
    """Deleted together with their grades, and whole players: consolidation counted the rows, and
    who was expected.
    """
    later = {"rows_expected": 3, "consolidated_at": batch(EARLY)["consolidated_at"] + timedelta(minutes=1)}
    night.add("nba_predictions.prediction_batches", [batch(game) | later for game in (EARLY, LATE)])
    assert short(night) == ("kept", f"1 of the 3 rows that batch_{DAY}_r1 put in place are gone")
    night.add("nba_monitoring.expected_outputs", [expected_row(EARLY, 1, "Alpha"), expected_row(LATE, 7, "Other")])
    reason = f"1 players were expected and have no prediction, first player 7 of game {LATE}"
    assert short(night) == ("kept", reason)
