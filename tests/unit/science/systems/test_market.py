"""The market's terms: weights recovered, none negative, and what is not known counts as nothing."""

from __future__ import annotations

import numpy as np
import pytest

from shared.nba.stats import POINTS
from shared.science.systems import market
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import start_variance
from shared.science.systems.market import (
    EARLY_GAMES,
    HALF_LIFE,
    LATE,
    PRIOR_WEIGHTS,
    MarketCombination,
    fit_market,
    prior_precision,
)

LINE, PRICE = POINTS.line_feature, POINTS.price_feature
NEW = np.zeros(3000)
ONE = {"line": 0.0, "early": 0.0, "price": 0.0, "late": 0.0, "intercept": 0.0}


def features_of(n: int, seed: int = 4) -> dict[str, Floats]:
    """What the terms read, of every kind: early and late in a season, priced and not, with and
    without a report.
    """
    random = np.random.default_rng(seed)
    return {
        PRICE: np.where(random.random(n) < 0.2, np.nan, random.uniform(0.4, 0.6, n)),
        LATE: np.where(random.random(n) < 0.2, np.nan, random.choice([0.0, 12.5, 30.0], n)),
        "points_share": random.uniform(0.05, 0.35, n),
        "games_season": random.integers(0, 40, n).astype(np.float64),
    }


def rows(n: int = 3000, seed: int = 4) -> tuple[Floats, Floats, Features]:
    random = np.random.default_rng(seed)
    without = random.uniform(6.0, 30.0, n)
    line = np.round(2 * (without + random.normal(0.5, 2.0, n))) / 2
    return without, line, features_of(n)


def row(**known: float) -> Features:
    usual = {PRICE: np.nan, LATE: np.nan, "points_share": 0.25, "games_season": 30.0}
    return {name: np.array([value]) for name, value in {**usual, **known}.items()}


def list_added(weights: MarketCombination, features: Features, line: float = 24.0) -> dict[str, float]:
    """The terms of a figure of 20 without."""
    found = weights.terms(np.array([20.0]), np.array([line]), features, POINTS)
    return {name: float(points[0]) for name, points in found.items()}


def test_known_weights_are_found_again() -> None:
    truth = MarketCombination(intercept=-0.25, line=0.4, early=0.3, price=0.7, late=0.55)
    without, line, features = rows(90_000)
    assert set(features) == set(market.features_of(POINTS))
    chance = np.random.default_rng(8).normal(0, 6.0, len(line))
    points = truth.of(without, line, features, POINTS)
    exact = fit_market(POINTS, without, line, features, points, np.zeros(len(line)))
    assert list(vars(exact).values()) == pytest.approx(list(vars(truth).values()), abs=0.005)
    found = fit_market(POINTS, without, line, features, points + chance, np.zeros(len(line)))
    assert (found.line, found.price, found.late) == pytest.approx((0.4, 0.7, 0.55), abs=0.05)


def test_what_hardly_occurs_stays_as_believed() -> None:
    """Three early rows of absurd points among 3,000 late ones leave the early weight where it was
    believed.
    """
    without, line, features = rows()
    games = np.full(3000, 40.0)
    games[:3] = 0.0
    points = (without + line) / 2 + np.where(games == 0, 40.0 * np.sign(line - without), 0.0)
    found = fit_market(POINTS, without, line, {**features, "games_season": games}, points, NEW)
    assert found.early == pytest.approx(PRIOR_WEIGHTS[1], abs=0.2)
    nothing = fit_market(
        POINTS, without[:2], line[:2], {name: each[:2] for name, each in features.items()}, line[:2], NEW[:2]
    )
    assert (nothing.line, nothing.early, nothing.price, nothing.late) == pytest.approx(PRIOR_WEIGHTS, abs=0.05)


def test_recent_rows_weigh_more() -> None:
    """Half the rows moved by three points a half-life ago: they weigh half, so that one of three
    points is left.
    """
    without, _, features = rows()
    old = np.arange(3000) % 2 == 0
    moved = without + np.where(old, 3.0, 0.0)
    flat = fit_market(POINTS, without, without, features, moved, NEW)
    aged = fit_market(POINTS, without, without, features, moved, np.where(old, HALF_LIFE, 0.0))
    assert (flat.intercept, aged.intercept) == pytest.approx((1.5, 1.0), abs=0.1)


def test_the_weights_solve_the_weighted_ridge_regression() -> None:
    """Its normal equations, with an intercept that is not held to anything, where early and late
    rows differ.
    """
    without, line, features = rows()
    age = np.linspace(3 * HALF_LIFE, 0.0, len(line))
    line = line + age / 100.0
    truth = MarketCombination(intercept=-0.25, line=0.4, early=0.3, price=0.7, late=0.55)
    noise = np.random.default_rng(9).normal(0, 6.0, len(line)) + age / 200.0
    points = truth.of(without, line, features, POINTS) + noise
    units = np.eye(len(PRIOR_WEIGHTS))
    inputs = [
        np.sum(list(MarketCombination(0.0, *unit).terms(without, line, features, POINTS).values()), axis=0)
        for unit in units
    ]
    table = np.column_stack([np.ones(len(line)), *inputs])
    weighed = table * (0.5 ** (age / HALF_LIFE))[:, None]
    precision = prior_precision(POINTS) * np.diag([0.0, 1.0, 1.0, 1.0, 1.0])
    expected = np.linalg.solve(
        weighed.T @ table + precision, weighed.T @ (points - without) + precision @ [0.0, *PRIOR_WEIGHTS]
    )
    assert (expected[1:] > 0).all(), "or the sign would decide"
    found = fit_market(POINTS, without, line, features, points, age)
    assert [found.intercept, found.line, found.early, found.price, found.late] == pytest.approx(expected, abs=2e-4)


