"""The run's history in the warehouse: written once per run, in one load per table, when the run ends."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from shared.ledger import FAILED, RUNNING, Ledger
from shared.ports import Document
from shared.runtime import Runtime

HISTORY = "nba_reference.processor_run_history"
PHASE_LOG = "nba_monitoring.pipeline_execution_log"
WORKER_PHASE = "phase5_worker"


def flush_run(runtime: Runtime, run_id: str) -> int:
    """Write the rows of every finished execution of a run that are not written yet; returns how many.

    Workers become one row per batch. Repeating it writes nothing twice: the load's job id is made of what it holds.
    """
    from shared.warehouse.rows import table_of  # pyarrow: every function loads this module at a cold start

    executions = Ledger(runtime.state, runtime.instance, runtime.epoch).of_run(run_id)
    finished = [d for d in executions if _is_final(d) and not d.data["logged"]]
    if not finished:
        return 0
    workers = [d for d in finished if d.data["phase"] == WORKER_PHASE]
    rows = [_history_row(d) for d in finished if d.data["phase"] != WORKER_PHASE]
    if workers:
        rows.append(_worker_row(workers))
    rows.sort(key=lambda row: (row["started_at"], row["execution_id"]))
    now = runtime.clock.now()
    for row in rows:
        row["logged_at"] = now
    digest = hashlib.sha256("|".join(sorted(f"{d.path}@{d.data['generation']}" for d in finished)).encode()).hexdigest()
    for table, job in ((HISTORY, "history"), (PHASE_LOG, "phase-log")):
        runtime.warehouse.load(table, table_of(table, rows), mode="append", job_id=f"{job}-{digest[:24]}")
    for document in finished:
        runtime.state.update(document.path, {"logged": True})
    return len(rows)


def _is_final(document: Document) -> bool:
    data = document.data
    return data["status"] != RUNNING and (data["status"] != FAILED or bool(data.get("final")))


def _history_row(document: Document) -> dict[str, Any]:
    data = document.data
    result = data.get("result") or {}
    failed = data["status"] == FAILED
    return {
        "game_date": date.fromisoformat(data["game_date"]),
        "run_id": data["run_id"],
        "execution_id": document.id,
        "processor_name": data["function"],
        "phase": data["phase"],
        "mode": data["mode"],
        "as_of": data["as_of"],
        "status": "failed" if failed else result["status"],
        "reason": data.get("error_message") if failed else result.get("reason"),
        "started_at": data["started_at"],
        "finished_at": data["finished_at"],
        "duration_seconds": (data["finished_at"] - data["taken_at"]).total_seconds(),
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
        "execution_id": f"{WORKER_PHASE}.{rows[0]['run_id']}.{rows[0]['batch_id']}",
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
