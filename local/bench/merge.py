"""The staging MERGE of a whole batch against an upsert a row, through the same warehouse port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from local.bench.measure import BenchFailed, Progress, milliseconds, ratio, timed
from local.bench.staged_rows import GAME_DATE, NOW, unit_rows, unit_table
from local.duckdb_warehouse import DuckDbWarehouse
from shared.batches import batch_id_of
from shared.ports import Warehouse
from shared.warehouse import staging
from shared.warehouse.schemas import load_schema
from shared.warehouse.sql import read_sql

SQL = Path(__file__).with_name("sql")
Rows = Sequence[Mapping[str, Any]]


def measure(folder: Path, tables: int, upserted_tables: int, progress: Progress) -> dict[str, Any]:
    """Milliseconds of both ways, for a first batch (all inserts) and the next revision (all updates).

    The MERGE writes `tables` tables of 25 rows. Row by row the first `upserted_tables` of them are written, beside a
    MERGE of just those: that pair gives the ratio and must leave equal tables. Raises BenchFailed where it does not.
    """
    whole = [_batch(tables, revision) for revision in (1, 2)]
    part = [_batch(upserted_tables, revision) for revision in (1, 2)]
    steps = 2 * len(whole) + 2
    with closing(DuckDbWarehouse(folder / "whole.duckdb")) as warehouse:
        by_merge = []
        for number, units in enumerate(whole):
            by_merge.append(merge_batch(warehouse, units, number + 1))
            progress(number + 1, steps)
        again, _ = timed(lambda: _merge(warehouse, whole[1], 2))
    with (
        closing(DuckDbWarehouse(folder / "merged.duckdb")) as merged,
        closing(DuckDbWarehouse(folder / "upserted.duckdb")) as upserted,
    ):
        small, one_by_one = [], []
        for number, units in enumerate(part):
            small.append(merge_batch(merged, units, number + 1))
            one_by_one.append(upsert_rows(upserted, [row for rows in units.values() for row in rows], number + 1))
            progress(len(whole) + 2 * (number + 1), steps)
        expect_equal(table_of(merged), table_of(upserted))
    rows = sum(len(each) for each in part[0].values())
    return {
        "tables": tables,
        "rows": sum(len(each) for each in whole[0].values()),
        "first_merge_ms": milliseconds(by_merge[0]["merge"]),
        "next_revision_merge_ms": milliseconds(by_merge[1]["merge"]),
        "same_statement_again_ms": milliseconds(again),
        "staging_loads_ms": milliseconds(by_merge[1]["loads"]),
        "compared_tables": upserted_tables,
        "compared_rows": rows,
        "compared_merge_ms": [milliseconds(each["merge"]) for each in small],
        "compared_loads_ms": [milliseconds(each["loads"]) for each in small],
        "compared_upserts_ms": [milliseconds(each) for each in one_by_one],
        "upsert_ms_per_row": milliseconds(one_by_one[1] / rows),
        "ratio_merge": ratio(one_by_one[1], small[1]["merge"]),
        "ratio_merge_and_loads": ratio(one_by_one[1], small[1]["merge"] + small[1]["loads"]),
        "equal": True,
    }


def _batch(tables: int, revision: int) -> dict[str, list[dict[str, Any]]]:
    batch_id = batch_id_of(GAME_DATE, revision)
    return {staging.staging_table(batch_id, str(unit)): unit_rows(unit, batch_id) for unit in range(tables)}


def merge_batch(warehouse: Warehouse, units: Mapping[str, Rows], revision: int) -> dict[str, float]:
    """Stage a batch's units and MERGE them; seconds of the loads and of the MERGE. Staging stays."""
    tables = {name: unit_table([dict(row) for row in rows]) for name, rows in units.items()}

    def load() -> None:
        for name, rows in tables.items():
            warehouse.load(name, rows, mode="replace", job_id=name)

    loads, _ = timed(load)
    seconds, _ = timed(lambda: _merge(warehouse, units, revision))
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

    It is the batch's own MERGE on a source of one row, so both ways decide alike; its text is the same for all rows.
    """
    sql = staging.merge_sql(one_row_sql())

    def upsert() -> None:
        for row in rows:
            warehouse.execute(sql, {**row, **_params(revision)})

    seconds, _ = timed(upsert)
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
