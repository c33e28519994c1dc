"""The lines of sums on paper: who moves, by how much, and who does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.nba.stats import STATS, Stat
from shared.science.systems import joint
from shared.science.systems.columns import Features, Floats
from shared.science.systems.ensemble import Combined
from shared.science.systems.joint import UNLINED, fit_sum_market, move
from shared.science.systems.market import HALF_LIFE, shift_by_price
from shared.science.systems.output import SYSTEMS
from shared.science.systems.sums import START_CORRELATIONS, WITH_MARKET, SumMarket, SumModel, pairs_of
from tests.support.stats_by_kind import BASES

PRA, PR, PA, RA = (STATS[name] for name in ("pra", "pr", "pa", "ra"))
SUM_STATS = (PRA, PR, PA, RA)


def combine_part(stat: Stat, mean: object, sd: object, lined: object = True) -> Combined:
    """What the ensemble makes of one statistic: mean and spread of the rows, and which have its own
    line.
    """
    means = np.atleast_1d(np.asarray(mean, dtype=np.float64))
    spread = np.broadcast_to(np.asarray(sd, dtype=np.float64), means.shape)
    has_line = np.broadcast_to(np.asarray(lined, dtype=np.bool_), means.shape)
    return Combined(stat, "1", means, spread, means, spread, has_line, has_line, ("own",) * len(means))


def model(stat: Stat, market: SumMarket | None, correlations: Mapping[str, float] = START_CORRELATIONS) -> SumModel:
    pairs = {pair: correlations[pair] for pair in pairs_of(stat)}
    names = (*SYSTEMS, WITH_MARKET)
    return SumModel("1", dict.fromkeys(names, pairs), dict.fromkeys(names, 1.0), market)


def hide_prices(rows: int = 1) -> Features:
    """No line of a sum has a price."""
    return {stat.price_feature: np.full(rows, np.nan) for stat in SUM_STATS}


def lines_of(**known: object) -> dict[str, Floats]:
    return {name: np.atleast_1d(np.asarray(line, dtype=np.float64)) for name, line in known.items()}


HALF = SumMarket(intercept=0.0, gain=0.5, price=0.0)


def test_two_parts_move_towards_their_sums_line_as_on_paper() -> None:
    """Spreads 6 and 3, correlation 0.5: covariance 0.5 * 6 * 3 = 9, so the sum has the variance 36
    + 9 + 2 * 9 = 63. With a gain of a half the line's own error is as large, 63.

    The line 33 lies 3 above 20 + 10. Kalman's gain of points is (36 + 9) / (63 + 63) = 0.357143,
    of rebounds (9 + 9) / 126 = 0.142857: they move by 1.071429 and 0.428571, together 1.5, half of
    the way.
    """
    parts = {"points": combine_part(STATS["points"], 20, 6), "rebounds": combine_part(STATS["rebounds"], 10, 3)}
    models = {"pr": model(PR, HALF, {"points rebounds": 0.5})}
    moved = move(parts, models, lines_of(pr=33.0), hide_prices())
    assert moved.parts["points"].mean[0] == pytest.approx(20 + 3 * 45 / 126, abs=1e-12)
    assert moved.parts["rebounds"].mean[0] == pytest.approx(10 + 3 * 18 / 126, abs=1e-12)
    added = {name: float(values[0]) for name, values in moved.added["pr_line"].items()}
    assert added == pytest.approx({"points": 1.071429, "rebounds": 0.428571}, abs=1e-6)
    assert moved.parts["points"].uses_market.tolist() == [True]
    assert moved.parts["points"].reason == ("own, +1.1 by lines of sums",)


def test_an_unlined_part_moves_more_as_on_paper() -> None:
    """Rebounds have no line: of their expectation six times as much variance is not known, 54, and
    the covariance is sqrt(6) * 9 = 22.045. The line's error stays as with lines of both, 63.

    The sum's variance is 36 + 54 + 2 * 22.045 = 134.09; the gains are 58.045 / 197.09 = 0.29451 of
    points, 76.045 / 197.09 = 0.38584 of rebounds, 0.68 of the way together.
    """
    assert UNLINED == 6.0
    parts = {
        "points": combine_part(STATS["points"], [20, 20], 6),
        "rebounds": combine_part(STATS["rebounds"], [10, 10], 3, [False, True]),
    }
    models = {"pr": model(PR, HALF, {"points rebounds": 0.5})}
    moved = move(parts, models, lines_of(pr=[33.0, 33.0]), hide_prices(2)).parts
    covariance = np.sqrt(6) * 9
    error = 36 + 54 + 2 * covariance + 63
    assert moved["points"].mean[0] == pytest.approx(20 + 3 * (36 + covariance) / error, abs=1e-12)
    assert moved["rebounds"].mean[0] == pytest.approx(10 + 3 * (54 + covariance) / error, abs=1e-12)
    assert moved["rebounds"].mean[0] - 10 > 2 * (moved["rebounds"].mean[1] - 10)
    together = moved["points"].mean + moved["rebounds"].mean
    assert together[0] > together[1] == pytest.approx(31.5)


def test_price_and_intercept_shift_what_the_line_stands_for() -> None:
    """0.8413447 is one standard deviation of the sum above its line; half of it is believed."""
    parts = {"points": combine_part(STATS["points"], 20, 6), "rebounds": combine_part(STATS["rebounds"], 10, 3)}
    market = SumMarket(intercept=-0.4, gain=0.5, price=0.5)
    priced = {PR.price_feature: np.array([0.8413447])}
    moved = move(parts, {"pr": model(PR, market)}, lines_of(pr=33.0), priced).parts
    deviation = float(np.sqrt(23 + 2 * 33.0))
    gained = moved["points"].mean[0] + moved["rebounds"].mean[0] - 30.0
    assert gained == pytest.approx(0.5 * (3.0 - 0.4 + 0.5 * deviation), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(-8.0, 8.0), min_size=4, max_size=4),
    st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=3, max_size=3),
)
def test_the_order_of_the_lines_does_not_matter(above: list[float], gains: list[float], lined: list[bool]) -> None:
    """All four sums' lines, in each order in which the statistics might stand."""
    parts = {
        "points": combine_part(STATS["points"], 24, 7, lined[0]),
        "rebounds": combine_part(STATS["rebounds"], 8, 3, lined[1]),
        "assists": combine_part(STATS["assists"], 6, 2.5, lined[2]),
    }
    models = {stat.name: model(stat, SumMarket(0.1, gain, 0.0)) for stat, gain in zip(SUM_STATS, gains, strict=True)}
    expected = {"pra": 38.0, "pr": 32.0, "pa": 30.0, "ra": 14.0}
    lines = lines_of(**{name: expected[name] + by for name, by in zip(expected, above, strict=True)})
    usual = move(parts, models, lines, hide_prices())
    with pytest.MonkeyPatch.context() as patch:
        for order in permutations(SUM_STATS):
            patch.setattr(joint, "STATS", {**BASES, **{stat.name: stat for stat in order}})
            again = move(parts, models, lines, hide_prices())
            for name in parts:
                assert again.parts[name].mean[0] == pytest.approx(usual.parts[name].mean[0], abs=1e-9)


