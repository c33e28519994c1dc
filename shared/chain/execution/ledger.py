"""The ledger of executions: one function's work for one run is taken once, fenced, and recorded with its outbox.

    take ---- create-once, or lease expired / failed: generation + 1 ----> running
    running -- finish (only while our generation stands), result and outbox in one write --> succeeded
    running -- fail (the lease ends at once) --> failed, to be taken again by the next delivery

A second delivery while it runs is retriable; after it succeeded nothing is recomputed and unsent messages are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.core.clock import LONG_AGO
from shared.core.errors import AlreadyExists, LeaseHeld, PreconditionFailed
from shared.stores.ports import Document, Filter, State, Transaction

COLLECTION = "executions"
RUNNING, SUCCEEDED, FAILED = "running", "succeeded", "failed"
# How long what ended for good is kept (its field expires_at, after which the deployed store deletes it): a dead letter
# can be redriven for 31 days, and the history is in the warehouse.
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class ExecutionKey:
    """What identifies an execution: function, run, and the unit where a run has several."""

    function: str
    run_id: str
    unit: str = ""

    @property
    def id(self) -> str:
        return ".".join(part for part in (self.function, self.run_id, self.unit) if part)

    @property
    def path(self) -> str:
        return f"{COLLECTION}/{self.id}"


@dataclass(frozen=True)
class Taken:
    """The execution is ours: `version` fences our later write, `data` is what its document holds."""

    key: ExecutionKey
    version: str
    data: dict[str, Any]

    @property
    def generation(self) -> int:
        return int(self.data["generation"])


@dataclass(frozen=True)
class Done:
    """The execution succeeded before."""

    key: ExecutionKey
    data: dict[str, Any]


class Ledger:
    """Executions on the state port. `owner` is this process, `epoch` the repetition of simulated time."""

    def __init__(self, state: State, owner: str, epoch: int) -> None:
        self._state = state
        self._owner = owner
        self._epoch = epoch

    def take(
        self, key: ExecutionKey, now: datetime, lease: timedelta, facts: dict[str, Any], machine: datetime | None = None
    ) -> Taken | Done:
        """Take an execution with one conditional write. `facts` describe it and are stored at its first take.

        Args:
            machine: the real moment, where `now` is a simulated one; kept beside it for the run's history.

        Raises LeaseHeld while another instance works on it.
        """
        claim = self._claim(now, lease, machine)
        document = self._state.get(key.path)
        if document is None:
            return self._take_first(key, {**facts, **claim}, now, machine)
        if document.data["status"] == SUCCEEDED:
            return Done(key, document.data)
        if not self._is_free(document, now):
            raise LeaseHeld(
                f"Execution {key.id} is held by {document.data['owner']} until {document.data['lease_expires_at']}.",
                next_step="nothing: this delivery is retried.",
            )
        return self._take_again(key, document, claim)

    def _claim(self, now: datetime, lease: timedelta, machine: datetime | None) -> dict[str, Any]:
        """What every take writes: that it runs, whose it is, and until when nobody else may have it."""
        claim = {
            "status": RUNNING,
            "owner": self._owner,
            "epoch": self._epoch,
            "lease_expires_at": now + lease,
            "taken_at": now,
            "expires_at": None,
        }
        # an earlier attempt's end is not this one's
        return claim if machine is None else claim | {"machine_taken_at": machine, "machine_finished_at": None}

    def _take_first(self, key: ExecutionKey, claimed: dict[str, Any], now: datetime, machine: datetime | None) -> Taken:
        fresh = {
            **claimed,
            "generation": 1,
            "attempts": 1,
            "started_at": now,
            "outbox": [],
            "outbox_pending": False,
            "logged": False,
        }
        if machine is not None:
            fresh["machine_started_at"] = machine
        try:
            self._state.create(key.path, fresh)
        except AlreadyExists:
            raise _lost_to_another(key) from None
        return self._read_back(key, generation=1)

    def _take_again(self, key: ExecutionKey, document: Document, claim: dict[str, Any]) -> Taken:
        """Take over what failed, or whose lease has ended: another generation, which fences the one before."""
        generation = document.data["generation"] + 1
        taken = {
            **claim,
            "generation": generation,
            "attempts": document.data["attempts"] + 1,
            # a failure that was final, and in the history, may be tried again: that is another row
            "logged": False,
        }
        try:
            self._state.update(key.path, taken, if_version=document.version)
        except PreconditionFailed:
            raise _lost_to_another(key) from None
        return self._read_back(key, generation)

    def _read_back(self, key: ExecutionKey, generation: int) -> Taken:
        """The document as it stands after our write. Raises LeaseHeld where it is no longer ours."""
        document = self._state.get(key.path)
        if document is None or (document.data["owner"], document.data["generation"]) != (self._owner, generation):
            raise LeaseHeld(f"Execution {key.id} was taken over at once.")
        return Taken(key, document.version, document.data)

    def finish(self, taken: Taken, fields: dict[str, Any]) -> None:
        """Record success, result and outbox in one write. Raises LeaseHeld where the lease was taken over."""
        self._write_fenced(taken, {**fields, "status": SUCCEEDED, "lease_expires_at": LONG_AGO})

    def fail(self, taken: Taken, fields: dict[str, Any]) -> None:
        """Record a failed attempt and end the lease, so that the next delivery need not wait."""
        self._write_fenced(taken, {**fields, "status": FAILED, "lease_expires_at": LONG_AGO})

    def fence(self, taken: Taken) -> Callable[[Transaction], None]:
        """A read for the beginning of a transaction, which raises LeaseHeld where the execution is no longer ours."""

        def still_ours(transaction: Transaction) -> None:
            document = transaction.get(taken.key.path)
            now = document.data if document else {}
            if (now.get("generation"), now.get("status")) != (taken.generation, RUNNING):
                raise LeaseHeld(
                    f"Execution {taken.key.id} generation {taken.generation} was taken over; it writes nothing more."
                )

        return still_ours

    def _write_fenced(self, taken: Taken, fields: dict[str, Any]) -> None:
        try:
            self._state.update(taken.key.path, fields, if_version=taken.version)
        except PreconditionFailed:
            raise LeaseHeld(
                f"Execution {taken.key.id} generation {taken.generation} was taken over; its result is not recorded."
            ) from None

    def _is_free(self, document: Document, now: datetime) -> bool:
        """Failed, of an earlier repetition of simulated time, or running beyond its lease."""
        data = document.data
        is_at_work = data["status"] == RUNNING and data["epoch"] == self._epoch
        return not (is_at_work and data["lease_expires_at"] > now)


def _lost_to_another(key: ExecutionKey) -> LeaseHeld:
    return LeaseHeld(f"Execution {key.id} was taken by another instance a moment ago.")


def executions_of(state: State, run_id: str) -> list[Document]:
    """All executions of a run."""
    return state.query(COLLECTION, [Filter("run_id", "==", run_id)])


def times_of_work(data: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """When an ended execution started and finished: by the machine's clock where a simulated one stood still."""
    if data.get("machine_started_at") is None:
        return data["started_at"], data["finished_at"]
    finished = data.get("machine_finished_at")
    if finished is None:  # ended from outside: what was simulated of it since it was taken is all there is
        finished = data["machine_taken_at"] + (data["finished_at"] - data["taken_at"])
    return data["machine_started_at"], finished


def seconds_of_work(data: Mapping[str, Any]) -> float:
    """Seconds from its last take to its end."""
    _, finished = times_of_work(data)
    taken: datetime = data.get("machine_taken_at") or data["taken_at"]
    return (finished - taken).total_seconds()


def void_leases_of_dead_owners(state: State, alive: str) -> int:
    """End the leases of every owner but `alive` (the embedded runtime at start-up: one process owns the state)."""
    voided = 0
    for document in state.query(COLLECTION, [Filter("status", "==", RUNNING)]):
        if document.data["owner"] != alive:
            state.update(document.path, {"lease_expires_at": LONG_AGO}, if_version=document.version)
            voided += 1
    return voided
