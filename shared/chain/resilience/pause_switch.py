"""The pause switch, document control/pause: while it is on, running work finishes and new work is
deferred.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.chain.resilience import audit_log
from shared.stores.ports import State, Transaction
from shared.stores.records import Record

PATH = "control/pause"


@dataclass(frozen=True)
class Pause(Record):
    """The switch as it stands: `since` and `resumed_at` are of the last pause, `who` and `reason`
    of its last turn.

    The moments are the clock's at that time: after a repetition of simulated time they may lie
    ahead.
    """

    paused: bool
    since: datetime
    resumed_at: datetime | None
    reason: str
    who: str
    turns: int
    """How often it was switched: makes each audit document another, even at the same moment."""


def read(state: State) -> Pause | None:
    """The switch; None where nobody ever paused."""
    document = state.get(PATH)
    return None if document is None else Pause.from_document(document)


def pause(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Defer new work from now on. Paused already, it stays as it is."""
    _turn(state, paused=True, who=who, reason=reason, now=now)


def resume(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Let new work through again; what is deferred is then released (deferred.py).

    Not paused, nothing happens.
    """
    _turn(state, paused=False, who=who, reason=reason, now=now)


def _turn(state: State, *, paused: bool, who: str, reason: str, now: datetime) -> None:
    """Switch and audit in one transaction, so that neither is without the other."""

    def body(transaction: Transaction) -> None:
        document = transaction.get(PATH)
        before = None if document is None else Pause.from_document(document)
        if paused == (before is not None and before.paused):
            return
        after = Pause(
            paused=paused,
            since=now if paused or before is None else before.since,
            resumed_at=None if paused else now,
            reason=reason,
            who=who,
            turns=1 if before is None else before.turns + 1,
        )
        transaction.set(PATH, after.to_document())
        action, outcome = ("pause", "paused") if paused else ("resume", "resumed")
        details = {"turn": after.turns}
        audit_log.record(transaction, action, who=who, reason=reason, details=details, now=now, outcome=outcome)

    state.transaction(body)
