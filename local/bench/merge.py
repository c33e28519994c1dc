"""The staging MERGE of a whole batch against an upsert a row, through the same warehouse port."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from local.bench.measure import BenchFailed, Progress, milliseconds, ratio, time_work
from local.bench.staged_rows import GAME_DATE, NOW, unit_rows, unit_table
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.chain.batches.records import batch_id_of
from shared.nba.stats import POINTS, PREDICTED, Stat
from shared.stores.ports import Warehouse
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import load_schema
from shared.stores.warehouse.sql import read_sql

SQL = Path(__file__).with_name("sql")
MERGE_REPEATS = 3
Rows = Sequence[Mapping[str, Any]]


def measure(folder: Path, tables: int, upserted_tables: int, progress: Progress) -> dict[str, Any]:
    """Milliseconds of both ways, for a first batch (all inserts) and the next revision (all
    updates).

    The MERGE writes `tables` tables of 25 rows. Row by row the first `upserted_tables` of them are
    written, beside a MERGE of just those (updates: the fastest of MERGE_REPEATS): that pair gives
    the ratio and must leave equal tables. Raises BenchFailed where it does not.
    """
    progress(0, 3)
    whole = _whole_batch(folder, tables)
    progress(1, 3)
    return whole | _side_by_side(folder, upserted_tables, lambda done: progress(1 + done, 3))


def _whole_batch(folder: Path, tables: int) -> dict[str, Any]:
    first, second = _batch(tables, 1), _batch(tables, 2)
    with closing(DuckDbWarehouse(folder / "whole.duckdb")) as warehouse:
        inserted, updated = merge_batch(warehouse, first, 1), merge_batch(warehouse, second, 2)
        again, _ = time_work(lambda: _merge(warehouse, second, 2))
    return {
        "tables": tables,
        "rows": sum(len(rows) for rows in first.values()),
        "first_merge_ms": milliseconds(inserted["merge"]),
        "next_revision_merge_ms": milliseconds(updated["merge"]),
        "same_statement_again_ms": milliseconds(again),
        "staging_loads_ms": milliseconds(updated["loads"]),
    }


def measure_batch(folder: Path, units: int) -> dict[str, Any]:
    """Milliseconds of the MERGE of a batch of so many units with all statistics that are predicted,
    as the next revision (all updates): the fastest of MERGE_REPEATS.
    """
    first, second = (_batch(units, revision, tuple(PREDICTED.values())) for revision in (1, 2))
    with closing(DuckDbWarehouse(folder / "batch.duckdb")) as warehouse:
        merge_batch(warehouse, first, 1)
        times = [merge_batch(warehouse, second, 2)["merge"]]
        times += [time_work(partial(_merge, warehouse, second, 2))[0] for _ in range(MERGE_REPEATS - 1)]
    return {"merge_ms": milliseconds(min(times)), "merged_rows": sum(len(rows) for rows in second.values())}


def _side_by_side(folder: Path, tables: int, progress: Callable[[int], None]) -> dict[str, Any]:
    by_merge, by_upserts = [], []
    with (
        closing(DuckDbWarehouse(folder / "merged.duckdb")) as merged,
        closing(DuckDbWarehouse(folder / "upserted.duckdb")) as upserted,
    ):
        for revision in (1, 2):
            units = _batch(tables, revision)
            rows = [row for unit in units.values() for row in unit]
            times = merge_batch(merged, units, revision)
            if revision > 1:
                # an update that is repeated changes nothing; one short statement alone would be a
                # matter of luck
                repeats = [time_work(partial(_merge, merged, units, revision))[0] for _ in range(MERGE_REPEATS - 1)]
                times["merge"] = min(times["merge"], *repeats)
            by_merge.append(times)
            by_upserts.append(upsert_rows(upserted, rows, revision))
            expect_equal(table_of(merged), table_of(upserted))
            progress(revision)
    merge, upserts = by_merge[-1], by_upserts[-1]
    return {
        "compared_tables": tables,
        "compared_rows": len(rows),
        "compared_merge_ms": [milliseconds(each["merge"]) for each in by_merge],
        "compared_loads_ms": [milliseconds(each["loads"]) for each in by_merge],
        "compared_upserts_ms": [milliseconds(each) for each in by_upserts],
        "upsert_ms_per_row": milliseconds(upserts / len(rows)),
        "ratio_merge": ratio(upserts, merge["merge"]),
        "ratio_merge_and_loads": ratio(upserts, merge["merge"] + merge["loads"]),
        "equal": True,
    }


def _batch(tables: int, revision: int, stats: Sequence[Stat] = (POINTS,)) -> dict[str, list[dict[str, Any]]]:
    batch_id = batch_id_of(GAME_DATE, revision)
    return {staging.staging_table(batch_id, str(unit)): unit_rows(unit, batch_id, stats) for unit in range(tables)}


def merge_batch(warehouse: Warehouse, units: Mapping[str, Rows], revision: int) -> dict[str, float]:
    """Stage a batch's units and MERGE them; seconds of the loads and of the MERGE.

    Staging stays.
    """
    tables = {name: unit_table([dict(row) for row in rows]) for name, rows in units.items()}

    def load() -> None:
        for name, rows in tables.items():
            warehouse.load(name, rows, mode="replace", job_id=name)

    loads, _ = time_work(load)
    seconds, _ = time_work(lambda: _merge(warehouse, units, revision))
    return {"loads": loads, "merge": seconds}


def _merge(warehouse: Warehouse, units: Mapping[str, Rows], revision: int) -> None:
    columns = staging.staged_columns()
    source = staging.staged_rows(dict.fromkeys(units, columns), batch_id_of(GAME_DATE, revision))
    affected = warehouse.execute(staging.merge_sql(source), _params(revision))
    expected = sum(len(rows) for rows in units.values())
    if affected != expected:
        raise BenchFailed(f"The MERGE affected {affected} rows, not {expected}.", next_step="run the merge's tests.")


def upsert_rows(warehouse: Warehouse, rows: Rows, revision: int) -> float:
    """Write each row by a MERGE of its own, values as parameters; returns the seconds.

    It is the batch's own MERGE on a source of one row, so both ways decide alike; its text is the
    same for all rows.
    """
    sql = staging.merge_sql(one_row_sql())

    def upsert() -> None:
        for row in rows:
            warehouse.execute(sql, {**row, **_params(revision)})

    seconds, _ = time_work(upsert)
    return seconds


def one_row_sql() -> str:
    """A SELECT of one staged row whose values are parameters."""
    types = {field.name: field.type for field in load_schema(staging.TARGET).fields}
    selected = [f"CAST(@{name} AS {types[name]}) AS {name}" for name in staging.staged_columns()]
    return f"SELECT {', '.join(selected)}, '' AS staged_unit"


def _params(revision: int) -> dict[str, Any]:
    return {"now": NOW, "game_date": GAME_DATE, "revision": revision}


def table_of(warehouse: Warehouse) -> pa.Table:
    return warehouse.query(read_sql(SQL, "predictions"))


def expect_equal(merged: pa.Table, upserted: pa.Table) -> None:
    """Raises BenchFailed where the two ways left different tables."""
    if not merged.equals(upserted):
        raise BenchFailed(
            f"The MERGE left {merged.num_rows} rows, the upserts {upserted.num_rows}, and they are not the same.",
            next_step="compare the two: one of the two ways loses or changes rows.",
        )
