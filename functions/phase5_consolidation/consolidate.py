"""Consolidation of one batch: guard before, one MERGE, guard after, and only then the staging tables are dropped.

staged as reported? --no--> FAILED, alert, retry from the preserved tables
MERGE (now fixed once; tipped-off games frozen)
keys in place? --no--> FAILED, alert, retry
prediction_batches row (what current_predictions counts) -> CONSOLIDATED -> staging dropped -> announced (outbox)
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from functions.phase5_consolidation.alert import consolidation_failed, model_damaged
from shared.chain.batches import batches
from shared.chain.batches.batches import CONSOLIDATED, OPEN, SUPERSEDED, Batch
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

    Raises StagingMismatch (retriable, everything preserved) where staged or merged rows are not what was reported.
    """
    runtime = context.runtime
    batch = _batch(message, runtime)
    lock_name = f"consolidation-{batch.data['game_date']}"
    lease = timedelta(seconds=context.function.lease_seconds)
    with locks.hold(
        lock_name, runtime.state, runtime.clock, owner=runtime.instance, epoch=runtime.epoch, lease=lease
    ) as lock:
        # read again: the holder before us may have consolidated it
        batch = batches.get_batch(runtime.state, batch.batch_id) or batch
        if batch.status == SUPERSEDED:
            why = f"{batch.batch_id} is superseded by {batch.data['superseded_by']}."
            raise Skippable(why, status="superseded", event=Event.BATCH_SUPERSEDED)
        if batch.status == OPEN:
            why = f"{batch.batch_id} is still open: {batch.unit_count} units expected."
            raise Skippable(why, status="skipped", event=Event.BATCH_OPEN)
        work = _Work(runtime, batch, lock, runtime.clock.now())
        try:
            return work.consolidate(message.sequence)
        except (StagingMismatch, SchemaMismatch) as mismatch:
            work.fail(mismatch, context)
            raise


def _batch(message: PhaseMessage, runtime: Runtime) -> Batch:
    """The named batch, else the date's latest. Raises DataError for a name that does not exist or is another date's."""
    if message.batch_id is None:
        latest = batches.latest_batch(runtime.state, message.last_date)
        if latest is None:
            why = f"No batch was opened for {message.last_date}."
            raise Skippable(why, status="no_data", event=Event.NO_BATCH)
        return latest
    game_date, _ = batches.parse_batch_id(message.batch_id)
    batch = batches.get_batch(runtime.state, message.batch_id)
    if batch is None or game_date != message.last_date:
        raise DataError(
            f"Batch {message.batch_id} {'does not exist' if batch is None else 'is not of ' + str(message.last_date)}.",
            next_step="publish the batch_id that the coordinator announced, or leave it out.",
            event=Event.UNKNOWN_BATCH,
        )
    return batch


