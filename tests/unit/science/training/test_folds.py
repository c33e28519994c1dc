"""Folds of the walk-forward fit: a season each, predicted by trees that have seen nothing of it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from shared.nba.stats import Stat
from shared.science.systems import xgboost_v1
from shared.science.systems.output import XGBOOST
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import FoldTrees, Inputs, _walk_forward, fit, fold_starts
from tests.support.systems_models import training_rows

FIRST = np.datetime64("2019-10-20")
DAY = np.timedelta64(1, "D")


def on_days(days: list[int]) -> TrainingRows:
    """Four rows on each of these days after the first."""
    offset = np.repeat(days, 4).astype("timedelta64[D]")
    return replace(training_rows(4 * len(days)), day=FIRST + offset)


def seasons(count: int, n: int = 1200) -> TrainingRows:
    """n rows in seasons of 20 days, a year apart."""
    rows = training_rows(n, days=20 * count)
    since = (rows.day - rows.day.min()).astype(int)
    return replace(rows, day=FIRST + (since + since // 20 * 345).astype("timedelta64[D]"))


def starts(rows: TrainingRows) -> list[int]:
    return [int((day - FIRST) / DAY) for day in fold_starts(rows)]


# --- where they begin -----------------------------------------------------------------------------


def test_a_season_starts_after_a_pause_of_more_than_45_days() -> None:
    assert on_days([*range(10), 54, 55]).season_starts.tolist() == [], "45 days from one game to the next"
    found = on_days([*range(10), 55, 56, 200]).season_starts
    assert [int((day - FIRST) / DAY) for day in found] == [55, 200]


def test_a_fold_is_a_season_that_a_quarter_of_the_rows_come_before() -> None:
    """Of four seasons, the second begins with the rows after the first quarter: its trees would be
    those of few.
    """
    assert starts(on_days([*range(10), *range(100, 110), *range(200, 210), *range(300, 310)])) == [100, 200, 300]
    assert starts(on_days([*range(9), *range(100, 110), *range(200, 210), *range(300, 311)])) == [200, 300]


def test_at_most_the_last_three_seasons_are_folds() -> None:
    assert len(seasons(6).season_starts) == 5
    assert starts(seasons(6)) == [3 * 365, 4 * 365, 5 * 365]


@pytest.mark.parametrize("days", [[*range(40)], [*range(5), *range(100, 135)]])
def test_where_no_season_is_late_enough_the_folds_are_shares_of_the_rows(days: list[int]) -> None:
    rows = on_days(days)
    assert fold_starts(rows) == [rows.first_day(0.5), rows.first_day(0.75)]


@pytest.mark.usefixtures("few_rounds")
def test_a_holdout_model_has_rows_out_of_sample_in_the_first_days_of_the_second_season() -> None:
    """One season known and three days of the next: the season's fold alone would leave the holdout
    model none.
    """
    rows = on_days([*range(150), 500, 501, 502])
    assert starts(rows) == [76, 114, 500]
    holdout_model = fit(rows, holdout_before=FIRST + 120 * DAY).holdout_model
    assert holdout_model is not None
    assert holdout_model.ensemble is not None
    assert sum(holdout_model.ensemble.no_market.weights.values()) > 0.2


# --- what their trees have seen -------------------------------------------------------------------


def means_of(rows: TrainingRows) -> np.ndarray:
    means, _ = _walk_forward(rows, Inputs.of(rows, {}), {})
    return means[XGBOOST]


@pytest.mark.usefixtures("few_rounds")
def test_a_folds_trees_have_not_seen_its_days_or_later_ones() -> None:
    """Points and minutes of its days change what later folds expect, and nothing of what it or
    earlier ones do.
    """
    rows = seasons(5)
    before, folds = means_of(rows), fold_starts(rows)
    assert np.isnan(before[rows.day < folds[0]]).all(), "nothing is out of sample before"
    assert not np.isnan(before[rows.day >= folds[0]]).any()
    for first, end in pairwise([*folds, rows.day.max() + DAY]):
        here = (rows.day >= first) & (rows.day < end)
        for changed in (
            replace(rows, actual=np.where(here, 60.0, rows.actual)),
            replace(rows, minutes=np.where(here, 8.0, rows.minutes)),
        ):
            after = means_of(changed)
            np.testing.assert_array_equal(before[rows.day < end], after[rows.day < end])
            assert end > folds[-1] or (before[rows.day >= end] != after[rows.day >= end]).any()


@pytest.mark.usefixtures("few_rounds")
def test_known_trees_of_folds_give_the_same_model_and_only_new_ones_are_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Trained in the midst of the last season, then at its end."""
    rows = seasons(5)
    midst = rows.day < rows.season_starts[-1] + 10 * DAY
    fitted: list[int] = []
    usual = xgboost_v1.train

    def count_fit(stat: Stat, inputs: xgboost_v1.Matrix, *others: Any) -> xgboost_v1.Trees:
        fitted.append(len(inputs))
        return usual(stat, inputs, *others)

    monkeypatch.setattr(xgboost_v1, "train", count_fit)
    known: FoldTrees = {}
    fit(rows.where(midst), folds=known)
    assert sorted(known) == fold_starts(rows)
    assert sorted(fitted) == [*(int((rows.day < day).sum()) for day in fold_starts(rows)), int(midst.sum())]
    fitted.clear()
    again, alone = fit(rows, folds=known), fit(rows)
    assert fitted[0] == len(rows), "no fold's trees a second time"
    assert len(fitted) == 1 + 4
    assert again.metrics == alone.metrics
    assert again.models.ensemble == alone.models.ensemble
    assert again.models.xgboost is not None
    assert alone.models.xgboost is not None
    assert again.models.xgboost.trees.files() == alone.models.xgboost.trees.files()
    assert again.models.xgboost.version == alone.models.xgboost.version
