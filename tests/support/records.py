"""Records with every field, of which a test names those that it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.chain.batches.records import Batch, BatchStatus, ClosedAs, UnitResult, UnitStatus, batch_id_of
from shared.chain.execution.ledger import KEPT
from shared.chain.execution.records import Execution, ExecutionFacts, ExecutionStatus, Failure, Success
from shared.core.events import Event

DAY = date(2025, 11, 14)
NOON = datetime(2025, 11, 14, 17, 0, tzinfo=UTC)


def batch(**changes: Any) -> Batch:
    """A batch of two units that is closed, complete and announced."""
    whole = Batch(
        batch_id=batch_id_of(DAY, 1),
        game_date=DAY,
        revision=1,
        run_id="2025-11-14-nightly",
        execution_id="phase5_coordinator.2025-11-14-nightly",
        mode="same_day",
        as_of=NOON,
        features_as_of=NOON,
        status=BatchStatus.CLOSED,
        closed_as=ClosedAs.COMPLETE,
        units_text="1 2",
        unit_count=2,
        games_text=f"0022500201={NOON.isoformat()}",
        opened_at=NOON,
        sequence=1,
        outbox=[],
        outbox_pending=False,
        closed_at=NOON,
    )
    return replace(whole, **changes)


def unit(name: str, completed_at: datetime, **changes: Any) -> UnitResult:
    """A unit of one player that is done, its five rows staged."""
    whole = UnitResult(
        unit=name,
        status=UnitStatus.DONE,
        rows=5,
        staging_table=f"nba_staging._staging_{name}",
        players=1,
        error=None,
        completed_at=completed_at,
    )
    return replace(whole, **changes)


def facts(**changes: Any) -> ExecutionFacts:
    """What is known of a worker's execution when it is taken."""
    whole = ExecutionFacts(
        function="phase5_worker",
        phase="phase5_worker",
        run_id="2025-11-14-nightly",
        unit="batch_2025-11-14_r1.203999",
        mode="same_day",
        game_date=DAY.isoformat(),
        as_of=NOON,
        batch_id="batch_2025-11-14_r1",
        correlation_id="c",
        trigger_source="scheduler",
        trigger_message_id="7",
    )
    return replace(whole, **changes)


def success(**changes: Any) -> Success:
    """An execution's success that sends nothing, to be written into the history."""
    whole = Success(
        as_of=NOON,
        batch_id=None,
        finished_at=NOON,
        expires_at=NOON + KEPT,
        result={"status": "success"},
        metadata={},
        is_last_of_run=False,
        history_written=False,
        outbox=[],
        outbox_pending=False,
        linked_outboxes=[],
    )
    return replace(whole, **changes)


def failure(**changes: Any) -> Failure:
    """An attempt that failed and is tried again."""
    whole = Failure(
        finished_at=NOON,
        event=Event.RETRIED,
        error_type="Retriable",
        error_message="no answer",
        final=False,
        expires_at=None,
    )
    return replace(whole, **changes)


def execution(**changes: Any) -> Execution:
    """An execution at work."""
    whole = Execution(
        **vars(facts()),
        status=ExecutionStatus.RUNNING,
        owner="a",
        epoch=1,
        lease_expires_at=NOON + timedelta(minutes=5),
        taken_at=NOON,
        generation=1,
        attempts=1,
        started_at=NOON,
        outbox=[],
        outbox_pending=False,
        history_written=False,
    )
    return replace(whole, **changes)
