"""Staging tables that were left over: listed, and dropped only where what they hold is in place or
outdated.

A table is an orphan 24 hours after its batch opened. It goes if a later revision is CONSOLIDATED,
if consolidation verified its unit, or if each of its keys is in the predictions table under its
batch. What its batch has yet to merge stays in any case: without it that batch could never be
consolidated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from functions.batch_sweep.report import Report
from shared.chain.batches.reading import batches_of, done_units
from shared.chain.batches.records import Batch, BatchStatus, parse_batch_id
from shared.chain.execution.context import Context
from shared.chain.resilience import locks
from shared.core import failpoints
from shared.core.errors import LeaseHeld
from shared.stores.records import Record
from shared.stores.warehouse import staging
from shared.stores.warehouse.schemas import load_schema

ORPHANED = timedelta(hours=24)
# Orphans are a day old at least: looking four times a day is enough, and listing tables is a
# warehouse statement.
LOOK_EVERY = timedelta(hours=6)
LOOKED = "control/staging_sweep"

Tables = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class LastLook(Record):
    """When staging tables were last listed."""

    at: datetime


def sweep_staging(context: Context, report: Report, *, always: bool) -> None:
    """List orphaned staging tables and drop those that are needed no more.

    `always`: however recent the last look.
    """
    runtime = context.runtime
    now = runtime.clock.now()
    document = runtime.state.get(LOOKED)
    looked = None if document is None else LastLook.from_document(document)
    if not always and looked is not None and timedelta(0) <= now - looked.at < LOOK_EVERY:
        return
    by_date: dict[date, dict[str, dict[str, Sequence[str]]]] = defaultdict(lambda: defaultdict(dict))
    for table, columns in sorted(runtime.warehouse.tables(staging.DATASET, "_staging_").items()):
        batch_id = staging.batch_of(table)
        if batch_id is None:
            report.kept.setdefault("no batch has such a name", []).append(table)
        else:
            by_date[parse_batch_id(batch_id)[0]][batch_id][table] = columns
    for game_date, staged in sorted(by_date.items()):
        _sweep_date(context, report, game_date, staged, now)
    runtime.state.transaction(lambda transaction: transaction.set(LOOKED, LastLook(now).to_document()))


def _sweep_date(context: Context, report: Report, game_date: date, staged: Mapping[str, Tables], now: datetime) -> None:
    """Under consolidation's own lock: it must find what it looked at."""
    runtime = context.runtime
    known = {batch.batch_id: batch for batch in batches_of(runtime.state, game_date)}
    for batch_id in sorted(set(staged) - set(known)):
        report.kept.setdefault("its batch is not known", []).extend(sorted(staged[batch_id]))
    orphaned = {b: t for b, t in staged.items() if b in known and now - known[b].opened_at >= ORPHANED}
    if not orphaned:
        return
    lease = timedelta(seconds=context.function.lease_seconds)
    name = f"consolidation-{game_date.isoformat()}"
    try:
        with locks.acquire(
            name, runtime.state, runtime.clock, owner=runtime.instance, epoch=runtime.epoch, lease=lease
        ) as lock:
            goes = _what_goes(context, report, game_date, orphaned)
            failpoints.reach("sweep.verified")
            if goes:
                lock.check()
                runtime.warehouse.drop(goes)
                report.dropped += goes
    except LeaseHeld:
        for tables in orphaned.values():
            report.kept.setdefault("its date is being consolidated", []).extend(sorted(tables))


def _what_goes(context: Context, report: Report, game_date: date, orphaned: Mapping[str, Tables]) -> list[str]:
    """The tables to drop; the others are named in the report with the reason why they stay."""
    of_date = batches_of(context.runtime.state, game_date)
    newest = max((batch.revision for batch in of_date if batch.status == BatchStatus.CONSOLIDATED), default=0)
    goes: list[str] = []
    for batch in sorted(of_date, key=lambda each: each.revision):
        tables = orphaned.get(batch.batch_id, {})
        if newest > batch.revision:
            goes += sorted(tables)
        elif tables:
            goes += _of_batch(context, report, batch, tables)
    return goes


def _of_batch(context: Context, report: Report, batch: Batch, tables: Tables) -> list[str]:
    """Of a batch that no later one replaced."""
    done = {result.unit for result in done_units(context.runtime.state, batch)}
    merged = set(batch.merged)  # written after they were verified, whatever became of the batch since
    waiting = set() if batch.status == BatchStatus.SUPERSEDED else done - merged
    key = set(load_schema(staging.TARGET).primary_key)
    goes, unsure = [], []
    for table, columns in sorted(tables.items()):
        unit = staging.unit_of(table, batch.batch_id)
        gathered = unit.startswith(staging.COMPACTED)
        if unit in merged or (gathered and batch.status in (BatchStatus.CONSOLIDATED, BatchStatus.SUPERSEDED)):
            goes.append(table)
        elif batch.status == BatchStatus.OPEN or gathered or unit in waiting:
            why = f"{batch.batch_id} is {batch.status} and has yet to merge it: publish it to nba-phase5-batch-complete"
            report.kept.setdefault(why, []).append(table)
        elif not key <= set(columns):
            report.kept.setdefault("it has no key to verify", []).append(table)
        else:
            unsure.append(table)
    return goes + _in_place(context, report, batch, unsure)


def _in_place(context: Context, report: Report, batch: Batch, tables: Sequence[str]) -> list[str]:
    """Those of the tables whose every key is in the predictions table under the batch."""
    params = {"game_date": parse_batch_id(batch.batch_id)[0], "batch_id": batch.batch_id}
    verified: list[str] = []
    rest = iter(tables)
    while part := list(islice(rest, staging.MOST_TABLES)):
        found = context.runtime.warehouse.query(staging.absent_keys_sql(part), params).to_pylist()
        absent = {row["staging_table"]: int(row["absent_keys"]) for row in found}
        for table in part:
            if absent.get(table) == 0:
                verified.append(table)
            else:
                why = "it has no rows" if table not in absent else f"{absent[table]} of its keys are not in place"
                report.kept.setdefault(why, []).append(table)
    return verified
