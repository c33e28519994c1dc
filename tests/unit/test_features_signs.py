"""Each feature's sign and unit, worked out on paper for one evening."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.features.names import identity_columns, market_features, model_features
from shared.warehouse.schemas import load_schema
from shared.warehouse.sql import read_sql
from tests.unit.features_evening import AFTER, AS_OF, BENCH, DAY, FOE, MATE, RISING, at, write_evening
from tests.unit.features_world import STORE, World, open_world

LAST_TEN = range(21, 11, -1)  # points, newest first
ALL = [*range(21, 9, -1), 12, 8]
# 134 team games: 129 of 95 points, five of 115; ten of them of 110 possessions, the others of 100.
LEAGUE_GAMES, LEAGUE_POINTS, LEAGUE_POSSESSIONS = 134, 129 * 95 + 5 * 115, 124 * 100 + 10 * 110
LEAGUE_PACE = LEAGUE_POSSESSIONS / LEAGUE_GAMES
LEAGUE_TWO_POINTS = (129 * 40 + 5 * 60) / LEAGUE_GAMES
TWOS_ALLOWED = 60 / LEAGUE_TWO_POINTS - 1
MATE_USAGE = 200 / (0.75 * (10 * 34 + 0.44 * sum(range(2, 12))))


def ewma(weight: float, values: list[int]) -> float:
    return sum(weight**k * v for k, v in enumerate(values)) / sum(weight**k for k in range(len(values)))


STAR: dict[str, Any] = {
    "player_name": "Rising Star Jr.",
    "player_lookup": "risingstarjr",
    "team": "BOS",
    "opponent": "LAL",
    "features_as_of": AS_OF,
    "tipoff_at": at(19),
    "tipoff_source": "schedule",
    "last_game_at": at(19, day=DAY.replace(day=23)),
    "injury_status": None,
    "injury_source": None,
    # form: a point more each game is a slope of +1
    "points_l3": 20.0,
    "points_l5": 19.0,
    "points_l10": 16.5,
    "points_l20": sum(ALL) / 14,
    "points_season": 15.5,
    "points_prev_season": 10.0,
    "points_ewma_08": ewma(0.92, ALL),
    "points_ewma_20": ewma(0.80, ALL),
    "points_sd_l10": (sum((p - 16.5) ** 2 for p in LAST_TEN) / 9) ** 0.5,
    "points_sd_season": 13**0.5,
    "points_slope_l10": 1.0,
    "points_z_l5": 3.5 / 13**0.5,
    "points_max_l10": 21.0,
    "points_min_l10": 12.0,
    "games_season": 12,
    "games_known": 14,
    "career_games": 14,
    # minutes
    "minutes_last": 30.0,
    "minutes_l5": 30.0,
    "minutes_l10": 30.0,
    "minutes_l20": (12 * 30 + 2 * 20) / 14,
    "minutes_season": 30.0,
    "minutes_ewma_20": ewma(0.80, [30] * 12 + [20, 20]),
    "minutes_slope_l10": 0.0,
    "minutes_sd_l10": 0.0,
    "points_per_minute_l10": 165 / 300,
    "points_per_minute_season": 186 / 360,
    "points_per_minute_l40": 206 / 400,
    # role: plays / (team's plays x 30 / 48); the team-mate's 20 shots are missing in one of the ten games
    "usage_l10": (100 + 0.44 * 75) / (0.625 * (9 * 34 + 14 + 0.44 * 75)),
    "usage_season": (120 + 0.44 * 78) / (0.625 * (11 * 34 + 14 + 0.44 * 78)),
    "fga_l10": 10.0,
    "fg3a_l10": 1.0,
    "fta_l10": 7.5,
    "fga_share_l10": 100 / (9 * 34 + 14),
    "fg3a_share_l10": 1.0,
    "fta_share_l10": 1.0,
    "fg2_pct_l20": 46 / 124,
    "fg3_pct_l20": 1.0,
    "ft_pct_l40": 1.0,
    "true_shooting_l20": 206 / (2 * (136 + 0.44 * 78)),
    "points2_l20": 92 / 14,
    "points3_l20": 36 / 14,
    "points1_l20": 78 / 14,
    # schedule: he and his team played yesterday, the opponent six days ago
    "games_last_7": 4,
    "games_last_14": 7,
    "minutes_last_7": 120.0,
    "rest_days": 0,
    "is_back_to_back": True,
    "team_rest_days": 0,
    "opponent_rest_days": 5,
    "rest_advantage": -5,
    "is_home": True,
    # 14 a game at home, 15.43 away over 14 games: better away is negative
    "home_points_diff": (98 / 7 - 108 / 7) * 14 / 34,
    # opponent: fast, and generous with twos alone
    "opponent_points_allowed_l15": 115.0,
    "opponent_pace_l15": 110.0,
    "opponent_def_rating_l15": 100 * 115 / 110,
    "opponent_def_rating_rel": 100 * 115 / 110 - 100 * LEAGUE_POINTS / LEAGUE_POSSESSIONS,
    "opponent_fg2_allowed_rel": TWOS_ALLOWED,
    "opponent_fg3_allowed_rel": 0.0,
    "opponent_ft_allowed_rel": 0.0,
    "team_pace_l15": 100.0,
    "team_off_rating_l15": 95.0,
    "league_pace": LEAGUE_PACE,
    "pace_factor": (100 + 110 - LEAGUE_PACE) / LEAGUE_PACE,
    "paint_share_l20": None,
    "mid_share_l20": None,
    "three_share_l20": None,
    "opponent_paint_allowed_rel": None,
    "opponent_mid_allowed_rel": None,
    "opponent_three_allowed_rel": None,
    "zone_mismatch": 92 / 206 * TWOS_ALLOWED,
    "zone_source": "box_score",
    # 20 points are missing today, as in one of his last ten games
    "teammates_out_count": 1,
    "teammates_out_minutes": 36.0,
    "teammates_out_points": 20.0,
    "teammates_out_usage": MATE_USAGE * 36 / 48,
    "teammates_out_points_recent": 2.0,
    "teammates_out_points_delta": 18.0,
    "teammates_out_minutes_delta": 36 - 3.6,
    "opponents_out_count": 1,
    "opponents_out_minutes": 24.0,
    "opponents_out_points": 12.0,
    "versus_opponent_games": 2,
    "versus_opponent_points": 10.0,
    "season": "2025-26",
    "season_type": "regular_season",
    "season_day": 23,
    "is_playoffs": False,
    "days_since_team_change": 23,
    # market: favoured by 5 in a game of 221
    "spread": -5.0,
    "game_total": 221.0,
    "implied_team_total": 113.0,
    "line": 17.5,
    "line_opening": 16.0,
    "line_movement": 1.5,
    "line_books": 3,
    "line_sd": (1 / 3) ** 0.5,
    "line_range": 1.0,
    # no-vig at exactly 17.5: even, -130/+110, and the alternate +120/-150
    "line_p_over": (0.5 + (130 / 230) / (130 / 230 + 100 / 210) + (100 / 220) / (100 / 220 + 150 / 250)) / 3,
    "line_snapshot_at": at(16),
    # 20 + 30 of form, 10 recent, 15 + 5 of teams, 10 of the report, 3 and 5 of the market; no shot data
    "quality_score": 98.0,
    "null_reasons": "shot_zones=no_data",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(tmp_path_factory.mktemp("evening")) as world:
        write_evening(world)
        world.backfill(DAY.replace(year=2024), DAY.replace(day=23), AS_OF)
        assert world.serve(DAY, AS_OF).status == "success"
        yield world


@pytest.fixture(scope="module")
def rows(world: World) -> dict[int, dict[str, Any]]:
    return world.features(DAY, AS_OF)


@pytest.mark.parametrize("column", list(STAR))
def test_feature_of_the_star(rows: dict[int, dict[str, Any]], column: str) -> None:
    expected = STAR[column]
    assert rows[RISING][column] == (pytest.approx(expected, abs=2e-6) if isinstance(expected, float) else expected)


def test_every_column_has_an_expectation() -> None:
    assert set(load_schema(STORE).columns) - set(STAR) == {"game_date", "game_id", "player_id"}


def test_who_is_missing_is_seen_from_each_side(rows: dict[int, dict[str, Any]]) -> None:
    """Nobody is his own team-mate; what one team misses is the other's opponents_out."""
    assert rows[MATE]["injury_status"] == "OUT"
    assert (rows[MATE]["teammates_out_count"], rows[MATE]["teammates_out_points"]) == (0, 0.0)
    assert (rows[FOE]["teammates_out_count"], rows[FOE]["opponents_out_points"]) == (1, 20.0)
    assert rows[FOE]["spread"] == 5.0
    assert rows[FOE]["implied_team_total"] == 108.0


