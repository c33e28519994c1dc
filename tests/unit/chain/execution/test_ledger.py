"""Executions: taken once, fenced, recorded with their outbox; and no interleaving loses or doubles
a result.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from local.embedded.bus import SqliteBus
from local.embedded.file_blobs import FileBlobs
from local.embedded.sqlite_file import SqliteFile
from local.embedded.sqlite_state import SqliteState
from shared.chain.execution.ledger import (
    Done,
    Ledger,
    Taken,
    executions_of,
    void_leases_of_dead_owners,
)
from shared.chain.execution.records import ExecutionFacts, ExecutionKey
from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage
from shared.core.errors import LeaseHeld
from shared.core.pipeline import load_pipeline
from tests.support import records
from tests.support.embedded import START, ManualClock

LEASE = timedelta(seconds=90)
KEY = ExecutionKey("phase5_worker", "2025-11-14-nightly", "batch_2025-11-14_r1.203999")
FACTS = records.facts()
LATER = START + LEASE


def take(ledger: Ledger, now: datetime = START, facts: ExecutionFacts = FACTS) -> Taken:
    taken = ledger.take(KEY, now, LEASE, facts)
    assert isinstance(taken, Taken)
    return taken


def test_the_key_is_function_run_and_unit() -> None:
    assert KEY.path == "executions/phase5_worker.2025-11-14-nightly.batch_2025-11-14_r1.203999"
    assert ExecutionKey("grading", "r").id == "grading.r"


def test_the_first_take_stores_the_facts(state: SqliteState) -> None:
    taken = take(Ledger(state, "a", 1))
    assert taken.generation == 1
    document = state.get(KEY.path)
    assert document is not None
    assert document.data == {
        "function": "phase5_worker",
        "phase": "phase5_worker",
        "run_id": "2025-11-14-nightly",
        "unit": "batch_2025-11-14_r1.203999",
        "mode": "same_day",
        "game_date": "2025-11-14",
        "as_of": records.NOON,
        "batch_id": "batch_2025-11-14_r1",
        "correlation_id": "c",
        "trigger_source": "scheduler",
        "trigger_message_id": "7",
        "status": "running",
        "owner": "a",
        "epoch": 1,
        "lease_expires_at": LATER,
        "taken_at": START,
        "expires_at": None,
        "generation": 1,
        "attempts": 1,
        "started_at": START,
        "outbox": [],
        "outbox_pending": False,
        "logged": False,
    }


@pytest.mark.parametrize("owner", ["a", "b"])
def test_while_the_lease_stands_nobody_else_takes_it_not_even_the_same_process(state: SqliteState, owner: str) -> None:
    take(Ledger(state, "a", 1))
    with pytest.raises(LeaseHeld, match="is held by a until"):
        Ledger(state, owner, 1).take(KEY, LATER - timedelta(seconds=1), LEASE, FACTS)


def test_a_lease_that_ended_is_taken_over_with_the_facts_of_the_first_take(state: SqliteState) -> None:
    take(Ledger(state, "a", 1), facts=replace(FACTS, as_of=START))
    taken = take(Ledger(state, "b", 1), LATER, facts=replace(FACTS, as_of=LATER))
    assert (taken.generation, taken.execution.attempts, taken.execution.owner) == (2, 2, "b")
    assert taken.execution.as_of == START
    assert taken.execution.started_at == START


def test_a_lease_of_an_earlier_epoch_does_not_stand(state: SqliteState) -> None:
    take(Ledger(state, "a", 1))
    assert take(Ledger(state, "a", 2)).generation == 2


def test_the_fence_stops_the_holder_before_within_a_transaction(state: SqliteState) -> None:
    first = Ledger(state, "a", 1)
    stale = take(first)
    state.transaction(first.fence(stale))
    fresh = take(Ledger(state, "a", 1), LATER)
    with pytest.raises(LeaseHeld, match="generation 1 was taken over"):
        state.transaction(first.fence(stale))
    state.transaction(first.fence(fresh))
    first.finish(fresh, records.success())
    with pytest.raises(LeaseHeld):
        state.transaction(first.fence(fresh))


def test_the_holder_before_cannot_write_any_more(state: SqliteState) -> None:
    stale = take(Ledger(state, "a", 1))
    fresh = take(Ledger(state, "b", 1), LATER)
    late = records.success(result={"by": "stale"})
    with pytest.raises(LeaseHeld, match="generation 1 was taken over"):
        Ledger(state, "a", 1).finish(stale, late)
    with pytest.raises(LeaseHeld, match="generation 1 was taken over"):
        Ledger(state, "a", 1).fail(stale, records.failure())
    Ledger(state, "b", 1).finish(fresh, records.success(result={"by": "fresh"}))
    with pytest.raises(LeaseHeld):
        Ledger(state, "a", 1).finish(stale, late)
    document = state.get(KEY.path)
    assert document is not None
    assert document.data["result"] == {"by": "fresh"}


class Overtaken:
    """The state port of a slow process: right after its first write of a kind, `competitor` does
    something too.
    """

    def __init__(self, state: SqliteState, write: str, competitor: Callable[[], None]) -> None:
        self._state, self._write, self._competitor = state, write, competitor

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._state, name)
        if name != self._write:
            return method

        def slow(*arguments: Any, **options: Any) -> Any:
            found = method(*arguments, **options)
            self._competitor()
            return found

        return slow


def overtaken(state: SqliteState, write: str, competitor: Callable[[], None]) -> Ledger:
    return Ledger(Overtaken(state, write, competitor), "a", 1)


@pytest.mark.parametrize("owner", ["a", "b"], ids=["the same process", "another process"])
def test_who_is_overtaken_right_after_the_first_take_has_taken_nothing(state: SqliteState, owner: str) -> None:
    """Its lease ended before it read what it had written: the execution is at generation 2, its
    result not ours.
    """
    competitor = Ledger(state, owner, 1)
    with pytest.raises(LeaseHeld, match="was taken over at once"):
        overtaken(state, "create", lambda: assert_taken(competitor, LATER)).take(KEY, START, LEASE, FACTS)


def test_whose_record_was_replaced_right_after_the_first_take_has_taken_nothing(state: SqliteState) -> None:
    """Forgotten (kept for a time only) and taken anew by another: generation 1 again, and not
    ours.
    """

    def competitor() -> None:
        state.delete(KEY.path)
        assert_taken(Ledger(state, "b", 1), LATER)

    with pytest.raises(LeaseHeld, match="was taken over at once"):
        overtaken(state, "create", competitor).take(KEY, START, LEASE, FACTS)


@pytest.mark.parametrize("owner", ["a", "b"], ids=["the same process", "another process"])
def test_who_is_overtaken_right_after_a_retake_has_taken_nothing(state: SqliteState, owner: str) -> None:
    take(Ledger(state, "dead", 1))
    competitor = Ledger(state, owner, 1)
    with pytest.raises(LeaseHeld, match="was taken over at once"):
        overtaken(state, "update", lambda: assert_taken(competitor, LATER + LEASE)).take(KEY, LATER, LEASE, FACTS)


def test_a_retake_that_reads_another_owner_has_taken_nothing(state: SqliteState) -> None:
    """The generation is the one it wrote, the owner is not: two processes counted alike."""
    take(Ledger(state, "dead", 1))
    slow = overtaken(state, "update", lambda: state.update(KEY.path, {"owner": "b"}))
    with pytest.raises(LeaseHeld, match="was taken over at once"):
        slow.take(KEY, LATER, LEASE, FACTS)


def assert_taken(ledger: Ledger, now: datetime) -> None:
    assert isinstance(ledger.take(KEY, now, LEASE, FACTS), Taken)


def test_of_two_that_take_over_an_ended_lease_the_later_write_loses(state: SqliteState) -> None:
    """Both read generation 1; the other wrote first."""
    take(Ledger(state, "dead", 1))
    slow = overtaken(state, "get", once(lambda: assert_taken(Ledger(state, "b", 1), LATER)))
    with pytest.raises(LeaseHeld, match="by another instance a moment ago"):
        slow.take(KEY, LATER, LEASE, FACTS)
    document = state.get(KEY.path)
    assert document is not None
    assert (document.data["owner"], document.data["generation"]) == ("b", 2)


def once(work: Callable[[], None]) -> Callable[[], None]:
    left = [work]
    return lambda: left.pop()() if left else None


def test_a_retake_is_to_be_written_into_the_history_again(state: SqliteState) -> None:
    """A failure that was final has its row; what the next attempt does is another one."""
    ledger = Ledger(state, "a", 1)
    ledger.fail(take(ledger), records.failure(final=True))
    state.update(KEY.path, {"logged": True})
    assert take(ledger).execution.history_written is False


def test_after_success_it_is_done_for_good(state: SqliteState) -> None:
    ledger = Ledger(state, "a", 1)
    ended = records.success(result={"by": "r"}, outbox=[{"id": "x"}], outbox_pending=True)
    ledger.finish(take(ledger), ended)
    for moment in (START, LATER, LATER + timedelta(days=400)):
        done = ledger.take(KEY, moment, LEASE, FACTS)
        assert isinstance(done, Done)
        assert done.execution.result == {"by": "r"}
        assert done.execution.outbox_pending is True


def test_after_a_failure_the_next_delivery_need_not_wait(state: SqliteState) -> None:
    ledger = Ledger(state, "a", 1)
    ledger.fail(take(ledger), records.failure())
    assert take(ledger).generation == 2


def test_dead_owners_leases_are_void_and_the_living_keeps_its_own(state: SqliteState) -> None:
    take(Ledger(state, "dead", 1))
    mine = ExecutionKey("grading", "r")
    Ledger(state, "alive", 1).take(mine, START, LEASE, FACTS)
    assert void_leases_of_dead_owners(state, "alive") == 1
    assert take(Ledger(state, "alive", 1)).generation == 2
    with pytest.raises(LeaseHeld):
        Ledger(state, "alive", 1).take(mine, START, LEASE, FACTS)


def test_of_many_at_once_one_takes_it(state: SqliteState) -> None:
    won: list[str] = []
    gate = threading.Barrier(16)

    def race(owner: str) -> None:
        gate.wait()
        try:
            take(Ledger(state, owner, 1))
        except LeaseHeld:
            return
        won.append(owner)

    threads = [threading.Thread(target=race, args=(f"o{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_executions_of_a_run(state: SqliteState) -> None:
    ledger = Ledger(state, "a", 1)
    for run in ("r1", "r2"):
        for function in ("phase3_analytics", "phase2_raw"):
            ledger.take(ExecutionKey(function, run), START, LEASE, replace(FACTS, run_id=run))
    assert [each.id for each in executions_of(state, "r1")] == ["phase2_raw.r1", "phase3_analytics.r1"]


class Deliveries(RuleBasedStateMachine):
    """Several processes get the same message again and again, die or dawdle anywhere, and time
    passes.
    """

    processes = st.sampled_from(["a", "b", "c"])

    @initialize(tmp=st.builds(lambda: None))
    def begin(self, tmp: None) -> None:
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.file = SqliteFile(Path(self.folder.name) / "state.sqlite")
        self.state = SqliteState(self.file)
        self.clock = ManualClock(START)
        self.bus = SqliteBus(self.file, load_pipeline(), self.clock)
        self.raw = FileBlobs(Path(self.folder.name) / "raw")
        self.holding: dict[str, Taken] = {}
        self.results = 0
        self.acknowledged: list[Any] = []

    @rule(process=processes)
    def delivery(self, process: str) -> None:
        if process in self.holding:
            return
        try:
            taken = Ledger(self.state, process, 1).take(KEY, self.clock.now(), LEASE, FACTS)
        except LeaseHeld:
            return
        if isinstance(taken, Done):
            outbox.send_pending(KEY.path, self.state, self.bus, self.raw)
            self.acknowledged.append(taken.execution.result["by"])
        else:
            self.holding[process] = taken

    @rule(process=processes, sends=st.booleans())
    def success(self, process: str, sends: bool) -> None:
        taken = self.holding.pop(process, None)
        if taken is None:
            return
        result = f"{process}{taken.generation}"
        message = OutboxMessage("nba-phase2-raw-complete", result)
        entries = outbox.entries(KEY.id, [message])
        ended = records.success(result={"by": result}, outbox=entries, outbox_pending=True)
        try:
            Ledger(self.state, process, 1).finish(taken, ended)
        except LeaseHeld:
            return
        self.results += 1
        if sends:  # else it dies before sending
            outbox.send_pending(KEY.path, self.state, self.bus, self.raw)

    @rule(process=processes)
    def failure(self, process: str) -> None:
        taken = self.holding.pop(process, None)
        if taken is not None:
            try:
                Ledger(self.state, process, 1).fail(taken, records.failure())
            except LeaseHeld:
                return

    @rule(process=processes)
    def death_without_a_word(self, process: str) -> None:
        self.holding.pop(process, None)

    @rule()
    def time_passes(self) -> None:
        self.clock.move(seconds=40)

    @invariant()
    def no_result_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "state"):
            return
        document = self.state.get(KEY.path)
        assert self.results <= 1
        assert self.results == int(document is not None and document.data["status"] == "succeeded")
        if self.results:
            assert document is not None
            assert all(seen == document.data["result"]["by"] for seen in self.acknowledged)
            assert all(seen == document.data["result"]["by"].encode() for seen in self.list_sent())

    def list_sent(self) -> list[bytes]:
        with self.file.read() as connection:
            return [row[0] for row in connection.execute("SELECT data FROM messages ORDER BY number")]

    def teardown(self) -> None:
        """Once the faults stop, another delivery after every lease brings the one result and its
        message.
        """
        if not hasattr(self, "state"):
            return
        self.holding.clear()
        self.clock.move(seconds=1000)
        for _ in range(2):
            self.delivery("a")
            self.success("a", sends=True)
        self.no_result_is_lost_or_doubled()
        assert self.results == 1
        assert len(set(self.list_sent())) == 1
        self.file.close()
        self.folder.cleanup()


Deliveries.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestDeliveries = Deliveries.TestCase


def test_how_long_it_worked_is_by_the_machine_s_clock_where_a_simulated_one_stood_still() -> None:
    taken, ended = START + timedelta(seconds=10), START + timedelta(seconds=15)
    whole = records.execution(started_at=START, taken_at=taken, finished_at=ended)
    assert (whole.times_of_work, whole.seconds_of_work) == ((START, ended), 5.0)
    real = START + timedelta(days=400)
    simulated = replace(whole, machine_started_at=real, machine_taken_at=real + timedelta(seconds=2))
    done = replace(simulated, machine_finished_at=real + timedelta(seconds=9))
    assert done.times_of_work == (real, real + timedelta(seconds=9))
    assert done.seconds_of_work == 7.0
    # ended from outside, by whoever found that its process had died
    assert simulated.times_of_work == (real, real + timedelta(seconds=2 + 5))
    assert simulated.seconds_of_work == 5.0
