"""What every function does around its `run`, in this order: parse (poison goes to the dead letters
at once), bind the log context, pause switch, breaker, take the execution, run, record the result
with the outbox, publish, mark as sent. A message that the switch or the breaker stops is deferred
(deferred.py) and acknowledged.

Answers: 200 acknowledges, 503 asks for a retry, 500 too (a defect: retried, then dead-lettered by
Pub/Sub).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.ledger import KEPT, Done, Ledger, Taken
from shared.chain.execution.records import Execution, ExecutionFacts, Failure
from shared.chain.execution.result import success_of
from shared.chain.execution.run_history import write_run_history
from shared.chain.execution.run_identity import SETS_AS_OF, Delivery
from shared.chain.messages import outbox
from shared.chain.messages.dead_letter import MESSAGE, Facts, encode
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.push_envelope import Envelope, read_envelope, read_message
from shared.chain.resilience import admission
from shared.chain.resilience.admission import Admission, Rejection
from shared.chain.resilience.deferred import defer
from shared.core import failpoints
from shared.core.clock import as_of_after
from shared.core.code_version import code_version
from shared.core.errors import DataError, Fatal, LeaseHeld, PipelineError, Retriable, Skippable, StorageFault
from shared.core.events import Event
from shared.core.logs import log_context
from shared.core.pipeline import FunctionSpec, load_pipeline
from shared.core.printable import one_line
from shared.core.redaction import excerpt
from shared.core.storable import storable
from shared.stores.ports import DateRange
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

M = TypeVar("M", bound=PhaseMessage)
# Characters of a failure's text in its execution's document.
MAX_ERROR = 2000


@dataclass(frozen=True)
class Response:
    """What the push request is answered."""

    status: int
    body: dict[str, Any]


def handle(name: str, run: Callable[[M, Context], Outcome], model: type[M], body: bytes, runtime: Runtime) -> Response:
    """Process one push request.

    An error of `run` that is not of our tree is recorded, logged and answered as Fatal.
    """
    function = load_pipeline().functions[name]
    envelope: Envelope | None = None
    try:
        envelope = read_envelope(body, runtime.settings.name_prefix)
        message = read_message(envelope, model, runtime.clock.now())
        delivery = Delivery.of(function, message, envelope, runtime)
    except DataError as error:
        return _dead_letter(function, envelope, body, error, runtime)
    with log_context(
        run_id=delivery.run_id,
        game_date=str(message.last_date),
        execution_id=delivery.key.id,
        batch_id=message.batch_id,
    ):
        try:
            admitted = admission.admit(runtime, function, delivery.key.id)
            if isinstance(admitted, Rejection):
                return _defer(delivery, admitted, runtime)
            try:
                return _execute(delivery, message, run, runtime, admitted)
            finally:
                admitted.close()
        except DataError as error:
            return _dead_letter(function, envelope, body, error, runtime)
        except Retriable as error:
            log = logger.info if isinstance(error, LeaseHeld) else logger.warning
            log("retry: %s", error, extra={"fields": about(error)})
            return Response(503, {"status": "retry", "reason": str(error), "error_type": type(error).__name__})
        except PipelineError as error:
            logger.exception("failed: %s", error, extra={"fields": about(error)})
            return Response(500, {"status": "failed", "reason": str(error), "error_type": type(error).__name__})


def about(error: PipelineError) -> dict[str, str]:
    """What a log line says of an error besides its sentence; the code is what metrics and alerts
    match.
    """
    return {"event": error.event, "error_type": type(error).__name__}


def _defer(delivery: Delivery, rejection: Rejection, runtime: Runtime) -> Response:
    defer(runtime, delivery.function, delivery.envelope, rejection)
    logger.info("deferred: %s", rejection.reason, extra={"fields": {"event": Event.DEFERRED, "gate": rejection.gate}})
    return Response(200, {"status": "held", "reason": rejection.reason, "gate": rejection.gate})


def _execute(
    delivery: Delivery, message: M, run: Callable[[M, Context], Outcome], runtime: Runtime, admitted: Admission
) -> Response:
    ledger = Ledger(runtime.state, runtime.instance, runtime.epoch, code_version())
    now = runtime.clock.now()
    function = delivery.function
    sets_as_of = function.phase == SETS_AS_OF
    as_of = message.as_of or (None if sets_as_of else as_of_after(now))
    taken = ledger.take(
        delivery.key,
        now,
        timedelta(seconds=function.lease_seconds),
        _facts(delivery, message, as_of),
        machine=_machine(runtime),
    )
    if isinstance(taken, Done):
        return _repeat(delivery, taken.execution, runtime)
    failpoints.reach("handler.taken")
    # a take-over sees the as_of of the first take
    context = Context(
        runtime=runtime,
        function=function,
        execution_id=delivery.key.id,
        run_id=delivery.run_id,
        mode=delivery.mode,
        correlation_id=delivery.correlation_id,
        dates=DateRange(message.first_date, message.last_date),
        as_of_or_none=taken.execution.as_of,
        attempt=delivery.envelope.attempt,
        fence=ledger.fence(taken),
    )
    try:
        outcome = _run(delivery, message, run, context)
    except PipelineError as error:
        admitted.record_failure(error)
        _record_failure(delivery, ledger, taken, error, context)
        raise
    except Exception as defect:  # recorded, then raised on as Fatal
        admitted.record_failure(defect)
        _record_failure(delivery, ledger, taken, defect, context)
        raise Fatal(
            f"{function.name} failed with an error that is not ours: {type(defect).__name__}: {defect}.",
            next_step="a defect: its stack is in the log.",
        ) from defect
    failpoints.reach("handler.ran")
    finished = runtime.clock.now()
    as_of = as_of_after(finished) if sets_as_of else context.as_of
    success = success_of(delivery, taken.execution, message, outcome, as_of, finished, _machine(runtime))
    ledger.finish(taken, success)
    failpoints.reach("handler.recorded")
    logger.info(
        "%s: %s",
        function.name,
        outcome.status,
        extra={
            "fields": {
                "event": outcome.code,
                "status": outcome.status,
                "record_count": outcome.record_count,
                "reason": outcome.reason,
            }
        },
    )
    admitted.record_success()
    return _repeat(delivery, taken.execution.after(success), runtime)


def _facts(delivery: Delivery, message: PhaseMessage, as_of: datetime | None) -> ExecutionFacts:
    return ExecutionFacts(
        function=delivery.function.name,
        phase=delivery.function.phase,
        run_id=delivery.run_id,
        unit=delivery.key.unit,
        mode=delivery.mode,
        game_date=message.last_date.isoformat(),
        as_of=as_of,
        batch_id=message.batch_id,
        correlation_id=delivery.correlation_id,
        trigger_source=delivery.trigger_source,
        trigger_message_id=delivery.envelope.message_id,
    )


def _run(delivery: Delivery, message: M, run: Callable[[M, Context], Outcome], context: Context) -> Outcome:
    """The function's own work; phases beyond the mode's last one have none."""
    pipeline = load_pipeline()
    if pipeline.beyond_mode(delivery.function.phase, delivery.mode):
        last = pipeline.modes[delivery.mode]
        why = f"mode {delivery.mode} ends with {last}"
        return Outcome("skipped", reason=why, announce=False, event=Event.BEYOND_MODE)
    try:
        return run(message, context)
    except Skippable as nothing:
        return Outcome(
            nothing.status,  # type: ignore[arg-type]  # a Status by contract
            reason=str(nothing),
            event=nothing.event,
        )


def _machine(runtime: Runtime) -> datetime | None:
    """The real moment beside a simulated clock; None where the clock is the machine's."""
    return None if runtime.machine is None else runtime.machine.now()


