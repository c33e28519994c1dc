"""Training of every statistic: one model of minutes, versions that do not depend on each other, and
sums that go on from their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from functions.train_model.champion import Champion, judge
from shared.nba.stats import STATS
from shared.science.model_registry.models import Models
from shared.science.model_registry.promotions import Serving
from shared.science.systems import xgboost_v1
from shared.science.systems.columns import Floats
from shared.science.systems.history import History
from shared.science.systems.output import ENSEMBLE, XGBOOST, ZONE_MATCHUP
from shared.science.systems.sums import WITH_MARKET, SumMarket, SumModel, pairs_of
from shared.science.systems.xgboost_v1 import Matrix, MinutesTrees
from shared.science.training.gate import (
    MAX_REGRESSION,
    SEASON_AVERAGE,
    Verdict,
    forecasts,
    max_regression,
    season_averages,
)
from shared.science.training.rows import TrainingRows, choose_rows
from shared.science.training.sum_fit import SumTraining
from shared.science.training.walk_forward import HOLDOUT_START, fit
from tests.support.models_by_stat import few_trees, rows_by_stat, train_every, train_sum
from tests.support.stats_by_kind import BASES, SUMS
from tests.support.systems_models import training_rows

SMALL = rows_by_stat(80)


# --- base statistics ------------------------------------------------------------------------------


def test_minutes_are_trained_once_for_all_statistics_and_are_the_same_as_if_each_had_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[int] = []
    usual = xgboost_v1._train_minutes

    def count_training(inputs: Matrix, minutes: Floats) -> object:
        trained.append(len(minutes))
        return usual(inputs, minutes)

    monkeypatch.setattr(xgboost_v1, "_train_minutes", count_training)
    rows = rows_by_stat(800)
    known: MinutesTrees = {}
    with few_trees():
        together = {name: fit(rows[name], minutes=known) for name in BASES}
        assert len(trained) == 3, "all rows, and those before each of the two folds"
        trained.clear()
        alone = fit(rows["rebounds"])
    assert len(trained) == 3
    one, other = alone.models.xgboost, together["rebounds"].models.xgboost
    assert one is not None
    assert other is not None
    assert one.version == other.version
    assert one.trees.files() == other.trees.files()
    trees = [each.models.xgboost.trees for each in together.values() if each.models.xgboost]
    assert len({id(each.minutes) for each in trees}) == 1
    assert len({each.files()["rate"] for each in trees}) == len(BASES)


def test_rows_that_differ_have_minutes_of_their_own() -> None:
    """Whose rebounds nobody counted is no row of theirs."""
    rows = rows_by_stat(800)
    unknown = np.arange(800) % 2 == 0
    some = replace(rows["rebounds"], actual=np.where(unknown, np.nan, rows["rebounds"].actual))
    known: MinutesTrees = {}
    with few_trees():
        fit(rows["points"], minutes=known)
        models = fit(some, minutes=known).models
    assert len(known) == 6
    assert models.xgboost is not None


def test_the_version_of_points_does_not_depend_on_other_statistics() -> None:
    """Neither on their features, lines and histories, nor on their being trained."""
    found = train_every().bases["points"]
    with few_trees():
        alone = fit(training_rows(1600), train_every().rows["points"].first_day(0.9))
    assert found.models.ensemble == alone.models.ensemble
    assert found.metrics == alone.metrics
    assert found.models.version == alone.models.version


def test_every_statistic_has_a_version_of_its_own() -> None:
    versions = [models.version for models in train_every().models.values()]
    assert len(set(versions)) == len(STATS)
    assert all(str(version).startswith("2025-04-30-") for version in versions)


def test_systems_that_have_nothing_to_say_are_no_part_of_a_model() -> None:
    for name, training in train_every().bases.items():
        model = training.models.ensemble
        assert model is not None
        silent = name not in ("points", "threes")
        assert (ZONE_MATCHUP not in model.variance) is (ZONE_MATCHUP not in model.no_market.weights) is silent
        assert (ZONE_MATCHUP not in training.metrics["all"]) is silent
        assert all(weight >= 0 for weight in model.no_market.weights.values())
        assert model.with_market is not None
    for name, fitted in train_every().sums.items():
        assert fitted.models.sums is not None
        assert ZONE_MATCHUP not in fitted.models.sums.correlations, name


# --- the hash of the data -------------------------------------------------------------------------


def with_feature(name: str) -> Callable[[TrainingRows], TrainingRows]:
    return lambda rows: replace(rows, features={**rows.features, name: rows.features[name] + 1.0})


def with_history(name: str) -> Callable[[TrainingRows], TrainingRows]:
    return lambda rows: replace(
        rows, history=History({**rows.history.values, name: rows.history.values[name] + 1}, rows.history.count)
    )


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (with_feature("rebounds_ewma_20"), {"rebounds", "pra", "pr", "ra"}),
        (with_feature("opponent_assists_allowed_rel"), {"assists", "pra", "pa", "ra"}),
        (with_feature("threes_share"), {"threes"}),
        (with_feature("pra_line"), {"pra"}),
        (with_feature("rebounds_line_p_over"), {"rebounds", "pra", "pr", "ra"}),
        (with_history("assists"), {"assists", "pra", "pa", "ra"}),
        (with_history("threes"), {"threes"}),
        (with_feature("pace_factor"), set(STATS)),
        (with_history("points"), set(STATS)),
    ],
    ids=range(9),
)
def test_data_of_one_statistic_change_its_hash_and_those_of_its_sums(
    change: Callable[[TrainingRows], TrainingRows], changed: set[str]
) -> None:
    assert {name for name, rows in SMALL.items() if change(rows).data_hash != rows.data_hash} == changed


def test_the_hash_of_points_is_that_of_rows_that_know_points_alone() -> None:
    assert SMALL["points"].data_hash == training_rows(80).data_hash
    assert len({rows.data_hash for rows in SMALL.values()}) == len(STATS)


def test_rows_of_all_statistics_are_cut_together() -> None:
    use = np.arange(80) % 3 == 1
    part = choose_rows(SMALL, use)
    assert list(part) == list(STATS)
    for name, rows in part.items():
        assert rows.features is part["points"].features
        assert rows.history is part["points"].history
        np.testing.assert_array_equal(rows.line, SMALL[name].line[use])
        np.testing.assert_array_equal(rows.actual, SMALL[name].actual[use])
        assert rows.stat == name


def test_the_season_average_of_a_sum_is_that_of_its_parts() -> None:
    rows = SMALL["pa"]
    np.testing.assert_array_equal(rows.season_average, rows.features["points_season"] + rows.features["assists_season"])


# --- sums -----------------------------------------------------------------------------------------


def model_of(training: SumTraining) -> SumModel:
    assert training.models.sums is not None
    return training.models.sums


def with_actual(stat: str, actual: Floats) -> dict[str, TrainingRows]:
    rows = train_every().rows
    return {**rows, stat: replace(rows[stat], actual=actual)}


def test_the_same_trainings_give_the_same_sum() -> None:
    found = train_every()
    again = train_sum(found.rows, found.bases, STATS["pra"])
    assert again.models == found.sums["pra"].models
    assert again.metrics == found.sums["pra"].metrics
    assert again.holdout_model == found.sums["pra"].holdout_model


def test_a_good_night_is_one_in_all_statistics() -> None:
    """The rows are drawn so, and every system is told so; a sum varies as much as is said."""
    for name, stat in SUMS.items():
        model = model_of(train_every().sums[name])
        for system, pairs in model.correlations.items():
            assert list(pairs) == pairs_of(stat)
            assert all(0.1 < value < 0.7 for value in pairs.values()), f"{name} {system}"
            assert model.width[system] == pytest.approx(1.0, abs=0.15), f"{name} {system}"
        assert set(model.correlations) == {"moving_average", "similarity_balanced_v1", XGBOOST, ENSEMBLE, WITH_MARKET}
        assert model.with_market is not None
        assert 0.05 <= model.with_market.gain <= 0.95


def test_figures_of_a_sums_hold_out_do_not_depend_on_being_fitted_on_it() -> None:
    rows = train_every().rows["pra"]
    holdout = rows.day >= rows.first_day(HOLDOUT_START)
    shifted = with_actual("pra", np.where(holdout, rows.actual + 10.0, rows.actual))
    moved = train_sum(shifted, train_every().bases, STATS["pra"]).metrics
    usual = train_every().sums["pra"].metrics
    assert usual["all"]["n"] == usual["lined"]["n"] + int(np.isnan(rows.line[holdout & rows.predicted]).sum())
    for name in (f"{ENSEMBLE}_no_market", "moving_average", XGBOOST):
        assert moved["all"][name]["bias"] - usual["all"][name]["bias"] == pytest.approx(-10.0, abs=1e-3)
    assert moved["lined"][ENSEMBLE]["bias"] - usual["lined"][ENSEMBLE]["bias"] == pytest.approx(-10.0, abs=1e-3)
    assert usual["all"][f"{ENSEMBLE}_no_market"]["mae"] < usual["all"]["season_avg_mae"]


def test_the_holdout_model_of_a_sum_has_not_seen_the_window() -> None:
    found = train_every()
    rows = found.rows["ra"]
    window = rows.day >= rows.first_day(0.9)
    changed = with_actual("ra", np.where(window, 60.0, rows.actual))
    again = train_sum(changed, found.bases, STATS["ra"])
    assert again.holdout_model.sums is not None
    assert found.sums["ra"].holdout_model.sums is not None
    assert again.holdout_model.sums.with_market == found.sums["ra"].holdout_model.sums.with_market
    assert again.holdout_model.sums.correlations == found.sums["ra"].holdout_model.sums.correlations
    assert model_of(again).with_market != model_of(found.sums["ra"]).with_market
    assert again.models.version != found.sums["ra"].models.version


def test_too_few_lines_of_a_sum_give_it_none() -> None:
    found = train_every()
    rows = found.rows["pra"]
    few = {**found.rows, "pra": replace(rows, line=np.where(np.arange(len(rows)) % 7 == 0, rows.line, np.nan))}
    model = model_of(train_sum(few, found.bases, STATS["pra"]))
    assert model.with_market is None
    assert WITH_MARKET in model.correlations, "its parts have lines"


def test_a_part_without_a_holdout_model_is_a_defect() -> None:
    found = train_every()
    cut = {**found.bases, "assists": replace(found.bases["assists"], holdout_model=None)}
    with pytest.raises(ValueError, match="the training of assists has no combination, or no holdout model"):
        train_sum(found.rows, cut, STATS["pra"])


# --- a sum's gate ---------------------------------------------------------------------------------


def test_what_is_too_much_goes_by_how_a_statistic_differs() -> None:
    assert max_regression(STATS["points"]) == MAX_REGRESSION == 0.02
    assert max_regression(STATS["rebounds"]) == pytest.approx(0.02 * np.sqrt((0.9 + 1.35 * 4) / 33), abs=1e-6)
    limits = {name: max_regression(stat) for name, stat in STATS.items()}
    assert limits["threes"] < limits["assists"] < limits["rebounds"] < limits["points"] < limits["pr"] < limits["pra"]


def window(stat: str = "pra") -> TrainingRows:
    rows = train_every().rows[stat]
    return rows.where(rows.day >= rows.first_day(0.9))


def serving(stat: str = "pra") -> Serving:
    return Serving({ENSEMBLE: "serving"}, (), 1)


def of_parts(models: Mapping[str, Models], stat: str = "pra") -> dict[str, Models]:
    return {name: models[name] for name in (stat, *STATS[stat].parts)}


def decide(challenger: Mapping[str, Models], champion: Mapping[str, Models | None], seen: Serving) -> Verdict:
    champions = {
        name: Champion(models, "twin" if models else f"no model of {name}", serves=models is not None)
        for name, models in champion.items()
    }
    return judge(window(), challenger, seen, champions)


def honest() -> dict[str, Models]:
    return of_parts(train_every().holdout_models)


def spoilt() -> dict[str, Models]:
    """A sum whose lines are taken for ten more than they say."""
    whole = honest()
    assert whole["pra"].sums is not None
    market = SumMarket(intercept=10.0, gain=0.9, price=0.5)
    return {**whole, "pra": Models(sums=replace(whole["pra"].sums, with_market=market))}


def test_forecasts_of_a_sum_know_its_own_and_its_parts_lines() -> None:
    rows = window()
    found = forecasts(honest(), rows)
    assert list(found) == [(XGBOOST, False), (ENSEMBLE, False), (ENSEMBLE, True)]
    np.testing.assert_array_equal(np.isnan(found[ENSEMBLE, True]), np.isnan(rows.line))
    assert not np.isnan(found[ENSEMBLE, False]).any()
    assert not np.isnan(found[XGBOOST, False]).any()
    blind = replace(rows, features={**rows.features, "rebounds_line": np.full(len(rows), np.nan)})
    lined = ~np.isnan(rows.line)
    assert (forecasts(honest(), blind)[ENSEMBLE, True][lined] != found[ENSEMBLE, True][lined]).any()
    np.testing.assert_array_equal(forecasts(honest(), blind)[ENSEMBLE, False], found[ENSEMBLE, False])
    np.testing.assert_array_equal(season_averages(rows)[XGBOOST, False], rows.season_average)


def test_a_sum_is_compared_with_the_sum_that_serves_and_its_parts() -> None:
    same = decide(honest(), honest(), serving())
    assert same.promoted
    assert (same.against, same.judged_as) == ("serving", "twin")
    assert {each.difference for each in same.comparisons} == {0.0}
    assert {each.limit for each in same.comparisons} == {max_regression(STATS["pra"])}
    worse = decide(spoilt(), honest(), serving())
    assert not worse.promoted
    assert "ensemble_v1 with market +" in worse.reason
    assert "pra on" in worse.reason
    assert decide(honest(), spoilt(), serving()).promoted


def test_a_sum_whose_part_cannot_be_judged_is_compared_with_the_season_average() -> None:
    found = decide(honest(), {**honest(), "rebounds": None}, serving())
    assert (found.against, found.reason.partition(";")[0]) == (SEASON_AVERAGE, "no model of rebounds")
    season = window().season_average
    assert found.comparisons[0].serving_mae == pytest.approx(np.abs(season - window().actual).mean(), abs=1e-6)
    assert not decide(spoilt(), {**honest(), "rebounds": None}, serving()).promoted


def test_where_no_version_of_a_sum_serves_anything_is_better() -> None:
    nothing = Serving({}, (), 0)
    found = decide(spoilt(), {**honest(), "pra": None}, nothing)
    assert (found.promoted, found.against) == (True, SEASON_AVERAGE)
    assert found.reason.startswith("no model of pra; worse than season_average: ")
