"""What a person does about incidents: signed, audited in the same write, and the same when done
twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from shared.chain.resilience import audit_log
from shared.core.errors import DataError, NotFound
from shared.operations.actions.signature import Signature
from shared.operations.incidents import life
from shared.operations.incidents.records import Incident, incident_path
from shared.operations.incidents.sightings import LONGEST_NAME, cut_text
from shared.stores.ports import Transaction
from shared.stores.runtime import Runtime

MOST_IDS, MOST_NOTES = 200, 50
LONGEST_MUTE = timedelta(days=30)


@dataclass(frozen=True)
class Acted:
    """What an action did to one incident."""

    id: str
    changed: bool
    """False where it was so already."""
    says: str


_Change = Callable[[Incident, datetime, Signature], tuple[Incident, str]]


def acknowledge(runtime: Runtime, ids: Sequence[str], signature: Signature) -> list[Acted]:
    """Say that somebody knows: no reminder and no escalation, unless it becomes worse.

    Raises NotFound for an id that is none, before anything is done; DataError for too many.
    """
    return _act(runtime, "acknowledge-incident", ids, signature, _acknowledge)


def mute(runtime: Runtime, ids: Sequence[str], until: datetime, signature: Signature) -> list[Acted]:
    """Send nothing about it until a moment, unless it becomes worse; what opens meanwhile of the
    same fingerprint is muted as well.

    Raises DataError for a moment that has passed or is more than LONGEST_MUTE ahead; NotFound.
    """
    now = runtime.clock.now()
    if until.tzinfo is None or not now < until <= now + LONGEST_MUTE:
        raise DataError(
            f"An incident cannot be muted until {until.isoformat()}.",
            next_step=f"name a moment with its zone, after now and at most {LONGEST_MUTE.days} days ahead.",
        )
    return _act(runtime, "mute-incident", ids, signature, partial(_mute, until))


def unmute(runtime: Runtime, ids: Sequence[str], signature: Signature) -> list[Acted]:
    """End a mute. Raises NotFound, DataError."""
    return _act(runtime, "unmute-incident", ids, signature, _unmute)


def resolve(runtime: Runtime, ids: Sequence[str], signature: Signature) -> list[Acted]:
    """Say that it is over. What its check still finds opens another. Raises NotFound, DataError."""
    return _act(runtime, "resolve-incident", ids, signature, _resolve)


def note(runtime: Runtime, ids: Sequence[str], signature: Signature) -> list[Acted]:
    """Write `signature.why` beside it; the oldest of more than MOST_NOTES notes goes.

    Raises NotFound, DataError.
    """
    return _act(runtime, "note-incident", ids, signature, _note)


def _act(runtime: Runtime, action: str, ids: Sequence[str], signature: Signature, change: _Change) -> list[Acted]:
    names = list(dict.fromkeys(ids))
    if not 0 < len(names) <= MOST_IDS:
        raise DataError(f"An action is for 1 to {MOST_IDS} incidents, not {len(names)}.", next_step="choose fewer.")
    unknown = [name for name in names if "/" in name or not name or runtime.state.get(incident_path(name)) is None]
    if unknown:
        raise NotFound(f"There is no incident {', '.join(unknown[:5])}.", next_step="list them: ./nba alerts list.")
    return [_act_on(runtime, action, name, signature, change) for name in names]


def _act_on(runtime: Runtime, action: str, name: str, signature: Signature, change: _Change) -> Acted:
    path, now = incident_path(name), runtime.clock.now()

    def body(transaction: Transaction) -> Acted:
        document = transaction.get(path)
        if document is None:
            raise NotFound(f"There is no incident {name}.", next_step="list them: ./nba alerts list.")
        before = Incident.from_document(document)
        after, says = change(before, now, signature)
        if after == before:
            return Acted(name, changed=False, says=says)
        transaction.set(path, after.to_document())
        details = {"incident": name, "says": before.says, "version": document.version}
        audit_log.record(
            transaction,
            action,
            who=signature.who,
            reason=cut_text(signature.why),
            details=details,
            now=now,
            outcome=says,
        )
        return Acted(name, changed=True, says=says)

    return runtime.state.transaction(body)


def _who(signature: Signature) -> str:
    return cut_text(signature.who, LONGEST_NAME)


def _acknowledge(before: Incident, now: datetime, signature: Signature) -> tuple[Incident, str]:
    if not before.is_open:
        return before, "it is resolved"
    if before.is_acknowledged:
        return before, f"{before.acknowledged_by} has acknowledged it"
    after = replace(
        before,
        acknowledged_by=_who(signature),
        acknowledged_why=cut_text(signature.why),
        acknowledged_at=now,
        acknowledged_severity=before.severity,
    )
    return after, "acknowledged: no reminder unless it becomes worse"


def _mute(until: datetime, before: Incident, now: datetime, signature: Signature) -> tuple[Incident, str]:
    if before.is_muted(now) and before.muted_until == until:
        return before, f"{before.muted_by} has muted it until then"
    after = replace(
        before,
        muted_by=_who(signature),
        muted_why=cut_text(signature.why),
        muted_until=until,
        muted_severity=before.severity,
    )
    return after, f"muted until {until.isoformat()}"


def _unmute(before: Incident, now: datetime, signature: Signature) -> tuple[Incident, str]:
    if not before.is_muted(now):
        return before, "it is not muted"
    after = replace(before, muted_by="", muted_why="", muted_until=None, muted_severity=None)
    return after, "not muted any more"


def _resolve(before: Incident, now: datetime, signature: Signature) -> tuple[Incident, str]:
    if not before.is_open:
        return before, "it is resolved"
    return life.resolve(before, now, cut_text(f"by {_who(signature)}: {signature.why}")), "resolved"


def _note(before: Incident, now: datetime, signature: Signature) -> tuple[Incident, str]:
    who, text = _who(signature), cut_text(signature.why)
    if before.notes and (before.notes[-1]["who"], before.notes[-1]["text"]) == (who, text):
        return before, "it says so already"
    notes = [*before.notes, {"who": who, "at": now, "text": text}][-MOST_NOTES:]
    return replace(before, notes=notes), "noted"
