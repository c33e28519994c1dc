"""Grading on the embedded warehouse: outcomes, voids, pushes, profit, windows, and that twice is as
good as once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.grading.grade import implausible, run
from functions.grading.performance import WINDOW_DAYS, figures
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core.errors import DataError
from shared.core.events import Event
from shared.nba.stats import STATS
from shared.science.systems.error_codes import NOTHING_TO_SAY
from shared.stores.warehouse.schemas import load_schema
from tests.support.lent_warehouses import LaidOut
from tests.support.prediction_tables import (
    AS_OF,
    DAY,
    EARLY,
    LATE,
    NOW,
    TEAMS,
    TIPOFFS,
    Evening,
    batch,
    evening,
    features,
    message,
    prediction_row,
    schedule_row,
    summary_row,
)
from tests.support.stores import reset_counts

PREDICTIONS = "nba_predictions.player_prop_predictions"
BATCHES = "nba_predictions.prediction_batches"
SCHEDULE = "nba_raw.nbac_schedule"
SUMMARY = "nba_analytics.player_game_summary"
ACCURACY = "nba_predictions.prediction_accuracy"
FIGURES = "nba_predictions.system_daily_performance"
FEATURES = "nba_predictions.ml_feature_store"


_ROWS = LaidOut()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """The morning after: both games final, Alpha scored 25 and Beta 20; a batch covered both
    games.
    """
    with evening(tmp_path) as opened:
        if not _ROWS.are_put_into(opened.warehouse):
            opened.add(SCHEDULE, [schedule_row(game) for game in (EARLY, LATE)])
            opened.add(SCHEDULE, [schedule_row(game, "final", hours=18) for game in (EARLY, LATE)])
            opened.add(BATCHES, [batch(EARLY), batch(LATE)])
            opened.add(SUMMARY, [summary_row(EARLY, 1, "Alpha", 25), summary_row(LATE, 2, "Beta", 20)])
            opened.add(
                SUMMARY,
                [summary_row(EARLY, 91, "Guest", 8, at_home=False), summary_row(LATE, 92, "Host", 9, at_home=False)],
            )
            opened.add(FEATURES, [features(EARLY, 1, "Alpha", 24.0), features(LATE, 2, "Beta", 22.5)])
            _ROWS.keep(opened.warehouse)
        opened.clock.move(hours=23)
        yield opened


def grades(night: Evening) -> list[dict[str, Any]]:
    order = "ORDER BY game_id, player_id, stat, system_id, line_value"
    return night.warehouse.query(f"SELECT * FROM nba_predictions.prediction_accuracy {order}").to_pylist()


@pytest.mark.parametrize(
    ("line", "recommendation", "outcome", "correct", "profit"),
    [
        ("24.5", "OVER", "win", True, 100 / 110),  # over at -110
        ("24.5", "UNDER", "loss", False, -1.0),
        ("25", "OVER", "push", None, 0.0),  # a whole line hit exactly gives the stake back
        ("25", "UNDER", "push", None, 0.0),
        ("25.5", "OVER", "loss", False, -1.0),
        ("25.5", "UNDER", "win", True, 1.05),  # under at +105
        ("24.5", "PASS", "pass", None, None),
        ("25", "PASS", "pass", None, None),
    ],
)
def test_outcome_of_a_line(
    night: Evening, line: str, recommendation: str, outcome: str, correct: bool | None, profit: float | None
) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", line, recommendation=recommendation)])
    assert run(message(), night.context("grading")).status == "success"
    (grade,) = grades(night)
    assert (grade["outcome"], grade["correct"]) == (outcome, correct)
    assert grade["profit"] == (None if profit is None else pytest.approx(profit, abs=1e-6))
    assert grade["actual"] == 25
    assert grade["error"] == pytest.approx(26.123456 - 25)
    assert grade["line_error"] == float(line) - 25
    assert grade["season_average_error"] == -1.0
    assert grade["void_reason"] is None
    assert grade["bookmaker"] == ("other" if recommendation == "UNDER" else "book"), "whose price it is"


def test_no_offered_price_no_profit(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", over_price=None, expected_value=None)])
    run(message(), night.context("grading"))
    assert [(g["outcome"], g["profit"], g["bookmaker"]) for g in grades(night)] == [("win", None, None)]
    row = night.warehouse.query(
        "SELECT roi, priced_bets, bets FROM nba_predictions.system_daily_performance"
    ).to_pylist()
    assert row[0] == {"roi": None, "priced_bets": 0, "bets": 1}


def test_who_did_not_play_is_void_with_the_reason_and_no_loss(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 3, "Absent"), prediction_row(EARLY, 1, "Alpha")])
    outcome = run(message(), night.context("grading"))
    void = next(g for g in grades(night) if g["player_id"] == 3)
    assert (void["outcome"], void["void_reason"]) == ("void", "did_not_play")
    assert [void[name] for name in ("correct", "profit", "error", "actual")] == [None] * 4
    assert outcome.metadata["graded"]["points"]["ensemble_v1"]["n"] == 1
    assert night.scalar("SELECT voids FROM nba_predictions.system_daily_performance WHERE window_name = 'day'") == 1


def test_a_game_without_final_box_score_waits(night: Evening) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, "live", hours=20)])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.record_count, outcome.records_failed) == ("partial", 1, 1)
    assert outcome.reason == "1 of 2 games have no final box score"
    assert outcome.metadata["games_pending"] == [LATE]
    night.add(SCHEDULE, [schedule_row(LATE, "final", hours=21)])
    assert run(message(), night.context("grading")).record_count == 2


def test_nothing_final_writes_nothing(night: Evening) -> None:
    night.add(SCHEDULE, [schedule_row(EARLY, "live", hours=20)])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])
    reset_counts(night.warehouse)
    outcome = run(message(), night.context("grading"))
    assert sum(night.warehouse.statement_counts.values()) == 1, "where nothing was graded there is nothing to take back"
    assert outcome.status == "no_data"
    assert outcome.reason == f"none of the 1 games with predictions on {DAY} has a final box score"
    assert grades(night) == []


def test_a_final_game_without_a_single_box_score_row_has_none_rather_than_half(night: Evening) -> None:
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE game_id = '{EARLY}'")
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    outcome = run(message(), night.context("grading"))
    assert outcome.reason == "1 of 2 games have no final box score"
    assert outcome.metadata["games_with_half_a_box_score"] == []


@pytest.mark.parametrize("moved_to", [DAY, DAY + timedelta(days=40)])
def test_a_game_called_off_is_void(night: Evening, moved_to: date) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, "postponed" if moved_to == DAY else "scheduled", moved_to, hours=20)])
    night.add(PREDICTIONS, [prediction_row(LATE, 9, "Gamma")])
    assert run(message(), night.context("grading")).status == "success"
    reason = "postponed" if moved_to == DAY else "moved"
    assert [(g["outcome"], g["void_reason"]) for g in grades(night)] == [("void", reason)]


def test_what_was_written_after_tip_off_is_not_graded(night: Evening) -> None:
    night.add(
        PREDICTIONS,
        [prediction_row(EARLY, 1, "Alpha", updated_at=TIPOFFS[EARLY]), prediction_row(LATE, 2, "Beta", "19.5")],
    )
    outcome = run(message(), night.context("grading"))
    assert outcome.status == "partial"
    assert outcome.reason == "1 predictions were written after tip-off and are not graded"
    assert [g["player_id"] for g in grades(night)] == [2]


def test_an_earlier_revision_is_history(night: Evening) -> None:
    night.add(BATCHES, [batch(EARLY, revision=2)])
    night.add(
        PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "22.5"), prediction_row(EARLY, 1, "Alpha", "24.5", revision=2)]
    )
    run(message(), night.context("grading"))
    assert [g["batch_id"] for g in grades(night)] == [f"batch_{DAY}_r2"]


def test_pass_is_in_no_hit_rate_and_unlined_players_stay_apart(night: Evening) -> None:
    night.add(SUMMARY, [summary_row(EARLY, 4, "Delta", 10), summary_row(EARLY, 5, "Epsilon", 12)])
    night.add(
        PREDICTIONS,
        [
            prediction_row(EARLY, 1, "Alpha", "24.5", mean=26.0),  # scored 25: won, error 1
            prediction_row(EARLY, 1, "Alpha", "26.5", kind="alternate", mean=26.0),  # no row of its own in any figure
            prediction_row(LATE, 2, "Beta", "21.5", recommendation="PASS", mean=23.0),  # scored 20: error 3
            prediction_row(
                EARLY, 4, "Delta", "11.5", mean=11.0
            ),  # no season average known: not compared, but a lost bet
            prediction_row(EARLY, 5, "Epsilon", None, mean=16.0),  # scored 12: error 4
        ],
    )
    outcome = run(message(), night.context("grading"))
    assert outcome.metadata["graded"] == {
        "points": {"ensemble_v1": {"n": 2, "mae": 2.0, "line_mae": 1.0, "season_avg_mae": 1.75, "hit_rate": 0.5}}
    }
    day = night.warehouse.query(
        "SELECT * FROM nba_predictions.system_daily_performance WHERE window_name = 'day'"
    ).to_pylist()[0]
    assert {name: day[name] for name in ("bets", "wins", "passes", "n_unlined", "mae_unlined")} == {
        "bets": 2,
        "wins": 1,
        "passes": 1,
        "n_unlined": 1,
        "mae_unlined": 4.0,
    }


def test_a_system_that_could_not_predict_is_graded_as_pass(night: Evening) -> None:
    night.add(
        PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", mean=None, recommendation="PASS", error_code="too_few_games")]
    )
    outcome = run(message(), night.context("grading"))
    assert [(g["outcome"], g["error"]) for g in grades(night)] == [("pass", None)]
    assert outcome.metadata["graded"]["points"]["ensemble_v1"]["n"] == 0


def test_windows_reach_back_and_no_further(night: Evening) -> None:
    night.add(SCHEDULE, [{**schedule_row(EARLY, day=DAY - timedelta(days=45)), "game_id": "0022500001"}])
    graded_before = {
        "game_id": "0022500001",
        "player_id": 1,
        "player_lookup": "alpha",
        "stat": "points",
        "system_id": "ensemble_v1",
        "model_version": "1",
        "batch_id": "b",
        "line_value": 20,
        "line_kind": "main",
        "recommendation": "PASS",
        "predicted": 20.0,
        "season_average": 20.0,
        "actual": 20,
        "outcome": "pass",
        "graded_at": night.clock.now(),
    }
    days_back = (1, 6, 7, 29, 30, 45, 46)  # 46: before the season's first game
    rows = [{**graded_before, "game_date": DAY - timedelta(days=n)} for n in days_back]
    night.add("nba_predictions.prediction_accuracy", rows)
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])
    outcome = run(message(), night.context("grading"))
    assert outcome.metadata["graded"]["points"]["ensemble_v1"]["n"] == 1, "of the day alone"
    assert outcome.output_table == ACCURACY
    windows = night.warehouse.query(
        "SELECT window_name, n FROM nba_predictions.system_daily_performance ORDER BY n"
    ).to_pylist()
    assert {row["window_name"]: row["n"] for row in windows} == {"day": 1, "7_days": 3, "30_days": 5, "season": 7}


def test_grading_twice_is_grading_once_in_four_statements(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta", "20")])
    reset_counts(night.warehouse)
    first = run(message(), night.context("grading"))
    assert sum(night.warehouse.statement_counts.values()) == 4
    before = grades(night), night.warehouse.query("SELECT * FROM nba_predictions.system_daily_performance").to_pylist()
    second = run(message(), night.context("grading"))
    after = grades(night), night.warehouse.query("SELECT * FROM nba_predictions.system_daily_performance").to_pylist()
    assert after == before
    assert second == first
    assert len(before[0]) == 2
    assert len(before[1]) == 4


def test_no_predictions_is_no_data_with_the_reason(night: Evening) -> None:
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.reason) == ("no_data", f"there are no current predictions for {DAY}")


def test_a_span_of_dates_is_refused(night: Evening) -> None:
    with pytest.raises(DataError, match="one game_date"):
        run(PhaseMessage(from_date=DAY, to_date=DAY), night.context("grading"))


@pytest.mark.parametrize(
    ("figures", "sentences"),
    [
        ({"n": 501, "mae": 4.49, "hit_rate": 0.52, "bets": 501}, ["a mean absolute error of 4.490 on 501 rows"]),
        ({"n": 501, "mae": 5.1, "hit_rate": 0.58, "bets": 501}, ["a hit rate of 58.0% over 501 bets"]),
        ({"n": 500, "mae": 4.0, "hit_rate": 0.9, "bets": 500}, []),
        ({"n": 501, "mae": 4.5, "hit_rate": 0.57, "bets": 501}, []),
    ],
)
def test_figures_too_good_to_be_true_raise_an_alert(
    night: Evening, figures: dict[str, Any], sentences: list[str]
) -> None:
    row = {"stat": "points", "system_id": "xgboost_v1", "window_name": "season", "line_mae": 5.0, **figures}
    found = implausible([row], night.context("grading"))
    assert [one.topic for one in found] == ["nba-alerts"] * len(sentences)
    assert all(sentence in one.data for sentence, one in zip(sentences, found, strict=True))


# --- what feeds really send -----------------------------------------------------------------------


@pytest.mark.parametrize("status", ["postponed", "cancelled", "suspended"])
def test_a_game_that_the_schedule_calls_off_is_void_with_its_word(night: Evening, status: str) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, status, hours=20)])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    outcome = run(message(), night.context("grading"))
    assert outcome.status == "success"
    assert outcome.metadata["games_called_off"] == {LATE: status}
    assert [(g["game_id"], g["void_reason"]) for g in grades(night)] == [(EARLY, None), (LATE, status)]


def test_a_game_that_the_schedule_lists_no_more_is_void(night: Evening) -> None:
    """A later list covers its day and names the other game alone."""
    night.add(SCHEDULE, [schedule_row(EARLY, "final", hours=20) | {"covers_from": DAY - timedelta(days=2)}])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    assert run(message(), night.context("grading")).status == "success"
    assert [(g["game_id"], g["void_reason"]) for g in grades(night)] == [(EARLY, None), (LATE, "not_scheduled")]


@pytest.mark.parametrize("covers_from", [None, DAY + timedelta(days=1)])
def test_a_list_that_does_not_cover_the_day_says_nothing_of_it(night: Evening, covers_from: date | None) -> None:
    night.add(SCHEDULE, [schedule_row(EARLY, "final", hours=20) | {"covers_from": covers_from}])
    night.add(PREDICTIONS, [prediction_row(LATE, 2, "Beta")])
    run(message(), night.context("grading"))
    assert [g["void_reason"] for g in grades(night)] == [None]


def test_half_a_box_score_is_not_graded_and_the_rest_mends_it(night: Evening) -> None:
    """Final in the schedule, and the players of one team alone: nobody of the other is void for
    that.
    """
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id = 92")
    night.add(
        PREDICTIONS,
        [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta"), prediction_row(LATE, 92, "Host")],
    )
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.records_failed) == ("partial", 2)
    assert outcome.reason == f"1 of 2 games have the box score of one team only ({LATE})"
    assert outcome.metadata["games_with_half_a_box_score"] == [LATE]
    assert [g["game_id"] for g in grades(night)] == [EARLY]
    night.add(SUMMARY, [summary_row(LATE, 92, "Host", 9, at_home=False)])
    assert run(message(), night.context("grading")).status == "success"
    assert [(g["player_id"], g["actual"]) for g in grades(night)] == [(1, 25), (2, 20), (92, 9)]


def test_what_cannot_be_graded_says_why_by_its_code(night: Evening) -> None:
    assert run(message(), night.context("grading")).code == Event.NO_PREDICTIONS
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", updated_at=TIPOFFS[EARLY])])
    late = run(message(), night.context("grading"))
    assert (late.status, late.code) == ("no_data", Event.PREDICTED_AFTER_TIPOFF)
    assert late.reason == f"every prediction for {DAY} was made after tip-off"
    assert late.metadata["predictions_made_late"] == 1
    night.add(SCHEDULE, [schedule_row(EARLY, "live", hours=20)])
    waiting = run(message(), night.context("grading"))
    assert (waiting.code, waiting.metadata["games_pending"]) == (Event.NOT_GRADABLE, [EARLY])


def test_what_is_left_and_what_came_late_are_counted_together(night: Evening) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, "live", hours=20)])
    rows = [prediction_row(LATE, 2, "Beta"), prediction_row(LATE, 92, "Host"), prediction_row(EARLY, 91, "Guest")]
    night.add(PREDICTIONS, [*rows, prediction_row(EARLY, 1, "Alpha", updated_at=TIPOFFS[EARLY])])
    assert run(message(), night.context("grading")).records_failed == 2 + 1


def test_a_season_of_wins_raises_the_alert_with_the_grading(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])
    run(message(), night.context("grading"))
    (graded,) = night.warehouse.query(f"SELECT * FROM {ACCURACY}").to_pylist()
    before = DAY - timedelta(days=1)
    night.add(SCHEDULE, [{**schedule_row(EARLY, day=before), "game_id": "0022500001"}])
    night.add(ACCURACY, [{**graded, "game_date": before, "game_id": "0022500001", "player_id": n} for n in range(600)])
    alerts = run(message(), night.context("grading")).messages
    (rows,) = {json.loads(alert.data)["title"] for alert in alerts if isinstance(alert, OutboxMessage)}
    assert rows == "ensemble_v1 is too good to be true on points"


def test_voids_that_came_of_half_a_box_score_go_even_where_no_game_can_be_graded(night: Evening) -> None:
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id IN (91, 92)")
    night.add(PREDICTIONS, [prediction_row(LATE, 92, "Host")])
    night.add(SCHEDULE, [schedule_row(EARLY, "live", hours=20)])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])  # a game that never had grades
    void = prediction_row(LATE, 92, "Host") | {"outcome": "void", "void_reason": "did_not_play", "graded_at": NOW}
    kept = {name: value for name, value in void.items() if name in load_schema(ACCURACY).columns}
    night.add(ACCURACY, [kept])
    figure = {"game_date": DAY, "window_name": "day", "stat": "points", "system_id": "ensemble_v1"}
    figure |= dict.fromkeys(("n", "bets", "wins"), 0)
    counts = dict.fromkeys(("pushes", "passes", "voids", "priced_bets", "n_unlined"), 0)
    night.add(FIGURES, [figure | counts | {"graded_at": NOW}])
    outcome = run(message(), night.context("grading"))
    assert night.scalar(f"SELECT COUNT(*) FROM {FIGURES}") == 0, "nor do the figures stay"
    assert (outcome.status, outcome.reason) == (
        "no_data",
        f"1 of 2 games have no final box score; 1 of 2 games have the box score of one team only ({LATE})",
    )
    assert grades(night) == []


def with_sums(row: dict[str, Any], players: int, team: int | None) -> dict[str, Any]:
    return {**row, "players_points": players, "team_points": team}


def test_points_that_do_not_add_up_name_the_game_and_leave_it_ungraded(night: Evening) -> None:
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE game_id = '{LATE}'")
    wrong = [
        with_sums(summary_row(LATE, 2, "Beta", 500), 590, 110),
        with_sums(summary_row(LATE, 92, "H", 9, at_home=False), 9, 9),
    ]
    night.add(SUMMARY, wrong)
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.records_failed) == ("partial", 1)
    assert outcome.reason == (
        f"the players' points of 1 of 2 games do not add up to the team's ({LATE}: {TEAMS[LATE][0]} 590 of 110)"
    )
    assert outcome.metadata["games_points_apart"] == {LATE: f"{TEAMS[LATE][0]} 590 of 110"}
    assert [g["game_id"] for g in grades(night)] == [EARLY]


def test_a_team_whose_points_nobody_says_is_graded_as_it_is(night: Evening) -> None:
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id = 1")
    night.add(SUMMARY, [with_sums(summary_row(EARLY, 1, "Alpha", 25), 25, None)])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])
    assert run(message(), night.context("grading")).status == "success"
    assert [g["actual"] for g in grades(night)] == [25]


def test_a_correction_that_takes_a_player_away_makes_his_grade_void(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")])
    run(message(), night.context("grading"))
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id = 1")
    night.add(SUMMARY, [summary_row(EARLY, 7, "Other", 25)])
    run(message(), night.context("grading"))
    assert [(g["player_id"], g["void_reason"]) for g in grades(night)] == [(1, "did_not_play"), (2, None)]


def test_a_tip_off_moved_forward_counts_from_its_new_moment(night: Evening) -> None:
    """Of its predictions one was made before the new tip-off, two before the old.

    The other game keeps its own.
    """
    earlier = TIPOFFS[EARLY] - timedelta(hours=1)
    night.add(SCHEDULE, [schedule_row(LATE, "final", hours=20) | {"tipoff_at": earlier}])
    night.add(
        PREDICTIONS,
        [
            prediction_row(LATE, 2, "Beta", "19.5", updated_at=earlier - timedelta(seconds=1)),
            prediction_row(LATE, 92, "Host", "8.5", updated_at=earlier),
            prediction_row(LATE, 92, "Host", "9.5", updated_at=earlier),
            prediction_row(EARLY, 1, "Alpha", updated_at=earlier + timedelta(minutes=30)),
        ],
    )
    outcome = run(message(), night.context("grading"))
    assert outcome.reason == "2 predictions were written after tip-off and are not graded"
    assert [g["player_id"] for g in grades(night)] == [1, 2]


def test_where_the_schedule_knows_no_tip_off_the_prediction_s_own_counts(night: Evening) -> None:
    night.add(SCHEDULE, [schedule_row(LATE, "final", hours=20) | {"tipoff_at": None}])
    rows = [prediction_row(LATE, 2, "Beta", "19.5", updated_at=TIPOFFS[LATE] - timedelta(seconds=1))]
    rows += [prediction_row(LATE, 92, "Host", "8.5", updated_at=TIPOFFS[LATE])]
    night.add(PREDICTIONS, rows)
    outcome = run(message(), night.context("grading"))
    assert outcome.reason == "1 predictions were written after tip-off and are not graded"
    assert [g["player_id"] for g in grades(night)] == [2]


def test_systems_come_by_name_and_windows_from_the_shortest(night: Evening) -> None:
    systems = ("zone_matchup_v1", "ensemble_v1", "moving_average_v1")
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", system_id=system) for system in systems])
    run(message(), night.context("grading"))
    graded = night.warehouse.query("SELECT system_id, * FROM nba_predictions.prediction_accuracy")
    found = [(row["system_id"], row["window_name"]) for row in figures(graded, DAY)]
    assert found == [(system, window) for system in sorted(systems) for window in (*WINDOW_DAYS, "season")]


# --- more than one statistic ----------------------------------------------------------------------


def test_two_statistics_of_a_player_are_summed_up_apart(night: Evening) -> None:
    """One table of grades, with points of the night and rows of another statistic beside them."""
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "24.5", mean=26.0)])  # scored 25: won, error 1
    run(message(), night.context("grading"))
    others = {"stat": "rebounds", "line_value": 7, "predicted": 8.0, "actual": 5, "season_average": 6.0}
    (points,) = grades(night)
    night.add(ACCURACY, [points | others | {"outcome": "loss", "error": 3.0, "profit": -1.0}])
    table = night.warehouse.query(f"SELECT * FROM {ACCURACY} ORDER BY stat")
    day = {row["stat"]: row for row in figures(table, DAY) if row["window_name"] == "day"}
    assert list(day) == ["points", "rebounds"]
    assert [(row["n"], row["mae"], row["line_mae"], row["wins"]) for row in day.values()] == [
        (1, 1.0, 0.5, 1), (1, 3.0, 2.0, 0),
    ]  # fmt: skip


# What Alpha's box score has of the base statistics, and what he has had a game this season.
BOX_SCORE = {"points": 25, "rebounds": 7, "assists": 4, "threes": 3}
SEASON = {"points": 24.0, "rebounds": 8.25, "assists": 3.5, "threes": 2.75}


def of_every_statistic(night: Evening, box_score: dict[str, int | None]) -> None:
    """Alpha's box score and season, and for each statistic a bet on over half a unit below what its
    parts brought.
    """
    night.warehouse.execute(f"DELETE FROM {SUMMARY} WHERE player_id = 1")
    night.warehouse.execute(f"DELETE FROM {FEATURES} WHERE player_id = 1")
    columns = {stat.column: box_score[name] for name, stat in STATS.items() if not stat.is_sum}
    night.add(SUMMARY, [summary_row(EARLY, 1, "Alpha", 25) | columns])
    seasons = {f"{name}_season": mean for name, mean in SEASON.items()}
    night.add(FEATURES, [features(EARLY, 1, "Alpha") | seasons])
    bets = {name: sum(BOX_SCORE[part] for part in stat.parts) - 0.5 for name, stat in STATS.items()}
    night.add(
        PREDICTIONS,
        [prediction_row(EARLY, 1, "Alpha", str(line), mean=line + 2.5, stat=name) for name, line in bets.items()],
    )


def test_every_statistic_is_graded_by_what_its_parts_brought(night: Evening) -> None:
    of_every_statistic(night, {**BOX_SCORE})
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.record_count) == ("success", len(STATS))
    found = {grade["stat"]: grade for grade in grades(night)}
    for name, stat in STATS.items():
        grade = found[name]
        actual, season = (sum(values[part] for part in stat.parts) for values in (BOX_SCORE, SEASON))
        assert (grade["actual"], grade["season_average"]) == (actual, season), name
        assert (grade["outcome"], grade["error"], grade["line_error"]) == ("win", 2.0, -0.5), name
    assert {name: of["ensemble_v1"]["mae"] for name, of in outcome.metadata["graded"].items()} == dict.fromkeys(
        STATS, 2.0
    )
    days = night.warehouse.query(f"SELECT stat, n, wins FROM {FIGURES} WHERE window_name = 'day'").to_pylist()
    assert {row["stat"]: (row["n"], row["wins"]) for row in days} == dict.fromkeys(STATS, (1, 1))


def test_a_sum_is_void_where_the_box_score_lacks_one_of_its_parts(night: Evening) -> None:
    of_every_statistic(night, {**BOX_SCORE, "rebounds": None})
    run(message(), night.context("grading"))
    lacking = {name for name, stat in STATS.items() if "rebounds" in stat.parts}
    assert {"rebounds", "pra"} <= lacking < STATS.keys()
    for grade in grades(night):
        expected = ("void", "no_figure", None) if grade["stat"] in lacking else ("win", None, pytest.approx(100 / 110))
        assert (grade["outcome"], grade["void_reason"], grade["profit"]) == expected, grade["stat"]


def test_what_says_nothing_of_a_statistic_has_no_grade_and_no_figure(night: Evening) -> None:
    """Nor is it left for later or counted as late."""
    nothing: dict[str, Any] = {"mean": None, "recommendation": "PASS", "error_code": NOTHING_TO_SAY}
    silent = [
        prediction_row(EARLY, 1, "Alpha", "6.5", system="zone_matchup_v1", stat="rebounds", **nothing),
        prediction_row(EARLY, 1, "Alpha", None, system="zone_matchup_v1", stat="assists", **nothing),
        prediction_row(LATE, 2, "Beta", "6.5", system="zone_matchup_v1", stat="rebounds", **nothing),
    ]
    of_points = prediction_row(EARLY, 1, "Alpha", system="zone_matchup_v1")
    night.add(PREDICTIONS, [of_points, *silent, prediction_row(EARLY, 1, "Alpha", "6.5", stat="rebounds", mean=7.0)])
    night.add(PREDICTIONS, [silent[1] | {"stat": "pra", "updated_at": TIPOFFS[EARLY]}])
    outcome = run(message(), night.context("grading"))
    assert (outcome.status, outcome.record_count, outcome.records_failed) == ("success", 2, 0)
    assert {(g["stat"], g["system_id"]) for g in grades(night)} == {
        ("points", "zone_matchup_v1"),
        ("rebounds", "ensemble_v1"),
    }
    rows = night.warehouse.query(f"SELECT DISTINCT stat, system_id FROM {FIGURES}").to_pylist()
    assert {(row["stat"], row["system_id"]) for row in rows} == {(g["stat"], g["system_id"]) for g in grades(night)}


def test_a_statistic_that_the_box_score_lacks_is_void_and_its_bet_not_lost(night: Evening) -> None:
    """The player's points are graded all the same, each statistic has its own figures, and grading
    again writes the same.
    """
    unknown = prediction_row(EARLY, 1, "Alpha", "6.5", mean=8.0, stat="nobody_counts_it")
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha"), unknown])
    outcome = run(message(), night.context("grading"))
    found = {g["stat"]: (g["outcome"], g["void_reason"], g["actual"], g["profit"]) for g in grades(night)}
    assert found == {
        "points": ("win", None, 25, pytest.approx(100 / 110)),
        "nobody_counts_it": ("void", "no_figure", None, None),
    }
    assert {stat: of["ensemble_v1"]["n"] for stat, of in outcome.metadata["graded"].items()} == {
        "nobody_counts_it": 0,
        "points": 1,
    }
    windows = night.warehouse.query(f"SELECT stat, wins, voids FROM {FIGURES} WHERE window_name = 'day'").to_pylist()
    assert {row["stat"]: (row["wins"], row["voids"]) for row in windows} == {
        "nobody_counts_it": (0, 1),
        "points": (1, 0),
    }
    assert run(message(), night.context("grading")) == outcome


def test_an_alert_names_the_statistic_and_is_one_of_its_own(night: Evening) -> None:
    row = {"system_id": "xgboost_v1", "window_name": "season", "line_mae": 5.0, "n": 0, "mae": None}
    rows = [row | {"stat": stat, "hit_rate": 0.6, "bets": 600} for stat in ("points", "rebounds")]
    alerts = [json.loads(one.data) for one in implausible(rows, night.context("grading"))]
    assert [one["title"] for one in alerts] == [f"xgboost_v1 is too good to be true on {each['stat']}" for each in rows]
    assert len({one["fingerprint"] for one in alerts}) == 2


def test_beside_a_suspicious_line_a_forecast_is_graded_and_in_no_figure(night: Evening) -> None:
    suspicious: dict[str, Any] = {"p_over": None, "reason": "suspicious_line; far_from_form", "recommendation": "PASS"}
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha", "250.5", **suspicious), prediction_row(LATE, 2, "Beta")])
    outcome = run(message(), night.context("grading"))
    assert [(g["player_id"], g["suspicious"]) for g in grades(night)] == [(1, True), (2, False)]
    assert outcome.metadata["graded"]["points"]["ensemble_v1"]["n"] == 1


@pytest.mark.parametrize(("later", "known"), [(timedelta(0), True), (timedelta(microseconds=1), False)])
@pytest.mark.parametrize("what", ["postponed", "not_scheduled"])
def test_a_schedule_of_this_very_moment_is_known_and_a_later_one_is_not(
    night: Evening, what: str, later: timedelta, known: bool
) -> None:
    moment = {"snapshot_time": night.clock.now() + later}
    if what == "postponed":
        night.add(SCHEDULE, [schedule_row(LATE, "postponed") | moment])
    else:
        night.add(SCHEDULE, [schedule_row(EARLY, "final") | {"covers_from": DAY - timedelta(days=2)} | moment])
    night.add(PREDICTIONS, [prediction_row(LATE, 2, "Beta")])
    run(message(), night.context("grading"))
    assert [g["void_reason"] for g in grades(night)] == [what if known else None]


def test_a_grade_stands_beside_the_season_average_that_its_prediction_saw(night: Evening) -> None:
    """Features of a later run are there too: the prediction knew nothing of them, and is graded
    once.
    """
    later = {"features_as_of": AS_OF + timedelta(hours=2)}
    night.add(FEATURES, [features(EARLY, 1, "Alpha", 30.0) | later])
    night.add(PREDICTIONS, [prediction_row(EARLY, 1, "Alpha")])
    run(message(), night.context("grading"))
    assert [g["season_average"] for g in grades(night)] == [24.0]
