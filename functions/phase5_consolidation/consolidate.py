"""Consolidation of one batch: guard before, one MERGE, guard after, and only then the staging
tables are dropped.

staged as reported? --no--> FAILED, alert, retry from the preserved tables
MERGE (now fixed once; tipped-off games frozen)
keys in place? --no--> FAILED, alert, retry
prediction_batches row (what current_predictions counts) -> CONSOLIDATED -> staging dropped ->
announced (outbox)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from functions.phase5_consolidation import guards
from functions.phase5_consolidation.alert import consolidation_failed, model_damaged
from functions.phase5_consolidation.guards import RowsInPlace, StagedRows
from shared.chain.batches import ending
from shared.chain.batches.reading import done_units, get_batch, latest_batch
from shared.chain.batches.records import Batch, BatchStatus, parse_batch_id
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage, Status
from shared.chain.resilience import locks
from shared.core import failpoints
from shared.core.errors import (
    DataError,
    PipelineError,
    PreconditionFailed,
    SchemaMismatch,
    Skippable,
    StagingMismatch,
    WriteConflict,
)
from shared.core.events import Event
from shared.stores.runtime import Runtime
from shared.stores.warehouse import staging
from shared.stores.warehouse.rows import table_of

logger = logging.getLogger(__name__)

RECORD = "nba_predictions.prediction_batches"


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Consolidate the batch the message names, or the date's latest. One at a time per game_date.

    Raises StagingMismatch (retriable, everything preserved) where staged or merged rows are not
    what was reported.
    """
    runtime = context.runtime
    batch = _batch(message, runtime)
    lock_name = f"consolidation-{batch.game_date}"
    lease = timedelta(seconds=context.function.lease_seconds)
    with locks.acquire(
        lock_name, runtime.state, runtime.clock, owner=runtime.instance, epoch=runtime.epoch, lease=lease
    ) as lock:
        # read again: the holder before us may have consolidated it
        batch = get_batch(runtime.state, batch.batch_id) or batch
        if batch.status == BatchStatus.SUPERSEDED:
            why = f"{batch.batch_id} is superseded by {batch.superseded_by}."
            raise Skippable(why, status="superseded", event=Event.BATCH_SUPERSEDED)
        if batch.status == BatchStatus.OPEN:
            why = f"{batch.batch_id} is still open: {batch.unit_count} units expected."
            raise Skippable(why, status="skipped", event=Event.BATCH_OPEN)
        job = _Job(runtime, batch, lock, runtime.clock.now())
        try:
            return _consolidate(job, message.sequence)
        except (StagingMismatch, SchemaMismatch) as mismatch:
            _fail(job, mismatch, context)
            raise


def _batch(message: PhaseMessage, runtime: Runtime) -> Batch:
    """The named batch, else the date's latest.

    Raises DataError for a name that does not exist or is another date's.
    """
    if message.batch_id is None:
        latest = latest_batch(runtime.state, message.last_date)
        if latest is None:
            why = f"No batch was opened for {message.last_date}."
            raise Skippable(why, status="no_data", event=Event.NO_BATCH)
        return latest
    game_date, _ = parse_batch_id(message.batch_id)
    batch = get_batch(runtime.state, message.batch_id)
    if batch is None or game_date != message.last_date:
        raise DataError(
            f"Batch {message.batch_id} {'does not exist' if batch is None else 'is not of ' + str(message.last_date)}.",
            next_step="publish the batch_id that the coordinator announced, or leave it out.",
            event=Event.UNKNOWN_BATCH,
        )
    return batch


@dataclass(frozen=True)
class _Job:
    """One consolidation under its lock."""

    runtime: Runtime
    batch: Batch
    lock: locks.Lock
    now: datetime
    """Fixed once: it decides which games have tipped off."""

    @property
    def game_date(self) -> date:
        return parse_batch_id(self.batch.batch_id)[0]

    def unit(self, table: str) -> str:
        return staging.unit_of(table, self.batch.batch_id)


@dataclass(frozen=True)
class _Pending:
    """What is there before anything is merged."""

    tables: Mapping[str, Sequence[str]]
    """Columns of every staging table of the date: those of earlier revisions go when this one is
    consolidated."""
    units: Mapping[str, int]
    """Units done and not merged yet -> rows each reported."""
    damaged: Mapping[str, str]
    """Of all units done: "{stat}/{system_id}" -> what is said of its damaged model."""


@dataclass(frozen=True)
class _Source:
    """Where the staged rows are read from."""

    sql: str
    """SELECT of all of them."""
    compacted: Sequence[str]
    """Tables that very many units' tables were first copied together into, in chunks."""