def test_a_row_without_a_sums_line_stays_as_it_is_to_the_last_bit() -> None:
    random = np.random.default_rng(2)
    means = {name: random.uniform(2, 30, 40) for name in ("points", "rebounds", "assists", "threes")}
    parts = {name: combine_part(STATS[name], mean, 3.0, np.arange(40) % 3 == 0) for name, mean in means.items()}
    parts["assists"] = replace(parts["assists"], mean=np.where(np.arange(40) == 7, np.nan, means["assists"]))
    has_line = np.arange(40) % 2 == 1
    lines = lines_of(pra=np.where(has_line, 40.5, np.nan))
    moved = move(parts, {"pra": model(PRA, HALF)}, lines, hide_prices(40))
    still = ~has_line | (np.arange(40) == 7)
    for name, part in parts.items():
        after = moved.parts[name]
        assert after.mean[still].tobytes() == part.mean[still].tobytes(), "a missing line, or a missing part"
        assert [after.reason[row] for row in np.flatnonzero(still)] == ["own"] * int(still.sum())
        np.testing.assert_array_equal(after.uses_market[still], part.uses_market[still])
        if name != "threes":
            assert (after.mean[~still] != part.mean[~still]).all()
            assert after.uses_market[~still].all()
    assert moved.parts["threes"] is parts["threes"], "no sum has threes"
    assert all((values[still] == 0).all() for values in moved.added["pra_line"].values())


