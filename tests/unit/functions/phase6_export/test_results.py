"""Results grade every line, alternates too; the record of the best bets is of what stood on the
list before tip-off.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.grading.grade import run as grade
from functions.phase6_export.export import run as export
from functions.phase6_export.exporters.best_bets_record import TABLE, record
from functions.phase6_export.schema_check import check
from tests.support.lent_warehouses import LaidOut
from tests.support.prediction_tables import (
    DAY,
    EARLY,
    LATE,
    TIPOFFS,
    Evening,
    batch,
    evening,
    expected_row,
    features,
    message,
    prediction_row,
    schedule_row,
    summary_row,
)

PREDICTIONS = "nba_predictions.player_prop_predictions"
ALPHA, BETA, GAMMA, DELTA = (EARLY, 1, "Alpha"), (LATE, 2, "Beta"), (LATE, 3, "Gamma"), (LATE, 4, "Delta")
SCORED = {1: 23, 2: 20, 3: 25}


_ROWS = LaidOut()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    """The day of two games, four players expected; what they will score is in SCORED, and Delta
    will not play.
    """
    with evening(tmp_path) as opened:
        if not _ROWS.are_put_into(opened.warehouse):
            opened.add_sources()
            opened.add("nba_raw.nbac_schedule", [schedule_row(EARLY), schedule_row(LATE)])
            opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
            players = (ALPHA, BETA, GAMMA, DELTA)
            opened.add("nba_monitoring.expected_outputs", [expected_row(*player) for player in players])
            opened.add("nba_predictions.ml_feature_store", [features(*player) for player in players])
            _ROWS.keep(opened.warehouse)
        yield opened


def export_all(night: Evening) -> None:
    assert export(message(), night.context("phase6_export", run_id=f"run-{night.clock.now():%d%H%M}")).status in (
        "success",
        "halted",
    )


def until(night: Evening, game: str, **later: float) -> None:
    """The clock moves to a game's tip-off and on."""
    night.clock.move(seconds=(TIPOFFS[game] + timedelta(**later) - night.clock.now()).total_seconds())


def grade_and_export(night: Evening) -> tuple[dict[str, Any], dict[str, Any]]:
    """results/latest.json and systems/performance.json of the morning after."""
    until(night, LATE, hours=10)
    night.add("nba_raw.nbac_schedule", [schedule_row(game, "final", hours=18) for game in (EARLY, LATE)])
    night.add(
        "nba_analytics.player_game_summary",
        [
            *(summary_row(game, player, name, SCORED[player]) for game, player, name in (ALPHA, BETA, GAMMA)),
            *(summary_row(game, 90, "Guest", 8, at_home=False) for game in (EARLY, LATE)),
        ],
    )
    assert grade(message(), night.context("grading")).status == "success"
    assert export(message(phase="grading"), night.context("phase6_export")).status in ("success", "halted")
    paths = {"results/latest.json": "results", "systems/performance.json": "performance"}
    bodies = [json.loads(night.runtime.exports.read(f"v1/{path}").data) for path in paths]
    for body, (path, schema) in zip(bodies, paths.items(), strict=True):
        check(body, schema, path)
    return bodies[0], bodies[1]


def rows_without_line(*players: tuple[str, int, str]) -> list[dict[str, Any]]:
    """Rows of players without a line, so that all who are expected are covered."""
    return [prediction_row(*player, line=None) for player in players]


NOBODY: dict[str, Any] = dict.fromkeys(
    ("bookmaker", "over_bookmaker", "over_price", "under_bookmaker", "under_price", "expected_value")
)


def windows_of(performance: dict[str, Any]) -> list[dict[str, Any]]:
    return [window for system in performance["systems"] for window in system["windows"]]


def test_bets_and_hit_rate_are_of_the_bets_that_a_book_priced_as_roi_is(night: Evening) -> None:
    """Who was right at a price that nobody offered has won nothing, and lost nothing."""
    night.add(
        PREDICTIONS,
        [
            prediction_row(*ALPHA, "24.5", recommendation="OVER"),  # 23: lost
            prediction_row(*BETA, "18.5", recommendation="OVER", **NOBODY),  # 20: right, and no bet
            prediction_row(*GAMMA, "25.0", recommendation="OVER"),  # 25: push
            prediction_row(*DELTA, "10.5", recommendation="OVER"),  # did not play
        ],
    )
    export_all(night)
    results, performance = grade_and_export(night)
    names = ("bets", "wins", "pushes", "passes", "voids", "priced_bets", "hit_rate", "hit_rate_high", "roi")
    for window in windows_of(performance):
        assert [window[name] for name in names] == [1, 0, 1, 1, 1, 2, 0.0, 0.7935, -0.5]
    (system,) = results["systems"]
    assert [system[name] for name in ("win", "loss", "push", "pass", "void", "priced_bets")] == [0, 1, 1, 1, 1, 2]


