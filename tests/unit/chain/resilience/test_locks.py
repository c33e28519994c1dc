"""Locks by lease: one holder at a time, tokens that grow, and a stale holder that finds out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta

import pytest

from local.embedded.sqlite_state import SqliteState
from shared.chain.resilience import locks
from shared.chain.resilience.locks import Lock, void_locks_of_dead_owners
from shared.core.errors import LeaseHeld
from tests.support.embedded import ManualClock

LEASE = timedelta(seconds=60)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def stack(state: SqliteState) -> Iterator[ExitStack]:
    """For holders that never let go while a test runs."""
    with ExitStack() as opened:
        yield opened


def acquire(state: SqliteState, clock: ManualClock, owner: str = "a", epoch: int = 1) -> AbstractContextManager[Lock]:
    return locks.acquire("consolidation-2025-11-14", state, clock, owner=owner, epoch=epoch, lease=LEASE)


def test_one_holder_at_a_time(state: SqliteState, clock: ManualClock) -> None:
    with acquire(state, clock) as lock:
        lock.check()
        with pytest.raises(LeaseHeld, match="is held by a until"), acquire(state, clock, "b"):
            pass
        lock.check()
    with acquire(state, clock, "b") as lock:
        assert lock.token == 2


def test_other_names_are_other_locks(state: SqliteState, clock: ManualClock) -> None:
    other = locks.acquire("consolidation-2025-11-15", state, clock, owner="b", epoch=1, lease=LEASE)
    with acquire(state, clock) as one, other as two:
        one.check()
        two.check()


def test_an_error_inside_releases_it(state: SqliteState, clock: ManualClock) -> None:
    with pytest.raises(ZeroDivisionError), acquire(state, clock):
        _ = 1 // 0
    with acquire(state, clock, "b"):
        pass


def test_a_lease_that_ended_may_not_write_even_if_nobody_took_it(state: SqliteState, clock: ManualClock) -> None:
    with acquire(state, clock) as lock:
        clock.move(seconds=60)
        with pytest.raises(LeaseHeld, match="has ended"):
            lock.check()


def test_at_the_moment_a_lease_ends_another_may_hold_the_lock(
    state: SqliteState, clock: ManualClock, stack: ExitStack
) -> None:
    stack.enter_context(acquire(state, clock))
    clock.move(seconds=60)
    with acquire(state, clock, "b") as lock:
        assert lock.token == 2


def test_a_stale_holder_neither_writes_nor_releases_the_next_ones_lock(state: SqliteState, clock: ManualClock) -> None:
    stale = acquire(state, clock)
    first = stale.__enter__()
    clock.move(seconds=61)
    with acquire(state, clock, "b") as second:
        assert (first.token, second.token) == (1, 2)
        with pytest.raises(LeaseHeld, match="fencing token 1 is stale"):
            first.check()
        stale.__exit__(None, None, None)
        second.check()
        with pytest.raises(LeaseHeld), acquire(state, clock, "c"):
            pass


def test_a_lock_of_an_earlier_epoch_does_not_stand(state: SqliteState, clock: ManualClock) -> None:
    with acquire(state, clock), acquire(state, clock, epoch=2) as lock:
        assert lock.token == 2


def test_dead_owners_locks_are_void(state: SqliteState, clock: ManualClock, stack: ExitStack) -> None:
    stack.enter_context(acquire(state, clock, "dead"))
    stack.enter_context(locks.acquire("mine", state, clock, owner="alive", epoch=1, lease=LEASE))
    assert void_locks_of_dead_owners(state, "alive") == 1
    with acquire(state, clock, "alive") as lock:
        assert lock.token == 2
    with pytest.raises(LeaseHeld), locks.acquire("mine", state, clock, owner="b", epoch=1, lease=LEASE):
        pass


def test_of_many_at_once_one_holds_it(state: SqliteState, clock: ManualClock) -> None:
    gate, inside = threading.Barrier(16), threading.Barrier(17)
    won: list[str] = []

    def race(owner: str) -> None:
        gate.wait()
        try:
            with acquire(state, clock, owner):
                won.append(owner)
                inside.wait(timeout=30)
        except LeaseHeld:
            inside.wait(timeout=30)

    threads = [threading.Thread(target=race, args=(f"o{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    inside.wait(timeout=30)
    for thread in threads:
        thread.join()
    assert len(won) == 1
