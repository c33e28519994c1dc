"""A lent warehouse is as good as a new one, whatever the test before did to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from tests.support.lent_warehouses import LaidOut, lent_warehouse
from tests.support.prediction_tables import EARLY, LATE, schedule_row
from tests.support.stores import append

SCHEDULE = "nba_raw.nbac_schedule"
HISTORY = "nba_reference.processor_run_history"
STAGED = "nba_staging._staging_batch_x__1"


def list_all(warehouse: DuckDbWarehouse) -> list[tuple[str, str, str, int]]:
    """Tables and views, with their rows."""
    root = warehouse._root
    tables = root.execute("SELECT schema_name, table_name, sql FROM duckdb_tables() ORDER BY ALL").fetchall()
    views = root.execute("SELECT schema_name, view_name, sql FROM duckdb_views() WHERE NOT internal").fetchall()
    return [
        (dataset, name, sql, root.execute(f'SELECT COUNT(*) FROM "{dataset}"."{name}"').fetchall()[0][0])
        for dataset, name, sql in [*tables, *sorted(views)]
    ]


@pytest.mark.parametrize(
    "leave",
    [
        lambda lent: lent._root.execute("INSERT INTO main._load_jobs VALUES ('job', 'table', 1)"),
        lambda lent: lent.load(STAGED, pa.table({"a": [1]}), mode="replace", job_id="job"),
        lambda lent: lent._root.execute(f"ALTER TABLE {HISTORY} ADD COLUMN more VARCHAR"),
        lambda lent: lent._root.execute(f"DROP TABLE {HISTORY}"),
        lambda lent: lent._root.execute("DELETE FROM main._migrations"),
        lambda lent: lent._root.execute("CREATE OR REPLACE VIEW nba_predictions.current_predictions AS SELECT 1"),
        lambda lent: lent._root.execute("SET GLOBAL memory_limit = '500MB'"),
        lambda lent: lent._root.execute("BEGIN; INSERT INTO main._load_jobs VALUES ('job', 'table', 1)"),
        lambda lent: lent.close(),
    ],
    ids=["rows", "staging", "a column", "a table gone", "a note", "a view", "a setting", "a transaction", "closed"],
)
def test_nothing_is_left_of_the_test_before(tmp_path: Path, leave: Callable[[DuckDbWarehouse], object]) -> None:
    new = DuckDbWarehouse(tmp_path / "new.duckdb")
    wanted = list_all(new)
    new.close()
    setting = "SELECT value FROM duckdb_settings() WHERE name = 'memory_limit'"
    with lent_warehouse(tmp_path / "first.duckdb") as lent:
        limit = lent._root.execute(setting).fetchall()
        leave(lent)
    with lent_warehouse(tmp_path / "second.duckdb") as lent:
        assert list_all(lent) == wanted
        assert lent._root.execute(setting).fetchall() == limit
        assert (lent.statement_counts, lent.path) == ({}, tmp_path / "second.duckdb")


def test_two_at_a_time_are_apart(tmp_path: Path) -> None:
    with lent_warehouse(tmp_path / "a") as one, lent_warehouse(tmp_path / "b") as other:
        one.load(STAGED, pa.table({"a": [1]}), mode="replace", job_id="job")
        assert other.tables("nba_staging", "") == {}


def test_it_begins_with_the_rows_of_a_template(tmp_path: Path) -> None:
    template = DuckDbWarehouse(tmp_path / "template.duckdb")
    template._root.execute("INSERT INTO main._load_jobs VALUES ('job', 'table', 1)")
    wanted = list_all(template)
    template.close()
    for _ in range(2):
        with lent_warehouse(tmp_path / "lent.duckdb", tmp_path / "template.duckdb") as lent:
            assert list_all(lent) == wanted
            with pytest.raises(duckdb.ConstraintException):
                lent._root.execute("INSERT INTO main._load_jobs VALUES ('job', 'table', 1)")


def test_what_was_laid_out_once_is_there_again(tmp_path: Path) -> None:
    rows, laid_out = LaidOut(), 0
    for turn in range(3):
        with lent_warehouse(tmp_path / "lent.duckdb") as lent:
            if not rows.are_put_into(lent):
                laid_out += 1
                append(lent, SCHEDULE, [schedule_row(EARLY)], "before")
                rows.keep(lent)
            assert lent.query(f"SELECT game_id FROM `{SCHEDULE}`").column(0).to_pylist() == [EARLY]
            append(lent, SCHEDULE, [schedule_row(LATE)], "before" if turn else "after")
            assert lent.query(f"SELECT game_id FROM `{SCHEDULE}`").num_rows == 2, "the job's id was free"
    assert laid_out == 1
