"""The promotion gate: its window, its interval, its rule, and who stands for the serving
version.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from functions.train_model.champion import Champion, find_champion, judge
from local.embedded.file_blobs import FileBlobs
from shared.nba.stats import POINTS
from shared.science.features.names import model_features
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import Serving, move_pointer, read_serving
from shared.science.model_registry.registry import save_models
from shared.science.systems import output, xgboost_v1
from shared.science.systems.output import ENSEMBLE, XGBOOST
from shared.science.training.gate import (
    MAX_REGRESSION,
    SEASON_AVERAGE,
    Comparison,
    Verdict,
    compare,
    forecasts,
    season_averages,
    verdict,
    window_start,
)
from shared.science.training.rows import TrainingRows
from shared.science.training.walk_forward import fit
from tests.support.systems_models import train_named, train_once, training_rows

pytestmark = pytest.mark.heavy  # versions are trained for most tests

AT = datetime(2025, 11, 17, 9, 0, tzinfo=UTC)
DAY = np.timedelta64(1, "D")


# --- the window -----------------------------------------------------------------------------------


def spread(rows_a_day: list[int], first: str = "2025-01-01") -> TrainingRows:
    """Rows on so many days, one after the other."""
    day = np.datetime64(first) + np.repeat(np.arange(len(rows_a_day)), rows_a_day).astype("timedelta64[D]")
    return replace(training_rows(sum(rows_a_day)), day=day)


def test_the_window_is_the_last_28_game_days() -> None:
    rows = spread([40] * 200)
    assert rows.day.max() - window_start(rows) == 27 * DAY
    pause = replace(rows, day=np.where(rows.day > rows.day.max() - 10 * DAY, rows.day + 30 * DAY, rows.day))
    assert pause.day.max() - window_start(pause) == 57 * DAY, "days without games do not count"


def test_few_rows_a_day_make_the_window_longer_and_a_short_history_cuts_it() -> None:
    playoffs = spread([100] * 100 + [10] * 30)
    start = window_start(playoffs)
    assert int((playoffs.day >= start).sum()) == 30 * 10 + 7 * 100
    short = spread([10] * 100)
    assert int((short.day < window_start(short)).sum()) >= 0.7 * len(short)


def test_the_window_never_moves_back_as_days_are_added() -> None:
    rows = spread([40] * 60 + [5] * 60 + [60] * 30)
    starts = [window_start(rows.where(rows.day <= day)) for day in np.unique(rows.day)[20:]]
    assert starts == sorted(starts)


def test_the_window_of_a_sum_does_not_begin_before_those_of_its_parts() -> None:
    """Half of the box scores lack rebounds: a thousand rows of both reach back fifty days, and the
    models of points that are judged with it have seen all but 28.
    """
    points = spread([40] * 200)
    half = np.where(np.arange(len(points)) % 2 == 0, np.nan, points.actual)
    both = replace(points, actual=half, stat="pr")
    rebounds = replace(both, stat="rebounds")
    assert points.day.max() - window_start(both) == 49 * DAY
    assert window_start(both, rebounds, points) == window_start(points)
    assert points.day.max() - window_start(both, rebounds) == 49 * DAY


# --- the comparison and its rule ------------------------------------------------------------------


def test_both_sides_are_compared_on_the_rows_where_both_say_something() -> None:
    rows = replace(training_rows(60), actual=np.full(60, 10.0))
    nothing, mine, theirs = np.full(60, np.nan), np.full(60, 12.0), np.full(60, 11.0)
    mine[0], theirs[1] = np.nan, np.nan
    sides = [{(XGBOOST, False): v, (ENSEMBLE, False): v, (ENSEMBLE, True): nothing} for v in (mine, theirs)]
    found = compare(rows, *sides)
    assert [(each.system, each.market) for each in found] == [(XGBOOST, False), (ENSEMBLE, False)]
    assert (found[0].n, found[0].candidate_mae, found[0].serving_mae, found[0].difference) == (58, 2.0, 1.0, 1.0)
    assert found[0].days == len(np.unique(rows.day[2:]))
    assert found[0].worse
    assert found[0].describe("points") == "xgboost_v1 +1.000 (+1.000 to +1.000) points on 58 rows"


def test_of_fewer_than_five_days_nothing_is_said() -> None:
    rows = training_rows(60)
    sides = [{(XGBOOST, False): rows.actual + worse, (ENSEMBLE, False): rows.actual + worse} for worse in (3.0, 1.0)]
    few = rows.where(np.isin(rows.day, np.unique(rows.day)[:4]))
    predicted = [
        {**{name: v[: len(few)] for name, v in side.items()}, (ENSEMBLE, True): np.full(len(few), np.nan)}
        for side in sides
    ]
    assert compare(few, *predicted) == ()
    assert len(compare(rows, *({**side, (ENSEMBLE, True): np.full(60, np.nan)} for side in sides))) == 2


@pytest.mark.parametrize(
    ("difference", "low", "worse"),
    [
        (0.0, 0.0, False),
        (-0.05, -0.10, False),
        (0.005, 0.001, True),  # small and beyond chance
        (0.019, -0.030, False),  # chance may explain it
        (0.021, -0.050, True),  # chance may explain it too, but it is too much to accept
    ],
)
def test_clearly_worse_is_beyond_chance_or_too_much(difference: float, low: float, worse: bool) -> None:
    found = Comparison(
        ENSEMBLE, True, MAX_REGRESSION, 800, 28, 5.0 + difference, 5.0, difference, low, 2 * difference - low
    )
    assert found.worse is worse
    decision = verdict("v1", "twin", training_rows(60), [found])
    assert decision.promoted is not worse
    assert decision.document()["comparisons"][0]["worse"] is worse
    assert ("ensemble_v1 with market +0.021" in decision.reason) is (difference > MAX_REGRESSION)


def test_one_variant_that_is_worse_keeps_both_systems_back() -> None:
    good = Comparison(XGBOOST, False, MAX_REGRESSION, 900, 28, 4.9, 5.0, -0.1, -0.2, -0.05)
    bad = Comparison(ENSEMBLE, True, MAX_REGRESSION, 900, 28, 5.1, 5.0, 0.1, 0.05, 0.2)
    assert verdict("v1", "twin", training_rows(60), [good]).promoted
    assert not verdict("v1", "twin", training_rows(60), [good, bad]).promoted


def test_forecasts_are_what_serving_says() -> None:
    rows, models = training_rows(200), train_once().models
    assert models.xgboost is not None
    predicted = forecasts(of_points(models), rows)
    inputs = xgboost_v1.matrix(rows.features, model_features())
    mean = xgboost_v1.expect(POINTS, models.xgboost.trees, inputs, inputs)
    spread = np.sqrt(models.variance(XGBOOST, POINTS).of(mean, POINTS))
    np.testing.assert_array_equal(predicted[XGBOOST, False], output.point_forecast(mean, spread, POINTS))
    assert (predicted[XGBOOST, False] < mean).all(), "the median, not the mean"
    np.testing.assert_array_equal(np.isnan(predicted[ENSEMBLE, True]), np.isnan(rows.line))
    lined = ~np.isnan(rows.line)
    assert (predicted[ENSEMBLE, True][lined] != predicted[ENSEMBLE, False][lined]).any()
    assert not np.isnan(predicted[ENSEMBLE, False]).any()
    averages = season_averages(rows)
    np.testing.assert_array_equal(averages[XGBOOST, False], rows.features["points_season"])
    np.testing.assert_array_equal(np.isnan(averages[ENSEMBLE, True]), np.isnan(rows.line))


# --- who is compared ------------------------------------------------------------------------------

ROWS = training_rows()
START = window_start(ROWS)
BEFORE, WINDOW = ROWS.where(ROWS.day < START), ROWS.where(ROWS.predicted & (ROWS.day >= START))


def serving(blobs: FileBlobs, models: Models, holdout_model: Models | None = None, **metadata: Any) -> Serving:
    """The pointer, after these models were made to serve."""
    assert models.xgboost is not None
    save_models(blobs, "points", models, {"features": list(model_features()), **metadata}, holdout_model)
    move_pointer(blobs, "points", read_serving(blobs, "points"), models.xgboost.version, by="test", at=AT, why="test")
    return read_serving(blobs, "points")


def of_points(models: Models) -> dict[str, Models]:
    return {"points": models}


def judge_points(challenger: Models, seen: Serving, champion: Champion) -> Verdict:
    return judge(WINDOW, of_points(challenger), seen, {"points": champion})


@cache
def honest() -> Models:
    """The holdout model of trained(): fitted like it, on the days before the window."""
    holdout_model = fit(ROWS, holdout_before=START).holdout_model
    assert holdout_model is not None
    return holdout_model


@cache
def spoilt() -> Models:
    """What the recipe learns where the points of the players are mixed up."""
    mixed = np.random.default_rng(1).permutation(BEFORE.actual)
    return fit(replace(BEFORE, actual=mixed)).models


def test_a_holdout_model_has_not_seen_the_window() -> None:
    changed = replace(ROWS, actual=np.where(ROWS.day >= START, 60.0, ROWS.actual))
    holdout_model = fit(changed, holdout_before=START).holdout_model
    assert holdout_model is not None
    for variant, predicted in forecasts(of_points(honest()), WINDOW).items():
        np.testing.assert_array_equal(forecasts(of_points(holdout_model), WINDOW)[variant], predicted)
    whole = train_once().models
    assert (
        forecasts(of_points(whole), WINDOW)[XGBOOST, False]
        != forecasts(of_points(holdout_model), WINDOW)[XGBOOST, False]
    ).any()


def test_a_version_trained_before_the_window_is_judged_as_it_stands(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    seen = serving(blobs, honest(), train_named("x"), last_day=str(START - DAY), twin_last_day="2025-01-31")
    champion = find_champion(blobs, "points", seen, START)
    assert (champion.judged_as, champion.serves) == ("itself", True)
    same = judge_points(honest(), seen, champion)
    assert same.promoted, "equal is not worse"
    assert {each.difference for each in same.comparisons} == {0.0}
    assert [each.n for each in same.comparisons] == [len(WINDOW)] * 2 + [int((~np.isnan(WINDOW.line)).sum())]
    worse = judge_points(spoilt(), seen, champion)
    assert not worse.promoted
    assert worse.against == seen.version
    assert "xgboost_v1 +" in worse.reason


def test_a_version_that_has_seen_the_window_is_judged_by_its_holdout_model(tmp_path: Path) -> None:
    blobs, holdout_model = FileBlobs(tmp_path), honest()
    seen = serving(
        blobs, train_once().models, holdout_model, last_day=str(ROWS.day.max()), twin_last_day=str(START - DAY)
    )
    champion = find_champion(blobs, "points", seen, START)
    assert champion.judged_as == "twin"
    assert champion.models is not None
    np.testing.assert_array_equal(
        forecasts(of_points(champion.models), WINDOW)[ENSEMBLE, False],
        forecasts(of_points(holdout_model), WINDOW)[ENSEMBLE, False],
    )
    # on the rows that it has seen the version itself looks better than anything that has not
    unfair = judge_points(holdout_model, seen, Champion(train_once().models, "itself", serves=True))
    assert unfair.comparisons[0].difference > 0
    assert judge_points(holdout_model, seen, champion).comparisons[0].difference == 0.0


@pytest.mark.parametrize("known", [{}, {"last_day": "2025-12-31"}, {"twin_last_day": "2025-12-31"}])
def test_where_every_model_has_seen_the_window_the_season_average_decides(
    tmp_path: Path, known: dict[str, str]
) -> None:
    blobs = FileBlobs(tmp_path)
    seen = serving(blobs, train_once().models, honest(), **known)
    champion = find_champion(blobs, "points", seen, START)
    assert (champion.models, champion.serves) == (None, True)
    good = judge_points(honest(), seen, champion)
    assert (good.promoted, good.against) == (True, SEASON_AVERAGE)
    assert f"every model of {seen.version} has seen days from {START} on; not worse" in good.reason
    assert not judge_points(spoilt(), seen, champion).promoted


def test_where_nothing_serves_anything_is_better(tmp_path: Path) -> None:
    blobs = FileBlobs(tmp_path)
    champion = find_champion(blobs, "points", read_serving(blobs, "points"), START)
    found = judge_points(spoilt(), read_serving(blobs, "points"), champion)
    assert found.promoted
    assert found.reason.startswith("nothing serves yet; worse than season_average: xgboost_v1 +")


def test_a_serving_version_that_is_gone_or_does_not_fit_does_not_stand_in_the_way(tmp_path: Path) -> None:
    gone = Serving({XGBOOST: "gone", ENSEMBLE: "gone"}, (), 1)
    champion = find_champion(FileBlobs(tmp_path), "points", gone, START)
    assert not champion.serves
    assert (
        "gone cannot serve: models/points/gone/xgboost_v1/metadata.json is not in the models bucket"
        in champion.judged_as
    )
    assert judge_points(spoilt(), gone, champion).promoted
    blobs = FileBlobs(tmp_path / "other")
    seen = serving(blobs, train_once().models, last_day="2020-01-01")
    save_models(blobs, "points", train_named("misfit"), {"features": ["points_l3"], "last_day": "2020-01-01"})
    move_pointer(blobs, "points", seen, "misfit", by="test", at=AT, why="test")
    misfit = find_champion(blobs, "points", read_serving(blobs, "points"), START)
    assert not misfit.serves
    assert "was trained on 1 features" in misfit.judged_as
