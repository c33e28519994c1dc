"""Explanations: exact contributions of every system, and the few largest as the rows hold them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from shared.core.settings import Settings
from shared.nba.stats import POINTS
from shared.science.model_registry.models import Models
from shared.science.predictions import explain
from shared.science.predictions.explain import contributions_of, largest
from shared.science.predictions.outputs import NONE_LEFT_OUT, LeftOut, base_outputs, combine_all
from shared.science.systems import ensemble, moving_average, similarity, xgboost_v1, zone_matchup
from shared.science.systems.columns import Features, Floats
from shared.science.systems.distribution import start_variance
from shared.science.systems.ensemble import Combination, EnsembleModel
from shared.science.systems.history import History
from shared.science.systems.market import LATE, MarketCombination
from shared.science.systems.output import (
    BASE,
    BASE_SYSTEMS,
    ENSEMBLE,
    SIMILARITY,
    SYSTEMS,
    XGBOOST,
    SystemFailed,
    SystemOutput,
)
from shared.science.systems.xgboost_v1 import Trees, XgboostModel
from tests.support.systems_models import train_once, training_rows
from tests.support.systems_rows import (
    feature_columns,
    feature_row,
    history_of,
    of_points,
    offer,
    packed_history,
    predicted_rows,
)

LINE, PRICE = POINTS.line_feature, POINTS.price_feature
N = 60
SHOTS = {
    **{"paint_share_l20": 0.5, "mid_share_l20": 0.1, "three_share_l20": 0.4},
    **{"opponent_paint_allowed_rel": 0.1, "opponent_mid_allowed_rel": -0.1, "opponent_three_allowed_rel": 0.05},
}


@pytest.fixture(scope="module")
def rows() -> tuple[Features, History, Floats]:
    """Rows of training's kind; half have a line, some a history too short for one of the
    systems.
    """
    made = training_rows(N, seed=9)
    extra = feature_columns(*[SHOTS if row % 3 else {} for row in range(N)])
    features = {**extra, **made.features, **{name: extra[name] for name in SHOTS}}
    count = np.where(np.arange(N) % 7, made.history.count, 2)
    return features, History(made.history.values, count), made.line


def total(parts: explain.Contributions) -> Floats:
    return np.asarray(np.sum(list(parts.values()), axis=0))


def explain_points(
    features: Features, history: History, line: Floats, models: Models, left_out: LeftOut = NONE_LEFT_OUT
) -> tuple[list[SystemOutput], Mapping[str, explain.Contributions]]:
    """What the systems say of points, and what each is made of."""
    lines, of_points = {"points": line}, {"points": models}
    base = base_outputs(features, history, of_points, left_out, [POINTS])
    nights = combine_all(base, features, lines, of_points, left_out)
    found = contributions_of(features, history, lines, of_points, base, nights)
    return [*base["points"], nights.outputs["points"]], found["points"]


def test_every_systems_contributions_add_up_to_its_mean(rows: tuple[Features, History, Floats]) -> None:
    features, history, line = rows
    outputs, found = explain_points(features, history, line, train_once().models)
    assert set(found) == set(SYSTEMS)
    for one in outputs:
        known = ~np.isnan(one.mean)
        assert known.sum() > N / 2
        np.testing.assert_allclose(
            total(found[one.system_id])[known], one.mean[known], atol=1e-4, err_msg=one.system_id
        )
    assert np.isnan(outputs[2].mean).any(), "the ensemble is to be seen without one of its systems"
    assert outputs[-1].uses_market.any()
    assert not outputs[-1].uses_market.all()


@pytest.mark.parametrize("left_out", [[XGBOOST], [XGBOOST, SIMILARITY], [ENSEMBLE]])
def test_they_add_up_without_a_system_that_is_left_out(
    rows: tuple[Features, History, Floats], left_out: list[str]
) -> None:
    features, history, line = rows
    outputs, found = explain_points(features, history, line, train_once().models, dict.fromkeys(left_out, "why"))
    assert set(found) == set(SYSTEMS) - set(left_out)
    if ENSEMBLE in found:
        np.testing.assert_allclose(total(found[ENSEMBLE]), outputs[-1].mean, atol=1e-4)


# --- the trees ------------------------------------------------------------------------------------


def tiny_model() -> XgboostModel:
    """Trees on two features, 0 or 1 each.

    Points and minutes: 0 where a = 0; else 10 where b = 0, 30 where b = 1.

    Points per minute: 0.4 where b = 0, 0.8 where b = 1.
    """
    import xgboost as xgb

    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32).repeat([30, 10, 20, 20], axis=0)
    points = inputs[:, 0] * (10.0 + 20.0 * inputs[:, 1])
    settings = {"max_depth": 2, "eta": 1.0, "lambda": 0.0, "min_child_weight": 0.0, "base_score": 0.0, "nthread": 1}
    rate = 0.4 + 0.4 * inputs[:, 1]
    of_points, of_rate = (xgb.train(settings, xgb.DMatrix(inputs, each), 1) for each in (points, rate))
    names = ("a", "b")
    return XgboostModel("tiny", names, names, Trees(points=of_points, minutes=of_points, rate=of_rate))


def test_the_shapley_values_of_tiny_trees_are_those_of_paper() -> None:
    """Worked out by hand, conditional expectations along the tree by its training rows (Lundberg et
    al. 2018).

    Rows (a, b): 30 of (0, 0), 10 of (0, 1), 20 each of (1, 0) and (1, 1). The tree splits a first
    (40 and 40 rows), below a = 1 b (20 and 20 rows); a = 0 is a leaf. Expectations, by what is
    known:
      nothing: 40/80 * 0 + 40/80 * (10 + 30) / 2 = 10;     a = 1: 20; a = 0: 0;
      b = 1: 1/2 * 0 + 1/2 * 30 = 15;     b = 0: 1/2 * 0 + 1/2 * 10 = 5;     both: the leaf.
    Shapley values are means over the two orders of coming to know a and b:
      (1, 1): a = ((20 - 10) + (30 - 15)) / 2 = 12.5, b = ((30 - 20) + (15 - 10)) / 2 = 7.5
      (1, 0): a = ((20 - 10) + (10 - 5)) / 2 = 7.5,   b = ((10 - 20) + (5 - 10)) / 2 = -7.5
      (0, 1): a = ((0 - 10) + (0 - 15)) / 2 = -12.5,  b = ((0 - 0) + (15 - 10)) / 2 = 2.5
    The rate knows b alone: 50/80 * 0.4 + 30/80 * 0.8 = 0.55 on average, +0.25 where b = 1, -0.15
    where b = 0. Minutes times rate, where a set of features is known: the product of what both then
    are. On average 10 * 0.55 = 5.5;
      (1, 1): a known 22.5 * 0.55 = 12.375, b known 17.5 * 0.8 = 14, both 30 * 0.8 = 24:
        a = ((12.375 - 5.5) + (24 - 14)) / 2 = 8.4375,
        b = ((14 - 5.5) + (24 - 12.375)) / 2 = 10.0625
      (1, 0): 17.5 * 0.55 = 9.625, 2.5 * 0.4 = 1, 10 * 0.4 = 4:
        a = ((9.625 - 5.5) + (4 - 1)) / 2 = 3.5625, b = ((1 - 5.5) + (4 - 9.625)) / 2 = -5.0625
      (0, 1): -2.5 * 0.55 = -1.375, 12.5 * 0.8 = 10, 0:
        a = ((-1.375 - 5.5) + (0 - 10)) / 2 = -8.4375, b = ((10 - 5.5) + (0 + 1.375)) / 2 = 2.9375
    The figure is the mean of the two ways, and so is each share.
    """
    features = {"a": np.array([1.0, 1.0, 0.0]), "b": np.array([1.0, 0.0, 1.0])}
    model = tiny_model()
    found = xgboost_v1.contributions(features, model, xgboost_v1.OfMinutes(features))
    assert list(found) == ["a", "b", BASE]
    by_points, by_product = np.array([12.5, 7.5, -12.5]), np.array([8.4375, 3.5625, -8.4375])
    np.testing.assert_allclose(found["a"], (by_points + by_product) / 2, atol=1e-5)
    by_points, by_product = np.array([7.5, -7.5, 2.5]), np.array([10.0625, -5.0625, 2.9375])
    np.testing.assert_allclose(found["b"], (by_points + by_product) / 2, atol=1e-5)
    np.testing.assert_allclose(found[BASE], (10.0 + 5.5) / 2, atol=1e-5)
    inputs = xgboost_v1.matrix(features, model.features)
    expected = xgboost_v1.expect(POINTS, model.trees, inputs, inputs)
    np.testing.assert_allclose(expected, [(30 + 24) / 2, (10 + 4) / 2, 0.1], atol=1e-5)
    np.testing.assert_allclose(total(found), [27.0, 7.0, 0.0], atol=1e-5, err_msg="nothing is added for the floor")


def test_each_booster_is_asked_once_for_all_rows_and_for_the_exact_values(
    rows: tuple[Features, History, Floats], monkeypatch: pytest.MonkeyPatch
) -> None:
    import xgboost as xgb

    asked: list[dict[str, Any]] = []
    usual = xgb.Booster.predict

    def count_predict(booster: xgb.Booster, data: xgb.DMatrix, **how: Any) -> Any:
        asked.append({"rows": data.num_row(), **how})
        return usual(booster, data, **how)

    monkeypatch.setattr(xgb.Booster, "predict", count_predict)
    features, history, line = rows
    explain_points(features, history, line, train_once().models)
    assert asked == [{"rows": N, "pred_contribs": True, "approx_contribs": False}] * 3


# --- the formulas ---------------------------------------------------------------------------------


def test_the_moving_average_is_moved_by_form_and_circumstances() -> None:
    changes = {
        **{"points_ewma_20": 26.0, "pace_factor": 1.05, "opponent_def_rating_rel": 5.0, "is_home": False},
        **{"rest_days": 0, "teammates_out_points_delta": 10.0},
    }
    columns = feature_columns(changes)
    parts = {name: float(points[0]) for name, points in moving_average.contributions(columns, POINTS).items()}
    form = 0.35 * 26 + 0.65 * 20
    assert parts == pytest.approx(
        {
            **{BASE: 20.0, "form": form - 20.0, "pace_factor": 0.01 * form, "opponent_def_rating_rel": 0.02 * form},
            **{"is_home": -0.007 * form, "rest_days": -0.01 * form, "teammates_out_points_delta": 0.045 * form},
        }
    )


def test_zones_gain_and_lose_points_under_the_feature_that_says_so() -> None:
    box = {"opponent_fg2_allowed_rel": 0.1, "opponent_fg3_allowed_rel": -0.1, "opponent_ft_allowed_rel": 0.1}
    parts = zone_matchup.contributions(feature_columns(box, {**box, **SHOTS, "points2_l20": 0.0}), POINTS)
    by_box = {name: float(points[0]) for name, points in parts.items() if points[0]}
    assert by_box == pytest.approx(
        {
            BASE: 20.0,
            "opponent_fg2_allowed_rel": 10 * 0.065,
            "opponent_fg3_allowed_rel": -6 * 0.04,
            "opponent_ft_allowed_rel": 4 * 0.035,
        }
    )
    by_shots = {name: float(points[1]) for name, points in parts.items() if points[1]}
    assert by_shots == pytest.approx(
        {
            BASE: 20.0,
            "opponent_paint_allowed_rel": 12 * 0.5 * 0.065,
            "opponent_mid_allowed_rel": -12 * 0.1 * 0.035,
            "opponent_three_allowed_rel": 12 * 0.4 * 0.02,
            "opponent_ft_allowed_rel": 8 * 0.035,
        }
    )


def test_similar_games_pull_the_figure_from_slow_form() -> None:
    ten, unknown = {"points_ewma_08": 14.0}, {"points_ewma_08": None}
    pulled = similarity.contributions(feature_columns(ten), history_of([20.0] * 10), POINTS)
    assert (pulled[BASE][0], pulled["similar_games"][0]) == pytest.approx((14.0, 0.65 * 6.0))
    alone = similarity.contributions(feature_columns(unknown), history_of([20.0] * 10), POINTS)
    assert (alone[BASE][0], alone["similar_games"][0]) == pytest.approx((20.0, 0.0))


def test_the_ensemble_adds_what_moved_its_systems_by_their_weights() -> None:
    """0.5 + 0.25 m + 0.75 x = 14.5 without a line; with one the market's terms come on top, and its
    intercept.

    The line lies 10 above; five of ten early games are played. Its price says one standard
    deviation more. Of 10 points of team-mates who are out now 3 are his share.
    """
    model = EnsembleModel(
        version="1",
        no_market=Combination(0.5, {"moving_average": 0.25, XGBOOST: 0.75}),
        with_market=MarketCombination(intercept=-0.3, line=0.5, early=0.25, price=0.5, late=0.2),
        variance={},
        variance_with_market=None,
    )
    two = np.ones(2)
    parts = {
        "moving_average": {BASE: 18 * two, "form": 1 * two, "is_home": 1 * two},
        "zone_matchup_v1": {BASE: 50 * two, "opponent_ft_allowed_rel": 3 * two},
        XGBOOST: {BASE: 10 * two, "is_home": 2 * two},
    }
    unknown = dict.fromkeys(BASE_SYSTEMS, np.nan * two)
    means = unknown | {"moving_average": 20 * two, "zone_matchup_v1": 53 * two, XGBOOST: 12 * two}
    known = {PRICE: 0.8413447, LATE: 10.0, "points_share": 0.3, "games_season": 5.0}
    features = {name: np.full(2, value) for name, value in known.items()}
    line = np.array([np.nan, 24.5])
    found = ensemble.contributions(parts, means, features, line, model, POINTS)
    assert found.pop("opponent_ft_allowed_rel").tolist() == [0.0, 0.0]
    without, used = ({name: float(points[row]) for name, points in found.items()} for row in range(2))
    moved = {BASE: 0.5 + 4.5 + 7.5, "form": 0.25, "is_home": 0.25 + 1.5}
    assert without == pytest.approx({**moved, LINE: 0.0, PRICE: 0.0, LATE: 0.0})
    shift = float(np.sqrt(start_variance(POINTS).of(np.array([24.5]), POINTS))[0])
    market = {LINE: (0.5 + 0.25 * 0.5) * 10.0, PRICE: 0.5 * shift, LATE: 0.2 * 3.0}
    assert used == pytest.approx({**moved, BASE: moved[BASE] - 0.3, **market}, rel=1e-6)
    assert model.with_market is not None
    assert sum(used.values()) == pytest.approx(model.with_market.of(14.5 * two, line, features, POINTS)[1])


def test_with_every_term_of_the_market_the_ensembles_contributions_add_up(
    rows: tuple[Features, History, Floats],
) -> None:
    """The trained weights of two of them may be 0."""
    models = train_once().models
    assert models.ensemble is not None
    market = MarketCombination(intercept=0.2, line=0.4, early=0.3, price=0.6, late=0.5)
    whole = Models(models.xgboost, replace(models.ensemble, with_market=market))
    features, history, line = rows
    late = np.where(np.arange(N) % 3 == 0, np.nan, 20.0)
    features = {**features, "games_season": np.arange(float(N)) % 15, LATE: late}
    outputs, every = explain_points(features, history, line, whole)
    found = every[ENSEMBLE]
    assert outputs[-1].mean.min() > 1.0, "no floor was met"
    np.testing.assert_allclose(total(found), outputs[-1].mean, atol=1e-4)
    assert all((found[name] != 0).any() for name in (LINE, PRICE, LATE))
    assert not any(found[name][np.isnan(line)].any() for name in (LINE, PRICE, LATE))


# --- what a row holds -----------------------------------------------------------------------------


def test_the_largest_come_first_rounded_without_the_base_and_without_zeros() -> None:
    sizes = {"a": 0.1, "b": -3.14159, "c": 2.0, "d": 2.0, "e": 0.3, "f": -0.2}
    parts = {
        BASE: np.array([20.0, 20.0, 20.0]),
        **{name: np.array([size, 0.0, 1.0]) for name, size in sizes.items()},
        "tiny": np.array([0.0049, -0.0049, 0.0]),
    }
    values = {"a": np.zeros(3), "b": np.array([1.23456, np.nan, 0.0]), "c": np.array([np.nan] * 3)}
    first, nothing, unwanted = largest(parts, values, np.array([True, True, False]))
    assert json.loads(first or "") == [
        {"feature": "b", "value": 1.2346, "effect": -3.14},
        {"feature": "c", "value": None, "effect": 2.0},
        {"feature": "d", "value": None, "effect": 2.0},
        {"feature": "e", "value": None, "effect": 0.3},
        {"feature": "f", "value": None, "effect": -0.2},
    ]
    assert (nothing, unwanted) == ("[]", None)


def player(lines: dict[str, Any] | None, history: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    return {"features": feature_row(**changes), "history": packed_history(history), "lines": of_points(lines)}


LINED = {"main": "19.5", "books": [offer("draftkings", "19.5", -112, -108)]}
THIRTY = [{"points": 15 + k % 10} for k in range(30)]


def test_the_main_lines_row_and_that_without_a_line_are_explained_and_no_other() -> None:
    rows = predicted_rows([player(LINED, THIRTY), player(None, THIRTY)], train_once().models, Settings())
    assert len(rows) == 6 * len(SYSTEMS)
    for row in rows:
        assert (row["explanation"] is None) == (row["line_kind"] == "alternate")
        if row["explanation"]:
            entries = json.loads(row["explanation"])
            assert len(entries) <= explain.MOST
            sizes = [abs(entry["effect"]) for entry in entries]
            assert sizes == sorted(sizes, reverse=True)
            assert all(sizes)
    lined = next(row for row in rows if row["system_id"] == ENSEMBLE and row["line_kind"] == "main")
    [line] = [entry for entry in json.loads(lined["explanation"]) if entry["feature"] == "line"]
    assert line["value"] == 19.5
    trees = next(row for row in rows if row["system_id"] == XGBOOST and row["line_kind"] == "none")
    [first, *_] = json.loads(trees["explanation"])
    assert first["value"] == feature_row()[first["feature"]]


def test_a_system_that_cannot_predict_explains_nothing() -> None:
    short = [player(LINED, [{}] * 3), player(LINED, THIRTY)]
    rows = predicted_rows(short, train_once().models, Settings(), {XGBOOST: "why"})
    for row in rows:
        if row["line_kind"] == "main":
            assert (row["explanation"] is None) == (row["error_code"] is not None), row["system_id"]
    untrained = predicted_rows(short, Models(), Settings())
    assert {row["system_id"] for row in untrained if row["explanation"]} == {*SYSTEMS} - {XGBOOST, ENSEMBLE}


def test_without_explanations_the_rows_are_the_same_but_for_them() -> None:
    asked = [player(LINED, THIRTY), player(None, THIRTY)]
    whole = predicted_rows(asked, train_once().models, Settings())
    plain = predicted_rows(asked, train_once().models, Settings(), explained=False)
    assert [{**row, "explanation": None} for row in whole] == plain


def test_a_defect_in_an_explanation_is_its_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*arguments: Any) -> Any:
        raise KeyError("points")

    monkeypatch.setattr(zone_matchup, "contributions", defective)
    with pytest.raises(SystemFailed, match="zone_matchup_v1: KeyError: 'points'"):
        predicted_rows([player(LINED, THIRTY)], train_once().models, Settings())
    assert predicted_rows([player(LINED, THIRTY)], train_once().models, Settings(), {"zone_matchup_v1": "why"})
