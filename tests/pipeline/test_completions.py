"""A batch's completions from many threads at once: none lost, none doubled, one announcement."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import pytest

from local.embedded.bus import Delivery
from local.host.dispatcher import envelope
from shared.chain.batches import completion
from shared.chain.batches.reading import get_batch, units_of
from shared.chain.batches.records import Batch, UnitResult, UnitStatus, path_of
from shared.chain.execution.context import Context, Outcome
from shared.chain.execution.handler import handle
from shared.chain.messages.messages import PredictionRequest
from shared.chain.messages.outbox import OutboxMessage
from shared.core.errors import WriteConflict
from tests.pipeline.evening import BATCH
from tests.pipeline.staged import announcement, open_batch
from tests.pipeline.support import NOW, PipelineHarness

UNITS, THREADS = 1000, 50


def result(unit: str, status: UnitStatus = UnitStatus.DONE) -> UnitResult:
    done = status == UnitStatus.DONE
    return UnitResult(unit, status, 25 if done else 0, None, 1, None if done else "no", NOW)


def batch_of(world: PipelineHarness) -> dict[str, Any]:
    found = world.state.get(path_of(BATCH))
    assert found is not None
    return found.data


def in_threads(jobs: Sequence[Callable[[], object]]) -> None:
    """Do all jobs from THREADS threads that begin together; raises what any of them raised."""
    gate, failures = threading.Barrier(THREADS), []

    def worker(number: int) -> None:
        gate.wait()
        try:
            for job in jobs[number::THREADS]:
                job()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_thousand_units_complete_from_fifty_threads_each_twice(world: PipelineHarness) -> None:
    units = [str(n) for n in range(UNITS)]
    open_batch(world, *units)
    twice = [*units, *units]
    random.Random(1).shuffle(twice)
    announced: list[int] = []

    def announce(batch: Batch, sequence: int) -> OutboxMessage:
        announced.append(sequence)
        return announcement(batch, sequence)

    started = perf_counter()
    in_threads([partial(completion.complete_unit, world.state, BATCH, result(unit), announce) for unit in twice])
    seconds = perf_counter() - started
    print(f"{2 * UNITS} completions from {THREADS} threads: {seconds:.2f} s")
    recorded = [result.unit for result in units_of(world.state, BATCH)]
    assert sorted(recorded) == sorted(units)
    found = batch_of(world)
    assert (found["status"], found["closed_as"], found["missing_units"]) == ("CLOSED", "complete", [])
    assert found["sequence"] == 1
    (entry,) = found["outbox"]
    assert entry["topic"] == "nba-phase5-batch-complete"
    assert json.loads(entry["data"])["sequence"] == 1
    assert announced.count(1) >= 1  # whoever lost the race to close made one too, which was not written
    assert set(announced) == {1}


def test_through_the_handler_each_result_is_recorded_once_and_the_batch_announced_once(world: PipelineHarness) -> None:
    """The same with real messages, executions and outboxes: each of 200 requests delivered
    twice.
    """
    units = [str(n) for n in range(200)]
    open_batch(world, *units)
    calls: Counter[str] = Counter()
    lock = threading.Lock()

    def work(message: PredictionRequest, context: Context) -> Outcome:
        with lock:
            calls[message.unit] += 1
        batch = completion.complete_unit(context.runtime.state, message.batch_id, result(message.unit), announcement)
        linked = [batch.path] if batch.outbox_pending else []
        return Outcome("success", batch_id=message.batch_id, announce=False, linked_outboxes=linked)

    for unit in units:
        world.publish(
            "prediction-request",
            {
                "game_date": "2025-11-14",
                "run_id": "run1",
                "batch_id": BATCH,
                "revision": 1,
                "unit": unit,
                "models": {},
                "players": [],
            },
        )
    claimed = world.bus.due({"phase5_worker": len(units)})
    twice = [*claimed, *claimed]
    random.Random(2).shuffle(twice)
    statuses: list[int] = []

    def push(delivery: Delivery) -> None:
        statuses.append(handle("phase5_worker", work, PredictionRequest, envelope(delivery), world.runtime).status)

    in_threads([partial(push, delivery) for delivery in twice])
    assert set(statuses) <= {200, 503}  # 503: while the other delivery of the same request is at work
    assert calls == dict.fromkeys(units, 1)
    assert sorted(result.unit for result in units_of(world.state, BATCH)) == sorted(units)
    found = batch_of(world)
    assert (found["status"], found["outbox_pending"], found["sequence"]) == ("CLOSED", False, 1)
    sent = [a["outbox_id"] for topic, _, a in world.bus.published if topic == "nba-phase5-batch-complete"]
    assert set(sent) == {f"{BATCH}-1-0"}
    print(f"batch-complete messages: {len(sent)}")


def test_late_units_from_many_threads_are_each_announced(world: PipelineHarness) -> None:
    units = [str(n) for n in range(THREADS)]
    open_batch(world, *units)
    opened = get_batch(world.state, BATCH)
    assert opened is not None
    assert completion.close_partial(world.state, opened, NOW, announcement) == units

    def until_it_counts(unit: str) -> None:
        # a conflict is retriable: the message is delivered again
        while True:
            try:
                completion.complete_unit(world.state, BATCH, result(unit), announcement)
                return
            except WriteConflict:
                continue

    in_threads([partial(until_it_counts, unit) for unit in units])
    found = batch_of(world)
    assert found["missing_units"] == []
    assert sorted(found["late_units"]) == sorted(units)
    assert found["sequence"] == 1 + len(units)
    assert len(found["outbox"]) == 1 + len(units)
    assert len({entry["id"] for entry in found["outbox"]}) == 1 + len(units)


@pytest.mark.parametrize("failed", [0, 1, 5])
def test_failed_units_count_as_complete_and_are_named(world: PipelineHarness, failed: int) -> None:
    units = [str(n) for n in range(5)]
    open_batch(world, *units)
    for number, unit in enumerate(units):
        status = UnitStatus.FAILED if number < failed else UnitStatus.DONE
        completion.complete_unit(world.state, BATCH, result(unit, status), announcement)
    found = batch_of(world)
    assert (found["status"], found["closed_as"]) == ("CLOSED", "complete")
    assert found["missing_units"] == units[:failed]
