"""The next restart: its document is created before its trigger is published."""

from __future__ import annotations

from datetime import date, datetime

from shared.chain.batches.reading import latest_batch
from shared.chain.execution.context import Context
from shared.chain.execution.heal_runs import heal_run_id
from shared.core.errors import AlreadyExists
from shared.operations.contracts import restarts
from shared.operations.contracts.restarts import Restart
from shared.operations.contracts.shortage import Shortage

# Per date and phase: what three runs did not mend, a fourth does not either.
MOST = 3


def record(context: Context, day: date, shortage: Shortage, topic: str, now: datetime) -> Restart | None:
    """Create the next restart's document; None where another execution was faster with the same
    one.
    """
    runtime, phase = context.runtime, shortage.contract.phase
    # numbers go on through repetitions of simulated time, so that every run has a name of its own
    n = 1 + sum(restart.phase == phase for restart in restarts.of_every_epoch(runtime, day))
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
        path=f"{restarts.COLLECTION}/{day}.{phase}.{n}",
    )
    try:
        runtime.state.create(restart.path, restart.to_document())
    except AlreadyExists:
        return None
    return restart
