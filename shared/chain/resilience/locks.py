"""Locks by lease with a fencing token: one holder at a time, and a stale one finds out before it writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from shared.core.clock import LONG_AGO, Clock
from shared.core.errors import LeaseHeld
from shared.stores.ports import State, Transaction


@dataclass(frozen=True)
class Lock:
    """A lock held: `token` grows with every holder."""

    name: str
    token: int
    state: State
    clock: Clock

    @property
    def path(self) -> str:
        return f"locks/{self.name}"

    def check(self) -> None:
        """Raises LeaseHeld where the lock was taken over or its lease ended: the holder must not write."""
        document = self.state.get(self.path)
        if document is None or document.data["token"] != self.token:
            raise LeaseHeld(f"Lock {self.name} was taken over: fencing token {self.token} is stale.")
        if document.data["expires_at"] <= self.clock.now():
            raise LeaseHeld(f"The lease of lock {self.name} (token {self.token}) has ended.")


@contextmanager
def hold(name: str, state: State, clock: Clock, *, owner: str, epoch: int, lease: timedelta) -> Iterator[Lock]:
    """Hold a lock for the block. Raises LeaseHeld while another holder's lease stands.

    A lease of an earlier epoch of simulated time does not stand. The lock is released if it is still ours.
    """
    path = f"locks/{name}"

    def acquire(transaction: Transaction) -> int:
        now = clock.now()
        document = transaction.get(path)
        token = 1
        if document is not None:
            data = document.data
            if data["epoch"] == epoch and data["expires_at"] > now:
                raise LeaseHeld(f"Lock {name} is held by {data['owner']} until {data['expires_at'].isoformat()}.")
            token = int(data["token"]) + 1
        transaction.set(path, {"owner": owner, "epoch": epoch, "token": token, "expires_at": now + lease})
        return token

    lock = Lock(name, state.transaction(acquire), state, clock)
    try:
        yield lock
    finally:

        def release(transaction: Transaction) -> None:
            document = transaction.get(path)
            if document is not None and document.data["token"] == lock.token:
                transaction.update(path, {"expires_at": LONG_AGO})

        state.transaction(release)


def void_locks_of_dead_owners(state: State, alive: str) -> int:
    """End every lock held by another owner than `alive` (the embedded runtime at start-up)."""
    stale = [d for d in state.query("locks") if d.data["owner"] != alive and d.data["expires_at"] > LONG_AGO]
    for document in stale:
        state.update(document.path, {"expires_at": LONG_AGO}, if_version=document.version)
    return len(stale)
