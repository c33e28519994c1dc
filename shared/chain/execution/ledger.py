"""The ledger of executions: one function's work for one run is taken once, fenced, and recorded
with its outbox.

    take ---- create-once, or lease expired / failed: generation + 1 ----> running
    running -- finish (only while our generation stands), result and outbox at once --> succeeded
    running -- fail (the lease ends at once) --> failed, to be taken again by the next delivery

A second delivery while it runs is retriable; after it succeeded nothing is recomputed and unsent
messages are sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.chain.execution.records import (
    COLLECTION,
    Execution,
    ExecutionFacts,
    ExecutionKey,
    ExecutionStatus,
    Failure,
    Success,
)
from shared.core.clock import LONG_AGO
from shared.core.errors import AlreadyExists, LeaseHeld, PreconditionFailed
from shared.stores.ports import Filter, State, Transaction

# How long what ended for good is kept (its field expires_at, after which the deployed store deletes
# it): a dead letter can be redriven for 31 days, and the history is in the warehouse.
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Taken:
    """The execution is ours, as its document says; the document's version fences our later
    write.
    """

    key: ExecutionKey
    execution: Execution

    @property
    def generation(self) -> int:
        return self.execution.generation


@dataclass(frozen=True)
class Done:
    """The execution succeeded before."""

    key: ExecutionKey
    execution: Execution


class Ledger:
    """Executions on the state port.

    `owner` is this process, `epoch` the repetition of simulated time, `code` the version of the
    deployed code (empty in a checkout).
    """

    def __init__(self, state: State, owner: str, epoch: int, code: str = "") -> None:
        self._state = state
        self._owner = owner
        self._epoch = epoch
        self._code = code

    def take(
        self,
        key: ExecutionKey,
        now: datetime,
        lease: timedelta,
        facts: ExecutionFacts,
        machine: datetime | None = None,
    ) -> Taken | Done:
        """Take an execution with one conditional write.

        `facts` describe it and are stored at its first take.

        Args:
            machine: the real moment, where `now` is a simulated one; kept beside it for the run's
                history.

        Raises LeaseHeld while another instance works on it.
        """
        claim = self._claim(now, lease, machine)
        document = self._state.get(key.path)
        if document is None:
            return self._take_first(key, {**facts.to_document(), **claim}, now, machine)
        execution = Execution.from_document(document)
        if execution.status == ExecutionStatus.SUCCEEDED:
            return Done(key, execution)
        if not self._is_free(execution, now):
            raise LeaseHeld(
                f"Execution {key.id} is held by {execution.owner} until {execution.lease_expires_at}.",
                next_step="nothing: this delivery is retried.",
            )
        return self._take_again(key, execution, claim)

    def _claim(self, now: datetime, lease: timedelta, machine: datetime | None) -> dict[str, Any]:
        """What every take writes: that it runs, whose it is, and until when nobody else may have
        it.
        """
        claim = Execution.fields(
            status=ExecutionStatus.RUNNING,
            owner=self._owner,
            epoch=self._epoch,
            lease_expires_at=now + lease,
            taken_at=now,
            expires_at=None,
        )
        if self._code:
            claim |= Execution.fields(code=self._code)
        # an earlier attempt's end is not this one's
        return (
            claim if machine is None else claim | Execution.fields(machine_taken_at=machine, machine_finished_at=None)
        )

    def _take_first(self, key: ExecutionKey, claimed: dict[str, Any], now: datetime, machine: datetime | None) -> Taken:
        fresh = claimed | Execution.fields(
            generation=1, attempts=1, started_at=now, outbox=[], outbox_pending=False, history_written=False
        )
        if machine is not None:
            fresh |= Execution.fields(machine_started_at=machine)
        try:
            self._state.create(key.path, fresh)
        except AlreadyExists:
            raise _lost_to_another(key) from None
        return self._read_back(key, generation=1)

    def _take_again(self, key: ExecutionKey, execution: Execution, claim: dict[str, Any]) -> Taken:
        """Take over what failed, or whose lease has ended: another generation, which fences the one
        before.
        """
        generation = execution.generation + 1
        taken = claim | Execution.fields(
            generation=generation,
            attempts=execution.attempts + 1,
            # a failure that was final, and in the history, may be tried again: that is another row
            history_written=False,
        )
        try:
            self._state.update(key.path, taken, if_version=execution.version)
        except PreconditionFailed:
            raise _lost_to_another(key) from None
        return self._read_back(key, generation)

    def _read_back(self, key: ExecutionKey, generation: int) -> Taken:
        """The document as it stands after our write.

        Raises LeaseHeld where it is no longer ours.
        """
        document = self._state.get(key.path)
        execution = None if document is None else Execution.from_document(document)
        if execution is None or (execution.owner, execution.generation) != (self._owner, generation):
            raise LeaseHeld(f"Execution {key.id} was taken over at once.")
        return Taken(key, execution)

    def finish(self, taken: Taken, success: Success) -> None:
        """Record success, result and outbox in one write.

        Raises LeaseHeld where the lease was taken over.
        """
        self._write_fenced(taken, success.to_document() | _ended_as(ExecutionStatus.SUCCEEDED))

    def fail(self, taken: Taken, failure: Failure) -> None:
        """Record a failed attempt and end the lease, so that the next delivery need not wait."""
        self._write_fenced(taken, failure.to_document() | _ended_as(ExecutionStatus.FAILED))

    def fence(self, taken: Taken) -> Callable[[Transaction], None]:
        """A read for the beginning of a transaction, which raises LeaseHeld where the execution is
        no longer ours.
        """

        def still_ours(transaction: Transaction) -> None:
            document = transaction.get(taken.key.path)
            now = None if document is None else Execution.from_document(document)
            if now is None or (now.generation, now.status) != (taken.generation, ExecutionStatus.RUNNING):
                raise LeaseHeld(
                    f"Execution {taken.key.id} generation {taken.generation} was taken over; it writes nothing more."
                )

        return still_ours

    def _write_fenced(self, taken: Taken, fields: dict[str, Any]) -> None:
        try:
            self._state.update(taken.key.path, fields, if_version=taken.execution.version)
        except PreconditionFailed:
            raise LeaseHeld(
                f"Execution {taken.key.id} generation {taken.generation} was taken over; its result is not recorded."
            ) from None

    def _is_free(self, execution: Execution, now: datetime) -> bool:
        """Failed, of an earlier repetition of simulated time, or running beyond its lease."""
        is_at_work = execution.status == ExecutionStatus.RUNNING and execution.epoch == self._epoch
        return not (is_at_work and execution.lease_expires_at > now)


def _ended_as(status: ExecutionStatus) -> dict[str, Any]:
    return Execution.fields(status=status, lease_expires_at=LONG_AGO)


def _lost_to_another(key: ExecutionKey) -> LeaseHeld:
    return LeaseHeld(f"Execution {key.id} was taken by another instance a moment ago.")


def executions_of(state: State, run_id: str) -> list[Execution]:
    """All executions of a run."""
    return [Execution.from_document(document) for document in state.query(COLLECTION, [Filter("run_id", "==", run_id)])]


def void_leases_of_dead_owners(state: State, alive: str) -> int:
    """End the leases of every owner but `alive` (the embedded runtime at start-up: one process owns
    the state).
    """
    running = state.query(COLLECTION, [Filter("status", "==", ExecutionStatus.RUNNING.value)])
    stale = [execution for execution in map(Execution.from_document, running) if execution.owner != alive]
    for execution in stale:
        state.update(execution.path, Execution.fields(lease_expires_at=LONG_AGO), if_version=execution.version)
    return len(stale)
