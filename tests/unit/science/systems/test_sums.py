"""Sums of statistics: means add up, variances have the covariances, what is missing is named."""

from __future__ import annotations

import numpy as np
import pytest

from shared.nba.stats import STATS
from shared.science.systems import output as outputs
from shared.science.systems.output import MOVING_AVERAGE, SYSTEMS, SystemOutput, output
from shared.science.systems.sums import (
    START_CORRELATIONS,
    UNTRAINED,
    WITH_MARKET,
    SumModel,
    add_outputs,
    fit_correlations,
    pairs_of,
    variance_of,
)

PRA, PR = STATS["pra"], STATS["pr"]


def predict_part(stat: str, *means: float, sd: float, code: str = "no_games") -> SystemOutput:
    mean = np.array(means)
    reason = ("r",) * len(mean)
    return output(STATS[stat], MOVING_AVERAGE, "v1", mean, np.full(len(mean), sd), reason, (code, ("why",) * len(mean)))


def model(correlations: dict[str, float], width: float) -> SumModel:
    names = (*SYSTEMS, WITH_MARKET)
    return SumModel("m", dict.fromkeys(names, correlations), dict.fromkeys(names, width), None)


def test_the_variance_of_a_sum_has_the_covariances_as_on_paper() -> None:
    """Spreads 6, 3 and 2: 36 + 9 + 4 = 49, and twice 0.29 * 18 = 5.22, 0.16 * 12 = 1.92 and 0.20 *
    6 = 1.2: 49 + 2 * 8.34 = 65.68.
    """
    spreads = {"points": np.array([6.0]), "rebounds": np.array([3.0]), "assists": np.array([2.0])}
    assert START_CORRELATIONS == {"points rebounds": 0.29, "points assists": 0.16, "rebounds assists": 0.20}
    assert variance_of(spreads, START_CORRELATIONS)[0] == pytest.approx(65.68)
    assert variance_of(spreads, dict.fromkeys(START_CORRELATIONS, 0.0))[0] == pytest.approx(49.0)
    assert variance_of(spreads, START_CORRELATIONS, 1.1)[0] == pytest.approx(72.248)


def test_a_sum_is_made_of_what_is_said_of_its_parts() -> None:
    parts = {"points": predict_part("points", 20.0, sd=6), "rebounds": predict_part("rebounds", 8.0, sd=3)}
    parts["assists"] = predict_part("assists", 5.0, sd=2)
    untrained = add_outputs(PRA, parts, None)
    assert untrained.mean[0] == 33.0
    assert untrained.sd[0] == pytest.approx(np.sqrt(65.68), abs=1e-6)
    assert untrained.forecast[0] == outputs.point_forecast(untrained.mean, untrained.sd, PRA)[0] < 33.0
    assert (untrained.system_id, untrained.model_version) == (MOVING_AVERAGE, UNTRAINED)
    assert untrained.reason == ("20.0 points + 8.0 rebounds + 5.0 assists",)
    trained = add_outputs(PRA, parts, model(START_CORRELATIONS, 1.1))
    assert (trained.sd[0], trained.model_version) == (pytest.approx(np.sqrt(72.248), abs=1e-6), "m")


def test_where_a_part_is_missing_so_is_the_sum_and_says_which() -> None:
    points = predict_part("points", 20.0, np.nan, 18.0, sd=6)
    rebounds = predict_part("rebounds", 8.0, 8.0, np.nan, sd=3, code="too_few_games")
    found = add_outputs(PR, {"points": points, "rebounds": rebounds}, None)
    assert found.error_code == (None, "no_games", "too_few_games")
    assert found.error_message == (None, "points: why", "rebounds: why")
    assert np.isnan(found.mean).tolist() == np.isnan(found.sd).tolist() == [False, True, True]


def test_correlations_and_width_are_found_again() -> None:
    random = np.random.default_rng(3)
    truth = {"points rebounds": 0.4, "points assists": 0.1, "rebounds assists": 0.25}
    matrix = np.array([[1.0, 0.4, 0.1], [0.4, 1.0, 0.25], [0.1, 0.25, 1.0]])
    sizes = zip(PRA.parts, (6.0, 3.0, 2.0), strict=True)
    spread = {name: random.uniform(0.7 * size, 1.3 * size, 60_000) for name, size in sizes}
    together = random.multivariate_normal(np.zeros(3), matrix, 60_000)
    residuals = {name: together[:, place] * spread[name] for place, name in enumerate(PRA.parts)}
    residuals["assists"][:100] = np.nan
    found, width = fit_correlations(PRA, residuals, spread)
    assert list(found) == pairs_of(PRA)
    assert found == pytest.approx(truth, abs=0.02)
    assert width == pytest.approx(1.0, abs=0.02)


def test_the_width_says_how_much_more_the_sums_varied_than_was_said() -> None:
    """Twice as far as the spreads say, and nothing in common: four times the variance."""
    random = np.random.default_rng(4)
    spread = {"points": np.full(60_000, 3.0), "rebounds": np.full(60_000, 1.5)}
    residuals = {name: random.normal(0, 2 * each[0], 60_000) for name, each in spread.items()}
    found, width = fit_correlations(PR, residuals, spread)
    assert found["points rebounds"] == pytest.approx(0.0, abs=0.05)
    assert width == pytest.approx(4.0, abs=0.1)
