"""Each feature's sign and unit, worked out on paper for two evenings (features_cases.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.nba.stats import BASE_STATS
from shared.science.features.names import identity_columns, model_features
from shared.stores.warehouse.schemas import load_schema
from shared.stores.warehouse.sql import read_sql
from tests.support import features_playoff as playoff
from tests.support.features_cases import CASES, EVENING, PLAYOFF, Case
from tests.support.features_cases_evening import STAR
from tests.support.features_evening import AFTER, AS_OF, BENCH, DAY, FOE, MATE, RISING, write_evening
from tests.support.features_fixture import STORE, FeatureFixture, Row, open_world
from tests.support.market_features import market_features
from tests.support.stat_columns import stat_columns


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("evening")) as world:
        write_evening(world)
        world.backfill(DAY.replace(year=2024), DAY.replace(day=23), AS_OF)
        assert world.serve(DAY, AS_OF).status == "success"
        yield world


@pytest.fixture(scope="module")
def rows(world: FeatureFixture) -> dict[int, dict[str, Any]]:
    return world.features(DAY, AS_OF)


Rows = dict[str, dict[int, Row]]


@pytest.fixture(scope="module")
def playoff_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FeatureFixture]:
    with open_world(tmp_path_factory.mktemp("playoff")) as world:
        playoff.write_evening(world)
        world.backfill(playoff.FIRST, playoff.DAY - timedelta(days=1), playoff.AS_OF)
        assert world.serve(playoff.DAY, playoff.AS_OF).status == "success"
        yield world


@pytest.fixture(scope="module")
def computed(rows: dict[int, Row], playoff_world: FeatureFixture) -> Rows:
    """The feature rows of both evenings, by player."""
    return {EVENING: rows, PLAYOFF: playoff_world.features(playoff.DAY, playoff.AS_OF)}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_feature_is_what_paper_says(computed: Rows, case: Case) -> None:
    found = computed[case.evening][case.player][case.feature]
    assert case.fits(found), (found, case.expected)


def test_every_column_has_an_expectation() -> None:
    missing = sorted(set(load_schema(STORE).columns) - set(STAR) - {"game_date", "game_id", "player_id"})
    assert missing == [], f"STAR in tests/support/features_cases_evening.py has no value of {missing}"
    assert set(STAR) - set(load_schema(STORE).columns) == set()


# What a wrong feature may do: no such mistake may pass all the cases of a feature.
MISTAKES: dict[str, Callable[[Any], Any]] = {
    "of the other sign": lambda value: -value,
    "in percent": lambda value: 100 * value,
    "percent as a share": lambda value: value / 100,
    "upside down": lambda value: 1 / value if value else value,
    "never known": lambda value: None,
}
MISTAKES_OF_YES_OR_NO: dict[str, Callable[[Any], Any]] = {
    "of the other sign": lambda value: not value,
    "always": lambda value: True,
    "never": lambda value: False,
}


def find_unnoticed(found: Sequence[tuple[Case, Any]]) -> list[str]:
    """Mistakes that pass every case, given with its computed value; a NULL stays NULL."""
    is_yes_or_no = any(isinstance(value, bool) for _, value in found)
    return [
        name
        for name, mistake in (MISTAKES_OF_YES_OR_NO if is_yes_or_no else MISTAKES).items()
        if all(case.fits(None if value is None else mistake(value)) for case, value in found)
    ]


FEATURES = sorted({*market_features(), *(name for stat in BASE_STATS for name in model_features(stat))})


@pytest.mark.parametrize("feature", FEATURES)
def test_a_features_cases_notice_every_mistake(computed: Rows, feature: str) -> None:
    cases = [case for case in CASES if case.feature == feature]
    found = [(case, computed[case.evening][case.player][feature]) for case in cases]
    assert find_unnoticed(found) == [], f"{feature} needs a case that tells: see tests/support/features_cases.py"


@pytest.mark.parametrize(
    ("values", "passing"),
    [
        ([], [*MISTAKES]),
        ([None], [*MISTAKES]),
        ([0.0], ["of the other sign", "in percent", "percent as a share", "upside down"]),
        ([1.0], ["upside down"]),
        ([0.0, 1.0, 2.5], []),
        ([-2], []),
        ([True], ["always"]),
        ([False], ["never"]),
        ([True, False], []),
    ],
)
def test_cases_that_tell_nothing_are_told(values: list[Any], passing: list[str]) -> None:
    assert find_unnoticed([(Case(EVENING, RISING, "any", value), value) for value in values]) == passing


def test_who_is_missing_is_seen_from_each_side(rows: dict[int, dict[str, Any]]) -> None:
    """Nobody is his own team-mate; what one team misses is the other's opponents_out."""
    assert rows[MATE]["injury_status"] == "OUT"
    assert (rows[MATE]["teammates_out_count"], rows[MATE]["teammates_out_points"]) == (0, 0.0)
    assert (rows[FOE]["teammates_out_count"], rows[FOE]["opponents_out_points"]) == (1, 20.0)
    assert rows[FOE]["spread"] == 5.0
    assert rows[FOE]["implied_team_total"] == 108.0


