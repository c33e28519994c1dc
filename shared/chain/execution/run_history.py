"""The run's history in the warehouse: written once per run, in one load per table, when the run
ends.

What a load holds is recorded before it, in history_loads/{run_id}, so that whoever comes after a
crash repeats that very load (its job id counts once) whatever has ended meanwhile:

    recorded (pending) -> loaded -> each execution marked as written -> closed; then the next number
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.core import failpoints
from shared.core.errors import AlreadyExists, PreconditionFailed, WriteConflict
from shared.core.pipeline import CONSOLIDATION, WORKER
from shared.stores.ports import Filter, State, Transaction
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

HISTORY = "nba_reference.processor_run_history"
PHASE_LOG = "nba_monitoring.pipeline_execution_log"
LOADS = "history_loads"
# Only others that end the same run at the same moment make a further try necessary.
_TRIES = 20


@dataclass(frozen=True, kw_only=True)
class HistoryLoad(StoredRecord):
    """The latest load of a run's history."""

    run_id: str
    number: int
    pending: bool
    executions: Sequence[Mapping[str, Any]]
    """Path and generation of each execution to be marked, once the load is done."""
    rows: Sequence[Mapping[str, Any]]
    batches: Sequence[str]
    """Batches whose workers are in this load or an earlier one."""


def write_run_history(runtime: Runtime, run_id: str) -> int:
    """Write the rows of every finished execution of a run that are not written yet; returns how
    many.

    Workers become one row per batch, written with the first end of its consolidation; each other
    execution has one row for every generation that ended for good. Repeatable. Raises WriteConflict
    where others keep coming first.
    """
    written = 0
    for _ in range(_TRIES):
        document = runtime.state.get(f"{LOADS}/{run_id}")
        load = None if document is None else HistoryLoad.from_document(document)
        if load is not None and load.pending:
            written += _carry_out(runtime, load)
        elif not _record(runtime, run_id, load):
            return written
    raise WriteConflict(f"The history of run {run_id} changed {_TRIES} times while it was written.")


def _record(runtime: Runtime, run_id: str, last: HistoryLoad | None) -> bool:
    """Record what the next load holds.

    False where there is nothing to write; the caller looks again otherwise.
    """
    unwritten = runtime.state.query(COLLECTION, [Filter("run_id", "==", run_id), Filter("logged", "==", False)])
    due = [execution for execution in map(Execution.from_document, unwritten) if not execution.is_open]
    if not due:
        return False
    batches = [] if last is None else list(last.batches)
    rows = [_history_row(execution) for execution in due if execution.phase != WORKER]
    for batch_id in _list_consolidated_batches(due):
        workers = [] if batch_id in batches else _workers(runtime.state, run_id, batch_id)
        if workers:
            rows.append(_worker_row(workers))
            batches.append(batch_id)
    rows.sort(key=lambda row: (row["started_at"], row["execution_id"]))
    now = (runtime.machine or runtime.clock).now()
    load = HistoryLoad(
        run_id=run_id,
        number=1 if last is None else last.number + 1,
        pending=True,
        # a worker that failed for good is marked alone: it is in its batch's row
        executions=[{"path": execution.path, "generation": execution.generation} for execution in due],
        rows=[{**row, "logged_at": now} for row in rows],
        batches=batches,
    )
    try:
        if last is None:
            runtime.state.create(f"{LOADS}/{run_id}", load.to_document())
        else:
            runtime.state.update(last.path, load.to_document(), if_version=last.version)
    except (AlreadyExists, PreconditionFailed):
        return True  # another ends the run at the same moment: its load first
    failpoints.reach("history.recorded")
    return True


def _list_consolidated_batches(due: Sequence[Execution]) -> list[str]:
    """Batches whose consolidation is among the executions, in their order."""
    return sorted({each.batch_id for each in due if each.phase == CONSOLIDATION and each.batch_id})


