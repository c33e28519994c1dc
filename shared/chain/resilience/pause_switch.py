"""The pause switch, document control/pause: while it is on, running work finishes and new work is held."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.chain.resilience import audit_log
from shared.stores.ports import State, Transaction

PATH = "control/pause"


@dataclass(frozen=True)
class Pause:
    """The switch as it stands: `since` and `resumed_at` are of the last pause, `who` and `reason` of its last turn.

    The moments are the clock's at that time: after a repetition of simulated time they may lie ahead.
    """

    paused: bool
    since: datetime
    resumed_at: datetime | None
    reason: str
    who: str


def read(state: State) -> Pause | None:
    """The switch; None where nobody ever paused."""
    document = state.get(PATH)
    if document is None:
        return None
    data = document.data
    return Pause(data["paused"], data["since"], data["resumed_at"], data["reason"], data["who"])


def pause(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Hold new work from now on. Paused already, it stays as it is."""
    _turn(state, paused=True, who=who, reason=reason, now=now)


def resume(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Let new work through again; what is deferred is then released (deferred.py). Not paused, nothing happens."""
    _turn(state, paused=False, who=who, reason=reason, now=now)


def _turn(state: State, *, paused: bool, who: str, reason: str, now: datetime) -> None:
    """Switch and audit in one transaction, so that neither is without the other."""

    def body(transaction: Transaction) -> None:
        document = transaction.get(PATH)
        nothing: dict[str, Any] = {"paused": False, "since": now, "turns": 0}
        before = nothing if document is None else document.data
        if before["paused"] == paused:
            return
        turns = before["turns"] + 1
        moments = {"since": now, "resumed_at": None} if paused else {"since": before["since"], "resumed_at": now}
        transaction.set(PATH, {"paused": paused, **moments, "reason": reason, "who": who, "turns": turns})
        # the turn's number makes each audit document another, even at the same moment
        action = "pause" if paused else "resume"
        audit_log.record(transaction, action, who=who, reason=reason, details={"turn": turns}, now=now)

    state.transaction(body)
