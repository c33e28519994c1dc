"""Restarts on record: heals/{game_date}.{phase}.{n}, created once before the trigger is
published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from functions.self_heal.checks import Shortage
from shared.chain.batches.reading import latest_batch
from shared.chain.execution.context import Context
from shared.chain.execution.heal_runs import heal_run_id
from shared.core.errors import AlreadyExists
from shared.stores.ports import Filter
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

COLLECTION = "heals"
# Per date and phase: what three runs did not mend, a fourth does not either.
MOST = 3


@dataclass(frozen=True, kw_only=True)
class Restart(StoredRecord):
    """A phase of a date that was started again."""

    game_date: date
    phase: str
    n: int
    """How many restarts of the phase are on record for the date, this one included."""
    topic: str
    mode: str | None
    """None: the run's mode goes by the day of the restart."""
    batch_id: str | None
    """The batch that is to be consolidated, where that is what was short."""
    reason: str
    execution_id: str
    """The execution of self_heal that decided it."""
    run_id: str
    epoch: int
    at: datetime


def of_date(runtime: Runtime, day: date) -> list[Restart]:
    """All restarts of a date in this repetition of simulated time, oldest first."""
    ours = [restart for restart in _of_every_epoch(runtime, day) if restart.epoch == runtime.epoch]
    return sorted(ours, key=lambda restart: (restart.at, restart.run_id))


def _of_every_epoch(runtime: Runtime, day: date) -> list[Restart]:
    found = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())])
    return [Restart.from_document(document) for document in found]


def of_execution(runtime: Runtime, execution_id: str) -> Restart | None:
    """What an earlier attempt of this execution recorded."""
    found = runtime.state.query(COLLECTION, [Filter("execution_id", "==", execution_id)])
    return Restart.from_document(found[0]) if found else None


def record(context: Context, day: date, shortage: Shortage, topic: str, now: datetime) -> Restart | None:
    """Create the next restart's document; None where another execution was faster with the same
    one.
    """
    runtime, phase = context.runtime, shortage.contract.phase
    # numbers go on through repetitions of simulated time, so that every run has a name of its own
    n = 1 + sum(restart.phase == phase for restart in _of_every_epoch(runtime, day))
    batch = latest_batch(runtime.state, day)
    restart = Restart(
        game_date=day,
        phase=phase,
        n=n,
        topic=topic,
        mode=shortage.contract.mode,
        batch_id=batch.batch_id if batch is not None and shortage.contract.check == "consolidation" else None,
        reason=shortage.reason,
        execution_id=context.execution_id,
        run_id=heal_run_id(day, phase, n),
        epoch=runtime.epoch,
        at=now,
        path=f"{COLLECTION}/{day}.{phase}.{n}",
    )
    try:
        runtime.state.create(restart.path, restart.to_document())
    except AlreadyExists:
        return None
    return restart
