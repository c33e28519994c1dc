"""The Warehouse port's contract: every implementation passes it.

A new one joins by a line in WAREHOUSES.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from local.emulators import prepare
from shared.core.errors import Fatal, NotFound, SchemaMismatch
from shared.core.settings import Settings
from shared.stores.gcp import stores
from shared.stores.ports import DateRange, Warehouse
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import arrow_schema, load_schema
from tests.contract.real_project import real_project
from tests.contract.sql_answers import AGGREGATES, ROWS, SCALARS, WINDOWS

DAY = date(2025, 11, 14)
NOW = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
PERFORMANCE = "nba_predictions.system_daily_performance"
PREDICTIONS = "nba_predictions.player_prop_predictions"
BATCHES = "nba_predictions.prediction_batches"
PLAYERS = "nba_reference.players"
STAGING = "nba_staging._staging_batch_2025-11-14_r1__"

WAREHOUSES: dict[str, Callable[[Path], DuckDbWarehouse]] = {
    "duckdb": lambda folder: DuckDbWarehouse(folder / "warehouse.duckdb"),
    "duckdb-prefixed": lambda folder: DuckDbWarehouse(folder / "warehouse.duckdb", dataset_prefix="test_"),
}


@pytest.fixture(scope="module", params=[*WAREHOUSES, "bigquery"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    if request.param == "bigquery" and (real := real_project()):
        with real.datasets() as prefix:
            settings = Settings(project_id=real.project, dataset_prefix=prefix, bigquery_location=real.location)
            yield stores.warehouse(settings)
        return
    if request.param == "bigquery":
        url, project = request.getfixturevalue("bigquery_emulator"), "contract-tests"
        prefix = f"t{uuid.uuid4().hex[:8]}_"
        prepare.tables(url, project, prefix=prefix)
        yield stores.warehouse(Settings(project_id=project, dataset_prefix=prefix))
        return
    warehouse = WAREHOUSES[request.param](tmp_path_factory.mktemp("warehouse"))
    yield warehouse
    warehouse.close()


@pytest.fixture
def warehouse(opened: Warehouse) -> Warehouse:
    """The opened warehouse with the tables of these tests empty."""
    for table in (PERFORMANCE, PREDICTIONS, BATCHES, PLAYERS):
        opened.execute(f"DELETE FROM {table} WHERE TRUE")
    opened.drop([*opened.tables("nba_staging", "_staging_")])
    return opened


def rows(table: str, *given: dict[str, Any]) -> pa.Table:
    """Rows of a declared table: what is not given is something of the column's type."""
    usual: dict[str, Any] = {
        "STRING": "x", "INT64": 1, "FLOAT64": 0.5, "NUMERIC": Decimal("24.5"), "BOOL": True, "DATE": DAY,
        "TIMESTAMP": NOW,
    }  # fmt: skip
    fields = load_schema(table).fields
    return pa.Table.from_pylist(
        [{field.name: row.get(field.name, usual[field.type]) for field in fields} for row in given],
        schema=arrow_schema(table),
    )


def select(table: str, **expressions: str) -> str:
    """A SELECT that fills every column of a table; expressions by column, from `source`."""
    usual = {
        "STRING": "'x'", "INT64": "1", "FLOAT64": "0.5", "NUMERIC": "NUMERIC '24.5'", "BOOL": "TRUE",
        "DATE": "DATE '2025-11-14'", "TIMESTAMP": "TIMESTAMP '2025-11-14 22:30:00+00'",
    }  # fmt: skip
    columns = [f"{expressions.get(f.name, usual[f.type])} AS {f.name}" for f in load_schema(table).fields]
    return "SELECT " + ", ".join(columns)


# --- query ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("expression", "expected"), SCALARS)
def test_a_scalar_is_what_bigquery_answers(opened: Warehouse, expression: str, expected: Any) -> None:
    found = opened.query(f"WITH t AS ({ROWS}) SELECT {expression} AS answer FROM t WHERE k = 1")
    value = found.column("answer")[0].as_py()
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(("expression", "expected"), AGGREGATES)
def test_an_aggregate_is_what_bigquery_answers(opened: Warehouse, expression: str, expected: Any) -> None:
    found = opened.query(f"WITH t AS ({ROWS}) SELECT {expression} AS answer FROM t")
    value = found.column("answer")[0].as_py()
    assert value == pytest.approx(expected, rel=1e-14) if isinstance(expected, float) else value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(("expression", "expected"), WINDOWS)
