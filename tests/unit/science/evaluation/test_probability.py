"""P(over) and whole distributions: figures computed on paper, and what calibration must give."""

from __future__ import annotations

from dataclasses import replace
from math import log

import numpy as np
import pytest

from shared.science.evaluation import (
    calibration_bins,
    calibration_error,
    calibration_error_by_chance,
    continuous_ranked_probability_score,
    interval_coverage,
    log_loss,
    no_vig,
    pit_histogram,
    probability_integral_transform,
    root_mean_squared_error,
    summarise,
)
from tests.support.scored_rows import distribution, make_scored, season

# P(0) = 1/4, P(1) = 1/2, P(2) = 1/4.
COIN_PAIR = [0.25, 0.75, 1.0]


def test_root_mean_squared_error_on_paper() -> None:
    # Errors 1 and 7: the root of (1 + 49) / 2 is 5.
    assert root_mean_squared_error(np.array([11.0, 20.0, np.nan]), np.array([10.0, 27.0, 3.0])) == pytest.approx(5.0)


def test_log_loss_is_of_what_settled_and_never_infinite() -> None:
    # 0.45 of the 0.9 that settle is a half: log 2 each, and the push does not count.
    p_over, p_push = np.full(3, 0.45), np.full(3, 0.1)
    assert log_loss(p_over, p_push, np.array([1.0, 0.0, np.nan])) == pytest.approx(log(2.0))
    # 0.8 happened, 0.4 did not: -(log 0.8 + log 0.6) / 2.
    two = log_loss(np.array([0.8, 0.4]), np.zeros(2), np.array([1.0, 0.0]))
    assert two == pytest.approx(-(log(0.8) + log(0.6)) / 2.0)
    assert log_loss(np.array([0.0]), np.zeros(1), np.array([1.0])) == pytest.approx(-log(1e-6))
    assert log_loss(np.array([1.0]), np.zeros(1), np.array([0.0])) == pytest.approx(-log(1e-6))
    assert log_loss(np.array([0.5]), np.zeros(1), np.array([np.nan])) is None


def test_no_vig_takes_the_margin_out_in_proportion() -> None:
    over = np.array([-110.0, -150.0, 100.0, -110.0, 50.0])
    under = np.array([-110.0, 120.0, 100.0, np.nan, -110.0])
    # -150 implies 150/250 = 0.6, +120 implies 100/220 = 5/11: together 58/55, so 0.6 of that is
    # 33/58.
    assert no_vig(over, under) == pytest.approx([0.5, 33.0 / 58.0, 0.5, np.nan, np.nan], nan_ok=True)


def test_bins_count_rows_overs_and_probability() -> None:
    binned = calibration_bins(np.array([0.05, 0.31, 0.39, 1.0]), np.zeros(4), np.array([0.0, 1.0, 0.0, 1.0]))
    assert list(binned.count) == [1, 0, 0, 2, 0, 0, 0, 0, 0, 1]
    assert binned.overs[3] == 1.0
    assert binned.probability[3] == pytest.approx(0.7)


def test_what_chance_alone_makes_of_a_calibration_error() -> None:
    # 400 rows at 0.5 in one bin: sqrt(2 / pi * 400 / 4) / 400; a push does not count.
    p_over, p_push = np.full(401, 0.45), np.full(401, 0.1)
    over = np.array([1.0, 0.0] * 200 + [np.nan])
    assert calibration_error_by_chance(p_over, p_push, over) == pytest.approx((2 / np.pi * 100) ** 0.5 / 400)
    assert calibration_error_by_chance(p_over[:0], p_push[:0], over[:0]) is None


def test_a_forecast_without_error_shows_what_chance_makes() -> None:
    chance = np.random.default_rng(1)
    p_over, nothing = chance.uniform(0.3, 0.7, 3000), np.zeros(3000)
    shown = [calibration_error(p_over, nothing, (chance.random(3000) < p_over).astype(float)) for _ in range(300)]
    by_chance = calibration_error_by_chance(p_over, nothing, (chance.random(3000) < p_over).astype(float))
    assert np.mean(np.array(shown, float)) == pytest.approx(by_chance, rel=0.05)


@pytest.mark.parametrize(
    ("cdf", "actual", "expected"),
    [
        ([0.5, 1.0], 0.0, 0.25),  # (0.5 - 1)^2
        ([0.5, 1.0], 1.0, 0.25),  # (0.5 - 0)^2
        ([0.5, 1.0], 3.0, 2.25),  # 0.25 + 1 + 1: two numbers further
        ([0.0, 0.0, 1.0, 1.0], 0.0, 2.0),  # a sure 2: the absolute error
        ([0.0, 0.0, 1.0, 1.0], 2.0, 0.0),
    ],
)
def test_crps_on_paper(cdf: list[float], actual: float, expected: float) -> None:
    score = continuous_ranked_probability_score(np.array([cdf]), np.array([actual]))
    assert score == pytest.approx(expected)


