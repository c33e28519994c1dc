"""A season of simulated player-games, and systems of known skill scored on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from shared.nba.stats import POINTS
from shared.science.evaluation import Floats, Scored
from shared.science.evaluation.arrays import Days, Texts
from shared.science.systems.distribution import Variance, over_and_push, survival

# Who would know a player's true mean would still miss by this spread; the bookmaker knows it within
# BOOK_ERROR.
SPREAD = Variance(intercept=9.0, slope=2.4)
BOOK_ERROR = 1.0
MARGIN = 1.045
LEAST_VALUE = 0.02
HIGHEST = 75


@dataclass(frozen=True)
class Season:
    """Player-games with their true means, what was scored, and what the bookmaker said; arrays of
    one length.
    """

    day: Days
    mean: Floats
    actual: Floats
    book_mean: Floats
    line: Floats
    book_p_over: Floats


def season(rows: int = 6300, days: int = 72, seed: int = 1) -> Season:
    """Rows spread evenly over days; points from the very distribution the systems are scored
    with.
    """
    rng = np.random.default_rng(seed)
    day = np.datetime64("2025-10-21") + np.sort(rng.integers(days, size=rows)).astype("timedelta64[D]")
    mean = 3.0 + rng.gamma(3.0, 4.0, rows)
    chance = rng.random(rows)
    actual = (distribution(mean) < chance[:, None]).sum(axis=1).astype(np.float64)
    book_mean = np.maximum(mean + rng.normal(0.0, BOOK_ERROR, rows), 2.0)
    line = np.maximum(np.round(2.0 * (book_mean - 0.4)) / 2.0, 0.5)
    over, push = over_and_push(book_mean, SPREAD.of(book_mean, POINTS), line, POINTS)
    return Season(day, mean, actual, book_mean, line, over / (1.0 - push))


def distribution(mean: Floats) -> Floats:
    """P(points <= k) of these means, float64[n, HIGHEST]."""
    return 1.0 - survival(mean[:, None], SPREAD.of(mean, POINTS)[:, None], np.arange(float(HIGHEST))[None, :], POINTS)


def make_scored(
    games: Season, system: str = "ensemble_v1", market: bool = True, error: float = 1.0, seed: int = 2
) -> Scored:
    """A system that knows each true mean up to a normal error (points); with market it averages
    that with the books'.

    It bets the side with the higher expected value at the books' prices where that is at least
    LEAST_VALUE.
    """
    rng = np.random.default_rng(seed)
    mean = np.maximum(games.mean + rng.normal(0.0, error, len(games.mean)), 2.0)
    mean = (mean + games.book_mean) / 2.0 if market else mean
    over, push = over_and_push(mean, SPREAD.of(mean, POINTS), games.line, POINTS)
    under = 1.0 - over - push
    pays_over, pays_under = 1.0 / (games.book_p_over * MARGIN) - 1.0, 1.0 / ((1.0 - games.book_p_over) * MARGIN) - 1.0
    value_over, value_under = over * pays_over - under, under * pays_under - over
    side, value = np.where(value_over >= value_under, "OVER", "UNDER"), np.maximum(value_over, value_under)
    advice: Texts = np.where(value >= LEAST_VALUE, side, "PASS").astype(np.str_)
    went_over = np.where(games.actual == games.line, np.nan, games.actual > games.line)
    won = np.where(advice == "OVER", went_over, 1.0 - went_over)
    gain = np.where(won == 1.0, np.where(advice == "OVER", pays_over, pays_under), -1.0)
    profit = np.where(np.isnan(won), 0.0, gain)
    return Scored(
        stat="points",
        system=system,
        market=market,
        day=games.day,
        actual=games.actual,
        predicted=mean,
        cdf=distribution(mean),
        line=games.line,
        season_average=games.mean + rng.normal(0.0, 2.0, len(mean)),
        last10=games.mean + rng.normal(0.0, 1.8, len(mean)),
        p_over=over,
        p_push=push,
        tested_line=games.line,
        book_p_over=games.book_p_over,
        edge=mean - games.line,
        recommendation=advice,
        profit=np.where(advice == "PASS", np.nan, profit),
        expected_value=np.where(advice == "PASS", np.nan, value),
    )