def test_a_window_is_what_bigquery_answers(opened: Warehouse, expression: str, expected: list[Any]) -> None:
    found = opened.query(f"WITH t AS ({ROWS}) SELECT k, {expression} AS answer FROM t ORDER BY k")
    assert found.column("answer").to_pylist() == expected


@pytest.mark.parametrize("expression", ["1 / (i - i)", "f / 0", "DIV(i, 0)", "MOD(i, i - 2)"])
def test_division_by_zero_is_an_error(opened: Warehouse, expression: str) -> None:
    with pytest.raises(Fatal, match="division by zero"):
        opened.query(f"WITH t AS ({ROWS}) SELECT {expression} AS answer FROM t WHERE k = 1")


def test_a_division_that_is_not_reached_is_none(opened: Warehouse) -> None:
    found = opened.query(f"WITH t AS ({ROWS}) SELECT IF(i = 2, 0.0, k / (i - 2)) AS a FROM t ORDER BY k")
    assert found.column("a").to_pylist() == [0.0, pytest.approx(2 / 3), 1.0]


def test_rows_come_in_the_order_asked_for_with_nulls_as_bigquery_has_them(opened: Warehouse) -> None:
    for order, expected in (("f, k", [3, 1, 2]), ("f DESC, k", [2, 1, 3])):
        found = opened.query(f"WITH t AS ({ROWS}) SELECT k FROM t ORDER BY {order}")
        assert found.column("k").to_pylist() == expected


def test_every_type_of_parameter_arrives_as_it_is(opened: Warehouse) -> None:
    given = {
        "a_date": DAY,
        "moment": NOW,
        "text": "O'Neal\\",
        "number": 2**40,
        "share": 0.1,
        "flag": False,
        "line": Decimal("24.500000001"),
        "empty": None,
    }
    found = opened.query("SELECT " + ", ".join(f"@{name} AS {name}" for name in given), {**given, "unused": 1})
    assert found.to_pylist() == [given]


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 3], [1, 3]), ([], []), ([9], []), (["1"], None), ([None, 2], [2])]
)
def test_a_list_is_a_parameter(opened: Warehouse, values: list[Any], expected: list[int] | None) -> None:
    if expected is None:
        found = opened.query(f"WITH t AS ({ROWS}) SELECT k FROM t WHERE CAST(k AS STRING) IN UNNEST(@v)", {"v": values})
        expected = [1]
    else:
        found = opened.query(f"WITH t AS ({ROWS}) SELECT k FROM t WHERE k IN UNNEST(@v) ORDER BY k", {"v": values})
    assert found.column("k").to_pylist() == expected


def test_a_missing_parameter_is_named(opened: Warehouse) -> None:
    with pytest.raises(Fatal, match="@as_of"):
        opened.query("SELECT 1 AS a FROM nba_reference.players WHERE first_seen < @as_of", {"other": 1})


def test_a_moment_without_a_time_zone_is_refused(opened: Warehouse) -> None:
    with pytest.raises(Fatal, match="without a time zone"):
        opened.query("SELECT @as_of AS a", {"as_of": datetime(2025, 11, 14)})  # noqa: DTZ001


def test_a_table_that_does_not_exist_is_not_found(opened: Warehouse) -> None:
    with pytest.raises(NotFound, match="_staging_gone"):
        opened.query("SELECT a FROM nba_staging._staging_gone")


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT 1; SELECT 2", "DROP TABLE nba_reference.players", "", "SELECT x"])
def test_what_is_no_select_is_refused(opened: Warehouse, sql: str) -> None:
    with pytest.raises(Fatal):
        opened.query(sql)


def test_query_and_execute_do_not_take_each_others_statements(warehouse: Warehouse) -> None:
    with pytest.raises(Fatal, match="query takes a SELECT"):
        warehouse.query(f"DELETE FROM {PLAYERS} WHERE TRUE")
    with pytest.raises(Fatal, match="execute takes MERGE"):
        warehouse.execute("SELECT 1 AS one")


# --- load -----------------------------------------------------------------------------------------


def test_an_append_is_exactly_once(warehouse: Warehouse) -> None:
    job = f"job-{id(warehouse)}-once"
    assert warehouse.load(BATCHES, rows(BATCHES, {}, {"game_id": "2"}), mode="append", job_id=job) == 2
    assert warehouse.load(BATCHES, rows(BATCHES, {"game_id": "3"}), mode="append", job_id=job) == 2
    assert warehouse.load(BATCHES, rows(BATCHES, {"game_id": "4"}), mode="append", job_id=job + "-other") == 1
    assert warehouse.query(f"SELECT game_id FROM {BATCHES} ORDER BY game_id").column(0).to_pylist() == ["2", "4", "x"]


