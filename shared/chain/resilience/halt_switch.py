"""The halt switch, document control/halt: while it is on, every exported file says that no advice
is given, and the pipeline goes on. An off-season or an operator sets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.chain.resilience import audit_log
from shared.core.errors import DataError
from shared.stores.ports import Document, State, Transaction
from shared.stores.records import Record

PATH = "control/halt"
NO_REASON = "no reason given"


@dataclass(frozen=True)
class Halt(Record):
    """The switch as it stands; all but `halted` is absent where it was written by hand."""

    halted: bool = False
    reason: str | None = None
    who: str | None = None
    since: datetime | None = None
    """When it was switched last."""
    turns: int = 0
    """How often it was switched: makes each audit document another, even at the same moment."""

    @property
    def why(self) -> str:
        """The reason as files say it."""
        return self.reason or NO_REASON


def read(state: State) -> Halt:
    """The switch; not halted where nobody ever set it. One that cannot be read, as after an edit by
    hand, is halted and says why: no advice is given on a guess.
    """
    document = state.get(PATH)
    return Halt() if document is None else _decode(document)


def _decode(document: Document) -> Halt:
    try:
        return Halt.from_document(document)
    except DataError as error:
        return Halt(halted=True, reason=str(error))


def halt(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Have every file say from its next export on that no advice is given. Halted already, it stays
    as it is.
    """
    _turn(state, halted=True, who=who, reason=reason, now=now)


def lift(state: State, *, who: str, reason: str, now: datetime) -> None:
    """Let files give advice again from their next export on. Not halted, nothing happens."""
    _turn(state, halted=False, who=who, reason=reason, now=now)


def _turn(state: State, *, halted: bool, who: str, reason: str, now: datetime) -> None:
    """Switch and audit in one transaction, so that neither is without the other."""

    def body(transaction: Transaction) -> None:
        document = transaction.get(PATH)
        before = Halt() if document is None else _decode(document)
        if halted == before.halted:
            return
        after = Halt(halted=halted, reason=reason, who=who, since=now, turns=before.turns + 1)
        transaction.set(PATH, after.to_document())
        action, outcome = ("halt", "halted") if halted else ("lift-halt", "lifted")
        details = {"turn": after.turns}
        audit_log.record(transaction, action, who=who, reason=reason, details=details, now=now, outcome=outcome)

    state.transaction(body)
