"""The announcement of a closed batch, whoever closes it: the unit that completes it, or the
sweep.
"""

from __future__ import annotations

from datetime import datetime

from shared.chain.batches.records import Batch
from shared.chain.messages.messages import PhaseCompletion, Status
from shared.chain.messages.outbox import OutboxMessage
from shared.core.events import Event
from shared.core.pipeline import CONSOLIDATION, COORDINATOR, WORKER, load_pipeline


def batch_complete(
    batch: Batch,
    sequence: int,
    *,
    processor_name: str,
    execution_id: str,
    correlation_id: str,
    closed_at: datetime,
    status: Status = "success",
) -> OutboxMessage:
    """The completion of the batch's phase, to consolidation: of the run that opened the batch,
    whoever closes it.
    """
    completion = PhaseCompletion(
        game_date=batch.game_date,
        run_id=batch.run_id,
        mode=batch.mode,
        as_of=batch.as_of,
        batch_id=batch.batch_id,
        correlation_id=correlation_id,
        trigger_source="pubsub",
        parent_processor=COORDINATOR,
        processor_name=processor_name,
        phase=WORKER,
        execution_id=execution_id,
        status=status,
        event=Event.DONE if status == "success" else Event.DONE_WITH_GAPS,
        record_count=batch.unit_count,
        records_failed=len(batch.missing),
        duration_seconds=(closed_at - batch.opened_at).total_seconds(),
        sequence=sequence,
        metadata={"revision": batch.revision, "units": batch.unit_count},
    )
    topic = load_pipeline().functions[CONSOLIDATION].topics[0]
    return OutboxMessage(topic, completion.model_dump_json(exclude_none=True))
