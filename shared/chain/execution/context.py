"""What a function's `run` gets and gives: Context and Outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.chain.messages.messages import Mode, Status
from shared.chain.messages.outbox import OutboxBlob, OutboxMessage
from shared.core.events import Event
from shared.core.pipeline import FunctionSpec
from shared.stores.ports import DateRange, Transaction
from shared.stores.runtime import Runtime

# Deliveries after which work goes on without what still fails: about seven minutes of phase 1, two
# of a unit. Further ones, which some functions have, are for messages that met no free instance: a
# source is not waited for as long.
PATIENCE = 5


@dataclass(frozen=True)
class Context:
    """One execution's surroundings.

    `attempt` is Pub/Sub's delivery attempt (1 where it is not told).
    """

    runtime: Runtime
    function: FunctionSpec
    execution_id: str
    run_id: str
    mode: Mode
    correlation_id: str
    dates: DateRange
    as_of_or_none: datetime | None
    attempt: int = 1
    fence: Callable[[Transaction], None] = lambda transaction: None
    """First in a transaction of what must not be done twice: raises LeaseHeld once another has
    taken over.
    """

    @property
    def as_of(self) -> datetime:
        """The moment strictly before which data may be used.

        Only phase 1, which sets it, has none yet.
        """
        if self.as_of_or_none is None:
            raise AttributeError(f"{self.function.name} sets as_of at its end; it has none while it runs")
        return self.as_of_or_none

    @property
    def last_attempt(self) -> bool:
        """Whether the work should now go on without what still fails, where it can."""
        return self.attempt >= min(PATIENCE, self.function.max_delivery_attempts)

    @property
    def last_delivery(self) -> bool:
        """Whether a failure of this delivery would be the message's last before the dead
        letters.
        """
        return self.attempt >= self.function.max_delivery_attempts


_USUAL: dict[Status, Event] = {"success": Event.DONE, "partial": Event.DONE_WITH_GAPS}


@dataclass(frozen=True)
class Outcome:
    """What an execution did.

    `announce` False: nothing goes to the function's announcement topic by itself.

    `event` is the code of what happened; of a status that is neither success nor partial it has to
    be said.
    """

    status: Status
    record_count: int = 0
    records_failed: int = 0
    reason: str = ""
    output_table: str = ""
    batch_id: str | None = None
    sequence: int = 1
    metadata: dict[str, Any] = field(default_factory=dict)
    announce: bool = True
    messages: Sequence[OutboxMessage | OutboxBlob] = ()
    """Further messages, recorded in the same write as the result."""
    linked_outboxes: Sequence[str] = ()
    """Documents (a batch) whose outbox this execution also has to send."""
    history: bool = True
    """False: not worth a row of the run history (a sweep that found nothing, 144 times a day)."""
    event: Event | None = None

    @property
    def code(self) -> Event:
        """The event; of success and partial the usual one where none is given.

        Raises KeyError for another status.
        """
        return self.event or _USUAL[self.status]
