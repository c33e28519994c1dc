"""A warehouse of the release that knew points alone, as it left it: migrated, nothing is lost and
nothing is done twice.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.errors import SchemaMismatch
from shared.stores.warehouse import migration, staging
from shared.stores.warehouse.rows import table_of
from shared.stores.warehouse.schemas import load_schema

DAY = date(2025, 1, 6)
AT = datetime(2025, 1, 6, 22, 30, tzinfo=UTC)
PREDICTIONS = "nba_predictions.player_prop_predictions"
GRADES = "nba_predictions.prediction_accuracy"
WINDOWS = "nba_predictions.system_daily_performance"
BETS = "nba_predictions.exported_best_bets"
LINES = "nba_analytics.upcoming_player_lines"
OLD_RAW, RAW = "nba_raw.odds_api_player_points_props", "nba_raw.odds_api_player_props"
UNIT = staging.staging_table("batch_2025-01-06_r1", "7")
# Today's name of a column -> the name it had.
OF_BEFORE = {
    "predicted": "predicted_points",
    "predicted_no_market": "predicted_points_no_market",
    "actual": "actual_points",
}
EXPLANATION = json.dumps([{"feature": "points", "value": 20.5, "effect": -1.25}], separators=(",", ":"))


def rows() -> dict[str, list[dict[str, Any]]]:
    """A few rows of every table that knew points alone, as they are today."""
    first = {
        "prediction_id": "7", "batch_id": "batch_2025-01-06_r1", "system_id": "ensemble_v1", "model_version": "1",
        "player_id": 7, "player_lookup": "x", "game_id": "0022400001", "game_date": DAY, "tipoff_at": AT,
        "line_kind": "none", "recommendation": "NO_LINE", "reason": "", "uses_market": False, "features_as_of": AT,
        "created_at": AT, "updated_at": AT, "stat": "points", "predicted": 21.5, "predicted_no_market": 20.5,
        "explanation": EXPLANATION,
    }  # fmt: skip
    unexplained = {**first, "player_id": 8, "prediction_id": "8", "explanation": None}
    grade = {
        "game_date": DAY, "game_id": "0022400001", "player_id": 7, "player_lookup": "x", "system_id": "ensemble_v1",
        "model_version": "1", "batch_id": "batch_2025-01-06_r1", "line_value": Decimal("20.5"), "line_kind": "main",
        "recommendation": "OVER", "predicted": 21.5, "actual": 22, "outcome": "win", "graded_at": AT, "stat": "points",
    }  # fmt: skip
    window = {
        "game_date": DAY, "window_name": "day", "system_id": "ensemble_v1", "graded_at": AT, "stat": "points",
        **dict.fromkeys(("n", "bets", "wins", "pushes", "passes", "voids", "priced_bets", "n_unlined"), 1),
    }  # fmt: skip
    pick = {"game_date": DAY, "list_id": "e", "exported_at": AT, "rank": 1, "game_id": "0022400001", "stat": "points"}
    line = {
        "game_date": DAY, "game_id": "0022400001", "features_as_of": AT, "player_lookup": "x", "player_name": "X",
        "bookmaker": "a", "is_main": True, "line": Decimal("20.5"), "snapshot_time": AT, "stat": "points",
    }  # fmt: skip
    return {
        PREDICTIONS: [first, unexplained],
        GRADES: [grade],
        WINDOWS: [window],
        BETS: [{**pick, "rank": 0, "game_id": None, "stat": None}, pick],
        LINES: [line],
    }


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The warehouse with those rows and a unit's staging, turned back into the form of before."""
    file = tmp_path / "warehouse.duckdb"
    warehouse = DuckDbWarehouse(file)
    for table, content in rows().items():
        warehouse.load(table, table_of(table, content), mode="append", job_id=table)
    staged = table_of(PREDICTIONS, rows()[PREDICTIONS], staging.staged_columns())
    warehouse.load(UNIT, staged, mode="replace", job_id="unit")
    warehouse.close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP TABLE main._migrations")
        connection.execute("DROP VIEW nba_predictions.current_predictions")
        for table in (*rows(), UNIT):
            name = ".".join(f'"{part}"' for part in table.split(".", 1))
            columns = [each[0] for each in connection.execute(f"DESCRIBE {name}").fetchall()]
            if "explanation" in columns:
                connection.execute(
                    f"""UPDATE {name} SET explanation = REPLACE(explanation, '"effect":', '"points":')"""
                )
            connection.execute(f"ALTER TABLE {name} DROP COLUMN stat")
            for new, old in OF_BEFORE.items():
                if new in columns:
                    connection.execute(f"ALTER TABLE {name} RENAME COLUMN {new} TO {old}")
    return file


def raw_rows() -> list[dict[str, Any]]:
    """Lines as the raw table of before had them: two of one file, and of another that no book had
    any.
    """
    answer = {
        "game_date": DAY, "event_id": "e", "home_team": "BOS", "away_team": "LAL", "commence_time": AT,
        "snapshot_time": AT, "fetched_at": AT, "answer_at": AT, "run_id": "r", "source_file": "raw/1.json.gz",
    }  # fmt: skip
    line = {
        **answer, "bookmaker": "a", "market": "player_points", "player_name": "X", "player_lookup": "x",
        "player_lookup_base": "x", "line": Decimal("20.5"), "over_price": -110, "under_price": -110,
    }  # fmt: skip
    other = {**line, "market": "player_points_alternate", "line": Decimal("24.5")}
    return [line, other, {**answer, "source_file": "raw/2.json.gz"}]