@dataclass
class _Work:
    """One consolidation under its lock; `now` is fixed once and decides which games have tipped off."""

    runtime: Runtime
    batch: Batch
    lock: locks.Lock
    now: datetime
    damaged: dict[str, str] = field(default_factory=dict)
    """Of the units done: system_id -> what is said of its damaged model."""

    def consolidate(self, sequence: int) -> Outcome:
        # the whole date's: staging of earlier revisions goes when this one is consolidated
        tables = self.runtime.warehouse.tables(staging.DATASET, f"_staging_batch_{self._date().isoformat()}_r")
        pending = self._pending_units()
        if self.batch.status == CONSOLIDATED and not pending:
            # a repeat after success: merges nothing, cleans up what a crash left, announces again
            batches.supersede_older(self.runtime.state, self.batch)
            self._drop(tables, self.batch.merged)
            why = "already consolidated"
            return self._outcome(int(self.batch.data["rows_in_place"]), 0, sequence, why, Event.ALREADY_CONSOLIDATED)
        staged = {name: columns for name, columns in tables.items() if self._unit(name) in pending}
        self._expect_tables(staged, pending)
        if not pending:
            raise self._nothing_staged()
        staging.check_columns(staged)
        source, gathered = self._compact(staged)
        keys, frozen = self._expect_rows(source, pending)
        if not keys:
            raise self._nothing_staged()
        merged = self._merge(source, keys - frozen)
        failpoints.reach("consolidation.merged")
        games = self._verify(merged, frozen)
        failpoints.reach("consolidation.verified")
        in_place = sum(games.values())
        units = sorted({*self.batch.merged, *pending})
        self._record(games, units, frozen)
        failpoints.reach("consolidation.consolidated")
        self._drop([*tables, *gathered], units)
        failpoints.reach("consolidation.dropped")
        if frozen == keys:
            reason = f"all {keys} staged rows are of games that have tipped off by {self.now.isoformat()}"
            return self._outcome(in_place, frozen, sequence, reason, Event.ALL_FROZEN)
        return self._outcome(in_place, frozen, sequence, f"{frozen} rows frozen at tip-off" if frozen else "")

    # --- before -----------------------------------------------------------------------------------------------

    def _pending_units(self) -> dict[str, int]:
        """Units done and not merged yet, with the rows each reported."""
        units = batches.units_of(self.runtime.state, self.batch.batch_id)
        done = [unit for unit in units if unit.data["status"] == batches.DONE]
        for unit in done:
            self.damaged |= unit.data.get("damaged", {})
        merged = set(self.batch.merged)
        return {unit.id: int(unit.data["rows"]) for unit in done if unit.id not in merged}

    def _unit(self, table: str) -> str:
        return staging.unit_of(table, self.batch.batch_id)

    def _expect_tables(self, staged: Mapping[str, Sequence[str]], pending: Mapping[str, int]) -> None:
        missing = sorted(set(pending) - {self._unit(name) for name in staged})
        if missing:
            raise StagingMismatch(
                f"{self.batch.batch_id}: {len(missing)} of {len(pending)} staging tables are missing: "
                f"{', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}.",
                next_step="publish the units' requests again, then the batch-complete message.",
                event=Event.STAGING_MISSING,
            )

    def _compact(self, staged: Mapping[str, Sequence[str]]) -> tuple[str, Sequence[str]]:
        """SQL of all staged rows, and the tables that very many were first copied together into, in chunks."""
        batch_id = self.batch.batch_id
        if len(staged) <= staging.MOST_TABLES:
            return staging.staged_rows(staged, batch_id), ()
        names = sorted(staged)
        parts: dict[str, Sequence[str]] = {}
        columns = (*staging.staged_columns(), "staged_unit")
        for index, chunk in enumerate(staging.chunks(names)):
            into = staging.staging_table(batch_id, f"{staging.COMPACTED}{index}")
            self.runtime.warehouse.execute(staging.compaction_sql({n: staged[n] for n in chunk}, batch_id, into))
            parts[into] = columns
        return staging.staged_rows(parts, batch_id), tuple(parts)

    def _expect_rows(self, source: str, pending: Mapping[str, int]) -> tuple[int, int]:
        """Keys staged and keys frozen. Raises StagingMismatch where a unit's rows are not what it reported."""
        params = {"batch_id": self.batch.batch_id, "game_date": self._date(), "now": self.now}
        found = self.runtime.warehouse.query(staging.check_sql(source), params).to_pylist()
        rows = {row["unit"]: row["staged_rows"] for row in found}
        foreign = sum(row["foreign_rows"] for row in found)
        wrong = {
            unit: (rows.get(unit, 0), reported) for unit, reported in pending.items() if rows.get(unit, 0) != reported
        }
        if wrong or foreign:
            shown = "; ".join(
                f"{unit}: {have} staged, {reported} reported" for unit, (have, reported) in sorted(wrong.items())[:10]
            )
            raise StagingMismatch(
                f"{self.batch.batch_id}: staged rows are not what was reported ({shown or 'counts fit'}; "
                f"{foreign} rows of another batch or date).",
                next_step="publish the units' requests again, then the batch-complete message.",
                event=Event.STAGED_ROWS_WRONG,
            )
        if not found:
            return 0, 0
        return int(found[0]["staged_keys"]), int(found[0]["frozen_keys"])

    # --- the write, and after ------------------------------------------------------------------------------------

    def _merge(self, source: str, expected: int) -> int:
        """Run the MERGE; returns the rows affected. Zero rows where some were expected is a mismatch."""
        self.lock.check()
        self._expect_no_tipoff_since()
        params = {"now": self.now, "game_date": self._date(), "revision": self.batch.revision}
        affected = self.runtime.warehouse.execute(staging.merge_sql(source), params)
        if affected != expected:
            raise StagingMismatch(
                f"{self.batch.batch_id}: the MERGE affected {affected} rows, {expected} were expected (staged keys not "
                "frozen). Nothing was dropped.",
                next_step="publish the batch-complete message again: it picks up from the preserved staging tables.",
                event=Event.MERGED_ROWS_WRONG if affected else Event.ZERO_ROW_MERGE,
            )
        return affected

    def _expect_no_tipoff_since(self) -> None:
        """A process that stood still must not write rows of a game that has begun meanwhile: a retry freezes them."""
        now = self.runtime.clock.now()
        begun = sorted(game for game, tipoff in self.batch.games.items() if self.now < tipoff <= now)
        if begun:
            raise WriteConflict(
                f"{self.batch.batch_id}: {', '.join(begun)} tipped off between {self.now.isoformat()}, when its rows "
                f"were looked at, and {now.isoformat()}.",
                next_step="nothing: the retry leaves out what has tipped off.",
            )

    def _verify(self, merged: int, frozen: int) -> dict[str, int]:
        """Keys in the table under this batch are those merged now and before; returns how many per game.

        Rows that are frozen by now may be in place all the same: an earlier attempt, before tip-off, merged them.
        """
        params = {"game_date": self._date(), "batch_id": self.batch.batch_id}
        games = self.runtime.warehouse.query(staging.in_place_sql(), params).to_pylist()
        in_place = sum(int(game["keys_in_place"]) for game in games)
        doubled = sum(int(game["doubled"]) for game in games)
        expected = int(self.batch.data.get("rows_in_place", 0)) + merged
        if not expected <= in_place <= expected + frozen or doubled:
            raise StagingMismatch(
                f"{self.batch.batch_id}: {in_place} keys are in place ({doubled} doubled rows), {expected} were "
                f"expected, {frozen} frozen. Nothing was dropped.",
                next_step="compare the staging tables with the predictions table, then publish batch-complete again.",
                event=Event.ROWS_IN_PLACE_WRONG,
            )
        return {game["game_id"]: int(game["keys_in_place"]) for game in games}

    def _record(self, in_place: Mapping[str, int], merged_units: Sequence[str], frozen: int) -> None:
        """The rows that current_predictions counts, then the batch's state; both repeatable.

        The batch covers the games it has rows of, and those it found nobody to predict in before their tip-off: a game
        that tipped off before anything was merged stays with the revision before.
        """
        batch = self.batch
        covered = {game for game, tipoff in batch.games.items() if tipoff > self.now} | set(in_place)
        total = sum(in_place.values())
        rows = [
            {
                "game_date": self._date(),
                "batch_id": batch.batch_id,
                "revision": batch.revision,
                "run_id": batch.run_id,
                "game_id": game,
                "rows_expected": total,
                "consolidated_at": self.now,
            }
            for game in sorted(covered)
        ]
        job_id = f"{batch.batch_id}-consolidated-{len(merged_units)}"
        self.runtime.warehouse.load(RECORD, table_of(RECORD, rows), mode="append", job_id=job_id)
        self.lock.check()
        alerts = {
            system: model_damaged(self.runtime, batch, system, message) for system, message in self.damaged.items()
        }
        try:
            batches.mark_consolidated(self.runtime.state, batch, merged_units, total, self.now, frozen, alerts)
        except PreconditionFailed as changed:
            raise WriteConflict(f"{batch.batch_id} changed while it was consolidated (a late unit).") from changed

    def _drop(self, tables: Iterable[str], merged: Sequence[str]) -> None:
        """Drop staging whose rows are in place, what it was gathered into, and that of earlier revisions."""
        done = {*merged}
        gone = [
            table
            for table in tables
            if self._unit(table) in done
            or self._unit(table).startswith(staging.COMPACTED)
            or (staging.revision_of(table) or self.batch.revision) < self.batch.revision
        ]
        if gone:
            self.runtime.warehouse.drop(gone)

    # --- results -----------------------------------------------------------------------------------------------

    def _date(self) -> Any:
        return batches.parse_batch_id(self.batch.batch_id)[0]

    def _nothing_staged(self) -> StagingMismatch:
        """A batch none of whose units gave rows: failed, and said so; nothing is merged on nothing."""
        return StagingMismatch(
            f"{self.batch.batch_id}: none of its {self.batch.unit_count} units staged a row.",
            next_step="look at the failed units in the run's summary; republish their requests.",
            event=Event.NOTHING_STAGED,
        )

    def _outcome(self, rows: int, frozen: int, sequence: int, reason: str, event: Event | None = None) -> Outcome:
        failed = len(self.batch.missing)
        status: Status = "no_data" if event is Event.ALL_FROZEN else "partial" if failed else "success"
        if failed:
            reason = "; ".join(filter(None, [reason, f"units missing or failed: {', '.join(self.batch.missing[:20])}"]))
        return Outcome(
            status,
            event=event,
            record_count=rows,
            records_failed=failed,
            reason=reason,
            output_table=staging.TARGET,
            batch_id=self.batch.batch_id,
            sequence=sequence,
            metadata={"frozen_rows": frozen, "revision": self.batch.revision},
            # a retry finds what it may have left unsent
            linked_outboxes=[self.batch.path] if self.damaged else [],
        )

    def fail(self, mismatch: PipelineError, context: Context) -> None:
        """Record what was expected and found, and raise the alert; the mismatch itself is raised on."""
        try:
            batches.mark_failed(self.runtime.state, self.batch, str(mismatch), self.now)
        except PreconditionFailed:
            logger.warning("%s changed while it failed; its state is kept", self.batch.batch_id)
        consolidation_failed(self.runtime, self.batch, str(mismatch), context)