def test_an_append_goes_by_name_and_fills_what_is_absent(warehouse: Warehouse) -> None:
    full = rows(PERFORMANCE, {"system_id": "a", "mae": 4.25})
    names = [field.name for field in load_schema(PERFORMANCE).fields if field.required or field.name == "mae"]
    warehouse.load(PERFORMANCE, full.select(names[::-1]), mode="append", job_id=f"job-{id(warehouse)}-names")
    found = warehouse.query(f"SELECT * FROM {PERFORMANCE}").to_pylist()[0]
    assert found["mae"] == 4.25
    assert found["system_id"] == "a"
    assert found["window_name"] == "x"
    assert {found[name] for name in found if name not in names} == {None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"surplus": pa.array([1])}, "declares no column surplus"),
        ({"revision": pa.array([1.5])}, "revision is INT64, the rows have double"),
        ({"consolidated_at": pa.array([NOW.replace(tzinfo=None)])}, "consolidated_at is TIMESTAMP"),
        ({"game_id": pa.array([None], pa.string())}, "game_id is REQUIRED"),
        ({"game_id": pa.array([7])}, "game_id is STRING, the rows have int64"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_the_column(
    warehouse: Warehouse, change: dict[str, pa.Array], message: str
) -> None:
    table = rows(BATCHES, {})
    for name, column in change.items():
        if name in table.column_names:
            table = table.drop_columns([name])
        table = table.append_column(name, column)
    job = f"job-{id(warehouse)}-{message}"
    with pytest.raises(SchemaMismatch, match=message):
        warehouse.load(BATCHES, table, mode="append", job_id=job)
    # A refused load has not used up its job id.
    assert warehouse.load(BATCHES, rows(BATCHES, {}), mode="append", job_id=job) == 1


def test_an_append_to_an_undeclared_table_is_refused(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound, match="no declared table"):
        warehouse.load("nba_predictions.surprise", rows(BATCHES, {}), mode="append", job_id="any")


def test_a_replace_makes_the_table_as_the_rows_are(warehouse: Warehouse) -> None:
    warehouse.load(STAGING + "7", pa.table({"a": [1, 2], "b": ["x", None]}), mode="replace", job_id="1")
    assert warehouse.load(STAGING + "7", pa.table({"c": [0.5]}), mode="replace", job_id="1") == 1
    assert warehouse.query(f"SELECT * FROM `{STAGING}7`").to_pylist() == [{"c": 0.5}]


@pytest.mark.parametrize("table", [BATCHES, "nba_predictions._staging_batch"])
def test_only_staging_tables_are_replaced_by_a_load(warehouse: Warehouse, table: str) -> None:
    with pytest.raises(Fatal, match=f"tables of nba_staging alone, and {table} is none"):
        warehouse.load(table, rows(BATCHES, {}), mode="replace", job_id="1")


def test_types_survive_a_load_and_a_query(warehouse: Warehouse) -> None:
    loaded = rows(PREDICTIONS, {"line_value": Decimal("24.5"), "p_over": 0.1, "over_price": None})
    warehouse.load(STAGING + "7", loaded, mode="replace", job_id="1")
    warehouse.load(PREDICTIONS, loaded, mode="append", job_id=f"job-{id(warehouse)}-types")
    for table in (f"`{STAGING}7`", PREDICTIONS):
        found = warehouse.query(f"SELECT * FROM {table}")
        assert found.to_pylist() == loaded.to_pylist()
        assert found.schema.types == loaded.schema.types


def test_tables_lists_by_prefix_and_drop_removes(warehouse: Warehouse) -> None:
    for unit in ("10", "2"):
        warehouse.load(STAGING + unit, pa.table({"a": [1]}), mode="replace", job_id="1")
    # An underscore is an underscore, and a table of another dataset is none of ours.
    warehouse.load("nba_staging._stagingXbatch", pa.table({"a": [1]}), mode="replace", job_id="1")
    warehouse.execute("CREATE OR REPLACE TABLE `nba_predictions._staging_batch` AS SELECT 1 AS a")
    assert warehouse.tables("nba_staging", "_staging_") == {STAGING + "10": ("a",), STAGING + "2": ("a",)}
    warehouse.drop([STAGING + "10", STAGING + "never", "nba_staging._stagingXbatch", "nba_predictions._staging_batch"])
    assert list(warehouse.tables("nba_staging", "_staging_")) == [STAGING + "2"]


def test_tables_gives_the_columns_in_their_order_and_no_views(warehouse: Warehouse) -> None:
    tables = warehouse.tables("nba_predictions", "")
    assert list(tables) == sorted(tables)
    assert tables[BATCHES] == load_schema(BATCHES).columns
    assert "nba_predictions.current_predictions" not in tables


def test_staging_loads_from_many_threads(warehouse: Warehouse) -> None:
    def load(unit: int) -> int:
        return warehouse.load(f"{STAGING}{unit}", pa.table({"unit": [unit] * 3}), mode="replace", job_id=str(unit))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(load, [*range(40), *range(40)])) == [3] * 80
    tables = warehouse.tables("nba_staging", "_staging_")
    assert len(tables) == 40
    union = " UNION ALL ".join(f"SELECT unit FROM `{table}`" for table in tables)
    found = warehouse.query(f"SELECT COUNT(*) AS n, COUNT(DISTINCT unit) AS units FROM ({union})")
    assert found.to_pylist() == [{"n": 120, "units": 40}]


