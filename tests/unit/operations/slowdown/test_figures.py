"""Quantiles, means, and how much executions vary by themselves."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations.slowdown.figures import quantile, spread, usual
from tests.unit.operations.slowdown.planted import execution, steady

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50)


@given(VALUES, st.floats(0, 1))
def test_a_quantile_is_numpys(values: list[float], share: float) -> None:
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("values", "share"), [([], 0.5), ([1.0], 1.5), ([1.0], -0.1)])
def test_no_values_or_no_share_is_refused(values: list[float], share: float) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        quantile(values, share)


def test_more_rows_are_allowed_more_seconds_and_fewer_no_fewer() -> None:
    found = usual([execution(30, rows=100), execution(50, rows=300)])
    assert (found.runs, found.seconds, found.rows) == (2, 40.0, 200.0)
    assert [found.fair_seconds(rows) for rows in (0, 200, 500)] == [40.0, 40.0, 100.0]
    assert usual(steady(40.0, rows=0)).fair_seconds(9) == 40.0


def test_the_spread_is_that_of_the_logarithms_and_a_few_slow_ones_do_not_count() -> None:
    random = Random(3)
    many = [execution(40 * random.lognormvariate(0, 0.3)) for _ in range(400)]
    assert spread(many) == pytest.approx(0.3, abs=0.03)
    assert spread([*many, *(execution(4_000) for _ in range(20))]) == pytest.approx(0.3, abs=0.05)
    assert spread(steady(40.0)) == 0.0
    assert spread([execution(1), execution(math.e)]) == 0.0, "two say nothing of it"