@pytest.mark.parametrize(
    ("priced_bets", "shown"),
    [(3, {"bets": 2, "wins": 1, "pushes": 1, "passes": 4, "hit_rate": 0.5}), (2, {"bets": None, "passes": 5})],
)
def test_figures_of_before_priced_bets_were_counted_apart_say_what_is_sure(
    night: Evening, priced_bets: int, shown: dict[str, Any]
) -> None:
    figures = {
        "game_date": DAY,
        "stat": "points",
        "system_id": "ensemble_v1",
        "window_name": "day",
        "graded_at": night.clock.now(),
    }
    counts = {"n": 7, "bets": 2, "wins": 1, "pushes": 1, "passes": 4, "voids": 0, "n_unlined": 0, "hit_rate": 0.5}
    night.add("nba_predictions.system_daily_performance", [figures | counts | {"priced_bets": priced_bets}])
    assert export(message(phase="grading"), night.context("phase6_export")).status == "success"
    body = json.loads(night.runtime.exports.read("v1/systems/performance.json").data)
    check(body, "performance", "systems/performance.json")
    (window,) = windows_of(body)
    unsaid = dict.fromkeys(("wins", "pushes", "hit_rate", "hit_rate_low", "hit_rate_high"))
    assert window == window | (shown if shown["bets"] else unsaid | shown)


def test_every_line_is_graded_and_alternates_are_counted_apart(night: Evening) -> None:
    alternate: dict[str, Any] = {"kind": "alternate", "explanation": None}
    night.add(
        PREDICTIONS,
        [
            prediction_row(*ALPHA, "24.5", recommendation="OVER"),  # 23: lost
            prediction_row(*ALPHA, "22.5", recommendation="OVER", **alternate),  # won at -110
            prediction_row(*ALPHA, "23.0", recommendation="UNDER", **alternate),  # push
            prediction_row(*ALPHA, "21.5", recommendation="OVER", **(alternate | NOBODY)),  # right, and no bet
            prediction_row(*ALPHA, "25.5", recommendation="PASS", side="UNDER", bookmaker="other", **alternate),
            prediction_row(*BETA, "22.5", recommendation="UNDER"),  # 20: won at +105
            prediction_row(*DELTA, "10.5", recommendation="OVER"),  # did not play
            *rows_without_line(GAMMA),
        ],
    )
    export_all(night)
    results, _ = grade_and_export(night)
    (system,) = results["systems"]
    alternates = system.pop("alternates")
    outcomes = {"win": 1, "loss": 1, "push": 0, "pass": 0, "no_line": 1, "void": 1}
    assert system == {"stat": "points", "system_id": "ensemble_v1", **outcomes, "priced_bets": 2, "profit": 0.05}
    outcomes = {"win": 1, "loss": 0, "push": 1, "pass": 2, "void": 0}
    assert alternates == {**outcomes, "priced_bets": 2, "profit": 0.91}

    alpha, beta, delta, gamma = results["players"]
    shown = [
        [line[name] for name in ("line", "kind", "side", "recommendation", "bookmaker", "price", "outcome", "profit")]
        for line in alpha["stats"]["points"]["systems"][0]["lines"]
    ]
    assert shown == [
        [21.5, "alternate", "OVER", "PASS", None, None, "pass", None],
        [22.5, "alternate", "OVER", "OVER", "book", -110, "win", 0.91],
        [23.0, "alternate", "UNDER", "UNDER", "other", 105, "push", 0.0],
        [24.5, "main", "OVER", "OVER", "book", -110, "loss", -1.0],
        [25.5, "alternate", "UNDER", "PASS", "other", 105, "pass", None],
    ]
    assert [line["priced"] for line in alpha["stats"]["points"]["systems"][0]["lines"]] == [
        False,
        True,
        True,
        True,
        True,
    ]
    his_points = alpha["stats"]["points"]
    assert (his_points["line"], his_points["actual"], beta["stats"]["points"]["actual"]) == (24.5, 23, 20)
    (void,) = delta["stats"]["points"]["systems"][0]["lines"]
    assert (delta["void_reason"], void["outcome"], void["recommendation"], void["profit"]) == (
        "did_not_play",
        "void",
        "OVER",
        None,
    )
    assert [line["outcome"] for line in gamma["stats"]["points"]["systems"][0]["lines"]] == ["no_line"]
    assert (results["total_players"], results["total_played"]) == (4, 3)


