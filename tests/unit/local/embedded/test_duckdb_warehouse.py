"""What the DuckDB warehouse does beyond the contract: durability, locks, conflicts, counts, a
schema that changed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.core.errors import NotFound, SchemaMismatch, StorageDamaged, StoreUnavailable, WriteConflict
from shared.stores.ports import DateRange
from shared.stores.warehouse.schemas import all_schemas, all_views
from tests.conftest import ROOT
from tests.support.stores import copy_into_memory, reset_counts

ALIASES = "nba_reference.player_aliases"
DAY = date(2025, 11, 14)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "warehouse.duckdb"


@pytest.fixture
def warehouse(file: Path) -> Iterator[DuckDbWarehouse]:
    opened = DuckDbWarehouse(file)
    yield opened
    opened.close()


def alias(number: int) -> pa.Table:
    return pa.table({"alias_lookup": [f"a{number}"], "player_id": [number]})


def process(code: str, file: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


LOADS = """
import sys
from pathlib import Path
import pyarrow as pa
from local.embedded.duckdb_warehouse import DuckDbWarehouse
warehouse = DuckDbWarehouse(Path(sys.argv[1]))
for number in range(100_000):
    rows = pa.table({"alias_lookup": [f"a{number}"], "player_id": [number]})
    warehouse.load("nba_reference.player_aliases", rows, mode="append", job_id=f"job-{number}")
    print(number, flush=True)
"""


def test_nothing_committed_is_lost_when_the_process_is_killed(file: Path) -> None:
    with process(LOADS, file) as writer:
        assert writer.stdout is not None
        for _ in range(25):
            last = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        last = max([last, *map(int, writer.stdout.read().split())])
    warehouse = DuckDbWarehouse(file)
    found = warehouse.query(f"SELECT player_id FROM {ALIASES} ORDER BY player_id").column(0).to_pylist()
    # The last one may have been committed without having said so.
    assert found == list(range(len(found)))
    assert len(found) - 1 in (last, last + 1)
    # The record of the load and its rows are one: the same job adds nothing.
    for number in range(len(found)):
        warehouse.load(ALIASES, alias(number), mode="append", job_id=f"job-{number}")
    assert warehouse.query(f"SELECT COUNT(*) AS n FROM {ALIASES}").column(0).to_pylist() == [len(found)]
    warehouse.close()


HOLDS = """
import sys
from pathlib import Path
from local.embedded.duckdb_warehouse import DuckDbWarehouse
warehouse = DuckDbWarehouse(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_file_that_another_process_holds_says_which(file: Path) -> None:
    with process(HOLDS, file) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreUnavailable, match=f"warehouse.duckdb cannot be opened: process {holder.pid} holds it"):
            DuckDbWarehouse(file)
        assert holder.stdin is not None
        holder.stdin.close()
    DuckDbWarehouse(file).close()


