"""One night, told in eight statistics: what is said of a sum is what is said of its parts, whatever
lines there are, and what moved it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from shared.nba.stats import STATS
from shared.science.model_registry.models import Models
from shared.science.predictions.explain import Contributions, contributions_of
from shared.science.predictions.outputs import NONE_LEFT_OUT, LeftOut, ModelsOf, all_outputs, base_outputs, combine_all
from shared.science.systems.columns import Floats
from shared.science.systems.error_codes import BREAKER_OPEN, MODEL_DAMAGED, NO_MODEL, NOTHING_TO_SAY
from shared.science.systems.market import MarketCombination
from shared.science.systems.output import (
    BASE_SYSTEMS,
    ENSEMBLE,
    SIMILARITY,
    SYSTEMS,
    XGBOOST,
    ZONE_MATCHUP,
    SystemOutput,
    point_forecast,
)
from shared.science.systems.sums import WITH_MARKET, SumMarket
from shared.science.training.rows import TrainingRows
from tests.support.models_by_stat import rows_by_stat, train_every
from tests.support.stats_by_kind import BASES, SUMS

N = 60
Night = Mapping[str, Mapping[str, SystemOutput]]


@pytest.fixture(scope="module")
def rows() -> dict[str, TrainingRows]:
    """Rows of training's kind, with lines of many combinations of statistics, and no sum's in every
    fifth row; the history of some is too short for one of the systems.
    """
    made = rows_by_stat(N, seed=9)
    bare = np.arange(N) % 5 == 0
    made |= {name: replace(made[name], line=np.where(bare, np.nan, made[name].line)) for name in SUMS}
    count = np.where(np.arange(N) % 7, made["points"].history.count, 2)
    history = replace(made["points"].history, count=count)
    return {name: replace(each, history=history) for name, each in made.items()}


def lines_of(rows: Mapping[str, TrainingRows], *stats: str) -> dict[str, Floats]:
    """The lines of these statistics alone."""
    return {name: each.line if name in stats else np.full(N, np.nan) for name, each in rows.items()}


def make_models() -> dict[str, Models]:
    """Models to which the lines of sums are worth something, and every term of the market too."""
    market = MarketCombination(intercept=0.1, line=0.5, early=0.2, price=0.4, late=0.3)
    found = {}
    for name, models in train_every().models.items():
        if models.sums is not None:
            found[name] = replace(models, sums=replace(models.sums, with_market=SumMarket(0.2, 0.4, 0.5)))
        else:
            assert models.ensemble is not None
            found[name] = replace(models, ensemble=replace(models.ensemble, with_market=market))
    return found


def say(
    rows: Mapping[str, TrainingRows],
    lines: Mapping[str, Floats],
    models: ModelsOf | None = None,
    left_out: LeftOut = NONE_LEFT_OUT,
) -> Night:
    """By statistic and system."""
    points = rows["points"]
    every = all_outputs(points.features, points.history, lines, make_models() if models is None else models, left_out)
    return {name: {one.system_id: one for one in outputs} for name, outputs in every.items()}


LINED = [(), ("points",), tuple(BASES), ("pra",), tuple(SUMS), ("rebounds", "pa"), tuple(STATS)]


@pytest.mark.parametrize("lined", LINED, ids=lambda lined: "+".join(lined) or "no lines")
@pytest.mark.parametrize("of_training", [True, False], ids=["trained", "untrained"])
def test_the_mean_of_a_sum_is_the_sum_of_the_means(
    rows: dict[str, TrainingRows], lined: tuple[str, ...], of_training: bool
) -> None:
    night = say(rows, lines_of(rows, *lined), make_models() if of_training else {})
    compared = 0
    for stat in SUMS.values():
        for system in SYSTEMS:
            together = np.sum([night[part][system].mean for part in stat.parts], axis=0)
            mean = night[stat.name][system].mean
            if system != ZONE_MATCHUP:
                np.testing.assert_allclose(mean, together, atol=1e-5, err_msg=f"{stat.name} {system}")
                compared += int((~np.isnan(mean)).sum())
    assert compared > 4 * 3 * N / 2, "most rows have a figure"


def test_all_is_a_mean_and_a_spread_or_a_reason_why_there_is_none(rows: dict[str, TrainingRows]) -> None:
    night = say(rows, lines_of(rows, *STATS))
    assert list(night) == list(STATS)
    for name, outputs in night.items():
        assert tuple(outputs) == SYSTEMS
        for system, one in outputs.items():
            failed = np.isnan(one.mean)
            assert [code is not None for code in one.error_code] == failed.tolist()
            np.testing.assert_array_equal(np.isnan(one.sd), failed)
            assert (one.sd[~failed] > 0).all()
            assert (one.mean[~failed] >= STATS[name].lowest_mean).all()
            np.testing.assert_array_equal(one.forecast, point_forecast(one.mean, one.sd, STATS[name]), err_msg=system)


def test_the_spread_of_a_sum_is_as_on_paper(rows: dict[str, TrainingRows]) -> None:
    """Of one row: the squares of the parts' spreads, twice their covariances, and the width."""
    night = say(rows, lines_of(rows, "points"))
    pra = make_models()["pra"].sums
    assert pra is not None
    cases = (("moving_average", "moving_average", 3), (ENSEMBLE, ENSEMBLE, 3), (ENSEMBLE, WITH_MARKET, 4))
    for system, key, row in cases:
        assert np.isnan(rows["points"].line[row]) == (row == 3)
        points, rebounds, assists = (night[part][system].sd[row] for part in STATS["pra"].parts)
        known = pra.correlations[key]
        variance = points**2 + rebounds**2 + assists**2
        variance += 2 * known["points rebounds"] * points * rebounds
        variance += 2 * known["points assists"] * points * assists
        variance += 2 * known["rebounds assists"] * rebounds * assists
        found = night["pra"][system].sd[row]
        assert found == pytest.approx(np.sqrt(pra.width[key] * variance), abs=1e-5)
        assert found > np.sqrt(points**2 + rebounds**2 + assists**2), "who is good tonight is so in all of them"