def test_factors_point_the_right_way(world: FeatureFixture, rows: dict[int, dict[str, Any]]) -> None:
    """A back-to-back and a fourth game in seven days tire; a weak defence and missing team-mates
    help.
    """
    found = world.rows("nba_precompute.player_composite_factors", f"game_date = '{DAY}'")
    factors = {row["player_id"]: row for row in found}
    star = factors[RISING]
    assert star["fatigue_factor"] == pytest.approx(1 - 0.02 - 0.01)
    assert star["matchup_factor"] == 1.1  # half of 0.21, held at the bound
    assert star["teammates_factor"] == pytest.approx(1.072)
    assert factors[FOE]["fatigue_factor"] == 1.0
    assert factors[FOE]["matchup_factor"] == pytest.approx(1 + rows[FOE]["zone_mismatch"] / 2, abs=1e-5)


def test_the_absence_is_in_the_team_s_summary(world: FeatureFixture) -> None:
    missing = {
        str(row["game_date"]): (row["missing_count"], row["missing_minutes"], row["missing_points"])
        for row in world.rows("nba_analytics.team_offense_game_summary", "team = 'BOS'")
    }
    assert missing.pop("2025-11-23") == (1, 36.0, 20.0)
    assert set(missing.values()) == {(0, 0.0, 0.0)}


def test_every_null_has_its_reason(world: FeatureFixture) -> None:
    """A NULL feature without a reason would be a silent gap."""
    silent = {"injury_status", "injury_source", "null_reasons"}
    table = world.warehouse.query(f"SELECT * FROM {STORE} WHERE game_date <= @day", {"day": DAY}).to_pylist()
    assert len(table) > 20
    for row in table:
        nulls = {name for name, value in row.items() if value is None} - silent
        explained = {reason.split("=")[0] for reason in (row["null_reasons"] or "").split(",")}
        unexplained = [name for name in nulls if not _groups(name) & explained]
        assert not unexplained, (
            f"player {row['player_id']} of {row['game_date']} has NULL without a reason in {unexplained}: add it to"
            f" `explained` of ml_feature_store.sql and to _groups here; he has {row['null_reasons']}"
        )


# A column of another statistic is NULL for the reasons of the same column of points, or where box
# scores lack it.
AS_OF_POINTS = {
    column: points
    for stat in BASE_STATS
    if stat != "points"
    for column, points in zip(stat_columns(stat), stat_columns("points"), strict=True)
}


def _groups(name: str) -> set[str]:
    """The reasons that may explain a NULL of this column."""
    if name in AS_OF_POINTS:
        return {"box_score"} | _groups(AS_OF_POINTS[name])
    if name in ("teammates_out_points_recent", "teammates_out_points_delta", "teammates_out_minutes_delta"):
        return {"teammates_recent"} | ({"injuries"} if name.endswith("delta") else set())
    if name.startswith(("teammates_out", "available", "absence_")):
        return {"injuries", "box_score"}
    if name.startswith("opponents_out"):
        return {"opponents", "box_score"}
    if name.endswith(("_line", "_line_p_over")):
        return {"other_lines"}
    if name in ("opponent_rebounds_allowed_rel", "opponent_assists_allowed_rel"):
        return {"opponent_form", "league", "box_score"}
    if name in {"minutes_share", *(f"{stat}_{of}" for stat in BASE_STATS for of in ("share", "rank"))}:
        return {"injuries", "available", "box_score"}
    if name in ("points_sd_l10", "points_slope_l10", "minutes_slope_l10", "minutes_sd_l10", "minutes_second_last"):
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
        "rest_days": {"rest"},
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
        "fga_last": {"box_score"},
        "fg": {"shooting", "shares"},
        "ft": {"shooting", "shares"},
        "true_": {"shooting"},
        "usage": {"usage"},
        "points_per_minute": {"per_minute"},
        "attempts_per_minute": {"per_minute"},
        "points_per_attempt": {"shooting"},
        **{name: {"box_score"} for name in ("rebounds", "assists", "steals", "blocks")},
        **{name: {"box_score"} for name in ("turnovers", "fouls", "plus_minus")},
    }
    return next((groups for prefix, groups in prefixes.items() if name.startswith(prefix)), set())