# --- MERGE ----------------------------------------------------------------------------------------

MERGE = f"""
MERGE INTO {PLAYERS} AS target
USING (SELECT player_id, name FROM UNNEST(@ids) AS player_id CROSS JOIN (SELECT @name AS name)) AS source
ON target.player_id = source.player_id
WHEN MATCHED THEN UPDATE SET player_name = source.name
WHEN NOT MATCHED THEN INSERT (SELECTED) VALUES (FILLED)
"""


def merge() -> str:
    filled = {"player_id": "source.player_id", "player_name": "source.name"}
    usual = {"STRING": "'x'", "INT64": "1", "DATE": "DATE '2025-11-14'"}
    fields = load_schema(PLAYERS).fields
    return MERGE.replace("SELECTED", ", ".join(field.name for field in fields)).replace(
        "FILLED", ", ".join(filled.get(field.name, usual.get(field.type, "NULL")) for field in fields)
    )


def test_a_merge_updates_and_inserts_and_says_how_many(warehouse: Warehouse) -> None:
    assert warehouse.execute(merge(), {"ids": [1, 2], "name": "old"}) == 2
    assert warehouse.execute(merge(), {"ids": [2, 3, 4], "name": "new"}) == 3
    found = warehouse.query(f"SELECT player_id, player_name FROM {PLAYERS} ORDER BY player_id")
    assert found.column(1).to_pylist() == ["old", "new", "new", "new"]


def test_a_merge_with_two_rows_for_one_target_is_an_error(warehouse: Warehouse) -> None:
    warehouse.execute(merge(), {"ids": [1], "name": "old"})
    with pytest.raises(Fatal, match="at most one source row"):
        warehouse.execute(merge(), {"ids": [1, 1], "name": "new"})
    assert warehouse.query(f"SELECT player_name FROM {PLAYERS}").to_pylist() == [{"player_name": "old"}]


def test_the_staging_merge_keeps_first_ids_and_knows_a_missing_line(warehouse: Warehouse) -> None:
    batch = "batch_2025-11-14_r1"
    lines = [None, Decimal("24.5"), Decimal(25)]
    for run, moment in enumerate((NOW, NOW + timedelta(minutes=5))):
        staged = rows(
            PREDICTIONS,
            *[
                {
                    "line_value": line,
                    "prediction_id": f"{run}-{number}",
                    "reason": str(run),
                    "batch_id": batch,
                    "tipoff_at": NOW + timedelta(hours=1),
                }
                for number, line in enumerate(lines)
            ],
        ).drop_columns(["created_at"])
        table = staging.staging_table(batch, "7")
        warehouse.load(table, staged, mode="replace", job_id=str(run))
        dataset, _, name = table.partition(".")
        sql = staging.merge_sql(staging.staged_rows(warehouse.tables(dataset, name), batch))
        assert warehouse.execute(sql, {"now": moment, "game_date": DAY, "revision": 1}) == 3
    found = warehouse.query(
        "SELECT line_value, prediction_id, reason, created_at, updated_at FROM nba_predictions.player_prop_predictions"
        " ORDER BY line_value"
    )
    again = NOW + timedelta(minutes=5)
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (line, f"0-{number}", "1", NOW, again) for number, line in enumerate(lines)
    ]