def test_zone_matchup_says_that_it_has_nothing_to_say_and_the_others_speak(rows: dict[str, TrainingRows]) -> None:
    night = say(rows, lines_of(rows, *STATS))
    for name, outputs in night.items():
        silent = name not in ("points", "threes")
        codes = set(outputs[ZONE_MATCHUP].error_code)
        assert codes == ({NOTHING_TO_SAY} if silent else {None})
        if silent:
            sentence = f"{ZONE_MATCHUP} has nothing of its own to say of {name}"
            assert set(outputs[ZONE_MATCHUP].error_message) == {sentence}
        assert set(outputs[ENSEMBLE].error_code) == {None}
        assert "without" not in "".join(outputs[ENSEMBLE].reason), "nobody is missed who never speaks"


def test_a_row_without_any_sums_line_is_the_same_to_the_last_bit_as_where_sums_have_no_lines(
    rows: dict[str, TrainingRows],
) -> None:
    with_sums, without = say(rows, lines_of(rows, *STATS)), say(rows, lines_of(rows, *BASES))
    none = np.all([np.isnan(rows[name].line) for name in SUMS], axis=0)
    some = ~none
    assert none.sum() >= N / 5
    for name in BASES:
        mean, plain = with_sums[name][ENSEMBLE].mean, without[name][ENSEMBLE].mean
        assert mean[none].tobytes() == plain[none].tobytes()
        if all(name not in stat.parts for stat in SUMS.values()):
            assert mean.tobytes() == plain.tobytes()
        else:
            assert (mean[some] != plain[some]).mean() > 0.9
        for system in BASE_SYSTEMS:
            assert with_sums[name][system].mean.tobytes() == without[name][system].mean.tobytes()
        before = [each[name][ENSEMBLE].forecast_no_market for each in (with_sums, without)]
        assert before[0].tobytes() == before[1].tobytes(), "the figure without market knows no line of a sum"


def test_points_do_not_depend_on_the_models_of_other_statistics(rows: dict[str, TrainingRows]) -> None:
    alone = {"points": make_models()["points"]}
    lines = lines_of(rows, *BASES)
    for system, one in say(rows, lines)["points"].items():
        other = say(rows, lines, alone)["points"][system]
        assert one.mean.tobytes() == other.mean.tobytes()
        assert one.sd.tobytes() == other.sd.tobytes()
        assert one.reason == other.reason
        assert one.model_version == other.model_version