def _workers(state: State, run_id: str, batch_id: str) -> list[Execution]:
    """The batch's finished workers. They are not marked one by one: there may be thousands."""
    of_run = state.query(COLLECTION, [Filter("run_id", "==", run_id), Filter("phase", "==", WORKER)])
    executions = map(Execution.from_document, of_run)
    return [execution for execution in executions if execution.batch_id == batch_id and not execution.is_open]


def _carry_out(runtime: Runtime, load: HistoryLoad) -> int:
    """Load what was recorded and mark its executions; returns the rows.

    Every part of it may be repeated.
    """
    from shared.stores.warehouse.rows import table_of  # pyarrow: every function loads this module at a cold start

    rows = [{**row, "game_date": date.fromisoformat(row["game_date"])} for row in load.rows]
    digest = hashlib.sha256(f"{load.run_id}#{load.number}".encode()).hexdigest()[:24]
    if rows:
        for table, job in ((HISTORY, "history"), (PHASE_LOG, "phase-log")):
            runtime.warehouse.load(table, table_of(table, rows), mode="append", job_id=f"{job}-{digest}")
    failpoints.reach("history.loaded")
    for execution in load.executions:
        _mark(runtime.state, execution)
    try:
        closed = HistoryLoad.fields(pending=False, executions=[], rows=[])
        runtime.state.update(load.path, closed, if_version=load.version)
    except PreconditionFailed:
        return 0  # another carried it out at the same time
    return len(rows)


def _mark(state: State, execution: Mapping[str, Any]) -> None:
    """Mark an execution's history as written, unless it was taken again since: that generation is
    another row.
    """

    def mark(transaction: Transaction) -> None:
        current = transaction.get(execution["path"])
        if current is not None and Execution.from_document(current).generation == execution["generation"]:
            transaction.update(execution["path"], Execution.fields(history_written=True))

    state.transaction(mark)


def _history_row(execution: Execution) -> dict[str, Any]:
    result = execution.result
    failed = execution.status == ExecutionStatus.FAILED
    started, finished = execution.times_of_work
    return {
        "game_date": execution.game_date,
        "run_id": execution.run_id,
        "execution_id": execution.id,
        "processor_name": execution.function,
        "phase": execution.phase,
        "mode": execution.mode,
        "as_of": execution.as_of,
        "status": "failed" if failed else result["status"],
        "reason": execution.error_message if failed else result.get("reason"),
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": execution.seconds_of_work,
        "record_count": int(result.get("record_count") or 0),
        "records_failed": int(result.get("records_failed") or 0),
        "attempts": execution.attempts,
        "trigger_source": execution.trigger_source,
        "trigger_message_id": execution.trigger_message_id,
        "correlation_id": execution.correlation_id,
        "batch_id": execution.batch_id,
        # of an attempt that failed before one that succeeded, the state keeps the error; the row
        # tells the end
        "error_type": execution.error_type if failed else None,
        "error_message": execution.error_message if failed else None,
    }


def _worker_row(workers: Sequence[Execution]) -> dict[str, Any]:
    """All units of a run's batch as one row: first start to last finish, rows and failures added
    up.
    """
    rows = [_history_row(worker) for worker in workers]
    failed = sum(row["status"] == "failed" for row in rows)
    started, finished = min(r["started_at"] for r in rows), max(r["finished_at"] for r in rows)
    return {
        **rows[0],
        "execution_id": f"{WORKER}.{rows[0]['run_id']}.{rows[0]['batch_id']}",
        "status": "failed" if failed == len(rows) else "partial" if failed else "success",
        "reason": f"{failed} of {len(rows)} units failed" if failed else None,
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": (finished - started).total_seconds(),
        "record_count": sum(row["record_count"] for row in rows),
        "records_failed": sum(row["records_failed"] for row in rows),
        "attempts": max(row["attempts"] for row in rows),
        "trigger_message_id": None,
        "error_type": None,
        "error_message": None,
    }
