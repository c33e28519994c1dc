"""Restarts on record: heals/{game_date}.{phase}.{n}, created once before the trigger is published."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from functions.self_heal.checks import Shortage
from shared.chain.batches.reading import latest_batch
from shared.chain.execution.context import Context
from shared.chain.execution.heal_runs import heal_run_id
from shared.core.errors import AlreadyExists
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

COLLECTION = "heals"
# Per date and phase: what three runs did not mend, a fourth does not either.
MOST = 3
Restart = dict[str, Any]


def of_date(runtime: Runtime, day: date) -> list[Restart]:
    """All restarts of a date in this repetition of simulated time, oldest first."""
    found = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())])
    ours = [document.data for document in found if document.data["epoch"] == runtime.epoch]
    return sorted(ours, key=lambda restart: (restart["at"], restart["run_id"]))


def of_execution(runtime: Runtime, execution_id: str) -> Restart | None:
    """What an earlier attempt of this execution recorded."""
    found = runtime.state.query(COLLECTION, [Filter("execution_id", "==", execution_id)])
    return found[0].data if found else None


def record(context: Context, day: date, shortage: Shortage, now: datetime) -> Restart | None:
    """Create the next restart's document; None where another execution was faster with the same one."""
    runtime, phase = context.runtime, shortage.contract.phase
    # numbers go on through repetitions of simulated time, so that every run has a name of its own
    before = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())])
    n = 1 + sum(document.data["phase"] == phase for document in before)
    batch = latest_batch(runtime.state, day)
    restart: Restart = {
        "game_date": day.isoformat(),
        "phase": phase,
        "n": n,
        "topic": shortage.contract.restart,
        "mode": shortage.contract.mode,
        "batch_id": batch.batch_id if batch is not None and shortage.contract.check == "consolidation" else None,
        "reason": shortage.reason,
        "execution_id": context.execution_id,
        "run_id": heal_run_id(day, phase, n),
        "epoch": runtime.epoch,
        "at": now,
    }
    try:
        runtime.state.create(f"{COLLECTION}/{day}.{phase}.{n}", restart)
    except AlreadyExists:
        return None
    return restart
