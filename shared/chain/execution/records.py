"""An execution as its document executions/{id} holds it: one function's work for one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.chain.messages.messages import Mode, TriggerSource
from shared.stores.records import ALWAYS_WRITTEN, Record, StoredRecord, present, stored_as

COLLECTION = "executions"
_HISTORY_WRITTEN = stored_as("logged")
_IS_LAST_OF_RUN = stored_as("ends_run")


class ExecutionStatus(StrEnum):
    """What became of an execution's latest attempt; the states are drawn in ledger.py."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


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


@dataclass(frozen=True, kw_only=True)
class ExecutionFacts(Record):
    """What an execution's document says from its first take on."""

    function: str
    phase: str
    run_id: str
    unit: str
    mode: Mode
    game_date: str
    """The last of its dates, ISO."""
    as_of: datetime | None
    """None while a function of phase 1 runs, which sets it at its end."""
    batch_id: str | None = field(default=None, metadata=ALWAYS_WRITTEN)
    correlation_id: str
    trigger_source: TriggerSource
    trigger_message_id: str


@dataclass(frozen=True, kw_only=True)
class Success(Record):
    """What is recorded when an execution succeeds, in one write."""

    as_of: datetime
    batch_id: str | None
    finished_at: datetime
    machine_finished_at: datetime | None = None
    """The real moment, where finished_at is a simulated one."""
    expires_at: datetime
    result: Mapping[str, Any]
    """The completion, less its metadata and dates."""
    metadata: Mapping[str, Any]
    is_last_of_run: bool = field(metadata=_IS_LAST_OF_RUN)
    """Whether no function goes on with the run: its history is then written."""
    history_written: bool = field(metadata=_HISTORY_WRITTEN)
    outbox: Sequence[Mapping[str, Any]]
    outbox_pending: bool
    linked_outboxes: Sequence[str]
    """Documents (a batch) whose outbox this execution also has to send."""


@dataclass(frozen=True, kw_only=True)
class Failure(Record):
    """What is recorded of an attempt that failed. `final`: no delivery follows."""

    finished_at: datetime
    event: str
    error_type: str
    error_message: str
    final: bool
    expires_at: datetime | None
    machine_finished_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Execution(StoredRecord, ExecutionFacts):
    """An execution, however far it is."""

    status: ExecutionStatus
    owner: str
    """The process that took it last."""
    epoch: int
    """The repetition of simulated time that it was taken in."""
    lease_expires_at: datetime
    taken_at: datetime
    expires_at: datetime | None = None
    """When the deployed store deletes it; None while it may go on."""
    generation: int
    """Grows with every take: fences the holder before."""
    attempts: int
    started_at: datetime
    outbox: Sequence[Mapping[str, Any]]
    outbox_pending: bool
    history_written: bool = field(metadata=_HISTORY_WRITTEN)
    """Whether its end is in the run history, or is not to be there."""
    code: str = ""
    """Version of the deployed code that took it last; empty of a checkout's, and of a release that
    did not say.
    """
    # real moments, where the others are simulated ones
    machine_started_at: datetime | None = None
    machine_taken_at: datetime | None = None
    machine_finished_at: datetime | None = None
    # once an attempt has ended
    finished_at: datetime | None = None
    # a text: a later release may have codes that this one does not know
    event: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    final: bool = False
    # once it succeeded
    result: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    is_last_of_run: bool = field(default=False, metadata=_IS_LAST_OF_RUN)
    linked_outboxes: Sequence[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether a further delivery is expected to go on with it."""
        return self.status == ExecutionStatus.RUNNING or self.is_retried

    @property
    def is_retried(self) -> bool:
        """Whether its latest attempt failed and another is expected."""
        return self.status == ExecutionStatus.FAILED and not self.final

    @property
    def ended(self) -> datetime:
        """When its latest attempt ended. Raises DataError for one that has not."""
        return present(self.finished_at, self, "finished_at")

    @property
    def failure(self) -> str | None:
        """How its latest attempt failed; None where it did not."""
        return f"{self.error_type}: {self.error_message}" if self.status == ExecutionStatus.FAILED else None

    def after(self, success: Success) -> Execution:
        """The execution once a success is recorded."""
        return replace(self, status=ExecutionStatus.SUCCEEDED, **vars(success))

    @property
    def times_of_work(self) -> tuple[datetime, datetime]:
        """When it started and finished: by the machine's clock where a simulated one stood
        still.
        """
        if self.machine_started_at is None:
            return self.started_at, self.ended
        finished = self.machine_finished_at
        if finished is None:
            # ended from outside: what was simulated of it since it was taken is all there is
            taken = present(self.machine_taken_at, self, "machine_taken_at")
            finished = taken + (self.ended - self.taken_at)
        return self.machine_started_at, finished

    @property
    def seconds_of_work(self) -> float:
        """Seconds from its last take to its end."""
        _, finished = self.times_of_work
        return (finished - (self.machine_taken_at or self.taken_at)).total_seconds()