def test_factors_point_the_right_way(world: World, rows: dict[int, dict[str, Any]]) -> None:
    """A back-to-back and a fourth game in seven days tire; a weak defence and missing team-mates help."""
    found = world.rows("nba_precompute.player_composite_factors", f"game_date = '{DAY}'")
    factors = {row["player_id"]: row for row in found}
    star = factors[RISING]
    assert star["fatigue_factor"] == pytest.approx(1 - 0.02 - 0.01)
    assert star["matchup_factor"] == 1.1  # half of 0.21, held at the bound
    assert star["teammates_factor"] == pytest.approx(1.072)
    assert factors[FOE]["fatigue_factor"] == 1.0
    assert factors[FOE]["matchup_factor"] == pytest.approx(1 + rows[FOE]["zone_mismatch"] / 2, abs=1e-5)


def test_the_absence_is_in_the_team_s_summary(world: World) -> None:
    missing = {
        str(row["game_date"]): (row["missing_count"], row["missing_minutes"], row["missing_points"])
        for row in world.rows("nba_analytics.team_offense_game_summary", "team = 'BOS'")
    }
    assert missing.pop("2025-11-23") == (1, 36.0, 20.0)
    assert set(missing.values()) == {(0, 0.0, 0.0)}


def test_every_null_has_its_reason(world: World) -> None:
    """A NULL feature without a reason would be a silent gap."""
    silent = {"injury_status", "injury_source", "null_reasons"}
    table = world.warehouse.query(f"SELECT * FROM {STORE} WHERE game_date <= @day", {"day": DAY}).to_pylist()
    assert len(table) > 20
    for row in table:
        nulls = {name for name, value in row.items() if value is None} - silent
        explained = {reason.split("=")[0] for reason in (row["null_reasons"] or "").split(",")}
        unexplained = [name for name in nulls if not _groups(name) & explained]
        assert not unexplained, (row["player_id"], row["game_date"], row["null_reasons"])


