"""The run's history in the warehouse: written once per run, in one load per table, when the run ends.

What a load holds is recorded before it, in history_loads/{run_id}, so that whoever comes after a crash repeats that
very load (its job id counts once) whatever has ended meanwhile:

    recorded (pending) -> loaded -> each execution marked as logged -> closed; then the next number
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.chain.execution.ledger import COLLECTION, FAILED, RUNNING, seconds_of_work, times_of_work
from shared.core import failpoints
from shared.core.errors import AlreadyExists, PreconditionFailed, WriteConflict
from shared.core.pipeline import CONSOLIDATION, WORKER
from shared.stores.ports import Document, Filter, State, Transaction
from shared.stores.runtime import Runtime

HISTORY = "nba_reference.processor_run_history"
PHASE_LOG = "nba_monitoring.pipeline_execution_log"
LOADS = "history_loads"
# Only others that end the same run at the same moment make a further try necessary.
_TRIES = 20


def write_run_history(runtime: Runtime, run_id: str) -> int:
    """Write the rows of every finished execution of a run that are not written yet; returns how many.

    Workers become one row per batch, written with the first end of its consolidation; each other execution has one row
    for every generation that ended for good. Repeatable. Raises WriteConflict where others keep coming first.
    """
    written = 0
    for _ in range(_TRIES):
        load = runtime.state.get(f"{LOADS}/{run_id}")
        if load is not None and load.data["pending"]:
            written += _carry_out(runtime, load)
        elif not _record(runtime, run_id, load):
            return written
    raise WriteConflict(f"The history of run {run_id} changed {_TRIES} times while it was written.")


def _record(runtime: Runtime, run_id: str, last: Document | None) -> bool:
    """Record what the next load holds. False where there is nothing to write; the caller looks again otherwise."""
    unlogged = runtime.state.query(COLLECTION, [Filter("run_id", "==", run_id), Filter("logged", "==", False)])
    due = [document for document in unlogged if _is_final(document)]
    if not due:
        return False
    batches: list[str] = [] if last is None else list(last.data["batches"])
    rows = [_history_row(document) for document in due if document.data["phase"] != WORKER]
    for batch_id in _consolidated(due):
        workers = [] if batch_id in batches else _workers(runtime.state, run_id, batch_id)
        if workers:
            rows.append(_worker_row(workers))
            batches.append(batch_id)
    rows.sort(key=lambda row: (row["started_at"], row["execution_id"]))
    now = (runtime.machine or runtime.clock).now()
    fields = {
        "run_id": run_id,
        "number": 1 if last is None else last.data["number"] + 1,
        "pending": True,
        # a worker that failed for good is marked alone: it is in its batch's row
        "executions": [{"path": document.path, "generation": document.data["generation"]} for document in due],
        "rows": [{**row, "logged_at": now} for row in rows],
        "batches": batches,
    }
    try:
        if last is None:
            runtime.state.create(f"{LOADS}/{run_id}", fields)
        else:
            runtime.state.update(last.path, fields, if_version=last.version)
    except (AlreadyExists, PreconditionFailed):
        return True  # another ends the run at the same moment: its load first
    failpoints.reach("history.recorded")
    return True


def _consolidated(due: list[Document]) -> list[str]:
    """Batches whose consolidation is among the executions, in their order."""
    found = {d.data.get("batch_id") for d in due if d.data["phase"] == CONSOLIDATION}
    return sorted(batch_id for batch_id in found if batch_id)


def _workers(state: State, run_id: str, batch_id: str) -> list[Document]:
    """The batch's finished workers. They are not marked one by one: there may be thousands."""
    of_run = state.query(COLLECTION, [Filter("run_id", "==", run_id), Filter("phase", "==", WORKER)])
    return [document for document in of_run if document.data["batch_id"] == batch_id and _is_final(document)]


def _carry_out(runtime: Runtime, load: Document) -> int:
    """Load what was recorded and mark its executions; returns the rows. Every part of it may be repeated."""
    from shared.stores.warehouse.rows import table_of  # pyarrow: every function loads this module at a cold start

    data = load.data
    rows = [{**row, "game_date": date.fromisoformat(row["game_date"])} for row in data["rows"]]
    digest = hashlib.sha256(f"{data['run_id']}#{data['number']}".encode()).hexdigest()[:24]
    if rows:
        for table, job in ((HISTORY, "history"), (PHASE_LOG, "phase-log")):
            runtime.warehouse.load(table, table_of(table, rows), mode="append", job_id=f"{job}-{digest}")
    failpoints.reach("history.loaded")
    for execution in data["executions"]:
        _mark(runtime.state, execution)
    try:
        closed = {"pending": False, "executions": [], "rows": []}
        runtime.state.update(load.path, closed, if_version=load.version)
    except PreconditionFailed:
        return 0  # another carried it out at the same time
    return len(rows)


def _mark(state: State, execution: Mapping[str, Any]) -> None:
    """Mark an execution as logged, unless it was taken again since: that generation will be another row."""

    def mark(transaction: Transaction) -> None:
        current = transaction.get(execution["path"])
        if current is not None and current.data["generation"] == execution["generation"]:
            transaction.update(execution["path"], {"logged": True})

    state.transaction(mark)


def _is_final(document: Document) -> bool:
    data = document.data
    return data["status"] != RUNNING and (data["status"] != FAILED or bool(data.get("final")))


def _history_row(document: Document) -> dict[str, Any]:
    data = document.data
    result = data.get("result") or {}
    failed = data["status"] == FAILED
    started, finished = times_of_work(data)
    return {
        "game_date": data["game_date"],
        "run_id": data["run_id"],
        "execution_id": document.id,
        "processor_name": data["function"],
        "phase": data["phase"],
        "mode": data["mode"],
        "as_of": data["as_of"],
        "status": "failed" if failed else result["status"],
        "reason": data.get("error_message") if failed else result.get("reason"),
        "started_at": started,
        "finished_at": finished,
        "duration_seconds": seconds_of_work(data),
        "record_count": int(result.get("record_count") or 0),
        "records_failed": int(result.get("records_failed") or 0),
        "attempts": data["attempts"],
        "trigger_source": data["trigger_source"],
        "trigger_message_id": data["trigger_message_id"],
        "correlation_id": data["correlation_id"],
        "batch_id": data.get("batch_id"),
        # of an attempt that failed before one that succeeded, the state keeps the error; the row tells the end
        "error_type": data.get("error_type") if failed else None,
        "error_message": data.get("error_message") if failed else None,
    }


def _worker_row(workers: list[Document]) -> dict[str, Any]:
    """All units of a run's batch as one row: first start to last finish, rows and failures added up."""
    rows = [_history_row(d) for d in workers]
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