def test_a_file_that_is_no_database_is_refused(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("this is no database, it only looks like one " * 100, encoding="utf-8")
    with pytest.raises(StorageDamaged, match="cannot be opened"):
        DuckDbWarehouse(file)


def test_what_is_declared_is_there_and_stays(file: Path) -> None:
    first = DuckDbWarehouse(file)
    first.load(ALIASES, alias(1), mode="append", job_id="1")
    first.close()
    second = DuckDbWarehouse(file)
    assert second.query(f"SELECT player_id FROM {ALIASES}").to_pylist() == [{"player_id": 1}]
    for schema in all_schemas():
        assert schema.name in second.tables(schema.dataset, "")
    for view, _ in all_views():
        assert second.query(f"SELECT COUNT(*) AS n FROM {view}").to_pylist() == [{"n": 0}]
    second.close()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER TABLE nba_reference.player_aliases ADD COLUMN surplus VARCHAR", "surplus"),
        ("ALTER TABLE nba_reference.player_aliases DROP COLUMN player_id", "player_id"),
        ("ALTER TABLE nba_reference.player_aliases ALTER player_id TYPE VARCHAR", "player_id"),
        ("ALTER TABLE nba_reference.player_aliases ALTER alias_lookup DROP NOT NULL", "alias_lookup"),
    ],
)
def test_a_table_with_other_columns_is_named_with_what_to_do(file: Path, change: str, named: str) -> None:
    DuckDbWarehouse(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute(change)
    with pytest.raises(SchemaMismatch, match=rf"player_aliases .* {named}\. .*make clean-local"):
        DuckDbWarehouse(file)


# The tables as they were declared before 1 December 2025; lines of a season lie in such files.
OLD_TABLES = {
    "odds_api_game_lines": (
        "game_date DATE NOT NULL, event_id VARCHAR NOT NULL, home_team VARCHAR NOT NULL, away_team VARCHAR NOT NULL,"
        " commence_time TIMESTAMP WITH TIME ZONE, bookmaker VARCHAR NOT NULL, home_spread DECIMAL(38,9),"
        " total DECIMAL(38,9), snapshot_time TIMESTAMP WITH TIME ZONE NOT NULL,"
        " fetched_at TIMESTAMP WITH TIME ZONE NOT NULL, run_id VARCHAR NOT NULL, source_file VARCHAR NOT NULL"
    ),
    "nbac_schedule": (
        "game_date DATE NOT NULL, game_id VARCHAR NOT NULL, snapshot_time TIMESTAMP WITH TIME ZONE NOT NULL,"
        " season VARCHAR NOT NULL, season_type VARCHAR NOT NULL, home_team VARCHAR NOT NULL,"
        " away_team VARCHAR NOT NULL, tipoff_at TIMESTAMP WITH TIME ZONE, status VARCHAR NOT NULL,"
        " home_points BIGINT, away_points BIGINT, is_neutral BOOLEAN, run_id VARCHAR NOT NULL,"
        " source_file VARCHAR NOT NULL"
    ),
}


def test_a_file_of_an_older_declaration_keeps_its_rows_and_takes_new_ones(file: Path) -> None:
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA nba_raw")
        for name, columns in OLD_TABLES.items():
            connection.execute(f"CREATE TABLE nba_raw.{name} ({columns})")
        connection.execute(
            "INSERT INTO nba_raw.odds_api_game_lines VALUES (DATE '2025-11-14', 'e', 'LAL', 'LAC', NULL,"
            " 'fanduel', -3.5, 220.5, TIMESTAMPTZ '2025-11-14 15:00:00+00',"
            " TIMESTAMPTZ '2025-11-14 16:00:00+00', 'r', 'p')"
        )
    for _ in range(2):  # the second time nothing is left to change
        warehouse = DuckDbWarehouse(file)
        warehouse.close()
    warehouse = DuckDbWarehouse(file)
    lines = "nba_raw.odds_api_game_lines"
    known = datetime(2025, 11, 14, 22, tzinfo=UTC)
    answer = {
        "game_date": DAY, "event_id": "e", "home_team": "LAL", "away_team": "LAC", "snapshot_time": known,
        "fetched_at": known, "run_id": "r2", "source_file": "p2", "answer_at": known,
    }  # fmt: skip
    assert warehouse.load(lines, pa.Table.from_pylist([answer]), mode="append", job_id="new") == 1
    assert warehouse.query(f"SELECT bookmaker, total, answer_at FROM {lines} ORDER BY run_id").to_pylist() == [
        {"bookmaker": "fanduel", "total": Decimal("220.5"), "answer_at": None},
        {"bookmaker": None, "total": None, "answer_at": known},
    ]
    game = {
        "game_date": DAY, "game_id": "0022500201", "snapshot_time": known, "season": "2025-26", "status": "scheduled",
        "season_type": "regular_season", "home_team": "LAL", "away_team": "LAC", "run_id": "r2", "source_file": "p2",
        "covers_from": DAY,
    }  # fmt: skip
    warehouse.load("nba_raw.nbac_schedule", pa.Table.from_pylist([game]), mode="append", job_id="game")
    assert warehouse.query("SELECT covers_from FROM nba_raw.nbac_schedule").to_pylist() == [{"covers_from": DAY}]
    warehouse.close()


def test_an_older_file_is_copied_into_memory_by_the_names_of_its_columns(file: Path) -> None:
    file.parent.mkdir(parents=True)
    DuckDbWarehouse(file).close()
    with duckdb.connect(str(file)) as connection:
        connection.execute("DROP TABLE nba_raw.nbac_schedule")
        connection.execute(f"CREATE TABLE nba_raw.nbac_schedule ({OLD_TABLES['nbac_schedule']})")
        connection.execute(
            "INSERT INTO nba_raw.nbac_schedule VALUES (DATE '2025-11-14', '0022500201', now(), '2025-26',"
            " 'regular_season', 'LAL', 'LAC', NULL, 'scheduled', NULL, NULL, FALSE, 'r', 'p')"
        )
    copied = copy_into_memory(file)
    found = copied.query("SELECT game_id, source_file, covers_from FROM nba_raw.nbac_schedule").to_pylist()
    assert found == [{"game_id": "0022500201", "source_file": "p", "covers_from": None}]
    copied.close()


def test_environments_with_a_prefix_are_apart(file: Path) -> None:
    plain = DuckDbWarehouse(file)
    plain.load(ALIASES, alias(1), mode="append", job_id="same")
    plain.close()
    prefixed = DuckDbWarehouse(file, dataset_prefix="test_")
    assert prefixed.load(ALIASES, alias(2), mode="append", job_id="same") == 1
    assert prefixed.query(f"SELECT player_id FROM {ALIASES}").to_pylist() == [{"player_id": 2}]
    prefixed.close()


def test_a_conflict_with_another_writer_may_pass_next_time(warehouse: DuckDbWarehouse) -> None:
    warehouse.load(ALIASES, alias(1), mode="append", job_id="1")
    update = f"UPDATE {ALIASES} SET player_id = @id WHERE alias_lookup = 'a1'"
    with duckdb.connect(str(warehouse.path), config={"autoinstall_known_extensions": "false"}) as other:
        other.execute("BEGIN")
        other.execute(f"UPDATE {ALIASES} SET player_id = 7")
        with pytest.raises(WriteConflict):
            warehouse.execute(update, {"id": 8})
        other.execute("COMMIT")
    assert warehouse.execute(update, {"id": 8}) == 1
    assert warehouse.query(f"SELECT player_id FROM {ALIASES}").to_pylist() == [{"player_id": 8}]


def test_a_failed_write_leaves_nothing_and_the_next_one_works(warehouse: DuckDbWarehouse) -> None:
    with pytest.raises(NotFound):
        warehouse.execute(f"INSERT INTO {ALIASES} (alias_lookup) SELECT a FROM nba_raw._staging_gone")
    assert warehouse.load(ALIASES, alias(1), mode="append", job_id="1") == 1


def test_a_closed_warehouse_is_unavailable(file: Path) -> None:
    warehouse = DuckDbWarehouse(file)
    warehouse.close()
    with pytest.raises(StoreUnavailable):
        warehouse.query("SELECT 1 AS one")


def test_statements_are_counted_by_kind(warehouse: DuckDbWarehouse) -> None:
    assert warehouse.statement_counts == {}
    staged = "nba_staging._staging_b__1"
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            pool.submit(warehouse.load, staged, alias(1), mode="replace", job_id="1")
    warehouse.load(ALIASES, alias(1), mode="append", job_id="1")
    warehouse.query("SELECT 1 AS one")
    warehouse.execute(f"DELETE FROM {ALIASES} WHERE TRUE")
    warehouse.tables("nba_predictions", "_staging_")
    warehouse.drop([staged])
    empty = "SELECT " + ", ".join(
        f"CAST(NULL AS {field.type}) AS {field.name}"
        for schema in all_schemas()
        if schema.name == "nba_predictions.prediction_batches"
        for field in schema.fields
    )
    warehouse.replace_partition(
        "nba_predictions.prediction_batches", DateRange(DAY, DAY), f"SELECT * FROM ({empty}) WHERE FALSE", {}
    )
    assert warehouse.statement_counts == {
        "staging_load": 3, "load": 1, "query": 1, "execute": 1, "tables": 1, "drop": 1, "replace_partition": 1,
    }  # fmt: skip
    reset_counts(warehouse)
    assert warehouse.statement_counts == {}


def test_the_time_zone_of_the_machine_changes_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Chicago")
    warehouse = DuckDbWarehouse(file)
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(
            warehouse.query, "SELECT CAST(ts AS STRING) AS s, ts, DATE(ts) AS d FROM (SELECT @ts AS ts)",
            {"ts": datetime(2025, 11, 15, 1, 30, tzinfo=UTC)},
        ).result()  # fmt: skip
    assert found.to_pylist() == [
        {"s": "2025-11-15 01:30:00+00", "ts": datetime(2025, 11, 15, 1, 30, tzinfo=UTC), "d": date(2025, 11, 15)}
    ]
    warehouse.close()


def test_cursors_of_threads_that_ended_are_given_back(warehouse: DuckDbWarehouse) -> None:
    for _ in range(5):
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: warehouse.query("SELECT 1 AS one"), range(8)))
    with ThreadPoolExecutor(1) as pool:
        pool.submit(warehouse.query, "SELECT 1 AS one").result()
    assert len(warehouse._cursors) <= 6
