"""The formulas of every base statistic: hand-made cases that fix the sign and the unit of every
effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from shared.nba.stats import POINTS, STATS, Stat
from shared.science.systems import moving_average, similarity, zone_matchup
from shared.science.systems.distribution import start_variance
from shared.science.systems.error_codes import NO_GAMES, TOO_FEW_GAMES
from shared.science.systems.formulas import FORMULAS, speaking_systems
from shared.science.systems.history import unpack_histories
from shared.science.systems.market import LATE, MarketCombination, prior_precision
from shared.science.systems.output import BASE, BASE_SYSTEMS, ZONE_MATCHUP
from tests.support.stats_by_kind import BASES
from tests.support.systems_rows import USUAL, feature_columns, history_of, packed_history

EVERY = pytest.mark.parametrize("stat", BASES.values(), ids=lambda stat: stat.name)
# Of each statistic the feature that says what the opponent allows, and a value that is 5% more.
ALLOWED = {
    "points": ("opponent_def_rating_rel", 5.0),
    "rebounds": ("opponent_rebounds_allowed_rel", 0.05),
    "assists": ("opponent_assists_allowed_rel", 0.05),
    "threes": ("opponent_fg3_allowed_rel", 0.05),
}
# What each effect is of a player's usual game, by hand from the table of docs/science.md: pace of
# 5% more, 5% more allowed, at home, the second of two days, ten days off, 20 points missing.
SIZES = {
    "points": (0.010, 0.0200, 0.007, -0.01, -0.08, 0.090),
    "rebounds": (0.0125, 0.0225, 0.008, 0.0, -0.15, 0.060),
    "assists": (0.0075, 0.0200, 0.013, 0.0, -0.13, 0.096),
    "threes": (0.006, 0.0225, 0.015, 0.0, -0.08, 0.080),
}
CASES = ("pace", "matchup", "venue", "rest", "rest", "team-mates")


def changes_of(stat: Stat) -> list[dict[str, Any]]:
    name, more = ALLOWED[stat.name]
    return [
        {"pace_factor": 1.05},
        {name: more},
        {"is_home": True},
        {"rest_days": 0},
        {"rest_days": 10},
        {"teammates_out_points_delta": 20.0},
    ]


# --- moving_average -------------------------------------------------------------------------------


@EVERY
def test_every_effect_has_its_size(stat: Stat) -> None:
    effects = moving_average.effects(feature_columns(*changes_of(stat)), stat)
    found = [float(effects[name][row]) for row, name in enumerate(CASES)]
    assert found == pytest.approx(SIZES[stat.name])


@EVERY
def test_the_figure_is_the_usual_game_times_its_circumstances_in_the_statistics_unit(stat: Stat) -> None:
    """The average player, at home unless it is said."""
    usual, at_home = USUAL[stat.name], SIZES[stat.name][2]
    changes = changes_of(stat)
    mean = moving_average.expect(feature_columns(*changes), stat)
    effects = [0.0 if name == "venue" else size for name, size in zip(CASES, SIZES[stat.name], strict=True)]
    np.testing.assert_allclose(mean, [usual * (1 + at_home + effect) for effect in effects])


@EVERY
def test_each_circumstance_moves_it_the_right_way(stat: Stat) -> None:
    name, usual = stat.name, USUAL[stat.name]
    allowed, more = ALLOWED[name]
    pairs: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"pace_factor": 1.05}, {"pace_factor": 0.95}),
        ({allowed: more}, {allowed: -more}),
        ({"is_home": True}, {"is_home": False}),
        ({"rest_days": 2}, {"rest_days": 20}),
        ({"teammates_out_points_delta": 20.0}, {"teammates_out_points_delta": -20.0}),
        ({f"{name}_ewma_20": usual + 2}, {f"{name}_ewma_20": usual}),
        ({f"{name}_season": usual + 2}, {f"{name}_season": usual}),
        ({f"{name}_per_minute_l40": usual / 30}, {f"{name}_per_minute_l40": usual / 34}),
        ({"minutes_ewma_20": 36.0}, {"minutes_ewma_20": 30.0}),
    ]
    for better, worse in pairs:
        high, low = moving_average.expect(feature_columns(better, worse), stat)
        assert high > low, better


@EVERY
def test_what_another_statistic_has_moves_nothing(stat: Stat) -> None:
    others = {
        f"{name}_{mean}": 30.0
        for name in BASES
        if name != stat.name
        for mean in ("ewma_20", "ewma_08", "season", "prev_season", "l20", "per_minute_l40")
    }
    others |= {name: more for of_stat, (name, more) in ALLOWED.items() if of_stat != stat.name}
    usual, changed = moving_average.expect(feature_columns({}, others), stat)
    assert usual == changed
    history = unpack_histories([packed_history([{name: 9 for name in BASES if name != stat.name}] * 8)])
    assert similarity.expect(feature_columns(others), history, stat)[0] == pytest.approx(USUAL[stat.name])


@EVERY
def test_its_contributions_add_up_by_name(stat: Stat) -> None:
    name, usual = stat.name, USUAL[stat.name]
    allowed, more = ALLOWED[name]
    pace, matchup, home, _, layoff, missing = SIZES[name]
    features = feature_columns(
        {
            **{f"{name}_ewma_20": usual + 1.0, "pace_factor": 1.05, allowed: more, "is_home": False},
            **{"rest_days": 12, "teammates_out_points_delta": 20.0},
        }
    )
    parts = {each: float(values[0]) for each, values in moving_average.contributions(features, stat).items()}
    form = usual + moving_average.CONSTANTS[name].recent
    assert parts == pytest.approx(
        {
            **{BASE: usual, "form": form - usual, "pace_factor": pace * form, allowed: matchup * form},
            **{"is_home": -home * form, "rest_days": layoff * form, "teammates_out_points_delta": missing * form},
        }
    )
    assert sum(parts.values()) == pytest.approx(moving_average.expect(features, stat)[0])


@EVERY
def test_who_has_nothing_is_expected_to_have_hardly_anything_and_of_nobody_nothing_is_said(stat: Stat) -> None:
    forms = ("ewma_20", "ewma_08", "season", "prev_season", "l20", "per_minute_l40")
    none = {f"{stat.name}_{mean}": 0.0 for mean in forms}
    nobody = {f"{stat.name}_{mean}": None for mean in forms}
    found = moving_average.predict(feature_columns(none, nobody), start_variance(stat), "v1", stat)
    assert found.mean[0] == stat.lowest_mean == pytest.approx(stat.usual / 100)
    assert found.error_code == (None, NO_GAMES)


# --- similarity_balanced_v1 -----------------------------------------------------------------------


@EVERY
def test_similar_games_are_averaged_in_the_statistic(stat: Stat) -> None:
    """Ten games of 3 more than usual, and the slow form as usual: 65% of the way."""
    usual = USUAL[stat.name]
    history = history_of([usual + 3.0] * 10, stat.name)
    assert similarity.expect(feature_columns({}), history, stat)[0] == pytest.approx(usual + 0.65 * 3.0)
    parts = similarity.contributions(feature_columns({}), history, stat)
    assert (parts[BASE][0], parts["similar_games"][0]) == pytest.approx((usual, 0.65 * 3.0))
    slow = {f"{stat.name}_ewma_08": usual + 1.0}
    assert similarity.expect(feature_columns(slow), history, stat)[0] == pytest.approx(usual + 0.65 * 3 + 0.35)


@EVERY
def test_games_like_todays_count_more_for_every_statistic(stat: Stat) -> None:
    usual = int(USUAL[stat.name])
    at_home, away = {stat.name: usual + 1, "is_home": True}, {stat.name: usual - 1, "is_home": False}
    games = unpack_histories([packed_history([at_home, away] * 5), packed_history([away, at_home] * 5)])
    today = feature_columns({"is_home": True}, {"is_home": True})
    assert (similarity.expect(today, games, stat) > usual).all()


@pytest.mark.parametrize("name", [name for name in BASES if name != "points"])
def test_a_history_that_does_not_tell_the_statistic_says_so_and_points_are_told(name: str) -> None:
    """A request of a release that knew points alone; and one whose box score of one game lacks
    it.
    """
    before = packed_history([{}] * 8)
    del before[name]
    gap = packed_history([{name: None}, *[{}] * 7])
    short = packed_history([{name: None}, *[{}] * 3])
    history = unpack_histories([before, gap, short])
    features = feature_columns({}, {}, {})
    found = similarity.predict(features, history, start_variance(STATS[name]), "v1", STATS[name])
    assert found.error_code == (TOO_FEW_GAMES,) * 3
    assert found.error_message[0] == found.error_message[1] == f"of 8 games not all tell {name}"
    assert found.error_message[2] == "4 games are known, similarity needs at least 5"
    points = similarity.predict(features, history, start_variance(POINTS), "v1", POINTS)
    assert points.error_code == (None, None, TOO_FEW_GAMES)
    np.testing.assert_allclose(points.mean[:2], 20.0)


# --- zone_matchup_v1 ------------------------------------------------------------------------------


def test_zone_matchup_speaks_of_points_and_threes_alone() -> None:
    [zone] = [formula for formula in FORMULAS if formula.system_id == ZONE_MATCHUP]
    assert [name for name, stat in STATS.items() if zone.speaks_of(stat)] == ["points", "threes"]
    for name, stat in STATS.items():
        silent = {ZONE_MATCHUP} - ({ZONE_MATCHUP} if name in ("points", "threes") else set())
        assert speaking_systems(stat) == tuple(system for system in BASE_SYSTEMS if system not in silent)


def test_threes_are_the_players_own_times_what_is_allowed_from_three() -> None:
    """All of a player's threes are of one zone: 40% of 20% more allowed, whatever else he scores
    and whatever is allowed elsewhere.
    """
    threes = STATS["threes"]
    more = {"opponent_fg3_allowed_rel": 0.2}
    elsewhere = {"opponent_fg2_allowed_rel": 0.3, "opponent_ft_allowed_rel": 0.3, "points2_l20": 2.0}
    form = {"threes_l20": 3.0, "threes_ewma_20": 4.0, "threes_ewma_08": 1.0}
    usual, weak, other, shooter = zone_matchup.expect(feature_columns({}, more, elsewhere, {**form, **more}), threes)
    assert usual == other == pytest.approx(2.0)
    assert weak == pytest.approx(2.0 * 1.08)
    assert shooter == pytest.approx((0.3 * 3 + 0.35 * 4 + 0.35 * 1) * 1.08)
    shots = {
        **{"paint_share_l20": 0.5, "mid_share_l20": 0.1, "three_share_l20": 0.4, "opponent_paint_allowed_rel": 0.3},
        **{"opponent_mid_allowed_rel": 0.3, "opponent_three_allowed_rel": -0.1, **more},
    }
    features = feature_columns(shots, more)
    assert zone_matchup.expect(features, threes) == pytest.approx([2.0 * 0.96, 2.0 * 1.08])
    parts = zone_matchup.contributions(features, threes)
    assert {name for name, values in parts.items() if values.any()} == {
        BASE,
        "opponent_three_allowed_rel",
        "opponent_fg3_allowed_rel",
    }
    np.testing.assert_allclose(np.sum(list(parts.values()), axis=0), zone_matchup.expect(features, threes))


def test_its_reason_names_the_one_zone() -> None:
    found = zone_matchup.predict(
        feature_columns({"opponent_fg3_allowed_rel": 0.2}), start_variance(STATS["threes"]), "v1", STATS["threes"]
    )
    assert found.reason == ("three 2.0 (+8.0%)",)


# --- the market's terms ---------------------------------------------------------------------------


@EVERY
def test_the_market_counts_in_the_statistics_unit(stat: Stat) -> None:
    """A line 2 above pulls by half; a price of one standard deviation shifts by half of one, of the
    statistic's; of 20 absent points a fifth of the share falls to him, in the usual part of them.
    """
    weights = MarketCombination(intercept=0.1, line=0.5, early=0.2, price=0.5, late=0.4)
    usual = USUAL[stat.name]
    known = {stat.price_feature: 0.8413447, LATE: 20.0, f"{stat.name}_share": 0.2, "games_season": 5}
    terms = weights.terms(np.array([usual]), np.array([usual + 2.0]), feature_columns(known), stat)
    deviation = np.sqrt(stat.variance[0] + stat.variance[1] * (usual + 2.0))
    assert {name: float(added[0]) for name, added in terms.items()} == pytest.approx(
        {
            stat.line_feature: 0.5 * 2.0 + 0.2 * 0.5 * 2.0,
            stat.price_feature: 0.5 * deviation,
            LATE: 0.4 * 20.0 * 0.2 * stat.usual / 10,
        },
        rel=1e-6,
    )


def test_the_prior_of_points_is_as_it_was_and_of_another_as_many_rows() -> None:
    assert prior_precision(POINTS) == 2000.0
    rebounds = STATS["rebounds"]
    assert prior_precision(rebounds) == pytest.approx(2000 * (0.9 + 1.35 * 4) / (9 + 2.4 * 10))