def four_picks() -> list[dict[str, Any]]:
    """A loss at -110, a win at +105, a push, a void."""
    return [
        prediction_row(*ALPHA, "24.5", recommendation="OVER", expected_value=0.09),
        prediction_row(*BETA, "22.5", recommendation="UNDER", expected_value=0.08),
        prediction_row(*GAMMA, "25.0", recommendation="OVER", expected_value=0.07),
        prediction_row(*DELTA, "10.5", recommendation="OVER", expected_value=0.06),
    ]


def test_the_record_counts_picks_by_what_became_of_them(night: Evening) -> None:
    """-1 + 1.05 + 0 = 0.05 units on three stakes; Wilson's 95% interval of 1 of 2 is 0.0945 to
    0.9055.
    """
    night.add(PREDICTIONS, four_picks())
    export_all(night)
    results, performance = grade_and_export(night)
    assert performance["best_bets"] == {
        "since": str(DAY),
        "days": 1,
        "picks": 4,
        "wins": 1,
        "losses": 1,
        "pushes": 1,
        "voids": 1,
        "profit": 0.05,
        "hit_rate": 0.5,
        "hit_rate_low": 0.0945,
        "hit_rate_high": 0.9055,
        "roi": 0.0167,
        "roi_low": None,
        "roi_high": None,
    }
    shown = [[pick[name] for name in ("rank", "player_name", "outcome", "profit")] for pick in results["best_bets"]]
    assert shown == [
        [1, "Alpha", "loss", -1.0],
        [2, "Beta", "win", 1.05],
        [3, "Gamma", "push", 0.0],
        [4, "Delta", "void", None],
    ]
    first = results["best_bets"][0]
    assert [first[name] for name in ("line", "side", "bookmaker", "price", "opponent", "actual")] == [
        24.5,
        "OVER",
        "book",
        -110,
        "LAL",
        23,
    ]


def read_shown(night: Evening) -> list[list[Any]]:
    results, performance = grade_and_export(night)
    assert performance["best_bets"]["picks"] == len(results["best_bets"])
    return [[pick["player_name"], pick["line"], pick["outcome"]] for pick in results["best_bets"]]


def test_an_export_made_again_after_tip_off_cannot_improve_the_past(night: Evening) -> None:
    """After the early game's tip-off a better line of his appears; the late game's pick still
    changes in time.
    """
    night.add(PREDICTIONS, [prediction_row(*ALPHA, "24.5"), prediction_row(*BETA, "18.5", recommendation="UNDER")])
    night.add(PREDICTIONS, rows_without_line(GAMMA, DELTA))
    export_all(night)
    until(night, EARLY, minutes=1)
    better: dict[str, Any] = {"kind": "alternate", "expected_value": 0.5}
    night.add(
        PREDICTIONS,
        [prediction_row(*ALPHA, "20.5", **better), prediction_row(*BETA, "22.5", recommendation="UNDER", **better)],
    )
    export_all(night)
    until(night, LATE, minutes=1)
    night.add(PREDICTIONS, [prediction_row(*GAMMA, "11.5", expected_value=0.4)])
    export_all(night)
    assert read_shown(night) == [["Alpha", 24.5, "loss"], ["Beta", 22.5, "win"]]


def test_a_pick_that_left_the_list_in_time_does_not_count(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(*ALPHA, "24.5"), prediction_row(*BETA, "22.5", recommendation="UNDER")])
    night.add(PREDICTIONS, rows_without_line(GAMMA, DELTA))
    export_all(night)
    night.clock.move(minutes=30)
    night.add("nba_predictions.prediction_batches", [batch(EARLY, 2), batch(LATE, 2)])
    again = [expected_row(*player, revision=2) for player in (ALPHA, BETA)]
    night.add("nba_monitoring.expected_outputs", again)
    second: dict[str, Any] = {"revision": 2}
    night.add(PREDICTIONS, [prediction_row(*ALPHA, "24.5", recommendation="PASS", **second)])
    night.add(PREDICTIONS, [prediction_row(*BETA, "22.5", recommendation="UNDER", **second)])
    export_all(night)
    assert read_shown(night) == [["Beta", 22.5, "win"]]


