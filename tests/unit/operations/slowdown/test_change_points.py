"""Changes of level: planted ones are found where they are, noise has hardly any."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.operations.slowdown.change_points import LEAST, find_changes, rank_score

VALUES = st.lists(st.integers(0, 30).map(float), min_size=2, max_size=60)


def noise(seed: int, levels: Sequence[tuple[int, float]], wide: float = 0.2) -> list[float]:
    """So many values of each level, times a log-normal noise."""
    random = Random(seed)
    return [level * random.lognormvariate(0, wide) for many, level in levels for _ in range(many)]


@given(VALUES, st.integers(1, 59))
def test_the_score_counts_pairs_as_mann_and_whitney_do(values: list[float], place: int) -> None:
    place = min(place, len(values) - 1)
    before, after = values[max(0, place - 14) : place], values[place : place + 14]
    greater = sum((b > a) + (b == a) / 2 for a in before for b in after)
    m, n = len(before), len(after)
    assert rank_score(values, place) == pytest.approx((greater - m * n / 2) / (m * n * (m + n + 1) / 12) ** 0.5)


@given(VALUES)
def test_only_the_ranks_matter(values: list[float]) -> None:
    assert find_changes([each**3 for each in values]) == find_changes(values)


@given(VALUES)
def test_no_level_is_shorter_than_the_least(values: list[float]) -> None:
    starts = [0, *find_changes(values), len(values)]
    assert all(end - start >= min(LEAST, len(values)) for start, end in pairwise(starts))


def test_a_planted_change_is_found_within_two_runs() -> None:
    near = 0
    for seed in range(200):
        changes = find_changes(noise(seed, [(20, 40.0), (15, 80.0)]))
        near += any(abs(change - 20) <= 2 for change in changes)
    assert near >= 198


def test_five_slower_runs_are_enough() -> None:
    assert find_changes([40.0, 41.0, 39.0, 40.5, 42.0, 38.0, 40.0] * 2 + [60.0, 61.0, 59.0, 60.0, 62.0]) == [14]


def test_a_level_that_rose_and_fell_again_is_found() -> None:
    for seed in range(50):
        up, down = find_changes(noise(seed, [(20, 40.0), (15, 90.0), (20, 40.0)], 0.1))
        assert abs(up - 20) <= 1, seed
        assert abs(down - 35) <= 1, seed


def test_one_slow_value_is_no_change() -> None:
    assert find_changes([40.0] * 20 + [400.0] + [40.0] * 20) == []


def test_noise_seldom_has_a_change() -> None:
    assert sum(bool(find_changes(noise(seed, [(40, 40.0)], 0.3))) for seed in range(1000)) <= 20


@pytest.mark.parametrize("values", [[], [1.0], [1.0] * 50])
def test_a_single_level_has_no_change(values: list[float]) -> None:
    assert find_changes(values) == []
