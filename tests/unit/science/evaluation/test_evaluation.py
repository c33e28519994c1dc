"""The evaluation module on hand-made cases whose figures can be checked with a pencil."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.science.evaluation import (
    Graded,
    bias,
    brier_score,
    calibration_error,
    mean_absolute_error,
    performance,
    return_on_investment,
    wilson_interval,
)


def make_graded(*rows: dict[str, Any]) -> Graded:
    usual = {
        "predicted": 20.0,
        "actual": 22,
        "line_value": 21.5,
        "season_average": 19.0,
        "p_over": 0.6,
        "p_push": 0.0,
        "profit": 0.909,
        "line_kind": "main",
        "outcome": "win",
        "recommendation": "OVER",
    }
    filled = [{**usual, **row} for row in rows]
    return Graded.of({name: [row[name] for row in filled] for name in usual})


def test_errors_and_bias_have_the_stated_sign_and_skip_what_is_unknown() -> None:
    predicted, actual = np.array([10.0, 20.0, np.nan]), np.array([12.0, 17.0, 5.0])
    assert mean_absolute_error(predicted, actual) == pytest.approx(2.5)
    assert bias(predicted, actual) == pytest.approx(0.5)
    assert mean_absolute_error(np.array([np.nan]), np.array([1.0])) is None


def test_wilson_interval_of_a_known_case() -> None:
    interval = wilson_interval(55, 100)
    assert interval is not None
    assert list(interval) == pytest.approx([0.4524, 0.6439], abs=1e-4)
    assert wilson_interval(0, 0) is None
    nothing_won = wilson_interval(0, 10)
    assert nothing_won is not None
    assert nothing_won[0] == 0.0


def test_wilson_interval_never_leaves_zero_to_one() -> None:
    """Of 16 wins in 16 bets the formula's rounding alone is above 1, of none in 21 below 0."""
    for bets in range(1, 50):
        none, every = wilson_interval(0, bets), wilson_interval(bets, bets)
        assert none is not None
        assert every is not None
        assert 0.0 <= none[0] < none[1] < 1.0
        assert 0.0 < every[0] < every[1] <= 1.0


def test_return_is_the_mean_profit_of_what_was_staked() -> None:
    assert return_on_investment(np.array([1.0, -1.0, 0.0, 0.5])) == pytest.approx(0.125)
    assert return_on_investment(np.array([])) is None


def test_brier_and_calibration_are_given_no_push() -> None:
    p_over, p_push = np.array([0.45, 0.45, 0.45]), np.array([0.1, 0.1, 0.1])
    over = np.array([1.0, 0.0, np.nan])
    assert brier_score(p_over, p_push, over) == pytest.approx(0.25), "0.45 of 0.9 is a half"
    assert calibration_error(p_over, p_push, over) == pytest.approx(0.0)
    sure = calibration_error(np.array([0.95, 0.95]), np.zeros(2), np.array([1.0, 0.0]))
    assert sure == pytest.approx(0.45)
    assert calibration_error(np.array([np.nan]), np.zeros(1), np.array([1.0])) is None


def test_system_line_and_season_average_are_compared_on_the_same_rows() -> None:
    figures = performance(
        make_graded(
            {},
            {"predicted": None, "line_value": 40.5, "p_over": None, "recommendation": "PASS", "outcome": "pass"},
            {"season_average": None, "line_value": 50.5},
            {"actual": None, "outcome": "void"},
            {"line_kind": "alternate", "line_value": 23.5, "outcome": "loss"},
        )
    )
    assert figures.n == 1
    assert figures.mae == pytest.approx(2.0)
    assert figures.bias == pytest.approx(-2.0)
    assert figures.line_mae == pytest.approx(0.5)
    assert figures.season_avg_mae == pytest.approx(3.0)
    assert figures.voids == 1


