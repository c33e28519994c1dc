"""Locks by lease with a fencing token: one holder at a time, and a stale one finds out before it
writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.clock import LONG_AGO, Clock
from shared.core.errors import LeaseHeld
from shared.stores.ports import State, Transaction
from shared.stores.records import StoredRecord

COLLECTION = "locks"


@dataclass(frozen=True, kw_only=True)
class Lease(StoredRecord):
    """A lock's document: who holds it, and until when. `token` grows with every holder."""

    owner: str
    epoch: int
    token: int
    expires_at: datetime


@dataclass(frozen=True)
class Lock:
    """A lock that this process acquired."""

    name: str
    token: int
    state: State
    clock: Clock

    @property
    def path(self) -> str:
        return f"{COLLECTION}/{self.name}"

    def check(self) -> None:
        """Raises LeaseHeld where the lock was taken over or its lease ended: the holder must not
        write.
        """
        document = self.state.get(self.path)
        lease = None if document is None else Lease.from_document(document)
        if lease is None or lease.token != self.token:
            raise LeaseHeld(f"Lock {self.name} was taken over: fencing token {self.token} is stale.")
        if lease.expires_at <= self.clock.now():
            raise LeaseHeld(f"The lease of lock {self.name} (token {self.token}) has ended.")


@contextmanager
def acquire(name: str, state: State, clock: Clock, *, owner: str, epoch: int, lease: timedelta) -> Iterator[Lock]:
    """Acquire a lock for the block. Raises LeaseHeld while another holder's lease stands.

    A lease of an earlier epoch of simulated time does not stand. The lock is released if it is
    still ours.
    """
    path = f"{COLLECTION}/{name}"

    def claim(transaction: Transaction) -> int:
        now = clock.now()
        document = transaction.get(path)
        token = 1
        if document is not None:
            before = Lease.from_document(document)
            if before.epoch == epoch and before.expires_at > now:
                raise LeaseHeld(f"Lock {name} is held by {before.owner} until {before.expires_at.isoformat()}.")
            token = before.token + 1
        ours = Lease(owner=owner, epoch=epoch, token=token, expires_at=now + lease)
        transaction.set(path, ours.to_document())
        return token

    lock = Lock(name, state.transaction(claim), state, clock)
    try:
        yield lock
    finally:

        def release(transaction: Transaction) -> None:
            document = transaction.get(path)
            if document is not None and Lease.from_document(document).token == lock.token:
                transaction.update(path, Lease.fields(expires_at=LONG_AGO))

        state.transaction(release)


def void_locks_of_dead_owners(state: State, alive: str) -> int:
    """End every lock held by another owner than `alive` (the embedded runtime at start-up)."""
    leases = map(Lease.from_document, state.query(COLLECTION))
    stale = [lease for lease in leases if lease.owner != alive and lease.expires_at > LONG_AGO]
    for lease in stale:
        state.update(lease.path, Lease.fields(expires_at=LONG_AGO), if_version=lease.version)
    return len(stale)