def test_nothing_is_on_record_of_a_list_that_was_halted_at_tip_off(night: Evening) -> None:
    night.add(PREDICTIONS, four_picks())
    export_all(night)
    night.runtime.state.create("control/halt", {"halted": True, "reason": "off-season"})
    night.clock.move(minutes=30)
    export_all(night)
    results, performance = grade_and_export(night)
    assert results["best_bets"] == []
    nothing = performance["best_bets"]
    assert (nothing["since"], nothing["picks"], nothing["profit"], nothing["roi"]) == (None, 0, 0.0, None)


def test_a_list_that_a_newer_one_kept_out_is_no_offer(night: Evening) -> None:
    night.add(PREDICTIONS, [prediction_row(*ALPHA, "24.5")])
    night.add(PREDICTIONS, rows_without_line(BETA, GAMMA, DELTA))
    export_all(night)
    path = f"v1/best-bets/{DAY}.json"
    newer = json.loads(night.runtime.exports.read(path).data)
    newer["order"][2] = 9
    night.runtime.exports.write(path, json.dumps(newer).encode(), content_type="application/json")
    night.clock.move(minutes=30)
    export_all(night)
    lists = night.scalar(f"SELECT COUNT(*) FROM {TABLE} WHERE game_date = DATE '{DAY}' AND rank = 0")
    assert lists == 1


def test_a_game_that_was_not_played_is_void(night: Evening) -> None:
    night.add(PREDICTIONS, four_picks())
    export_all(night)
    until(night, LATE, hours=10)
    night.add(
        "nba_raw.nbac_schedule", [schedule_row(EARLY, "postponed", hours=18), schedule_row(LATE, "final", hours=18)]
    )
    night.add(
        "nba_analytics.player_game_summary",
        [summary_row(*BETA, 20), summary_row(*GAMMA, 25), summary_row(LATE, 90, "Guest", 8, at_home=False)],
    )
    grade(message(), night.context("grading"))
    export(message(phase="grading"), night.context("phase6_export"))
    picks = json.loads(night.runtime.exports.read("v1/results/latest.json").data)["best_bets"]
    assert [(pick["player_name"], pick["outcome"], pick["void_reason"]) for pick in picks] == [
        ("Alpha", "void", "postponed"),
        ("Beta", "win", None),
        ("Gamma", "push", None),
        ("Delta", "void", "did_not_play"),
    ]


def test_over_five_days_the_return_has_an_interval() -> None:
    """Six days of a win at +100 and a loss each: nothing won, and no day differs from another."""
    rows = [
        {"game_date": date(2025, 11, day), "outcome": outcome, "profit": profit}
        for day in range(1, 7)
        for outcome, profit in (("win", 1.0), ("loss", -1.0))
    ]
    found = record(rows)
    assert (found["since"], found["days"], found["picks"]) == ("2025-11-01", 6, 12)
    assert (found["profit"], found["roi"], found["roi_low"], found["roi_high"]) == (0.0, 0.0, 0.0, 0.0)
    uneven = record([*rows, {"game_date": date(2025, 11, 7), "outcome": "win", "profit": 1.0}])
    assert uneven["roi"] == round(1 / 13, 4)
    assert uneven["roi_low"] == 0.0 < uneven["roi_high"] <= 1.0


def test_a_grade_older_than_prices_still_says_what_it_won(night: Evening) -> None:
    yesterday = DAY - timedelta(days=1)
    old = {
        "game_date": yesterday,
        "game_id": "0022500199",
        "player_id": 1,
        "player_lookup": "alpha",
        "stat": "points",
        "model_version": "1",
        "batch_id": "b",
        "line_kind": "main",
        "recommendation": "OVER",
        "graded_at": TIPOFFS[EARLY],
    }
    won = {**old, "system_id": "ensemble_v1", "line_value": Decimal("24.5"), "outcome": "win", "profit": 0.91}
    unpriced = {**old, "system_id": "xgboost_v1", "line_value": Decimal("24.5"), "outcome": "win"}
    void = {**old, "system_id": "moving_average", "line_value": Decimal("24.5"), "outcome": "void"}
    night.add("nba_predictions.prediction_accuracy", [won, unpriced, void])
    until(night, EARLY, hours=1)
    export(message(yesterday, phase="grading"), night.context("phase6_export"))
    (player,) = json.loads(night.runtime.exports.read("v1/results/latest.json").data)["players"]
    shown = {system["system_id"]: system["lines"][0] for system in player["stats"]["points"]["systems"]}
    assert {system: (line["recommendation"], line["outcome"], line["priced"]) for system, line in shown.items()} == {
        "ensemble_v1": ("OVER", "win", True),
        "moving_average": ("OVER", "void", False),
        "xgboost_v1": ("PASS", "pass", False),
    }