def test_pass_push_and_void_never_enter_the_hit_rate() -> None:
    figures = performance(
        make_graded(
            {},
            {"outcome": "loss", "profit": -1.0, "actual": 15},
            {"outcome": "push", "profit": 0.0, "line_value": 22.0},
            {"outcome": "pass", "recommendation": "PASS", "profit": None},
            {"outcome": "void", "actual": None, "profit": None},
            {"outcome": "win", "profit": None},
        )
    )
    assert (figures.bets, figures.wins, figures.pushes, figures.passes, figures.voids) == (3, 2, 1, 1, 1)
    assert figures.hit_rate == pytest.approx(2 / 3)
    assert (figures.priced_bets, figures.priced_wins, figures.priced_pushes) == (3, 1, 1)
    assert figures.roi == pytest.approx((0.909 - 1.0 + 0.0) / 3)
    assert figures.hit_rate_low is not None
    assert figures.hit_rate_high is not None
    assert figures.hit_rate_low < 2 / 3 < figures.hit_rate_high


ALTERNATES = [
    {"line_kind": "alternate", **each}
    for each in (
        {"outcome": "win"},
        {"outcome": "loss", "profit": -1.0, "actual": 15},
        {"outcome": "push", "profit": 0.0, "line_value": 22.0},
        {"outcome": "pass", "recommendation": "PASS", "profit": None},
        {"outcome": "void", "actual": None, "profit": None},
        {"outcome": "void", "recommendation": "PASS", "actual": None, "profit": None},
    )
]


def test_alternate_lines_are_in_no_figure() -> None:
    """A player-game counts once, by its main line: each further line of it is the same game
    again.
    """
    main: list[dict[str, Any]] = [{}, {"outcome": "loss", "profit": -1.0, "actual": 15}]
    assert performance(make_graded(*main, *ALTERNATES)) == performance(make_graded(*main))
    nothing = performance(make_graded(*ALTERNATES)).as_row()
    assert {name: value for name, value in nothing.items() if value} == {}


def test_probabilities_of_other_lines_and_of_players_without_one_are_not_judged() -> None:
    """A sure and wrong P(over) of another line, or of no line, moves neither Brier score nor
    calibration.
    """
    right = {"p_over": 1.0}
    wrong = {"p_over": 1.0, "actual": 15}
    others = [{**wrong, "line_kind": "alternate"}, {**wrong, "line_kind": "none"}]
    figures = performance(make_graded(right, *others))
    assert (figures.brier, figures.calibration_error) == (0.0, 0.0)
    assert performance(make_graded(right, wrong)).brier == pytest.approx(0.5)


def test_a_void_is_a_void_whatever_was_said_and_no_pass() -> None:
    unplayed = {"outcome": "void", "actual": None, "profit": None}
    figures = performance(make_graded({}, unplayed, {**unplayed, "recommendation": "PASS"}))
    assert (figures.n, figures.bets, figures.passes, figures.voids) == (1, 1, 0, 2)
    assert figures.priced_bets == 1
    assert figures.roi == pytest.approx(0.909)


def test_a_stake_that_was_given_back_is_none_even_where_a_profit_stands() -> None:
    """Rows of an earlier version may hold a profit of 0 for a void."""
    figures = performance(make_graded({}, {"outcome": "void", "actual": None, "profit": 0.0}))
    assert figures.priced_bets == 1
    assert figures.roi == pytest.approx(0.909)


def test_who_has_no_line_and_no_result_or_no_prediction_is_not_counted() -> None:
    alone = {"line_kind": "none", "line_value": None, "recommendation": "NO_LINE", "outcome": "no_line", "p_over": None}
    unplayed = {**alone, "actual": None, "outcome": "void"}
    figures = performance(make_graded(alone, unplayed, {**alone, "predicted": None}))
    assert (figures.n_unlined, figures.mae_unlined) == (1, 2.0)
    assert performance(make_graded(unplayed)).n_unlined == 0


def test_players_without_a_line_are_apart() -> None:
    alone = {"line_kind": "none", "line_value": None, "recommendation": "NO_LINE", "outcome": "no_line", "p_over": None}
    figures = performance(make_graded({**alone, "profit": None}))
    assert (figures.n, figures.n_unlined, figures.mae_unlined) == (0, 1, 2.0)
    assert figures.mae is None
    assert figures.as_row()["brier"] is None


def test_on_opening_night_the_line_is_compared_without_a_season_average() -> None:
    figures = performance(make_graded({"season_average": None}))
    assert (figures.n, figures.line_mae, figures.season_avg_mae) == (1, 0.5, None)