def test_crps_skips_rows_that_are_not_known() -> None:
    cdf, actual = np.array([[0.5, 1.0], [np.nan, 1.0], [0.5, 1.0]]), np.array([0.0, 0.0, np.nan])
    assert continuous_ranked_probability_score(cdf, actual) == pytest.approx(0.25)
    assert interval_coverage(cdf, actual, 0.5) == pytest.approx(0.5)
    assert continuous_ranked_probability_score(cdf[1:2], actual[1:2]) is None


@pytest.mark.parametrize(
    ("actual", "level", "expected"),
    [
        (1.0, 0.5, 1.0),  # [1/4, 3/4] is the interval itself
        (0.0, 0.5, 0.0),
        (0.0, 0.8, 0.6),  # 0.10 to 0.25 of 0 to 0.25
        (2.0, 0.8, 0.6),
        (5.0, 0.95, 0.0),  # impossible: at 1, outside every interval
    ],
)
def test_coverage_on_paper(actual: float, level: float, expected: float) -> None:
    assert interval_coverage(np.array([COIN_PAIR]), np.array([actual]), level) == pytest.approx(expected)


def test_the_outcomes_of_a_true_distribution_add_up_to_its_level_exactly() -> None:
    cdf, actual = np.array([COIN_PAIR] * 4), np.array([0.0, 1.0, 1.0, 2.0])
    for level in (0.5, 0.8, 0.95):
        assert interval_coverage(cdf, actual, level) == pytest.approx(level)
    assert pit_histogram(cdf, actual, 10) == pytest.approx(np.full(10, 0.1))
    low, high = probability_integral_transform(cdf, actual)
    assert (list(low), list(high)) == ([0.0, 0.25, 0.25, 0.75], [0.25, 0.75, 0.75, 1.0])


def test_an_impossible_outcome_is_in_the_last_bin() -> None:
    assert list(pit_histogram(np.array([COIN_PAIR]), np.array([9.0]), 4)) == [0.0, 0.0, 0.0, 1.0]


def test_a_distribution_that_ends_short_of_one_has_the_rest_beyond_its_end() -> None:
    low, high = probability_integral_transform(np.array([[0.25, 0.5, 0.875]]), np.array([9.0]))
    assert (list(low), list(high)) == ([0.875], [1.0])


def test_a_distribution_that_leaves_zero_to_one_is_cut_there() -> None:
    cdf = np.array([[-0.25, 0.5, 1.25]] * 2)
    low, high = probability_integral_transform(cdf, np.array([0.0, 2.0]))
    assert (list(low), list(high)) == ([0.0, 0.5], [0.0, 1.0])


@pytest.mark.parametrize(("cdf", "actual", "bin_"), [([0.0, 0.0, 1.0], 0.0, 0), ([0.5, 0.5, 1.0], 1.0, 1)])
def test_an_outcome_that_had_no_probability_is_in_one_bin(cdf: list[float], actual: float, bin_: int) -> None:
    """At the lower end of all, and at the border of two bins."""
    assert pit_histogram(np.array([cdf]), np.array([actual]), 2)[bin_] == 1.0
    assert pit_histogram(np.array([cdf]), np.array([actual]), 2).sum() == 1.0


def test_without_a_row_every_bin_is_empty() -> None:
    assert list(pit_histogram(np.empty((0, 3)), np.empty(0), 4)) == [0.0] * 4


def test_perfect_forecasts_are_calibrated_and_too_narrow_ones_are_not() -> None:
    games = season(rows=8000)
    perfect = make_scored(games, market=False, error=0.0)
    figures = summarise(perfect, seed=1)
    for name, level in (("coverage_50", 0.5), ("coverage_80", 0.8), ("coverage_95", 0.95)):
        assert figures[name] == pytest.approx(level, abs=0.02)  # its standard error is 0.006 at most
    assert figures["calibration_error"] < 0.015
    assert pit_histogram(distribution(games.mean), games.actual) == pytest.approx(np.full(20, 0.05), abs=0.008)
    narrow = summarise(replace(perfect, cdf=np.clip(1.6 * distribution(games.mean) - 0.3, 0.0, 1.0)), seed=1)
    assert narrow["coverage_80"] < 0.7
    assert narrow["crps"] > figures["crps"]


def test_shuffled_predictions_are_worth_a_coin() -> None:
    games = season()
    honest = make_scored(games, market=False, error=0.3)
    order = np.random.default_rng(5).permutation(len(honest))
    shuffled = replace(honest, predicted=honest.predicted[order], cdf=distribution(honest.predicted[order]))
    bets = np.where(shuffled.predicted > shuffled.line, "OVER", "UNDER").astype(np.str_)
    even = np.where(shuffled.actual == shuffled.line, 0.0, np.where((bets == "OVER") == shuffled.over, 0.909, -1.0))
    figures = summarise(
        replace(shuffled, recommendation=bets, profit=even, p_over=honest.p_over[order], p_push=honest.p_push[order]), 1
    )
    assert figures["hit_rate_low"] < 0.5 < figures["hit_rate_high"]
    assert figures["roi_high"] < 0.0
    assert figures["log_loss"] > figures["book_log_loss"]
    assert figures["line_diff_low"] > 0.5, "no better than a stranger's average"
    assert summarise(honest, 1)["crps"] < figures["crps"]