def _repeat(delivery: Delivery, execution: Execution, runtime: Runtime) -> Response:
    """After success, at once or at a redelivery: send what is unsent, write the history of a run
    that ends here.
    """
    for path in (delivery.key.path, *execution.linked_outboxes):
        outbox.send_pending(path, runtime.state, runtime.bus, runtime.raw)
    failpoints.reach("handler.sent")
    if execution.is_last_of_run and not delivery.one_of_many:
        write_run_history(runtime, delivery.run_id)
    return Response(200, dict(execution.result))


def _record_failure(delivery: Delivery, ledger: Ledger, taken: Taken, error: Exception, context: Context) -> None:
    """Free the lease for the next delivery and keep the reason; the error itself is raised on by
    the caller.

    Where no delivery follows the run ends here, so its history is written.
    """
    now = context.runtime.clock.now()
    # the attempt that met a storage fault is given back
    final = isinstance(error, DataError) or (context.last_delivery and not isinstance(error, StorageFault))
    failure = Failure(
        finished_at=now,
        event=error.event if isinstance(error, PipelineError) else Event.DEFECT,
        error_type=type(error).__name__,
        error_message=excerpt(one_line(storable(str(error))), MAX_ERROR),
        final=final,
        expires_at=now + KEPT if final else None,
        machine_finished_at=_machine(context.runtime),
    )
    try:
        ledger.fail(taken, failure)
        if final and not delivery.one_of_many:
            write_run_history(context.runtime, delivery.run_id)
    except Retriable as unrecorded:
        # the lease then ends by itself; the failure that matters is the one being raised
        logger.warning("the failed attempt could not be recorded: %s", unrecorded)


def _dead_letter(
    function: FunctionSpec, envelope: Envelope | None, body: bytes, error: DataError, runtime: Runtime
) -> Response:
    """Send a message that can never succeed to the dead letters, with the reason; then it may be
    acknowledged.

    Raises StoreUnavailable where that fails: the message is then delivered again.
    """
    by_name = {s.name: s for s in function.subscriptions}
    subscription = by_name.get(envelope.subscription if envelope else "", function.subscriptions[0])
    data, attributes = (envelope.data, envelope.attributes) if envelope else (body, {})
    facts = Facts(
        reason=error.event,
        error=str(error),
        blames=MESSAGE,
        origin_topic=subscription.topic,
        origin_subscription=subscription.name,
        # the first id, where it is one that was published once more
        origin_message_id=(attributes.get("origin_message_id") or envelope.message_id) if envelope else "",
        origin_published_at=envelope.published_at if envelope else None,
        dead_lettered_at=runtime.clock.now(),
    )
    data, attributes = encode(data, attributes, facts)
    runtime.bus.publish(subscription.dead_letter_topic, data, attributes)
    logger.error(
        "poison: %s", error, extra={"fields": {**about(error), "dead_letter_topic": subscription.dead_letter_topic}}
    )
    return Response(200, {"status": "dead_lettered", "reason": str(error), "error_type": error.event})
