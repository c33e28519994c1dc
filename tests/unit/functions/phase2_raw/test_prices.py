"""Prices and points in every form a book writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.phase2_raw.normalise.prices import american, half_points, points
from shared.nba.stats import POINTS, STATS, Stat


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        (-110, -110), (100, 100), (-100, -100), (2500, 2500), (-115.0, -115),
        (1.91, -110), (2.0, 100), (2.5, 150), (1.5, -200), (11, 1000), (101.5, 10050),
        (-110.00000000000001, -110), (20_000, 20_000), (-100_000, -100_000),
        (None, None),
    ],
)  # fmt: skip
def test_american_odds_stay_and_decimal_odds_are_converted(price: Any, expected: int | None) -> None:
    assert american(price) == expected


@pytest.mark.parametrize("price", [0, 1, 0.5, -99, -50.5, -110.5, float("nan"), float("inf"), "-110", True, [1],
                                   1_000_000, -1_000_000, 20_001, 2**63, 10**400, 1e300, {}])  # fmt: skip
def test_what_is_no_price_is_refused(price: Any) -> None:
    with pytest.raises(ValueError, match="price"):
        american(price)


@given(st.one_of(st.integers(-2000, -101), st.integers(100, 9000)))
def test_decimal_odds_to_six_places_come_back_as_the_american_ones_they_were(odds: int) -> None:
    decimal = 1 + (odds / 100 if odds > 0 else 100 / -odds)
    assert american(round(decimal, 6)) == odds


@given(st.integers(1, 200))
def test_half_points_are_exact(halves: int) -> None:
    assert half_points(halves / 2, POINTS) * 2 == halves


@pytest.mark.parametrize(
    "point", [24.3, 24.25, 0, -1.5, None, "24.5", True, float("nan"), 100.5, 250.5, 2**63, 10**400, 1e300]
)
def test_what_is_no_line_in_half_points_is_refused(point: Any) -> None:
    with pytest.raises(ValueError, match="line"):
        half_points(point, POINTS)


@pytest.mark.parametrize("stat", STATS.values(), ids=STATS.keys())
def test_a_line_is_within_the_bounds_of_its_own_statistic(stat: Stat) -> None:
    assert half_points(stat.most, stat) == stat.most
    with pytest.raises(ValueError, match=f"is not within 0.5 to {stat.most}"):
        half_points(stat.most + 0.5, stat)


def test_spreads_and_totals_are_exact() -> None:
    assert points(-6.5) == Decimal("-6.5")
    assert points(231.25) == Decimal("231.25")
    assert points(0) == Decimal(0)
    assert points(None) is None
    with pytest.raises(ValueError, match="point 'x'"):
        points("x")
