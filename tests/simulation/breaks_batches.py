"""Breaks of the batch, its staging and consolidation, features, exports, and of what is swept."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from functions.batch_sweep import orphans
from functions.phase5_consolidation import consolidate
from functions.phase6_export import writer
from local.embedded.duckdb_warehouse import DuckDbWarehouse
from shared.chain.batches import completion, opening
from shared.chain.batches.reading import get_batch
from shared.chain.batches.records import Batch, BatchStatus, path_of
from shared.chain.resilience import locks
from shared.stores.ports import Document, Increment
from shared.stores.warehouse import sql, staging
from tests.simulation.patching import Instead, Table, patch

TABLE = Table()


@TABLE.add("increment instead of keyed completion", "a batch counts its completions, a repeated one twice")
def _increment() -> Iterator[None]:
    record, complete = completion._record_unit, completion.complete_unit

    def broken_record(state: Any, batch_id: str, result: Any) -> None:
        record(state, batch_id, result)
        state.update(path_of(batch_id), {"completions": Increment(1)})

    def broken_complete(state: Any, batch_id: str, *args: Any) -> Batch:
        def count(collection: str) -> int:
            return int(state.get(path_of(batch_id)).data["completions"])

        return complete(Instead(state, count=count), batch_id, *args)

    with patch(completion, "_record_unit", broken_record), patch(completion, "complete_unit", broken_complete):
        yield


@TABLE.add("closed without precondition", "a batch is changed without asking whether it changed since it was read")
def _closed_without_precondition() -> Iterator[None]:
    whole = completion.announce

    def announce(state: Any, *args: Any) -> None:
        whole(Instead(state, update=lambda path, fields, if_version: state.update(path, fields)), *args)

    with patch(completion, "announce", announce):
        yield


@TABLE.add("late completion ignored", "a unit that is done after its batch was closed without it stays missing")
def _late_ignored() -> Iterator[None]:
    complete = completion.complete_unit

    def broken_complete(state: Any, batch_id: str, result: Any, announcement: Any) -> Batch:
        batch = get_batch(state, batch_id)
        if batch is None or batch.status == BatchStatus.OPEN:
            return complete(state, batch_id, result, announcement)
        completion._record_unit(state, batch_id, result)
        return batch

    with patch(completion, "complete_unit", broken_complete):
        yield


@TABLE.add("no join", "a trigger opens a revision while another of the date is in progress")
def _no_join() -> Iterator[None]:
    whole = opening.open_batch

    def broken_finish(document: Document | None) -> Document | None:
        if document is None or not document.path.startswith("batches/"):
            return document
        return replace(document, data={**document.data, "status": BatchStatus.CONSOLIDATED.value})

    def open_batch(state: Any, *args: Any) -> Batch:
        def transaction(body: Any) -> Any:
            return state.transaction(lambda real: body(Instead(real, get=lambda path: broken_finish(real.get(path)))))

        return whole(Instead(state, transaction=transaction), *args)

    with patch(opening, "open_batch", open_batch), patch(Batch, "in_progress", property(lambda self: False)):
        yield


@TABLE.add("staging appends", "a unit that is staged again adds its rows to those staged before")
def _staging_appends() -> Iterator[None]:
    load = DuckDbWarehouse.load

    def broken_append(self: DuckDbWarehouse, table: str, rows: pa.Table, *, mode: Any, job_id: str) -> int:
        prefix = table.partition(".")[2]
        if mode == "replace" and prefix.startswith("_staging_") and table in self.tables(staging.DATASET, prefix):
            before = self.query(f"SELECT * FROM `{table}`")
            load(self, table, pa.concat_tables([before.cast(rows.schema), rows]), mode=mode, job_id=job_id)
            return int(rows.num_rows)
        return load(self, table, rows, mode=mode, job_id=job_id)

    with patch(DuckDbWarehouse, "load", broken_append):
        yield


@TABLE.add("loads repeated", "a load that is tried again loads its rows once more")
def _loads_repeated() -> Iterator[None]:
    load, number = DuckDbWarehouse.load, itertools.count()

    def broken_load(self: DuckDbWarehouse, table: str, rows: pa.Table, *, mode: Any, job_id: str) -> int:
        return load(self, table, rows, mode=mode, job_id=f"{job_id}-{next(number)}")

    with patch(DuckDbWarehouse, "load", broken_load):
        yield


@TABLE.add("dropped before verification", "staging is dropped after the MERGE, before it is known what that did")
def _drop_unverified() -> Iterator[None]:
    merge = consolidate._merge

    def broken_merge(job: Any, *args: Any) -> Any:
        try:
            return merge(job, *args)
        finally:
            tables = job.runtime.warehouse.tables(staging.DATASET, staging.staging_prefix(job.batch.batch_id))
            consolidate._drop(job, tables, list(consolidate._pending(job).units))

    with patch(consolidate, "_merge", broken_merge):
        yield


@TABLE.add("no lock", "a date is consolidated by several at a time")
def _no_lock() -> Iterator[None]:
    class Unchecked(locks.Lock):
        def check(self) -> None:
            pass

    @contextmanager
    def acquire(name: str, state: Any, clock: Any, **lease: Any) -> Iterator[locks.Lock]:
        yield Unchecked(name, 1, state, clock)

    with patch(locks, "acquire", acquire):
        yield


@contextmanager
def _merge_without(guard: str, instead: str) -> Iterator[None]:
    whole = staging.merge_sql

    def merge_sql(staged: str) -> str:
        text = whole(staged)
        assert guard in text
        return text.replace(guard, instead)

    with patch(staging, "merge_sql", merge_sql):
        yield


@TABLE.add("tip-off freeze off", "rows of games that have begun are merged")
def _no_freeze() -> Iterator[None]:
    check_sql = staging.check_sql

    def broken_check(staged: str) -> str:
        return check_sql(staged).replace("tipoff_at <= @now", "tipoff_at <= @now AND FALSE")

    with patch(staging, "check_sql", broken_check), _merge_without(" AND tipoff_at > @now", ""):
        yield


@TABLE.add("<= for as_of", "what became known at the very moment of as_of is used")
def _as_of_included() -> Iterator[None]:
    whole = sql._whole

    def read(path: str) -> str:
        text = whole(path)
        for moment in ("@as_of", "g.features_as_of"):
            text = text.replace(f"< {moment}", f"<= {moment}")
        # an answer's moment has fractions: of the second that begins with as_of
        second = "TIMESTAMP_ADD(features_as_of, INTERVAL 1 SECOND)"
        return text.replace("answered_at < features_as_of", f"answered_at < {second}")

    with patch(sql, "_whole", read):
        yield


@TABLE.add("exports without order", "an older run's file overwrites a newer one's")
def _no_order() -> Iterator[None]:
    with patch(writer, "order_of", lambda before: None):
        yield


@TABLE.add("exports without generation", "a file is written although another run changed it since it was read")
def _no_generation() -> Iterator[None]:
    put = writer.Writer._put

    def broken_write(self: writer.Writer, *args: Any) -> bool:
        blobs = self.blobs

        def write(path: str, data: bytes, **how: Any) -> int:
            return blobs.write(path, data, **{**how, "if_generation": None})

        return put(writer.Writer(Instead(blobs, write=write)), *args)

    with patch(writer.Writer, "_put", broken_write):
        yield


@TABLE.add("orphans dropped unverified", "the sweep drops staging of any age, whatever has yet to be merged of it")
def _orphans_dropped() -> Iterator[None]:
    def of_batch(context: Any, report: Any, batch: Batch, tables: Mapping[str, Any]) -> list[str]:
        return sorted(tables)

    with patch(orphans, "_of_batch", of_batch), patch(orphans, "ORPHANED", timedelta(0)):
        yield