@dataclass(frozen=True)
class _Merged:
    """What the MERGE did: rows affected, seconds by the machine's clock."""

    rows: int
    seconds: float


def _consolidate(job: _Job, sequence: int) -> Outcome:
    """Check, merge, check, record, drop: one line a step, and a failpoint after each side
    effect."""
    pending = _pending(job)
    if job.batch.status == BatchStatus.CONSOLIDATED and not pending.units:
        return _repeat(job, pending, sequence)
    source = _source(job, pending)
    staged = _read_staged(job, source, pending)
    merged = _merge(job, source, staged)
    failpoints.reach("consolidation.merged")
    in_place = _in_place(job, merged.rows, staged)
    failpoints.reach("consolidation.verified")
    units = _record(job, pending, in_place, staged)
    failpoints.reach("consolidation.consolidated")
    _drop(job, [*pending.tables, *source.compacted], units)
    failpoints.reach("consolidation.dropped")
    return _finish(job, pending, staged, merged, in_place, sequence)


def _pending(job: _Job) -> _Pending:
    """The date's staging tables, and the batch's units that are done and not merged."""
    tables = job.runtime.warehouse.tables(staging.DATASET, f"_staging_batch_{job.game_date.isoformat()}_r")
    done = done_units(job.runtime.state, job.batch)
    damaged: dict[str, str] = {}
    for result in done:
        damaged |= result.damaged
    merged = set(job.batch.merged)
    reported = {result.unit: result.rows for result in done if result.unit not in merged}
    return _Pending(tables, reported, damaged)


def _repeat(job: _Job, pending: _Pending, sequence: int) -> Outcome:
    """A repeat after success: merge nothing, clean up what a crash left, announce again."""
    ending.supersede_older(job.runtime.state, job.batch)
    _drop(job, pending.tables, job.batch.merged)
    rows = job.batch.rows_in_place
    return _outcome(job, pending, rows, 0, sequence, "already consolidated", Event.ALREADY_CONSOLIDATED)


def _source(job: _Job, pending: _Pending) -> _Source:
    """The pending units' rows as SQL, their tables and columns checked. Raises StagingMismatch,
    SchemaMismatch."""
    batch_id = job.batch.batch_id
    tables = {name: columns for name, columns in pending.tables.items() if job.unit(name) in pending.units}
    guards.expect_tables(batch_id, [job.unit(name) for name in tables], pending.units)
    guards.expect_something(batch_id, job.batch.unit_count, len(pending.units))
    staging.check_columns(tables)
    if len(tables) <= staging.MOST_TABLES:
        return _Source(staging.staged_rows(tables, batch_id), ())
    parts: dict[str, Sequence[str]] = {}
    columns = (*staging.staged_columns(), "staged_unit")
    for index, chunk in enumerate(staging.chunks(sorted(tables))):
        into = staging.staging_table(batch_id, f"{staging.COMPACTED}{index}")
        job.runtime.warehouse.execute(staging.compaction_sql({n: tables[n] for n in chunk}, batch_id, into))
        parts[into] = columns
    return _Source(staging.staged_rows(parts, batch_id), tuple(parts))


def _read_staged(job: _Job, source: _Source, pending: _Pending) -> StagedRows:
    """What is staged, as every unit reported it. Raises StagingMismatch."""
    params = {"batch_id": job.batch.batch_id, "game_date": job.game_date, "now": job.now}
    found = job.runtime.warehouse.query(staging.check_sql(source.sql), params).to_pylist()
    staged = StagedRows(
        by_unit={row["unit"]: row["staged_rows"] for row in found},
        foreign=sum(row["foreign_rows"] for row in found),
        keys=int(found[0]["staged_keys"]) if found else 0,
        frozen=int(found[0]["frozen_keys"]) if found else 0,
    )
    guards.expect_reported(job.batch.batch_id, staged, pending.units)
    guards.expect_something(job.batch.batch_id, job.batch.unit_count, staged.keys)
    return staged


def _merge(job: _Job, source: _Source, staged: StagedRows) -> _Merged:
    """Run the MERGE. Raises StagingMismatch, WriteConflict."""
    batch, clock = job.batch, job.runtime.machine or job.runtime.clock
    job.lock.check()
    guards.expect_no_tipoff(batch.batch_id, batch.games, job.now, job.runtime.clock.now())
    params = {"now": job.now, "game_date": job.game_date, "revision": batch.revision}
    began = clock.now()
    affected = job.runtime.warehouse.execute(staging.merge_sql(source.sql), params)
    seconds = (clock.now() - began).total_seconds()
    guards.expect_merged(batch.batch_id, affected, staged.keys - staged.frozen)
    return _Merged(affected, seconds)


