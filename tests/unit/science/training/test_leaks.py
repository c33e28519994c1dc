"""A feature that knows the result is found, and without one nothing is learned from chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.core.errors import DataError
from shared.nba.stats import POINTS
from shared.science.evaluation import Floats, Scored, alarms, mean_absolute_error, summarise
from shared.science.model_registry.models import Models
from shared.science.predictions.outputs import all_outputs
from shared.science.systems import xgboost_v1
from shared.science.systems.output import XGBOOST, SystemOutput
from shared.science.training.leaks import LIMIT, refuse_leaks, scan
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import fit
from tests.support.systems_models import training_rows

# Any feature that no formula reads; it stands for whatever a mistake in its SQL would make of it.
LEAK = "points_z_l5"


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xgboost_v1, "POINTS_ROUNDS", 60)
    monkeypatch.setattr(xgboost_v1, "PART_ROUNDS", 40)


def honest_rows() -> TrainingRows:
    """Rows whose features know no more than form does: points are drawn around moving_average's own
    inputs.
    """
    rows = training_rows(n=3000)
    random = np.random.default_rng(11)
    level = rows.features["points_ewma_20"]
    points = random.poisson(np.maximum(level, 1.0)).astype(np.float64)
    same = dict.fromkeys(("points_season", "points_prev_season", "points_l20", "points_ewma_08", "points_l10"), level)
    return replace(rows, actual=points, features={**rows.features, **same, "points_per_minute_l40": level / 32.0})


def plant(rows: TrainingRows, values: Floats) -> TrainingRows:
    return replace(rows, features={**rows.features, LEAK: values})


def test_honest_features_explain_nothing() -> None:
    found = scan(honest_rows())
    assert set(found.shares) == set(training_rows().names)
    assert found.suspects == []
    refuse_leaks(honest_rows())


def test_a_feature_that_knows_the_result_is_found_and_refused() -> None:
    rows = honest_rows()
    random = np.random.default_rng(3)
    leaking = plant(rows, rows.actual + random.normal(0, 3, len(rows)))
    [suspect] = scan(leaking).suspects
    assert (suspect.feature, suspect.share > 0.3) == (LEAK, True)
    with pytest.raises(DataError, match=LEAK):
        refuse_leaks(leaking)


def test_an_average_that_includes_the_game_itself_is_found() -> None:
    """A mean of ten differs from the honest one by a tenth of the result: by itself it explains
    next to nothing.
    """
    rows = honest_rows()
    last9 = rows.history.values["points"][:, :9].sum(axis=1)
    assert scan(plant(rows, last9 / 9)).suspects == []
    [suspect] = scan(plant(rows, (last9 + rows.actual) / 10)).suspects
    assert (suspect.feature, suspect.share > 0.3) == (LEAK, True)


def test_a_leak_where_half_of_the_values_are_unknown_is_found() -> None:
    rows = honest_rows()
    half = np.where(np.arange(len(rows)) % 3 == 0, np.nan, rows.actual)
    assert [one.feature for one in scan(plant(rows, half)).suspects] == [LEAK]


def test_too_few_rows_say_nothing() -> None:
    rows = honest_rows()
    assert scan(rows.where(np.arange(len(rows)) < 400)).shares == {}


def test_the_limit_is_well_above_chance() -> None:
    assert max(scan(honest_rows()).shares.values()) < LIMIT / 2


def test_a_model_that_learned_from_a_leak_raises_the_alarm() -> None:
    """Trained on the first two thirds, judged on lines of the last: the error that nobody can
    have.
    """
    rows = training_rows(n=3600)
    leaking = plant(rows, rows.actual + np.random.default_rng(3).normal(0, 2, len(rows)))
    for judged, alarmed in ((rows, False), (leaking, True)):
        found = alarms(summarise(_predict_boosted(judged), seed=1), "lined")
        assert bool(found) == alarmed, found


def outputs_of(rows: TrainingRows, line: Floats, models: Models) -> list[SystemOutput]:
    """What every system says of the rows' points."""
    lines = {"points": line}
    return all_outputs(rows.features, rows.history, lines, {"points": models}, stats=[POINTS])["points"]


def _predict_boosted(rows: TrainingRows) -> Scored:
    """xgboost_v1 on the rows with a line after two thirds of the days."""
    start = rows.first_day(2 / 3)
    models = fit(rows.where(rows.day < start)).models
    tested = rows.where((rows.day >= start) & ~np.isnan(rows.line))
    output = next(o for o in outputs_of(tested, tested.line, models) if o.system_id == XGBOOST)
    nothing = np.full(len(tested), np.nan)
    return Scored(
        stat="points", system=XGBOOST, market=False, day=tested.day, actual=tested.actual, predicted=output.mean,
        cdf=None, line=tested.line, season_average=nothing, last10=nothing, p_over=nothing, p_push=nothing,
        tested_line=tested.line, book_p_over=nothing, edge=output.mean - tested.line,
        recommendation=np.full(len(tested), "PASS"), profit=nothing,
    )  # fmt: skip


def test_a_shuffled_target_gives_chance() -> None:
    """Which points belong to which row is lost: nothing is better than the constant, nothing
    correlates.
    """
    rows = training_rows(n=3600)
    shuffled = replace(rows, actual=np.random.default_rng(8).permutation(rows.actual))
    start = rows.first_day(2 / 3)
    models = fit(shuffled.where(rows.day < start)).models
    tested = shuffled.where(rows.day >= start)
    outputs = outputs_of(tested, np.full(len(tested), np.nan), models)
    constant = np.full(len(tested), np.median(shuffled.actual[rows.day < start]))
    least = mean_absolute_error(constant, tested.actual)
    assert least is not None
    chance = 3 / np.sqrt(len(tested))
    for output in outputs:
        error = mean_absolute_error(output.mean, tested.actual)
        assert error is not None
        assert error > least - 0.05, output.system_id
        assert abs(np.corrcoef(output.mean, tested.actual)[0, 1]) < chance, output.system_id