def test_no_weight_is_negative_and_what_remains_has_no_bias() -> None:
    """Points that lie against the line, its price, and the absences: none of them is believed
    in.
    """
    against = MarketCombination(intercept=1.5, line=-0.4, early=-0.3, price=-0.7, late=-0.55)
    without, line, features = rows()
    points = against.of(without, line, features, POINTS)
    found = fit_market(POINTS, without, line, features, points, NEW)
    assert (found.line, found.early, found.price, found.late) == (0.0, 0.0, 0.0, 0.0)
    assert found.intercept == pytest.approx(float((points - without).mean()), abs=1e-6)
    mixed = MarketCombination(intercept=0.0, line=0.5, early=0.2, price=0.6, late=-0.5)
    found = fit_market(POINTS, without, line, features, mixed.of(without, line, features, POINTS), NEW)
    assert (found.late, found.line > 0.3) == (0.0, True)
    assert float(
        (found.of(without, line, features, POINTS) - mixed.of(without, line, features, POINTS)).mean()
    ) == pytest.approx(0.0, abs=1e-4)


def test_the_line_pulls_by_its_distance_and_more_early_in_a_season() -> None:
    """4 points above: half of that, and a quarter more before the first game, half of a quarter
    after five.
    """
    weights = MarketCombination(**{**ONE, "line": 0.5, "early": 0.25})
    games = (0.0, 5.0, EARLY_GAMES - 1, EARLY_GAMES, 60.0)
    found = [list_added(weights, row(games_season=played))[LINE] for played in games]
    assert found == pytest.approx([3.0, 2.5, 2.1, 2.0, 2.0])
    assert list_added(weights, row(games_season=np.nan))[LINE] == 3.0, "no game of the season is known"
    assert list_added(weights, row(), line=18.0)[LINE] == -1.0


def test_the_price_shifts_by_its_normal_quantile_in_standard_deviations() -> None:
    """0.841 is one standard deviation above: the side that the books believe in is the likelier
    one.
    """
    weights = MarketCombination(**{**ONE, "price": 0.5})
    deviation = float(np.sqrt(start_variance(POINTS).of(np.array([24.0]), POINTS))[0])
    assert list_added(weights, row(line_p_over=0.8413447))[PRICE] == pytest.approx(0.5 * deviation, rel=1e-6)
    assert list_added(weights, row(line_p_over=1 - 0.8413447))[PRICE] == pytest.approx(-0.5 * deviation, rel=1e-6)
    assert list_added(weights, row(line_p_over=0.5))[PRICE] == 0.0


def test_points_of_late_absences_fall_to_a_player_by_his_share() -> None:
    weights = MarketCombination(**{**ONE, "late": 0.5})
    assert list_added(weights, row(teammates_out_lines=20.0))[LATE] == 0.5 * 20 * 0.25
    assert list_added(weights, row(teammates_out_lines=0.0))[LATE] == 0.0


def test_a_missing_price_or_no_report_counts_as_nothing() -> None:
    weights = MarketCombination(intercept=0.1, line=0.5, early=0.0, price=0.5, late=0.5)
    assert list_added(weights, row()) == {LINE: 2.0, PRICE: 0.0, LATE: 0.0}
    assert list_added(weights, row(teammates_out_lines=20.0, points_share=np.nan))[LATE] == 0.0
    with_market = row(line_p_over=0.5, teammates_out_lines=0.0)
    at = np.array([20.0]), np.array([24.0])
    assert weights.of(*at, row(), POINTS)[0] == weights.of(*at, with_market, POINTS)[0] == pytest.approx(22.1)


def test_without_a_line_there_is_no_figure() -> None:
    weights = MarketCombination(intercept=0.1, line=0.5, early=0.2, price=0.5, late=0.5)
    with_market = row(line_p_over=0.6, teammates_out_lines=20.0)
    assert all(np.isnan(points) for points in list_added(weights, with_market, line=np.nan).values())
    assert np.isnan(weights.of(np.array([20.0]), np.array([np.nan]), with_market, POINTS)).all()


def test_a_lower_line_never_gives_a_higher_figure() -> None:
    weights = MarketCombination(intercept=0.1, line=0.5, early=0.2, price=0.5, late=0.5)
    lines = np.arange(0.5, 45.0)
    with_market = {name: np.repeat(value, len(lines)) for name, value in row(line_p_over=0.55).items()}
    assert (np.diff(weights.of(np.full(len(lines), 20.0), lines, with_market, POINTS)) > 0).all()


def test_the_weights_in_words() -> None:
    weights = MarketCombination(intercept=0.1, line=0.5, early=0.25, price=0.6, late=0.25)
    assert weights.describe() == "0.50 towards the line, 0.60 of its price, 0.25 of late absences"
