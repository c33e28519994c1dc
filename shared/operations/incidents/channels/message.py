"""What a channel is given, and what it raises; the bound on its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from shared.core.errors import Retriable

# From the look-up of a name to the last byte; of all messages of a run together: deliver().
SECONDS = 5.0
# How much longer a thread that does not end is waited for.
_GRACE = 1.0


class NotDelivered(Retriable):
    """A channel did not take a message.

    `wait` is what the receiver asks for; `alone`: it refuses this message, and may take others.
    """

    def __init__(self, message: str, *, next_step: str, wait: timedelta | None = None, alone: bool = False) -> None:
        super().__init__(message, next_step=next_step)
        self.wait = wait
        self.alone = alone


@dataclass(frozen=True)
class Message:
    """One message as a channel sends it. `id` is the same at every attempt."""

    id: str
    title: str
    body: str
    """Text, or the JSON of a web-hook."""
    at: datetime
    incidents: Sequence[str] = field(default_factory=tuple)


class Channel(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str: ...

    def send(self, message: Message) -> str:
        """Send it; returns what is to be known of it, empty where all is well.

        Raises NotDelivered.
        """
        ...


def run_within(seconds: float, work: Callable[[], str], name: str) -> str:
    """Run in a thread what has its own time-outs, for the look-up of a host's name has none.

    Raises what it raises, or NotDelivered once the time is over; the thread then ends by its own
    time-outs.
    """
    results: list[str] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except NotDelivered as error:
            errors.append(error)

    thread = threading.Thread(target=copy_context().run, args=(run,), name=f"alert-{name}", daemon=True)
    thread.start()
    thread.join(seconds + _GRACE)
    if errors:
        raise errors[0]
    if results:
        return results[0]
    if thread.is_alive():
        raise NotDelivered(f"{name} did not answer within {seconds:g} s.", next_step=f"look at {name}'s address.")
    raise NotDelivered(f"{name} failed by a defect.", next_step="read the traceback in the log.")