def _groups(name: str) -> set[str]:
    """The reasons that may explain a NULL of this column."""
    if name.startswith(("teammates_out", "opponents_out")):
        return {"injuries", "teammates_recent"}
    if name in ("points_sd_l10", "points_slope_l10", "minutes_slope_l10", "minutes_sd_l10"):
        return {"spread"}
    if name in ("points_season", "minutes_season", "points_sd_season", "points_z_l5"):
        return {"season", "z_score"}
    if name in ("usage_season", "points_per_minute_season"):
        return {"season", "usage", "per_minute"}
    prefixes = {
        "line_opening": {"opening", "market"},
        "line_movement": {"opening", "market"},
        "line_sd": {"line_spread", "market"},
        "line_p_over": {"line_price", "market"},
        "line": {"market"},
        "points_prev": {"prev_season"},
        "versus": {"versus"},
        "days_since": {"team_change"},
        "home_points": {"home_away"},
        "paint_share": {"shot_zones"},
        "mid_share": {"shot_zones"},
        "three_share": {"shot_zones"},
        "opponent_paint": {"shot_zones"},
        "opponent_mid": {"shot_zones"},
        "opponent_three": {"shot_zones"},
        "zone_": {"matchup"},
        "opponent_rest": {"rest"},
        "rest_adv": {"rest"},
        "team_rest": {"rest"},
        "is_back": {"rest"},
        "opponent_def_rating_rel": {"opponent_form", "league"},
        "opponent_fg": {"opponent_form", "league"},
        "opponent_ft": {"opponent_form", "league"},
        "opponent_": {"opponent_form"},
        "team_": {"team_form"},
        "league_": {"league"},
        "pace_": {"league", "team_form", "opponent_form"},
        "implied": {"game_line"},
        "spread": {"game_line"},
        "game_total": {"game_line"},
        "fg": {"shooting", "shares"},
        "ft": {"shooting", "shares"},
        "true_": {"shooting"},
        "usage": {"usage"},
        "points_per_minute": {"per_minute"},
    }
    return next((groups for prefix, groups in prefixes.items() if name.startswith(prefix)), set())


def test_quality_falls_with_what_is_unknown(rows: dict[int, dict[str, Any]]) -> None:
    """Five games instead of ten cost 15 points of history; nobody has a line but the star."""
    assert rows[FOE]["quality_score"] == 98.0 - 15.0 - 5.0
    assert rows[BENCH]["quality_score"] == 98.0 - 5.0


def test_names_of_columns_fall_into_three_groups() -> None:
    everything = load_schema(STORE).columns
    identity, model, market = identity_columns(), model_features(), market_features()
    assert len({*identity, *model, *market}) == len(identity) + len(model) + len(market)
    assert set(everything) - {*identity, *model, *market} == {"zone_source", "line_snapshot_at"}
    assert not {"line", "spread", "implied_team_total"} & set(model)
    assert {"points_l5", "is_home", "games_last_7"} < set(model)


def test_serving_backfill_and_training_give_identical_rows(world: World, rows: dict[int, dict[str, Any]]) -> None:
    """The same evening described afterwards, its box scores known: not a byte differs."""
    star, twos = (RISING, "Rising Star Jr."), 15
    world.box(DAY, star, "BOS", "LAL", home=True, twos=twos)
    world.box(DAY, (FOE, "Usual Foe"), "LAL", "BOS", home=False, twos=1)
    world.game(DAY, "BOS", "LAL", status="final", seen=AFTER.replace(hour=1))
    assert world.backfill(DAY, DAY, AFTER).status == "success"
    assert world.features(DAY, AS_OF) == rows
    params = {"as_of": AFTER, "first_date": DAY, "last_date": DAY}
    training = world.warehouse.query(read_sql("shared.features", "training_rows"), params).to_pylist()
    actual = {row["player_id"]: (row.pop("actual_points"), row.pop("actual_minutes")) for row in training}
    assert actual == {RISING: (30, 30.0), FOE: (2, 30.0)}
    assert {row["player_id"]: row for row in training} == {player: rows[player] for player in actual}
