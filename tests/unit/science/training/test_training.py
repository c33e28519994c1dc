"""train_model: walk-forward in truth, repeatable to the byte, and its run from the warehouse to the
bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from functions.train_model.training import run
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from shared.chain.execution.context import Context
from shared.chain.messages.messages import TrainingMessage
from shared.core.clock import SystemClock
from shared.core.errors import DataError
from shared.core.pipeline import load_pipeline
from shared.core.settings import Settings
from shared.nba.stats import STATS
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import current_versions
from shared.science.model_registry.registry import load_models
from shared.science.systems.ensemble import fit_combination
from shared.science.systems.history import GAMES, History, pack_histories, unpack_histories
from shared.science.systems.output import BASE_SYSTEMS, ENSEMBLE, MOVING_AVERAGE, XGBOOST
from shared.science.training.rows import EVERY_GAME, read_table, read_training_rows, rows_of_table
from shared.science.training.walk_forward import Inputs, _walk_forward, fit
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql
from tests.support.systems_models import train_once, training_rows
from tests.support.training_tables import feature_store_row, fill, game, load, summary_row

# --- the fit --------------------------------------------------------------------------------------


def test_the_same_rows_give_the_same_bytes_and_the_same_version() -> None:
    again = fit(training_rows())
    first, second = train_once().models, again.models
    assert first.xgboost is not None
    assert second.xgboost is not None
    assert first.ensemble == second.ensemble
    assert first.xgboost.version == second.xgboost.version
    assert first.xgboost.trees.files() == second.xgboost.trees.files()
    assert train_once().metrics == again.metrics


def test_other_data_is_another_version() -> None:
    rows = training_rows()
    points = rows.actual.copy()
    points[3] += 1
    other = fit(replace(rows, actual=points)).models.xgboost
    assert other is not None
    first = train_once().models.xgboost
    assert first is not None
    assert other.version != first.version
    assert other.version.startswith(str(rows.day.max()))


def test_the_trees_of_a_fold_have_not_seen_its_days_or_later_ones() -> None:
    rows = training_rows()
    inputs = Inputs.of(rows, {})
    means, out_of_sample = _walk_forward(rows, inputs, {})
    last_fold = rows.day >= rows.first_day(0.75)
    changed = replace(rows, actual=np.where(last_fold, 60.0, rows.actual))
    after, _ = _walk_forward(changed, inputs, {})
    np.testing.assert_array_equal(means[XGBOOST], after[XGBOOST])
    assert not out_of_sample[: len(rows) // 3].any()
    assert out_of_sample[-1]


def test_figures_of_the_hold_out_do_not_depend_on_being_fitted_on_it() -> None:
    rows = training_rows()
    holdout = rows.day >= rows.first_day(0.9)
    shifted = fit(replace(rows, actual=np.where(holdout, rows.actual + 10.0, rows.actual)))
    for name in BASE_SYSTEMS:
        moved = shifted.metrics["all"][name]["bias"] - train_once().metrics["all"][name]["bias"]
        assert moved == pytest.approx(-10.0, abs=1e-3)
    moved = shifted.metrics["lined"][ENSEMBLE]["bias"] - train_once().metrics["lined"][ENSEMBLE]["bias"]
    assert moved == pytest.approx(-10.0, abs=1e-3)


def test_weights_are_not_negative_and_the_market_counts_where_it_knows_most() -> None:
    model = train_once().models.ensemble
    assert model is not None
    assert model.with_market is not None
    market = model.with_market
    assert all(weight >= 0 for weight in model.no_market.weights.values())
    assert all(weight >= 0 for weight in (market.line, market.early, market.price, market.late))
    assert market.line > 0.5, "the line of these rows is nearly the truth"
    assert set(model.no_market.weights) == set(BASE_SYSTEMS)


def test_too_few_lines_give_no_market_combination() -> None:
    rows = training_rows()
    model = fit(replace(rows, line=np.full(len(rows), np.nan))).models.ensemble
    assert model is not None
    assert model.with_market is None
    assert train_once().metrics["lined"]["n"] > 0


def test_the_learned_systems_beat_the_season_average_of_the_synthetic_rows() -> None:
    figures = train_once().metrics["all"]
    assert figures[MOVING_AVERAGE]["mae"] < figures["season_avg_mae"]
    assert figures[f"{ENSEMBLE}_no_market"]["mae"] < figures["season_avg_mae"]


def test_a_combination_finds_known_weights_and_refuses_negative_ones() -> None:
    random = np.random.default_rng(1)
    a, b = random.normal(15, 5, 500), random.normal(15, 5, 500)
    found = fit_combination({"a": a, "b": b}, 2.0 + 0.7 * a - 0.2 * b)
    assert found.weights["b"] == 0.0
    assert found.weights["a"] == pytest.approx(0.7, abs=0.03)
    exact = fit_combination({"a": a, "b": b}, 2.0 + 0.7 * a + 0.2 * b)
    assert (exact.intercept, exact.weights["a"], exact.weights["b"]) == pytest.approx((2.0, 0.7, 0.2), abs=1e-4)


# --- from the warehouse ---------------------------------------------------------------------------


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[DuckDbWarehouse]:
    opened = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    yield opened
    opened.close()


def histories(warehouse: DuckDbWarehouse, as_of: datetime, last_games: int = GAMES) -> pa.Table:
    return warehouse.query(
        read_sql("shared.science.systems", "batch_histories"),
        {"as_of": as_of, "game_date": date(2026, 1, 1), "player_ids": [1, 2], "last_games": last_games},
    )


def test_the_batch_loader_gives_the_last_games_strictly_before_as_of_newest_first(warehouse: DuckDbWarehouse) -> None:
    rows = [summary_row(n) for n in (1, 2, 5)] + [summary_row(3, player_id=2), summary_row(4, player_id=3)]
    load(warehouse, "nba_analytics.player_game_summary", rows)
    known = game(5)["known_at"]
    flat = histories(warehouse, known)
    assert flat.column("player_id").to_pylist() == [1, 1, 2]
    assert flat.column("points").to_pylist() == [2, 1, 3], "a game known at as_of is not before it"
    later = histories(warehouse, known + timedelta(microseconds=1))
    assert later.column("points").to_pylist() == [5, 2, 1, 3]
    assert later.column("rest_days").to_pylist() == [2, 0, None, None]
    assert histories(warehouse, known, last_games=1).column("points").to_pylist() == [2, 3]


def test_histories_know_the_opponents_defence_and_who_was_missing_then(warehouse: DuckDbWarehouse) -> None:
    load(warehouse, "nba_analytics.player_game_summary", [summary_row(3)])
    team = {"opponent": "CCC", "is_home": True, "team_minutes": 240.0}
    defence = [
        {**game(n), **team, "team": "BBB", "points_allowed": points, "possessions": 100.0}
        for n, points in ((1, 110), (2, 120), (3, 150))
    ]
    load(warehouse, "nba_analytics.team_defense_game_summary", defence)
    missing = {"missing_count": 1, "missing_minutes": 30.0, "missing_points": 17.5}
    load(
        warehouse,
        "nba_analytics.team_offense_game_summary",
        [{**game(3), **team, "team": "AAA", "points": 99, **missing}],
    )
    flat = histories(warehouse, game(9)["tipoff_at"])
    assert flat.column("opponent_def_rating").to_pylist() == [115.0], "of the games before, not of this one"
    assert flat.column("team_missing_points").to_pylist() == [17.5]
    packed = pack_histories(flat)
    unpacked = unpack_histories([packed[1], None])
    assert unpacked.values["opponent_def_rating"][0, 0] == 115.0
    assert unpacked.count.tolist() == [1, 0]
    assert packed[1]["game_date"] == ["2025-01-03"]


def context(tmp_path: Path, warehouse: DuckDbWarehouse, as_of: datetime) -> Context:
    blobs = FileBlobs(tmp_path / "models")
    runtime = Runtime(
        settings=Settings(),
        clock=SystemClock(),
        warehouse=warehouse,
        state=None,  # type: ignore[arg-type]  # training touches the warehouse and the models bucket only
        bus=None,  # type: ignore[arg-type]
        raw=blobs,
        exports=blobs,
        models=blobs,
    )
    day = DateRange(date(2025, 1, 1), date(2025, 1, 1))
    spec = load_pipeline().functions["train_model"]
    return Context(runtime, spec, "train_model.run", "run", "same_day", "run", day, as_of)


MESSAGE = TrainingMessage(game_date=date(2025, 1, 1))


def test_a_row_is_trained_with_what_was_known_of_it_then(warehouse: DuckDbWarehouse) -> None:
    fill(warehouse, games=12, players=2)
    rows = read_training_rows(warehouse, game(8)["known_at"], ["points"])["points"]
    assert len(rows) == 16, "games 0 to 7 of two players: game 8 is known at as_of, not before"
    assert sorted(set(rows.history.count.tolist())) == list(range(8)), "each row has the games before it"
    assert set(rows.minutes.tolist()) == {30.0}, "what happened, which is no feature"
    assert not {"actual_points", "actual_minutes"} & set(rows.features)
    everything = histories(warehouse, game(8)["known_at"], last_games=EVERY_GAME)
    assert everything.num_rows == 8, "player 0 was not asked for"


def test_what_a_sum_brought_is_that_of_its_parts_together(warehouse: DuckDbWarehouse) -> None:
    """Of the second game the box score does not tell the assists, of the third points alone."""
    counts: list[dict[str, int]] = [{"rebounds": 7, "assists": 4, "fg3m": 3}, {"rebounds": 2, "fg3m": 0}, {}]
    box = [summary_row(n, points=20 + n, **counted) for n, counted in enumerate(counts)]
    load(warehouse, "nba_analytics.player_game_summary", box)
    load(warehouse, "nba_predictions.ml_feature_store", [feature_store_row(n, 1) for n in range(3)])
    as_of = game(9)["tipoff_at"]
    rows = rows_of_table(warehouse, as_of, read_table(warehouse, as_of), list(STATS))
    unknown = np.nan
    for stat, happened in {
        "points": [20, 21, 22],
        "rebounds": [7, 2, unknown],
        "assists": [4, unknown, unknown],
        "threes": [3, 0, unknown],
        "pra": [31, unknown, unknown],
        "pr": [27, 23, unknown],
        "pa": [24, unknown, unknown],
        "ra": [11, unknown, unknown],
    }.items():
        np.testing.assert_array_equal(rows[stat].actual, happened, err_msg=stat)
        past = rows[stat].history
        assert past.values["threes"][2, :2].tolist() == [0.0, 3.0]
        assert past.values["rebounds"][2, :2].tolist() == [2.0, 7.0]
        np.testing.assert_array_equal(past.values["assists"][2, :2], [unknown, 4.0])
    hashes = {stat: rows[stat].data_hash for stat in STATS}
    for changed, others in {
        "points": set[str](),
        "rebounds": {"points", "assists", "threes", "pa"},
        "assists": {"points", "rebounds", "threes", "pr"},
        "threes": set(STATS) - {"threes"},
    }.items():
        values = {**rows["points"].history.values}
        values[changed] = values[changed] + 1
        count = rows["points"].history.count
        same = {
            stat
            for stat, each in rows.items()
            if replace(each, history=History(values, count)).data_hash == hashes[stat]
        }
        assert same == others, f"{changed} of the games before are read by who is not in {others}"


def test_training_and_serving_see_the_same_history(warehouse: DuckDbWarehouse) -> None:
    fill(warehouse, games=40, players=3)
    rows = read_training_rows(warehouse, game(200)["tipoff_at"], ["points"])["points"]
    served = pack_histories(histories(warehouse, game(35)["tipoff_at"] - timedelta(hours=1)))
    for player_id in (1, 2):
        at = 35 * 3 + player_id
        as_served = unpack_histories([served[player_id]])
        assert as_served.count[0] == rows.history.count[at] == GAMES
        for name, values in as_served.values.items():
            np.testing.assert_array_equal(values[0], rows.history.values[name][at])


@pytest.mark.heavy
def test_training_reads_the_warehouse_and_makes_a_version_current(tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    fill(warehouse, games=120, players=6)
    surroundings = context(tmp_path, warehouse, game(200)["tipoff_at"])
    outcome = run(MESSAGE, surroundings)
    assert outcome.status == "success"
    assert outcome.record_count == 720 * len(STATS)
    blobs = surroundings.runtime.models
    assert current_versions(blobs, "points") == dict.fromkeys(
        (XGBOOST, ENSEMBLE), outcome.metadata["stats"]["points"]["version"]
    )
    models = load_models(blobs, "points", current_versions(blobs, "points"))
    assert models.xgboost is not None
    assert models.xgboost.features == model_features()
    assert outcome.metadata["stats"]["points"]["metrics"]["all"]["n"] > 0
    for stat, found in outcome.metadata["stats"].items():
        assert load_models(blobs, stat, current_versions(blobs, stat)).version == found["version"]
    later = context(tmp_path, warehouse, game(300)["tipoff_at"])
    assert run(MESSAGE, later).metadata == outcome.metadata, "without new games a later training is the same version"


def test_a_feature_that_knows_the_result_is_refused(tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    fill(warehouse, games=120, players=6, leak=True)
    surroundings = context(tmp_path, warehouse, game(200)["tipoff_at"])
    with pytest.raises(DataError, match="points_l3 alone explains"):
        run(MESSAGE, surroundings)
    assert current_versions(surroundings.runtime.models, "points") == {}


@pytest.mark.parametrize("games", [0, 20])
def test_too_few_rows_are_no_data_with_their_number(tmp_path: Path, warehouse: DuckDbWarehouse, games: int) -> None:
    if games:
        fill(warehouse, games=games, players=2)
    outcome = run(MESSAGE, context(tmp_path, warehouse, game(200)["tipoff_at"]))
    assert outcome.status == "no_data"
    assert outcome.reason.startswith(f"{games * 2} training rows")
    assert current_versions(FileBlobs(tmp_path / "models"), "points") == {}
