"""The sweep and executions: unsent outboxes, leases of the dead, runs whose history nobody wrote,
held messages.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.chain.execution.abandonment import abandoned_after
from shared.chain.messages.messages import PhaseMessage
from shared.chain.messages.outbox import OutboxFile, entries
from shared.chain.resilience import deferred, pause_switch
from shared.chain.resilience.deferred import DeferredMessage
from shared.core.clock import LONG_AGO
from shared.core.errors import StoreUnavailable
from shared.core.pipeline import load_pipeline
from tests.pipeline.support import NOW, PHASE5, Killed, PipelineHarness
from tests.pipeline.sweeping import SWEEP, ask_for_sweep, failing, sweep_once
from tests.pipeline.test_handler import Work

RUN = "2025-11-14-nightly"
PHASE3 = f"phase3_analytics.{RUN}"
TRIGGER = "nba-phase3-trigger"
HISTORY = "SELECT execution_id, status, reason FROM nba_reference.processor_run_history ORDER BY execution_id"


def ask(world: PipelineHarness) -> None:
    world.publish(TRIGGER, {"game_date": "2025-11-14"}, schedule="nightly")


def functions(work: Any) -> dict[str, Any]:
    return {"phase3_analytics": (work, PhaseMessage)}


def execution(world: PipelineHarness, path: str = f"executions/{PHASE3}") -> dict[str, Any]:
    document = world.state.get(path)
    assert document is not None
    return document.data


def lose(world: PipelineHarness) -> None:
    """The queue forgets what it has: no delivery follows any more."""
    with world.file.write() as connection:
        connection.execute("DELETE FROM deliveries")


# --- outboxes -------------------------------------------------------------------------------------


def test_a_recorded_announcement_is_sent_when_its_process_had_the_time_to_do_it(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.move(seconds=119)
    assert "sent" not in sweep_once(world)["metadata"]
    assert world.list_published("nba-phase3-analytics-complete") == []
    world.move(seconds=1)
    assert sweep_once(world)["metadata"]["sent"] == [f"executions/{PHASE3}"]
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1
    assert sweep_once(world)["result"]["status"] == "no_data"


def test_a_sweep_that_dies_while_it_sends_sends_again(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.move(minutes=2)
    ask_for_sweep(world)
    with world.kill_at("outbox.published"), pytest.raises(Killed):
        world.run_until_idle(SWEEP)
    world.start()
    world.run_until_idle(SWEEP)
    assert len(world.list_published("nba-phase3-analytics-complete")) == 2, "at least once, the receiver is idempotent"
    assert execution(world)["outbox_pending"] is False


def test_one_broken_outbox_is_a_problem_and_stops_no_other(world: PipelineHarness) -> None:
    broken = DeferredMessage(
        function="phase3_analytics",
        topic=TRIGGER,
        gate="pause",
        reason="odd odds",
        deferred_at=NOW,
        released_at=NOW,
        outbox=entries("x", [OutboxFile(TRIGGER, "gone/1")]),
        outbox_pending=True,
    )
    world.state.create("held/a-broken-one", broken.to_document())
    ask(world)
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.move(minutes=2)
    found = sweep_once(world)
    assert found["result"]["status"] == "partial"
    assert found["metadata"]["sent"] == [f"executions/{PHASE3}"]
    problems = found["metadata"]["problems"]
    assert sorted(problems) == ["held messages", "held/a-broken-one"]
    assert "NotFound" in problems["held/a-broken-one"]
    assert [alert["fingerprint"] for alert in world.alerts()] == ["sweep-held messages", "sweep-held/a-broken-one"]


def test_an_outage_of_the_store_is_no_problem_of_one_outbox(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.move(minutes=2)

    class Down:
        def publish(self, *_: Any) -> str:
            raise StoreUnavailable("the bus is down")

    bus = world.runtime.bus
    world.swap(bus=Down())
    ask_for_sweep(world)
    ((_, response),) = world.run_until_idle(SWEEP, wait=False)
    assert response.status == 503
    world.swap(bus=bus)
    world.run_until_idle(SWEEP)
    assert len(world.list_published("nba-phase3-analytics-complete")) == 1


# --- leases and histories -------------------------------------------------------------------------


def test_no_delivery_can_follow_after_the_wait() -> None:
    for subscription in load_pipeline().subscriptions.values():
        waits = [subscription.backoff_seconds(n) for n in range(1, subscription.max_delivery_attempts)]
        assert timedelta(seconds=subscription.ack_deadline_seconds + sum(waits)) <= abandoned_after()
    assert abandoned_after() >= timedelta(minutes=30)


def test_an_expired_lease_is_reported_then_ended_and_the_run_shown(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    lose(world)
    world.life.ended = False  # another instance: nobody voided the lease
    lease = timedelta(seconds=load_pipeline().functions["phase3_analytics"].lease_seconds)
    world.clock.set(NOW + lease - timedelta(seconds=1))
    assert "expired" not in sweep_once(world)["metadata"]
    world.clock.set(NOW + lease)
    assert sweep_once(world)["metadata"]["expired"] == [PHASE3]
    assert execution(world)["status"] == "running"
    assert world.rows(HISTORY) == []
    world.clock.set(NOW + lease + abandoned_after())
    metadata = sweep_once(world)["metadata"]
    assert (metadata["abandoned"], metadata["flushed"]) == ([PHASE3], [RUN])
    assert execution(world)["lease_expires_at"] == LONG_AGO
    rows = world.rows(HISTORY)
    assert [row["execution_id"] for row in rows if row["status"] == "failed"] == [PHASE3]
    assert sweep_once(world)["result"]["status"] == "no_data"


def test_a_voided_lease_counts_until_its_natural_end(world: PipelineHarness) -> None:
    """A restart voids the leases of the dead; the redelivery that takes them over may come a while
    later.
    """
    ask(world)
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    world.move(minutes=1)
    assert execution(world)["lease_expires_at"] == LONG_AGO
    found = sweep_once(world)
    assert found["metadata"]["expired"] == [PHASE3]
    assert execution(world)["status"] == "running"
    work = Work()
    world.run_until_idle(functions(work))
    assert (work.calls, execution(world)["status"]) == (1, "succeeded")


def test_an_abandoned_execution_that_is_delivered_after_all_is_done(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.life.ended = False
    lose(world)
    world.move(hours=3)
    assert sweep_once(world)["metadata"]["abandoned"] == [PHASE3]
    ask(world)
    world.run_until_idle(functions(Work()))
    assert execution(world)["status"] == "succeeded"


def test_a_sweep_that_dies_between_ending_and_history_is_repaired(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.move(hours=3)
    ask_for_sweep(world)
    with world.kill_at("sweep.abandoned"), pytest.raises(Killed):
        world.run_until_idle(SWEEP)
    assert execution(world)["status"] == "failed"
    assert world.rows(HISTORY) == []
    world.start()
    world.run_until_idle(SWEEP)
    assert PHASE3 in [row["execution_id"] for row in world.rows(HISTORY)]
    assert execution(world)["logged"] is True


def test_a_failure_that_no_delivery_follows_becomes_final(world: PipelineHarness) -> None:
    ask(world)
    (delivery,) = world.bus.due({"phase3_analytics": 1})
    world.deliver(delivery, functions(failing(StoreUnavailable("lost connection"))))
    lose(world)
    assert execution(world)["final"] is False
    world.clock.set(NOW + abandoned_after() - timedelta(seconds=1))
    assert "abandoned" not in sweep_once(world)["metadata"]
    world.clock.set(NOW + abandoned_after())
    assert sweep_once(world)["metadata"]["abandoned"] == [PHASE3]
    (row,) = [row for row in world.rows(HISTORY) if row["execution_id"] == PHASE3]
    assert row["reason"] == "lost connection"


def test_a_run_that_ended_without_history_gets_it(world: PipelineHarness) -> None:
    """The last function of a run died after it sent, before it wrote the history; its message came
    no more.
    """
    ask(world)
    functions_ = functions(Work())
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions_)
    world.start()
    lose(world)
    world.move(minutes=29)
    assert "flushed" not in sweep_once(world)["metadata"]
    world.move(minutes=1)
    assert sweep_once(world)["metadata"]["flushed"] == [RUN]
    assert [row["status"] for row in world.rows(HISTORY) if row["execution_id"] == PHASE3] == ["success"]


def test_a_run_in_progress_keeps_its_history_for_its_end(evening: PipelineHarness) -> None:
    """Its coordinator ended long ago, a worker waits for its next delivery: the units are one row,
    written once.
    """
    from tests.pipeline.evening import trigger

    trigger(evening)
    evening.run_until_idle({"phase5_coordinator": PHASE5["phase5_coordinator"]})
    _, model = PHASE5["phase5_worker"]
    evening.move(minutes=20)
    (delivery,) = evening.bus.due({"phase5_worker": 1})
    evening.deliver(delivery, {"phase5_worker": (failing(StoreUnavailable("down")), model)})
    evening.move(minutes=11)
    assert "flushed" not in sweep_once(evening)["metadata"]
    assert [row for row in evening.rows(HISTORY) if not row["execution_id"].startswith("batch_sweep")] == []


# --- held messages and the pause ------------------------------------------------------------------


def test_held_messages_are_released_once_the_pause_is_over(world: PipelineHarness) -> None:
    pause_switch.pause(world.state, who="op", reason="release", now=world.clock.now())
    ask(world)
    work = Work()
    world.run_until_idle(functions(work))
    assert work.calls == 0
    world.move(minutes=10)
    assert "released" not in sweep_once(world)["metadata"]
    pause_switch.resume(world.state, who="op", reason="done", now=world.clock.now())
    world.move(minutes=10)
    assert len(sweep_once(world)["metadata"]["released"]) == 1
    world.run_until_idle(functions(work))
    assert work.calls == 1
    assert execution(world)["run_id"] == RUN
    assert sweep_once(world)["result"]["status"] == "no_data"


def test_while_paused_leases_are_reported_and_their_clock_starts_at_the_end(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.ran"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.life.ended = False
    lose(world)
    pause_switch.pause(world.state, who="op", reason="release", now=world.clock.now())
    world.move(hours=5)
    metadata = sweep_once(world)["metadata"]
    assert metadata["expired"] == [PHASE3]
    assert "abandoned" not in metadata
    pause_switch.resume(world.state, who="op", reason="done", now=world.clock.now())
    world.move(minutes=29)
    assert "abandoned" not in sweep_once(world)["metadata"]
    world.move(minutes=1)
    assert sweep_once(world)["metadata"]["abandoned"] == [PHASE3]


def test_the_sweep_itself_is_not_held(world: PipelineHarness) -> None:
    pause_switch.pause(world.state, who="op", reason="release", now=world.clock.now())
    assert sweep_once(world)["result"]["reason"].startswith("paused by op: release")
    assert world.documents(deferred.COLLECTION) == []


def test_a_damaged_document_is_a_problem_that_names_it_and_stops_no_other(world: PipelineHarness) -> None:
    ask(world)
    with world.kill_at("handler.recorded"), pytest.raises(Killed):
        world.run_until_idle(functions(Work()))
    world.start()
    lose(world)
    world.state.create("batches/damaged", {"status": "LOST", "outbox": [], "outbox_pending": True})
    world.move(minutes=2)
    found = sweep_once(world)["metadata"]
    assert found["sent"] == [f"executions/{PHASE3}"]
    assert found["problems"]["batches/damaged"].startswith("DataError: batches/damaged: the field batch_id is missing")