def test_a_sum_uses_the_market_where_any_of_its_lines_is_used(rows: dict[str, TrainingRows]) -> None:
    night = say(rows, lines_of(rows, "rebounds", "pa"))
    rebounds, pa = ~np.isnan(rows["rebounds"].line), ~np.isnan(rows["pa"].line)
    for name, used in {
        "points": pa, "rebounds": rebounds | pa, "assists": pa, "threes": np.zeros(N, bool),
        "pra": rebounds | pa, "pr": rebounds | pa, "pa": pa, "ra": rebounds | pa,
    }.items():  # fmt: skip
        if name == "rebounds":
            continue
        np.testing.assert_array_equal(night[name][ENSEMBLE].uses_market, used, err_msg=name)


# --- what each is made of -------------------------------------------------------------------------


def explain_all(
    rows: Mapping[str, TrainingRows], lines: Mapping[str, Floats], left_out: LeftOut = NONE_LEFT_OUT
) -> tuple[Night, Mapping[str, Mapping[str, Contributions]]]:
    points, models = rows["points"], make_models()
    base = base_outputs(points.features, points.history, models, left_out)
    nights = combine_all(base, points.features, lines, models, left_out)
    found = contributions_of(points.features, points.history, lines, models, base, nights)
    night = {name: {one.system_id: one for one in (*each, nights.outputs[name])} for name, each in base.items()}
    return night, found