def test_update_and_delete_say_how_many(warehouse: Warehouse) -> None:
    warehouse.execute(merge(), {"ids": [1, 2, 3], "name": "old"})
    assert warehouse.execute(f"UPDATE {PLAYERS} SET player_name = @n WHERE player_id > 1", {"n": "b"}) == 2
    assert warehouse.execute(f"DELETE FROM {PLAYERS} WHERE player_name = 'b'") == 2
    assert warehouse.execute(f"DELETE FROM {PLAYERS} WHERE player_name = 'b'") == 0


# --- replace_partition ----------------------------------------------------------------------------


def slices(warehouse: Warehouse) -> list[tuple[date, str, str]]:
    found = warehouse.query(
        f"SELECT game_date, window_name, system_id FROM {PERFORMANCE} ORDER BY game_date, window_name, system_id"
    )
    return [tuple(row.values()) for row in found.to_pylist()]


def test_a_partition_is_replaced_and_its_neighbours_stay(warehouse: Warehouse) -> None:
    before, after = DAY - timedelta(1), DAY + timedelta(1)
    seed = [{"game_date": day, "system_id": "old"} for day in (before, DAY, after)]
    warehouse.load(PERFORMANCE, rows(PERFORMANCE, *seed), mode="append", job_id=f"job-{id(warehouse)}-part")
    sql = select(PERFORMANCE, system_id="@system")
    written = warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {"system": "new"})
    assert written == 1
    assert slices(warehouse) == [(before, "x", "old"), (DAY, "x", "new"), (after, "x", "old")]


def test_only_slices_that_have_rows_are_replaced(warehouse: Warehouse) -> None:
    seed = [{"window_name": window, "system_id": "old"} for window in ("day", "season")]
    warehouse.load(PERFORMANCE, rows(PERFORMANCE, *seed), mode="append", job_id=f"job-{id(warehouse)}-slice")
    sql = select(PERFORMANCE, system_id="'new'", window_name="'day'")
    warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {}, by=("game_date", "window_name"))
    assert slices(warehouse) == [(DAY, "day", "new"), (DAY, "season", "old")]


def test_of_a_range_only_the_dates_that_have_rows_are_replaced(warehouse: Warehouse) -> None:
    after = DAY + timedelta(1)
    seed = [{"game_date": day, "system_id": "old"} for day in (DAY, after)]
    warehouse.load(PERFORMANCE, rows(PERFORMANCE, *seed), mode="append", job_id=f"job-{id(warehouse)}-range")
    sql = select(PERFORMANCE, system_id="@system", mae="20.1382145 - 4e-15", bias="-1e-9", roi="CAST('inf' AS FLOAT64)")
    assert warehouse.replace_partition(PERFORMANCE, DateRange(DAY, after), sql, {"system": "new"}) == 1
    assert slices(warehouse) == [(DAY, "x", "new"), (after, "x", "old")]
    (found,) = warehouse.query(
        f"SELECT mae, bias, roi FROM {PERFORMANCE} WHERE game_date = @day", {"day": DAY}
    ).to_pylist()
    assert found == {"mae": 20.138215, "bias": 0.0, "roi": None}
    assert str(found["bias"]) == "0.0"


def test_a_select_without_rows_deletes_nothing(warehouse: Warehouse) -> None:
    warehouse.load(PERFORMANCE, rows(PERFORMANCE, {}), mode="append", job_id=f"job-{id(warehouse)}-none")
    sql = f"SELECT * FROM ({select(PERFORMANCE)}) WHERE FALSE"
    assert warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {}) == 0
    assert len(slices(warehouse)) == 1


def test_replacing_again_gives_the_same_rows(warehouse: Warehouse) -> None:
    sql = select(PERFORMANCE, mae="10 / 3", bias="-1e-9", roi="CAST('NaN' AS FLOAT64)", brier="CAST('inf' AS FLOAT64)")
    known = {field.name for field in load_schema(PERFORMANCE).fields}
    assert {"mae", "bias", "roi", "brier"} <= known
    for _ in range(2):
        assert warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {}) == 1
        found = warehouse.query(f"SELECT mae, bias, roi, brier FROM {PERFORMANCE}").to_pylist()
        # Six decimals, no minus zero, and what is no number is NULL.
        assert found == [{"mae": 3.333333, "bias": 0.0, "roi": None, "brier": None}]
        assert str(found[0]["bias"]) == "0.0"