def _in_place(job: _Job, merged: int, staged: StagedRows) -> RowsInPlace:
    """Read back what is in the table under this batch: what was merged now and before. Raises
    StagingMismatch."""
    params = {"game_date": job.game_date, "batch_id": job.batch.batch_id}
    games = job.runtime.warehouse.query(staging.in_place_sql(), params).to_pylist()
    found = RowsInPlace(
        by_game={game["game_id"]: int(game["keys_in_place"]) for game in games},
        doubled=sum(int(game["doubled"]) for game in games),
    )
    before = job.batch.rows_in_place
    guards.expect_in_place(job.batch.batch_id, found, before + merged, staged.frozen)
    return found


def _record(job: _Job, pending: _Pending, in_place: RowsInPlace, staged: StagedRows) -> Sequence[str]:
    """Write the rows that current_predictions counts, then the batch's state; both repeatable.
    Returns units merged.

    The batch covers the games it has rows of, and those it found nobody to predict in before their
    tip-off: a game that tipped off before anything was merged stays with the revision before.
    Raises WriteConflict, LeaseHeld.
    """
    batch = job.batch
    units = sorted({*batch.merged, *pending.units})
    covered = {game for game, tipoff in batch.games.items() if tipoff > job.now} | set(in_place.by_game)
    rows = [
        {
            "game_date": job.game_date,
            "batch_id": batch.batch_id,
            "revision": batch.revision,
            "run_id": batch.run_id,
            "game_id": game,
            "rows_expected": in_place.keys,
            "consolidated_at": job.now,
        }
        for game in sorted(covered)
    ]
    job_id = f"{batch.batch_id}-consolidated-{len(units)}"
    job.runtime.warehouse.load(RECORD, table_of(RECORD, rows), mode="append", job_id=job_id)
    job.lock.check()
    alerts = {key: model_damaged(job.runtime, batch, key, message) for key, message in pending.damaged.items()}
    try:
        ending.mark_consolidated(job.runtime.state, batch, units, in_place.keys, job.now, staged.frozen, alerts)
    except PreconditionFailed as changed:
        raise WriteConflict(f"{batch.batch_id} changed while it was consolidated (a late unit).") from changed
    return units


def _drop(job: _Job, tables: Iterable[str], merged: Sequence[str]) -> None:
    """Drop staging whose rows are in place, what it was compacted into, and that of earlier
    revisions.
    """
    done = {*merged, *job.batch.split}
    gone = [
        table
        for table in tables
        if job.unit(table) in done
        or job.unit(table).startswith(staging.COMPACTED)
        or (staging.revision_of(table) or job.batch.revision) < job.batch.revision
    ]
    if gone:
        job.runtime.warehouse.drop(gone)


def _finish(
    job: _Job, pending: _Pending, staged: StagedRows, merged: _Merged, in_place: RowsInPlace, sequence: int
) -> Outcome:
    """The result of a consolidation that merged, or found every row frozen."""
    reason, event = f"{staged.frozen} rows frozen at tip-off" if staged.frozen else "", None
    if staged.frozen == staged.keys:
        reason = f"all {staged.keys} staged rows are of games that have tipped off by {job.now.isoformat()}"
        event = Event.ALL_FROZEN
    outcome = _outcome(job, pending, in_place.keys, staged.frozen, sequence, reason, event)
    figures = {"merged_rows": merged.rows, "merge_seconds": round(merged.seconds, 3)}
    return replace(outcome, metadata={**outcome.metadata, **figures})


def _outcome(
    job: _Job, pending: _Pending, rows: int, frozen: int, sequence: int, reason: str, event: Event | None
) -> Outcome:
    batch = job.batch
    failed = len(batch.missing)
    status: Status = "no_data" if event is Event.ALL_FROZEN else "partial" if failed else "success"
    if failed:
        reason = "; ".join(filter(None, [reason, f"units missing or failed: {', '.join(batch.missing[:20])}"]))
    return Outcome(
        status,
        event=event,
        record_count=rows,
        records_failed=failed,
        reason=reason,
        output_table=staging.TARGET,
        batch_id=batch.batch_id,
        sequence=sequence,
        metadata={"frozen_rows": frozen, "revision": batch.revision},
        # a retry finds what it may have left unsent
        linked_outboxes=[batch.path] if pending.damaged else [],
    )


def _fail(job: _Job, mismatch: PipelineError, context: Context) -> None:
    """Record what was expected and found, and raise the alert; the caller raises the mismatch
    itself on."""
    try:
        ending.mark_failed(job.runtime.state, job.batch, str(mismatch), job.now)
    except PreconditionFailed:
        logger.warning("%s changed while it failed; its state is kept", job.batch.batch_id)
    consolidation_failed(job.runtime, job.batch, str(mismatch), context)
