"""The three formulas: hand-made cases that fix the sign and the unit of every effect."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shared.core.errors import SchemaMismatch
from shared.nba.stats import POINTS
from shared.science.systems import moving_average, similarity, zone_matchup
from shared.science.systems.columns import columns_of_rows
from shared.science.systems.distribution import start_variance
from shared.science.systems.history import GAMES, HISTORY_VALUES, histories_before, pack_histories, unpack_histories
from shared.science.systems.output import output, point_forecast
from tests.support.systems_rows import feature_columns, feature_row, history_of, packed_history

START_VARIANCE = start_variance(POINTS)


def test_moving_average_of_a_steady_player_is_his_average_and_home_is_worth_its_share() -> None:
    result = moving_average.predict(
        feature_columns({"is_home": True}, {"is_home": False}), START_VARIANCE, "v1", POINTS
    )
    np.testing.assert_allclose(result.mean, [20.0 * 1.007, 20.0 * 0.993])
    assert result.reason[0] == "form 20.0, venue +0.7%"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"pace_factor": 1.05}, {"pace_factor": 0.95}),
        ({"opponent_def_rating_rel": 5.0}, {"opponent_def_rating_rel": -5.0}),
        ({"is_home": True}, {"is_home": False}),
        ({"rest_days": 1}, {"rest_days": 0}),
        ({"rest_days": 2}, {"rest_days": 20}),
        ({"teammates_out_points_delta": 20.0}, {"teammates_out_points_delta": 0.0}),
        ({"points_ewma_20": 25.0}, {"points_ewma_20": 20.0}),
        ({"minutes_ewma_20": 36.0}, {"minutes_ewma_20": 30.0}),
        ({"points_season": 24.0}, {"points_season": 20.0}),
    ],
)
def test_each_circumstance_moves_the_moving_average_the_right_way(
    better: dict[str, Any], worse: dict[str, Any]
) -> None:
    high, low = moving_average.expect(feature_columns(better, worse), POINTS)
    assert high > low


def test_effects_have_the_documented_size() -> None:
    changes = [
        {"pace_factor": 1.05},
        {"opponent_def_rating_rel": 5.0},
        {"teammates_out_points_delta": 20.0},
        {"teammates_out_points_delta": 200.0},
    ]
    parts = moving_average.effects(feature_columns(*changes), POINTS)
    assert parts["pace"][0] == pytest.approx(0.01)
    assert parts["matchup"][1] == pytest.approx(0.02)
    assert parts["team-mates"][2] == pytest.approx(0.09)
    assert parts["team-mates"][3] == pytest.approx(0.18), "bounded at 40 points"


def test_early_in_the_season_last_season_counts_and_unknown_circumstances_change_nothing() -> None:
    first_game = {"points_season": None, "games_season": 0, "points_prev_season": 16.0}
    unknown = {
        "pace_factor": None,
        "opponent_def_rating_rel": None,
        "rest_days": None,
        "teammates_out_points_delta": None,
    }
    early, blind, usual = moving_average.expect(feature_columns(first_game, unknown, {}), POINTS)
    assert early == pytest.approx((0.35 * 20 + 0.25 * 16 + 0.4 * 20) * 1.007)
    assert blind == pytest.approx(usual)


def test_a_player_without_games_is_an_error_not_a_number() -> None:
    nobody = dict.fromkeys(("points_ewma_20", "points_season", "points_prev_season", "points_l20"))
    result = moving_average.predict(feature_columns(nobody, {}), START_VARIANCE, "v1", POINTS)
    assert np.isnan(result.mean[0])
    assert np.isnan(result.sd[0])
    assert np.isnan(result.forecast[0])
    assert np.isnan(result.forecast_no_market[0])
    assert 0 < result.forecast[1] < result.mean[1], "the median is said"
    assert result.error_code == ("no_games", None)
    assert result.reason[0] == ""
    assert result.mean[1] > 0


def test_zones_multiply_the_players_points_by_what_the_opponent_allows_there() -> None:
    weak_three = {"opponent_fg3_allowed_rel": 0.2}
    shooter = {"points2_l20": 2.0, "points3_l20": 16.0, "points1_l20": 2.0}
    neutral, weak, weak_shooter = zone_matchup.expect(
        feature_columns({}, weak_three, {**weak_three, **shooter}), POINTS
    )
    assert neutral == pytest.approx(20.0)
    assert weak == pytest.approx(20.0 * (1 + 0.3 * 0.4 * 0.2)), "30% of his points, 40% believed, 20% more allowed"
    assert weak_shooter == pytest.approx(20.0 * (1 + 0.8 * 0.4 * 0.2))


def test_zones_use_shot_data_only_where_both_sides_have_it() -> None:
    shots = {
        "paint_share_l20": 0.5,
        "mid_share_l20": 0.125,
        "three_share_l20": 0.375,
        "opponent_paint_allowed_rel": 0.1,
        "opponent_mid_allowed_rel": 0.0,
        "opponent_three_allowed_rel": 0.0,
        "opponent_fg2_allowed_rel": -0.3,
    }
    both, one_side = zone_matchup.expect(feature_columns(shots, {**shots, "opponent_mid_allowed_rel": None}), POINTS)
    assert both == pytest.approx(20.0 * (1 + 0.8 * 0.5 * 0.65 * 0.1))
    assert one_side == pytest.approx(20.0 * (1 - 0.5 * 0.65 * 0.3))


def test_zone_shares_add_up_and_no_points_at_all_is_an_error() -> None:
    features = feature_columns({}, {"points2_l20": 0.0, "points3_l20": 0.0, "points1_l20": 0.0})
    shares, _ = zone_matchup.zones(features, POINTS)
    assert sum(share[0] for share in shares.values()) == pytest.approx(1.0)
    result = zone_matchup.predict(features, START_VARIANCE, "v1", POINTS)
    assert result.error_code == (None, "no_zones")
    assert result.reason[0].startswith("two 10.0")


def test_similarity_needs_five_games_and_says_how_many_there_are() -> None:
    four = similarity.predict(feature_columns({}), history_of([20.0] * 4), START_VARIANCE, "v1", POINTS)
    five = similarity.predict(feature_columns({}), history_of([20.0] * 5), START_VARIANCE, "v1", POINTS)
    assert four.error_code == ("too_few_games",)
    assert (four.error_message[0] or "").startswith("4 games")
    assert five.mean[0] == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("alike", "different", "today"),
    [
        ({"is_home": True}, {"is_home": False}, {"is_home": True}),
        ({"minutes": 32.0}, {"minutes": 14.0}, {"minutes_ewma_20": 32.0}),
        ({"opponent_def_rating": 120.0}, {"opponent_def_rating": 108.0}, {"opponent_def_rating_l15": 120.0}),
        ({"rest_days": 0}, {"rest_days": 3}, {"rest_days": 0}),
        ({"team_missing_points": 30.0}, {"team_missing_points": 0.0}, {"teammates_out_points": 30.0}),
    ],
)
def test_similarity_leans_towards_games_like_todays(
    alike: dict[str, Any], different: dict[str, Any], today: dict[str, Any]
) -> None:
    high = {"points": 30, **alike}
    low = {"points": 10, **different}
    games = unpack_histories([packed_history([high, low] * 5), packed_history([low, high] * 5)])
    mean = similarity.expect(feature_columns(today, today), games, POINTS)
    assert (mean > 20.2).all(), "whichever of the two kinds is the more recent"


def test_before_a_seasons_first_game_similarity_compares_no_rest() -> None:
    """Rest is NULL then; games after one day and after four weigh by how recent they are."""
    history = unpack_histories([packed_history([{"rest_days": 1 + 3 * (k % 2)} for k in range(10)])])
    first, usual = (similarity.weights(feature_columns({"rest_days": rest}), history)[0] for rest in (None, 1))
    np.testing.assert_allclose(first[1:10] / first[:9], similarity.DECAY)
    assert usual[1] < first[1]


def test_similarity_weighs_only_the_most_similar_and_adds_up_to_one() -> None:
    history = history_of([float(p) for p in range(30)])
    weight = similarity.weights(feature_columns({}), history)
    assert weight.sum() == pytest.approx(1.0)
    assert (weight > 0).sum() == similarity.MOST_SIMILAR
    assert (weight[0, :19] > weight[0, 1:20]).all(), "equal games: the more recent weigh more"


def test_histories_before_are_strictly_before_and_newest_first() -> None:
    player = np.array([7, 7, 7, 9])
    known_at = np.array([10, 20, 30, 5])
    values = {name: np.array([1.0, 2.0, 3.0, 4.0]) for name in history_of([1.0]).values}
    rows = np.array([7, 7, 9, 8, 7])
    as_of = np.array([30, 31, 100, 100, 10])
    history = histories_before(player, known_at, values, rows, as_of)
    assert history.count.tolist() == [2, 3, 1, 0, 0]
    assert history.values["points"][0, :3].tolist()[:2] == [2.0, 1.0], "the game known at 30 is not before 30"
    assert history.values["points"][1, :3].tolist() == [3.0, 2.0, 1.0]
    assert np.isnan(history.values["points"][3]).all()


def test_of_one_game_in_all_there_is_a_history_of_one() -> None:
    values = {name: np.array([7.0]) for name in history_of([1.0]).values}
    history = histories_before(np.array([1]), np.array([5]), values, np.array([1, 2]), np.array([6, 6]))
    assert history.count.tolist() == [1, 0]
    assert history.values["points"][0, 0] == 7.0
    assert np.isnan(history.values["points"][0, 1:]).all()


def test_histories_are_cut_to_the_last_games() -> None:
    n = GAMES + 5
    values = {name: np.arange(n, dtype=float) for name in history_of([1.0]).values}
    history = histories_before(np.ones(n, dtype=int), np.arange(n), values, np.array([1]), np.array([n]))
    assert history.count.tolist() == [GAMES]
    assert history.values["points"][0, [0, -1]].tolist() == [n - 1.0, 5.0]


def test_missing_columns_are_named() -> None:
    row = feature_row()
    del row["points_ewma_20"]
    with pytest.raises(SchemaMismatch, match="points_ewma_20"):
        columns_of_rows([row], ["points_ewma_20", "is_home"])
    short = packed_history([{}])
    del short["usage_rate"]
    with pytest.raises(SchemaMismatch, match="usage_rate"):
        unpack_histories([short])


def test_a_history_of_a_release_that_knew_points_alone_does_not_tell_the_others() -> None:
    before = packed_history([{"points": 31}, {}])
    for stat in ("rebounds", "assists", "threes"):
        del before[stat]
    history = unpack_histories([before, packed_history([{"threes": 5}])])
    assert history.values["points"][:, 0].tolist() == [31.0, 20.0]
    for stat, now in (("rebounds", 6.0), ("assists", 4.0), ("threes", 5.0)):
        assert np.isnan(history.values[stat][0]).all()
        assert history.values[stat][1, 0] == now
    without_points = packed_history([{}])
    del without_points["points"]
    with pytest.raises(SchemaMismatch, match="lacks points"):
        unpack_histories([without_points])


def test_packed_histories_are_json_by_player_and_come_back_as_arrays() -> None:
    """Player 7 has more games than are kept, player 8 none, player 9 one with a value that nobody
    knows.
    """
    days = [date(2025, 11, 14) - timedelta(days=n) for n in range(GAMES + 1)]
    rows: dict[str, list[Any]] = {name: [float(n) for n in range(GAMES + 2)] for name in HISTORY_VALUES}
    rows |= {"game_date": [*days, days[0]], "game_id": ["g"] * (GAMES + 2), "opponent": ["BOS"] * (GAMES + 2)}
    rows["fga"][-1] = None
    packed = pack_histories(pa.table({**rows, "player_id": [7] * (GAMES + 1) + [9]}))
    assert list(packed) == [7, 9]
    assert json.loads(json.dumps(packed[9]))["game_date"] == ["2025-11-14"]
    assert packed[7]["game_date"][:2] == ["2025-11-14", "2025-11-13"]
    history = unpack_histories([packed[7], None, packed[9]])
    assert history.count.tolist() == [GAMES, 0, 1]
    assert history.count.dtype == np.dtype(np.int64)
    assert history.values["points"][0].tolist() == [float(n) for n in range(GAMES)]
    assert np.isnan(history.values["points"][1]).all()
    assert history.values["points"][2, 0] == GAMES + 1.0
    assert np.isnan(history.values["fga"][2]).all()


def test_mean_spread_and_number_have_six_decimals_as_they_are_stored() -> None:
    made = output(POINTS, "a", "1", np.array([20.12345678]), np.array([5.98765432]), ("r",), ("code", ("why",)))
    assert (made.mean[0], made.sd[0]) == (20.123457, 5.987654)
    assert made.forecast[0] == point_forecast(made.mean, made.sd, POINTS)[0] == round(float(made.forecast[0]), 6)
    assert (made.reason, made.error_code, made.error_message) == (("r",), (None,), (None,))
    assert made.uses_market.tolist() == [False]
    assert made.uses_market.dtype == np.dtype(np.bool_)


def test_a_row_without_a_reason_or_a_sentence_of_its_own_is_a_defect() -> None:
    one, two = np.array([20.0]), ("r", "r")
    for reason, sentences in ((two, ("why",)), (("r",), two)):
        with pytest.raises(ValueError, match="zip"):
            output(POINTS, "a", "1", one, one, reason, ("code", sentences))