def test_a_last_bit_decides_no_rounding(warehouse: Warehouse) -> None:
    """The sum of the same figures in another order."""
    sql = select(PERFORMANCE, mae="20.1382145 - 4e-15", line_mae="20.1382145", bias="20.1382145 + 4e-15")
    warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {})
    (found,) = warehouse.query(f"SELECT mae, line_mae, bias FROM {PERFORMANCE}").to_pylist()
    assert len(set(found.values())) == 1, found


def test_columns_of_the_select_go_by_name(warehouse: Warehouse) -> None:
    fields = [field.name for field in load_schema(PERFORMANCE).fields]
    sql = (
        f"SELECT {', '.join(reversed(fields))} FROM ({select(PERFORMANCE, system_id=repr('s'), window_name=repr('w'))})"
    )
    warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {})
    assert slices(warehouse) == [(DAY, "w", "s")]


@pytest.mark.parametrize(
    ("sql", "error", "message"),
    [
        (select(PERFORMANCE) + ", 1 AS surplus", SchemaMismatch, "surplus is not declared"),
        (select(PERFORMANCE).replace(" AS mae,", " AS mea,"), SchemaMismatch, "mae is missing"),
        (select(PERFORMANCE, n="1.5"), SchemaMismatch, "n is INT64, the SELECT gives FLOAT64"),
        (select(PERFORMANCE, system_id="NULL"), SchemaMismatch, "system_id is STRING, the SELECT gives INT64"),
        (select(PERFORMANCE, system_id="CAST(NULL AS STRING)"), SchemaMismatch, r"NULL in REQUIRED.*system_id \(1"),
        (select(PERFORMANCE, game_date="DATE '2025-11-20'"), Fatal, "1 rows .* outside"),
    ],
)
def test_a_select_that_does_not_fit_changes_nothing(
    warehouse: Warehouse, sql: str, error: type[Exception], message: str
) -> None:
    warehouse.load(PERFORMANCE, rows(PERFORMANCE, {}), mode="append", job_id=f"job-{id(warehouse)}-{message}")
    with pytest.raises(error, match=message):
        warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), sql, {})
    assert len(slices(warehouse)) == 1


def test_a_reader_sees_the_old_slice_or_the_new_never_a_gap(warehouse: Warehouse) -> None:
    warehouse.replace_partition(PERFORMANCE, DateRange(DAY, DAY), select(PERFORMANCE), {})
    with ThreadPoolExecutor(4) as pool:
        writes = [
            pool.submit(warehouse.replace_partition, PERFORMANCE, DateRange(DAY, DAY), select(PERFORMANCE), {})
            for _ in range(20)
        ]
        seen = []
        while not all(write.done() for write in writes):
            seen.append(len(slices(warehouse)))
    assert [write.result() for write in writes] == [1] * 20
    assert set(seen) <= {1}
    assert len(slices(warehouse)) == 1


# --- views ----------------------------------------------------------------------------------------


def test_current_predictions_are_those_of_the_last_batch_that_covered_the_game(warehouse: Warehouse) -> None:
    batches = [
        {"batch_id": "r1", "revision": 1, "game_id": "early"},
        {"batch_id": "r1", "revision": 1, "game_id": "late"},
        # A late completion consolidated r1 once more.
        {"batch_id": "r1", "revision": 1, "game_id": "late", "consolidated_at": NOW + timedelta(hours=1)},
        # The early game had tipped off when r10 was consolidated.
        {"batch_id": "r10", "revision": 10, "game_id": "late"},
        {"batch_id": "r9", "revision": 9, "game_id": "late"},
        {"batch_id": "r2", "revision": 2, "game_id": "early", "game_date": DAY + timedelta(1)},
    ]
    predictions = [
        {"batch_id": batch, "game_id": game, "prediction_id": f"{batch}-{game}"}
        for batch in ("r1", "r9", "r10", "r11")
        for game in ("early", "late")
    ]
    warehouse.load(BATCHES, rows(BATCHES, *batches), mode="append", job_id=f"job-{id(warehouse)}-view-b")
    warehouse.load(PREDICTIONS, rows(PREDICTIONS, *predictions), mode="append", job_id=f"job-{id(warehouse)}-view-p")
    found = warehouse.query(
        "SELECT prediction_id FROM nba_predictions.current_predictions WHERE game_date = @day ORDER BY prediction_id",
        {"day": DAY},
    )
    assert found.column(0).to_pylist() == ["r1-early", "r10-late"]