def content(warehouse: DuckDbWarehouse) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for table in (*rows(), UNIT):
        order = "player_id" if table in (PREDICTIONS, UNIT) else "game_date"
        found[table] = warehouse.query(f"SELECT * FROM `{table}` WHERE game_date = @day ORDER BY {order}", {"day": DAY})
    return {
        table: sorted((dict(sorted(row.items())) for row in each.to_pylist()), key=lambda row: row.get("rank") or 0)
        for table, each in found.items()
    }


def as_today(tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """The same rows in a warehouse that never was of before."""
    warehouse = DuckDbWarehouse(tmp_path / "today.duckdb")
    for table, some in rows().items():
        warehouse.load(table, table_of(table, some), mode="append", job_id=table)
    staged = table_of(PREDICTIONS, rows()[PREDICTIONS], staging.staged_columns())
    warehouse.load(UNIT, staged, mode="replace", job_id="unit")
    found = content(warehouse)
    warehouse.close()
    return found


def test_opening_a_warehouse_of_before_loses_nothing(before: Path, tmp_path: Path) -> None:
    warehouse = DuckDbWarehouse(before)
    assert content(warehouse) == as_today(tmp_path)
    assert warehouse.statement_counts == {"query": 6}, "opening counts for nobody's budget"
    reported: list[str] = []
    assert migration.migrate(warehouse, reported.append) == 0
    assert reported == []
    warehouse.close()


def test_what_a_unit_of_before_staged_is_merged(before: Path) -> None:
    """A batch that was open when the release came: its unit's rows go where they belong."""
    warehouse = DuckDbWarehouse(before)
    warehouse.execute(f"DELETE FROM `{PREDICTIONS}` WHERE game_date = @day", {"day": DAY})
    tables = warehouse.tables(staging.DATASET, "_staging_batch_")
    staging.check_columns(tables)
    params = {"now": AT.replace(hour=20), "game_date": DAY, "revision": 1}
    assert warehouse.execute(staging.merge_sql(staging.staged_rows(tables, "batch_2025-01-06_r1")), params) == 2
    found = warehouse.query(f"SELECT stat, predicted FROM `{PREDICTIONS}` WHERE game_date = @day", {"day": DAY})
    assert found.to_pylist() == [{"stat": "points", "predicted": 21.5}] * 2
    warehouse.close()


def test_raw_lines_are_copied_once(tmp_path: Path) -> None:
    """Files that the new table has are its own: what was fetched since stays as it is."""
    file = tmp_path / "warehouse.duckdb"
    warehouse = DuckDbWarehouse(file)
    warehouse.load(OLD_RAW, table_of(OLD_RAW, raw_rows()), mode="append", job_id="before")
    newer = {**raw_rows()[0], "stat": "rebounds", "market": "player_rebounds", "source_file": "raw/3.json.gz"}
    warehouse.load(RAW, table_of(RAW, [newer]), mode="append", job_id="since")
    reported: list[str] = []
    assert migration.migrate(warehouse, reported.append) == 1
    assert reported[0].startswith(f"INSERT INTO `{RAW}`")
    assert migration.migrate(warehouse, reported.append) == 0
    found = warehouse.query(f"SELECT * FROM `{RAW}` WHERE game_date = @day", {"day": DAY}).to_pylist()
    wanted = [newer, *({**row, "stat": "points"} for row in raw_rows())]
    for row in wanted:
        assert {name: row.get(name) for name in load_schema(RAW).columns} in found
    assert len(found) == len(wanted)
    warehouse.close()


def test_a_migration_that_died_goes_on(before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every opening dies after one statement; the last ends with what an undisturbed one does."""
    real = DuckDbWarehouse.execute
    deaths = 0
    ran: list[str] = []

    def execute(self: DuckDbWarehouse, sql: str, params: Any = None) -> int:
        if len(ran) > deaths:
            raise KeyboardInterrupt
        ran.append(sql)
        return real(self, sql, params)

    with monkeypatch.context() as dying:
        dying.setattr(DuckDbWarehouse, "execute", execute)
        while True:
            try:
                DuckDbWarehouse(before).close()
                break
            except KeyboardInterrupt:
                deaths += 1
                assert len(ran) == deaths, "the next one goes on from there"
    assert deaths > 10, "every statement was the last one once"
    assert len(set(ran)) == len(ran), "none ran twice"
    warehouse = DuckDbWarehouse(before)
    assert content(warehouse) == as_today(tmp_path)
    warehouse.close()


def test_a_table_of_another_release_is_refused_as_ever(before: Path) -> None:
    with duckdb.connect(str(before)) as connection:
        connection.execute(f"ALTER TABLE {GRADES} ADD COLUMN unknown VARCHAR")
    with pytest.raises(SchemaMismatch, match="other columns than declared: unknown"):
        DuckDbWarehouse(before)


@pytest.mark.parametrize(
    "sql",
    [
        step.sql
        for step in migration.steps({PREDICTIONS: ["predicted_points"], UNIT: [], BETS: [], OLD_RAW: [], RAW: []})
    ],
)
def test_both_warehouses_take_the_statements(sql: str) -> None:
    from local.embedded.transpile import transpile
    from shared.stores.gcp.bigquery_sql import prepare

    assert prepare(sql, None, "", "dml").sql == sql
    assert transpile(sql).kind == "dml"


@pytest.mark.parametrize("sql", ["ALTER TABLE `nba_raw.t` DROP COLUMN a", "DROP TABLE `nba_raw.t`"])
def test_nothing_that_loses_rows_or_columns_is_executed(sql: str) -> None:
    from local.embedded.transpile import transpile
    from shared.core.errors import Fatal
    from shared.stores.gcp.bigquery_sql import prepare

    takes: list[Callable[[], Any]] = [lambda: prepare(sql, None, "", "dml"), lambda: transpile(sql)]
    for take in takes:
        with pytest.raises(Fatal):
            take()