def test_quality_falls_with_what_is_unknown(rows: dict[int, dict[str, Any]]) -> None:
    """Five games instead of ten cost 15 points of history; neither has a line."""
    assert rows[FOE]["quality_score"] == 98.0 - 15.0 - 5.0
    assert rows[BENCH]["quality_score"] == 98.0 - 5.0


def test_names_of_columns_fall_into_three_groups() -> None:
    everything = load_schema(STORE).columns
    identity, market = identity_columns(), market_features()
    model = sorted({name for stat in BASE_STATS for name in model_features(stat)})
    assert len({*identity, *model, *market}) == len(identity) + len(model) + len(market)
    assert set(everything) - {*identity, *model, *market} == {"zone_source", "line_snapshot_at"}
    assert not {"line", "spread", "implied_team_total"} & set(model)
    assert {"points_l5", "is_home", "games_last_7"} < set(model)


def test_what_serves_one_statistic_is_no_input_of_another() -> None:
    inputs = {stat: set(model_features(stat)) for stat in BASE_STATS}
    own = {stat: {*stat_columns(stat), *stat_columns(stat, "stat_circumstances")} for stat in BASE_STATS}
    everybodys = {"rebounds_l10", "assists_l10"} | own["points"]
    for stat, names in inputs.items():
        assert own[stat] <= names
        for other in set(BASE_STATS) - {stat}:
            assert not (own[other] - everybodys) & names, (stat, other)


def test_a_playoff_evening_described_afterwards_is_the_same(playoff_world: FeatureFixture, computed: Rows) -> None:
    """What is NULL in the other evening has values here: shot data above all."""
    world, day = playoff_world, playoff.DAY
    after = playoff.AS_OF + timedelta(days=2)
    man, season = playoff.FADING_MAN, "playoffs"
    world.box(day, man, "PHX", "DAL", home=False, twos=8, threes=2, rebounds=9, assists=3, season_type=season)
    world.game(day, "DAL", "PHX", season_type="playoffs", seen=after - timedelta(hours=12))
    assert world.backfill(day, day, after).status == "success"
    assert world.features(day, playoff.AS_OF) == computed[PLAYOFF]
    params = {"as_of": after, "first_date": day, "last_date": day}
    [training] = world.warehouse.query(read_sql("shared.science.features", "training_rows"), params).to_pylist()
    actual = {stat: training.pop(f"actual_{stat}") for stat in (*BASE_STATS, "minutes")}
    assert actual == {"points": 22, "rebounds": 9, "assists": 3, "threes": 2, "minutes": 30.0}
    assert training.pop("actual_known_at") > training["tipoff_at"]
    assert training == computed[PLAYOFF][playoff.FADING]


def test_serving_backfill_and_training_give_identical_rows(
    world: FeatureFixture, rows: dict[int, dict[str, Any]]
) -> None:
    """The same evening described afterwards, its box scores known: not a byte differs."""
    star, twos = (RISING, "Rising Star Jr."), 15
    world.box(DAY, star, "BOS", "LAL", home=True, twos=twos)
    world.box(DAY, (FOE, "Usual Foe"), "LAL", "BOS", home=False, twos=1)
    world.game(DAY, "BOS", "LAL", status="final", seen=AFTER.replace(hour=1))
    assert world.backfill(DAY, DAY, AFTER).status == "success"
    assert world.features(DAY, AS_OF) == rows
    params = {"as_of": AFTER, "first_date": DAY, "last_date": DAY}
    training = world.warehouse.query(read_sql("shared.science.features", "training_rows"), params).to_pylist()
    happened = ("points", "threes", "rebounds", "minutes")
    actual = {row["player_id"]: tuple(row.pop(f"actual_{name}") for name in happened) for row in training}
    assert [row.pop("actual_assists") for row in training] == [None, None], "no box score tells them"
    assert all(row.pop("actual_known_at") < AFTER for row in training)
    assert actual == {RISING: (30, 0, None, 30.0), FOE: (2, 0, None, 30.0)}
    assert {row["player_id"]: row for row in training} == {player: rows[player] for player in actual}
