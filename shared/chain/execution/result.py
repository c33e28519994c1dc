"""What an execution's document says after success: its result, and the outbox with the announcement
first.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.chain.execution.context import Outcome
from shared.chain.execution.ledger import KEPT
from shared.chain.execution.records import Execution, Success
from shared.chain.execution.run_identity import Delivery
from shared.chain.messages import outbox
from shared.chain.messages.messages import MAX_REASON, PhaseCompletion, PhaseMessage
from shared.chain.messages.outbox import OutboxMessage
from shared.core.pipeline import load_pipeline
from shared.core.printable import one_line, printable_json
from shared.core.redaction import excerpt, redact_json
from shared.core.storable import storable, storable_json


def success_of(
    delivery: Delivery,
    execution: Execution,
    message: PhaseMessage,
    outcome: Outcome,
    as_of: datetime,
    finished: datetime,
    machine: datetime | None,
) -> Success:
    """What is recorded of an execution's success: its result, and the outbox with the announcement
    first.
    """
    ended = replace(execution, finished_at=finished, machine_finished_at=machine)
    # a reason or a note may quote what a source sent
    metadata = redact_json(printable_json(storable_json(outcome.metadata)))
    completion = PhaseCompletion(
        game_date=message.game_date,
        from_date=message.from_date,
        to_date=message.to_date,
        run_id=delivery.run_id,
        mode=delivery.mode,
        as_of=as_of,
        batch_id=outcome.batch_id or message.batch_id,
        correlation_id=delivery.correlation_id,
        trigger_source=delivery.trigger_source,
        parent_processor=message.processor_name,
        trigger_message_id=delivery.envelope.message_id,
        processor_name=delivery.function.name,
        phase=delivery.function.phase,
        execution_id=delivery.key.id,
        output_table=outcome.output_table.partition(".")[2] or None,
        output_dataset=outcome.output_table.partition(".")[0] or None,
        status=outcome.status,
        event=outcome.code,
        record_count=int(outcome.record_count),  # numpy's and Arrow's are no integers to the model
        records_failed=int(outcome.records_failed),
        duration_seconds=ended.seconds_of_work,
        reason=excerpt(one_line(storable(outcome.reason)), MAX_REASON) or None,
        sequence=max(outcome.sequence, message.sequence),
        metadata=metadata,
    )
    messages: list[OutboxMessage | outbox.OutboxBlob] = list(outcome.messages)
    announces = delivery.function.announces
    if outcome.announce and announces is not None and not message.only:
        messages.insert(0, OutboxMessage(announces, completion.model_dump_json(exclude_none=True)))
    result = completion.model_dump(mode="json", exclude={"metadata", "as_of", "game_date", "from_date", "to_date"})
    return Success(
        as_of=as_of,
        batch_id=completion.batch_id,
        finished_at=finished,
        machine_finished_at=machine,
        expires_at=finished + KEPT,
        result=result,
        metadata=_small(metadata),
        is_last_of_run=not any(_goes_on(message, delivery.run_id) for message in messages),
        # what is not to be in the history counts as written, so that nobody writes it later
        history_written=not outcome.history,
        outbox=outbox.entries(delivery.key.id, messages),
        outbox_pending=bool(messages),
        linked_outboxes=list(outcome.linked_outboxes),
    )


def _goes_on(message: OutboxMessage | outbox.OutboxBlob, run_id: str) -> bool:
    """Whether the run goes on with a message: a function reads its topic, and it does not start a
    run of its own.
    """
    if not load_pipeline().function_of_topic(message.topic):
        return False
    return not isinstance(message, OutboxMessage) or json.loads(message.data).get("run_id", run_id) == run_id


def _small(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata worth keeping in a state document (1 MiB at most): long lists stay in the message
    alone.
    """
    return {k: v for k, v in metadata.items() if not (isinstance(v, list) and len(v) > 50)}
