"""The parts of `make bench` that must be right whatever the times: equal inputs, and differences
noticed.
"""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from local.bench import __main__ as bench
from local.bench import bus_speed, grid, growth, loader, merge, report, serving
from local.bench.league import find_smaller, last_day_game_ids, players_of_season
from local.bench.measure import BenchFailed
from local.bench.prepare import version_of
from local.bench.staged_rows import unit_rows, unit_table
from local.console.exit_codes import FAILED
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.embedded.file_blobs import FileBlobs
from local.league import write_league
from local.replay import Archive
from shared.nba.stats import OTHERS, PREDICTED
from shared.science.features.names import model_features
from shared.science.model_registry.promotions import move_pointer, read_serving
from shared.science.model_registry.registry import list_saved_versions, save_models
from shared.science.systems.formulas import FORMULAS
from shared.science.systems.output import SYSTEMS
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import load_schema
from tests.support.prediction_tables import DAY
from tests.support.systems_models import train_once
from tests.support.systems_rows import feature_row, packed_history
from tests.unit.operations.status.world import make_whole


def quiet(done: int, total: int) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def league(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    folder = tmp_path_factory.mktemp("bench") / "league"
    write_league(folder, seed=1, seasons=1, teams=6, games_per_team=12, last_day_games=3)
    return Archive(folder)


def test_a_smaller_league_differs_in_its_last_days_games_alone(league: Archive) -> None:
    smaller = find_smaller(league, 1)
    kept, *gone = last_day_game_ids(league)
    assert last_day_game_ids(smaller) == [kept]
    assert len(gone) == 2
    for file in sorted(league.folder.glob("*.parquet")):
        whole, less = league.table(file.stem), smaller.table(file.stem)
        assert less.equals(whole.filter(pc.invert(pc.is_in(whole["game_id"], value_set=pa.array(gone)))))
    assert smaller.table("player_box").num_rows < league.table("player_box").num_rows


def test_players_are_those_with_a_box_score_before_the_last_day(league: Archive) -> None:
    box = league.table("player_box", ["player_id", "game_id"]).to_pylist()
    last = set(last_day_game_ids(league))
    assert players_of_season(league) == sorted({row["player_id"] for row in box if row["game_id"] not in last})


def test_a_units_rows_have_every_staged_column_and_a_key_each() -> None:
    rows = unit_rows(3, "batch_2025-11-14_r1")
    assert {tuple(row) for row in rows} == {tuple(rows[0])}
    assert set(rows[0]) == set(staging.staged_columns())
    key = load_schema(staging.TARGET).primary_key
    assert len({tuple(row[column] for column in key) for row in rows}) == len(rows) == 5 * len(SYSTEMS)


@pytest.mark.heavy
def test_merge_and_upserts_are_compared_on_equal_tables(tmp_path: Path) -> None:
    found = merge.measure(tmp_path, tables=2, upserted_tables=1, progress=quiet)
    assert (found["rows"], found["compared_rows"], found["equal"]) == (10 * len(SYSTEMS), 5 * len(SYSTEMS), True)
    with (
        closing(DuckDbWarehouse(tmp_path / "merged.duckdb")) as merged,
        closing(DuckDbWarehouse(tmp_path / "upserted.duckdb")) as upserted,
    ):
        assert merge.table_of(merged).equals(merge.table_of(upserted))
        written = merge.table_of(upserted).to_pylist()
    # inserted by the first revision, updated by the second
    assert {(row["batch_id"], row["prediction_id"][: len("batch_2025-11-14_r1")]) for row in written} == {
        ("batch_2025-11-14_r2", "batch_2025-11-14_r1")
    }


def test_a_row_that_only_one_way_has_is_noticed() -> None:
    rows = unit_rows(0, "batch_2025-11-14_r1")
    whole = unit_table(rows)
    merge.expect_equal(whole, unit_table(rows))
    with pytest.raises(BenchFailed, match=f"{5 * len(SYSTEMS)} rows, the upserts {5 * len(SYSTEMS) - 1}"):
        merge.expect_equal(whole, unit_table(rows[:-1]))
    with pytest.raises(BenchFailed, match="not the same"):
        merge.expect_equal(whole, unit_table([*rows[:-1], {**rows[-1], "predicted_sd": 6.5}]))


def test_the_players_single_answers_must_be_the_batchs() -> None:
    whole = pa.table({"player_id": [1, 1, 2], "points": [10, 12, 8]})
    single = [whole.slice(0, 2), whole.slice(2)]
    loader.expect_same_rows(whole, single)
    for wrong in (single[:1], [*reversed(single)], [single[0], pa.table({"player_id": [2], "points": [9]})]):
        with pytest.raises(BenchFailed, match="3 rows"):
            loader.expect_same_rows(whole, wrong)
    with pytest.raises(BenchFailed, match="0 rows"):
        loader.expect_same_rows(whole.slice(3), [whole.slice(3)])


def size(games: int, seconds: float, statements: int) -> dict[str, Any]:
    return {
        "games": games,
        "seconds": seconds,
        "seconds_per_game": seconds / games,
        "players": 15 * games,
        "rows": 375 * games,
        "warehouse_statements": statements,
        "deliveries": 7 + 15 * games,
        "seconds_by_phase": {"phase1_scrape": 0.25, "phase5_worker": seconds / 2},
    }


def test_growth_is_from_the_smallest_day_to_the_largest() -> None:
    assert growth.growth([size(2, 2.0, 32), size(8, 4.0, 32), size(15, 8.5, 32)]) == {
        "games_times": 7.5,
        "seconds_times": 4.25,
        "seconds_per_further_game": 0.5,
    }


@pytest.mark.parametrize(("small", "large"), [(32, 33), (41, 41)])
def test_statements_that_grow_or_pass_the_budget_fail(small: int, large: int) -> None:
    growth.expect_same_statements([size(2, 1.0, 40), size(15, 9.0, 40)])
    with pytest.raises(BenchFailed, match=f"15: {large}"):
        growth.expect_same_statements([size(2, 1.0, small), size(15, 9.0, large)])


def test_what_was_prepared_belongs_to_the_code_that_prepared_it(tmp_path: Path) -> None:
    sql = tmp_path / "functions" / "phase9" / "sql" / "rows.sql"
    sql.parent.mkdir(parents=True)
    sql.write_text("SELECT 1", encoding="utf-8")
    first = version_of(tmp_path, "")
    assert version_of(tmp_path, "") == first
    assert version_of(tmp_path, "test_") != first
    (sql.parent / "rows.pyc").write_text("no code", encoding="utf-8")
    assert version_of(tmp_path, "") == first
    sql.write_text("SELECT 2", encoding="utf-8")
    assert version_of(tmp_path, "") != first


def test_the_bus_delivers_every_message_to_the_function(tmp_path: Path) -> None:
    reports: list[tuple[int, int]] = []
    found = bus_speed.measure(tmp_path, 20, lambda done, total: reports.append((done, total)))
    assert reports == [(number, 20) for number in range(1, 21)]
    assert found["messages"] == 20
    assert found["delivered_per_second"] > 0


def test_serving_is_measured_on_recorded_requests_and_saved_models(tmp_path: Path) -> None:
    models = FileBlobs(tmp_path / "models")
    save_models(models, "points", train_once().models, {"features": list(model_features())})
    [version] = list_saved_versions(models, "points")
    move_pointer(
        models,
        "points",
        read_serving(models, "points"),
        version,
        by="test",
        at=datetime(2025, 11, 14, tzinfo=UTC),
        why="test",
    )
    history, lines = packed_history([{}] * 10), {"points": {"main": "19.5", "books": []}}
    request = {"players": [{"features": feature_row(), "history": history, "lines": lines}]}
    data = gzip.compress("\n".join([json.dumps(request)] * 3).encode())
    FileBlobs(tmp_path / "raw").write("requests/2025-11-14/batch.jsonl.gz", data, content_type="application/gzip")
    found = serving.measure(tmp_path, 2, quiet)
    # points at five lines; of every other statistic, which has no line, a row of each system
    assert (found["players"], found["rows"]) == (2, 2 * len(SYSTEMS) * (5 + len(PREDICTED) - 1))
    # all five of points; of others, which have no model, the formulas
    formulas = [sum(formula.speaks_of(stat) for formula in FORMULAS) for stat in OTHERS.values()]
    assert found["explained"] == 2 * (len(SYSTEMS) + sum(formulas))
    with pytest.raises(BenchFailed, match="no recorded requests"):
        serving.requested_players(tmp_path / "models")


def test_rows_that_differ_in_more_than_explanations_are_noticed() -> None:
    plain = [{"predicted": 20.0, "explanation": None}]
    serving.expect_same(plain, [{"predicted": 20.0, "explanation": "[]"}])
    for other in (plain, [{"predicted": 20.5, "explanation": "[]"}], []):
        with pytest.raises(BenchFailed, match="1 rows without"):
            serving.expect_same(plain, other)


@pytest.mark.heavy  # writes forty dates
def test_the_grid_is_measured_by_how_many_dates_it_has(tmp_path: Path) -> None:
    found = grid.measure(make_whole(tmp_path / "state"), DAY, quiet)
    assert [each["dates"] for each in found] == [1, 14, 40]
    assert [each["warehouse_statements"] for each in found] == [4, 4, 4]
    assert found[0]["times"] == 1.0
    assert all(each["ms"] > 0 for each in found)
    rows = grid.make_rows({14: [0.5, 0.2], 1: [0.1, 0.4]}, {1: 4, 14: 4})
    assert [(each["dates"], each["ms"], each["times"]) for each in rows] == [(1, 100.0, 1.0), (14, 200.0, 2.0)]
    with pytest.raises(BenchFailed, match=r"grow with its dates \(1: 4, 14: 17\)"):
        grid.expect_same_statements({1: 4, 14: 17})


def test_tables_and_file_tell_the_same_figures(tmp_path: Path) -> None:
    sizes = [size(2, 2.0, 32), size(15, 8.5, 32)]
    figures = {
        "batch_loader": {"players": 400, "rows": 9000, "batch_ms": 80.25, "per_player_ms": 8025.0, "ratio": 100.0},
        "staging_merge": {
            "tables": 150,
            "rows": 3750,
            "first_merge_ms": 350.0,
            "next_revision_merge_ms": 300.0,
            "same_statement_again_ms": 280.0,
            "staging_loads_ms": 900.0,
            "compared_tables": 20,
            "compared_rows": 500,
            "compared_merge_ms": [70.0, 50.0],
            "compared_loads_ms": [100.0, 150.0],
            "compared_upserts_ms": [9000.0, 10000.0],
            "ratio_merge": 200.0,
        },
        "chain_run": {"sizes": sizes, "growth": growth.growth(sizes)},
        "statistics": {
            "points": {
                "games": 9,
                "rows": 3000,
                "warehouse_statements": 32,
                "seconds": 4.0,
                "training_seconds": 20.0,
                "merge_ms": 100.0,
            },
            "all": {
                "games": 9,
                "rows": 21000,
                "warehouse_statements": 32,
                "seconds": 7.0,
                "training_seconds": 44.0,
                "merge_ms": 260.0,
            },
            "ratios": {"seconds": 1.8, "training_seconds": 2.2, "merge_ms": 2.6},
        },
        "serving": {
            "players": 150,
            "rows": 3500,
            "explained": 750,
            "without_ms": 55.5,
            "with_ms": 111.0,
            "ratio": 2.0,
            "units_without_ms": 230.0,
            "units_with_ms": 460.0,
            "units_ratio": 2.0,
        },
        "grid": [
            {"dates": 1, "ms": 61.25, "times": 1.0, "warehouse_statements": 4},
            {"dates": 14, "ms": 122.5, "times": 2.0, "warehouse_statements": 4},
        ],
        "bus": {"messages": 10, "published_per_second": 3000, "delivered_per_second": 400},
        "machine": {"cpus": 2, "load_before": 0.5, "load_after": 1.5},
        "seconds": 120.0,
    }
    report.write(tmp_path / "bench.json", figures)
    assert json.loads((tmp_path / "bench.json").read_text(encoding="utf-8")) == figures
    screen = Console(file=StringIO(), width=120)
    report.show(screen, figures)
    assert isinstance(screen.file, StringIO)
    lines = [" ".join(line.split()) for line in screen.file.getvalue().splitlines()]
    for line in (
        "one query a player 400 8,025 100.0",
        "training, s 20.00 44.00 2.2",
        "staging MERGE, ms 100 260 2.6",
        "staging loads and one MERGE 170 200 4.0",
        "an upsert a row 9,000 10,000 200.0",
        "15 225 5625 8.50 0.57 232 32",
        "phase5_worker 1.00 4.25",
        "with explanations 111 2.0 460 2.0",
        "14 122 2.0 4",
    ):
        assert line in lines


def test_a_folder_that_cannot_be_used_is_a_failure_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("LOCAL_DIR", str(tmp_path / "file"))
    assert bench.main() == FAILED
    assert str(tmp_path / "file") in capsys.readouterr().err
