"""Is somebody at work on the date already? Then what is missing may be on its way, and nothing is
restarted.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from shared.chain.batches.reading import latest_batch
from shared.chain.batches.records import BatchStatus
from shared.chain.execution.records import COLLECTION, Execution, ExecutionStatus
from shared.chain.resilience import deferred, pause_switch
from shared.core.pipeline import Pipeline, load_pipeline
from shared.operations.contracts import restarts
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime

# A trigger that was published is taken within seconds; one that nobody took for so long is lost or
# dead.
TAKEN_WITHIN = timedelta(minutes=10)
# How much later than its back-off says a delivery may come.
LATE = timedelta(minutes=1)


def in_progress(runtime: Runtime, day: date, now: datetime, asked_by: str | None = None) -> str | None:
    """What is under way for the date, or holds it up for now; None: nobody is at work.

    Recovery functions and training do not count: they make nothing that a contract asks for. Nor
    does the execution that asked: it is done, even where its outbox is not marked as sent yet.
    """
    return (
        _describe_pause(runtime)
        or _describe_deferred(runtime)
        or _open_batch(runtime, day)
        or _executing(runtime, day, now, asked_by)
        or _not_begun(runtime, day, now)
    )


def _describe_pause(runtime: Runtime) -> str | None:
    switch = pause_switch.read(runtime.state)
    if switch is None or not switch.paused:
        return None
    return f"paused since {switch.since.isoformat()} by {switch.who}: {switch.reason}"


def _describe_deferred(runtime: Runtime) -> str | None:
    """A deferred message does not say its date without being read: any of the chain's counts, for
    minutes at most.
    """
    waiting = [message for message in deferred.waiting(runtime.state) if _of_the_chain(message.function)]
    if not waiting:
        return None
    return f"{len(waiting)} messages are held, first one of {waiting[0].function}: {waiting[0].reason}"


def _open_batch(runtime: Runtime, day: date) -> str | None:
    """A batch that stalls is closed by batch_sweep, and announced."""
    batch = latest_batch(runtime.state, day)
    if batch is None:
        return None
    if batch.status == BatchStatus.OPEN:
        return f"{batch.batch_id} is open"
    return f"{batch.batch_id} is about to be announced" if batch.outbox_pending else None


def _executing(runtime: Runtime, day: date, now: datetime, asked_by: str | None) -> str | None:
    """An execution at work, one that failed and is tried again, or one whose messages are not sent
    yet.
    """
    pipeline = load_pipeline()
    on_the_date = Filter("game_date", "==", day.isoformat())
    running = runtime.state.query(COLLECTION, [on_the_date, Filter("status", "==", ExecutionStatus.RUNNING.value)])
    failed = runtime.state.query(COLLECTION, [on_the_date, Filter("status", "==", ExecutionStatus.FAILED.value)])
    unsent = runtime.state.query(COLLECTION, [on_the_date, Filter("outbox_pending", "==", True)])
    for document in sorted([*running, *failed, *unsent], key=lambda each: each.id):
        execution = Execution.from_document(document)
        if not _of_the_chain(execution.function):
            continue
        if _is_at_work(execution, runtime.epoch, now):
            return f"{execution.id} is running"
        if execution.is_retried and _next_delivery(execution, pipeline) + LATE > now:
            return f"{execution.id} failed at attempt {execution.attempts} and is tried again"
        if execution.status == ExecutionStatus.SUCCEEDED and execution.id != asked_by:
            return f"{execution.id} is done, its messages are not sent yet"
    return None


def _is_at_work(execution: Execution, epoch: int, now: datetime) -> bool:
    is_running = execution.status == ExecutionStatus.RUNNING and execution.epoch == epoch
    return is_running and execution.lease_expires_at > now


def _next_delivery(execution: Execution, pipeline: Pipeline) -> datetime:
    """Until when Pub/Sub delivers a failed message again; the longest back-off where its
    subscription is not known.
    """
    subscriptions = pipeline.functions[execution.function].subscriptions
    wait = max(each.backoff_seconds(execution.attempts) for each in subscriptions)
    return execution.ended + timedelta(seconds=wait)


def _not_begun(runtime: Runtime, day: date, now: datetime) -> str | None:
    """A restart of a moment ago whose run nobody has taken yet."""
    for restart in restarts.of_date(runtime, day):
        if restart.at + TAKEN_WITHIN <= now:
            continue
        if not runtime.state.query(COLLECTION, [Filter("run_id", "==", restart.run_id)], limit=1):
            return f"{restart.run_id} was published a moment ago and has not begun"
    return None


def _of_the_chain(name: str) -> bool:
    pipeline = load_pipeline()
    restarted = {contract.phase for listed in pipeline.contracts.values() for contract in listed if contract.restart}
    function = pipeline.functions.get(name)
    return function is not None and function.phase in restarted | set(pipeline.phase_order)