@pytest.mark.parametrize("left_out", [(), (XGBOOST,), (XGBOOST, SIMILARITY)], ids=lambda names: f"without {names}")
@pytest.mark.parametrize("lined", [(), tuple(BASES), tuple(STATS)], ids=["no lines", "parts", "all"])
def test_every_systems_contributions_add_up_to_its_mean_of_every_statistic(
    rows: dict[str, TrainingRows], lined: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    night, found = explain_all(rows, lines_of(rows, *lined), dict.fromkeys(left_out, "why"))
    for name, outputs in night.items():
        silent = set() if name in ("points", "threes") else {ZONE_MATCHUP}
        assert set(found[name]) == set(SYSTEMS) - silent - set(left_out)
        for system, parts in found[name].items():
            mean = outputs[system].mean
            # a floor adds what no contribution says
            floors = [night[part][system].mean > STATS[part].lowest_mean + 1e-6 for part in STATS[name].parts]
            known = ~np.isnan(mean) & np.all(floors, axis=0)
            assert known.sum() > 0.7 * N
            total = np.sum(list(parts.values()), axis=0)
            np.testing.assert_allclose(total[known], mean[known], atol=2e-4, err_msg=f"{name} {system}")


def test_the_lines_of_sums_are_named_with_what_they_added(rows: dict[str, TrainingRows]) -> None:
    night, found = explain_all(rows, lines_of(rows, *SUMS))
    for name in ("points", "rebounds", "assists"):
        for stat in SUMS.values():
            added = found[name][ENSEMBLE].get(stat.line_feature)
            if name not in stat.parts:
                continue
            assert added is not None
            assert not added[np.isnan(rows[stat.name].line)].any()
            assert added[~np.isnan(rows[stat.name].line)].any()
    assert not set(found["threes"][ENSEMBLE]) & {stat.line_feature for stat in SUMS.values()}
    pra = [found[part][ENSEMBLE]["pra_line"] for part in STATS["pra"].parts]
    np.testing.assert_allclose(found["pra"][ENSEMBLE]["pra_line"], np.sum(pra, axis=0))
    assert "by lines of sums" in "".join(night["points"][ENSEMBLE].reason)


# --- systems that are missing ---------------------------------------------------------------------


def test_a_system_that_is_left_out_is_so_of_every_statistic_and_the_ensemble_goes_on(
    rows: dict[str, TrainingRows],
) -> None:
    night = say(rows, lines_of(rows, *STATS), left_out={XGBOOST: "its breaker is open"})
    for name, outputs in night.items():
        assert set(outputs[XGBOOST].error_code) == {BREAKER_OPEN}
        assert not np.isnan(outputs[ENSEMBLE].mean).any()
        assert not np.isnan(outputs["moving_average"].mean).any()
        if name in BASES:
            assert all(f"without {XGBOOST} ({BREAKER_OPEN})" in reason for reason in outputs[ENSEMBLE].reason)
    without = say(rows, lines_of(rows, *STATS), left_out={ENSEMBLE: "its breaker is open"})
    assert {code for outputs in without.values() for code in outputs[ENSEMBLE].error_code} == {BREAKER_OPEN}


def test_who_never_speaks_of_a_statistic_is_not_missed_where_he_is_left_out(rows: dict[str, TrainingRows]) -> None:
    lines = lines_of(rows, *STATS)
    usual, without = say(rows, lines), say(rows, lines, left_out={ZONE_MATCHUP: "its breaker is open"})
    for name, outputs in without.items():
        speaks = name in ("points", "threes")
        assert set(outputs[ZONE_MATCHUP].error_code) == {BREAKER_OPEN if speaks else NOTHING_TO_SAY}
        if not speaks and name in BASES:
            assert not any(BREAKER_OPEN in reason for reason in outputs[ENSEMBLE].reason)
    assert without["threes"][ENSEMBLE].reason[0].endswith(f"; without {ZONE_MATCHUP} ({BREAKER_OPEN})")
    for system in SYSTEMS:
        assert without["ra"][system].mean.tobytes() == usual["ra"][system].mean.tobytes() or system == ENSEMBLE


@pytest.mark.parametrize("name", BASES)
def test_a_damaged_model_of_one_statistic_costs_it_and_its_sums_alone(rows: dict[str, TrainingRows], name: str) -> None:
    models, lines = make_models(), lines_of(rows, *BASES)
    usual = say(rows, lines, models)
    models[name] = replace(models[name], xgboost=None, damaged={XGBOOST: "model.rate.ubj is cut"})
    night = say(rows, lines, models)
    for other, stat in STATS.items():
        hit = name in stat.parts
        why = "model.rate.ubj is cut" if other == name else f"{name}: model.rate.ubj is cut"
        assert set(night[other][XGBOOST].error_code) == ({MODEL_DAMAGED} if hit else {None})
        assert set(night[other][XGBOOST].error_message) == ({why} if hit else {None})
        assert set(night[other][ENSEMBLE].error_code) == {None}
        if not hit:
            for system in SYSTEMS:
                assert night[other][system].mean.tobytes() == usual[other][system].mean.tobytes()
    assert f"without {XGBOOST} ({MODEL_DAMAGED})" in night[name][ENSEMBLE].reason[0]


def test_where_nothing_of_a_statistic_is_trained_it_and_its_sums_say_so(rows: dict[str, TrainingRows]) -> None:
    models, lines = make_models(), lines_of(rows, *BASES)
    usual = say(rows, lines, models)
    del models["rebounds"]
    night = say(rows, lines, models)
    for name, stat in STATS.items():
        lost = "rebounds" in stat.parts
        assert set(night[name][ENSEMBLE].error_code) == ({NO_MODEL} if lost else {None})
        if not lost:
            assert night[name][ENSEMBLE].mean.tobytes() == usual[name][ENSEMBLE].mean.tobytes()
    why = f"rebounds: no trained model of {ENSEMBLE} for rebounds serves"
    assert set(night["pr"][ENSEMBLE].error_message) == {why}


def test_where_nothing_of_a_sum_is_trained_it_goes_by_what_was_known_before(rows: dict[str, TrainingRows]) -> None:
    models, lines = make_models(), lines_of(rows, *BASES)
    usual = say(rows, lines, models)
    del models["pra"]
    night = say(rows, lines, models)
    np.testing.assert_array_equal(night["pra"][ENSEMBLE].mean, usual["pra"][ENSEMBLE].mean)
    assert (night["pra"][ENSEMBLE].sd != usual["pra"][ENSEMBLE].sd).all()
    assert night["pra"][ENSEMBLE].model_version == "v1"


def test_a_damaged_model_of_a_sum_is_named_and_leaves_its_parts_and_other_sums_to_themselves(
    rows: dict[str, TrainingRows],
) -> None:
    """Its lines move nobody; the systems that need no model of it go by what was known before."""
    models = make_models()
    models["pra"] = Models(damaged={ENSEMBLE: "model.json is cut"})
    night, usual = say(rows, lines_of(rows, "points", "pra"), models), say(rows, lines_of(rows, "points"))
    assert set(night["pra"][ENSEMBLE].error_code) == {MODEL_DAMAGED}
    assert set(night["pra"][ENSEMBLE].error_message) == {"model.json is cut"}
    for name in (*BASES, "pr", "pa", "ra"):
        for system in SYSTEMS:
            assert night[name][system].mean.tobytes() == usual[name][system].mean.tobytes()
    for system in ("moving_average", SIMILARITY, XGBOOST):
        assert night["pra"][system].mean.tobytes() == usual["pra"][system].mean.tobytes()