@pytest.mark.parametrize(
    ("models", "lines"),
    [
        ({}, lines_of(pr=33.0)),
        ({"pr": model(PR, None)}, lines_of(pr=33.0)),
        ({"pr": model(PR, HALF)}, lines_of(points=20.5)),
        ({"pra": model(PRA, HALF)}, lines_of(pra=33.0)),
    ],
)
def test_without_a_model_of_the_market_a_line_or_a_part_nothing_is_done(
    models: dict[str, SumModel], lines: dict[str, Floats]
) -> None:
    parts = {"points": combine_part(STATS["points"], 20, 6), "rebounds": combine_part(STATS["rebounds"], 10, 3)}
    moved = move(parts, models, lines, hide_prices())
    assert moved.parts is parts
    assert moved.added == {}


def test_a_line_far_below_leaves_nobody_with_less_than_nothing() -> None:
    parts = {
        "rebounds": combine_part(STATS["rebounds"], 1.0, 3, False),
        "assists": combine_part(STATS["assists"], 8.0, 2),
    }
    moved = move(parts, {"ra": model(RA, SumMarket(0.0, 0.9, 0.0))}, lines_of(ra=0.5), hide_prices()).parts
    assert moved["rebounds"].mean[0] == STATS["rebounds"].lowest_mean


# --- what is fitted -------------------------------------------------------------------------------


def draw_rows(
    gain: float, price: float, rows: int = 6000, off: float = 0.0
) -> tuple[dict[str, Combined], Features, Floats, Floats]:
    """Parts, prices, lines and results where the line is worth the gain: parts, features, line,
    actual sum.
    """
    random = np.random.default_rng(6)
    points, rebounds = random.uniform(8, 28, rows), random.uniform(3, 11, rows)
    line = np.round(2 * (points + rebounds + random.normal(0, 3, rows))) / 2
    over = random.uniform(0.4, 0.6, rows)
    parts = {
        "points": combine_part(STATS["points"], points, 6),
        "rebounds": combine_part(STATS["rebounds"], rebounds, 3),
    }
    shift = shift_by_price(line, over, PR)
    truth = points + rebounds + gain * (line + price * shift + off - points - rebounds)
    return parts, {PR.price_feature: over}, line, truth + random.normal(0, 2.0, rows)


@pytest.mark.parametrize("gain", [0.2, 0.5, 0.8])
def test_what_a_line_is_worth_is_found_again(gain: float) -> None:
    parts, features, line, actual = draw_rows(gain, 0.6, off=-0.5)
    found = fit_sum_market(PR, parts, START_CORRELATIONS, line, features, actual, np.zeros(len(line)))
    assert found.gain == pytest.approx(gain, abs=0.051), "one of those that are tried"
    assert found.intercept == pytest.approx(-0.5, abs=0.4)
    assert found.price == pytest.approx(0.6, abs=0.25)


def test_recent_rows_say_more_of_what_a_line_is_worth() -> None:
    """An old half says that lines are worth nothing, the younger that they are worth much."""
    parts, features, line, actual = draw_rows(0.9, 0.5)
    expected = parts["points"].mean + parts["rebounds"].mean
    old = np.arange(len(line)) % 2 == 0
    both = np.where(old, expected, actual)
    same = fit_sum_market(PR, parts, START_CORRELATIONS, line, features, both, np.zeros(len(line)))
    aged = fit_sum_market(PR, parts, START_CORRELATIONS, line, features, both, np.where(old, 4 * HALF_LIFE, 0.0))
    assert same.gain == pytest.approx(0.45, abs=0.06)
    assert aged.gain > 0.7


def test_a_price_that_misleads_is_not_believed() -> None:
    parts, features, line, actual = draw_rows(0.5, -2.0)
    found = fit_sum_market(PR, parts, START_CORRELATIONS, line, features, actual, np.zeros(len(line)))
    assert found.price == 0.0
