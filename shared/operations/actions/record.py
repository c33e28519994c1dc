"""An operator's action as its document operator_actions/{key} holds it: recorded before it is
carried out, with the messages that it publishes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shared.stores.ports import Filter
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

COLLECTION = "operator_actions"
# The action whose dates are in its cells, DATE/PHASE each.
MANY = "rerun-many"


@dataclass(frozen=True, kw_only=True)
class OperatorAction(StoredRecord):
    """What somebody did on purpose."""

    action: str
    values: Mapping[str, Any]
    """Its parameters, as JSON."""
    who: str
    why: str
    at: datetime
    says: Sequence[str]
    """What it was going to do, as the preview said it."""
    game_date: str | None = None
    phase: str = ""
    outcome: str | None = None
    """What it did; None while it is not known to have been carried out."""
    audit: str = ""
    """Path of its audit document; empty where what it does writes its own."""
    outbox: Sequence[Mapping[str, Any]] = field(default_factory=list)
    outbox_pending: bool = False


def actions_of(runtime: Runtime, day: date) -> list[OperatorAction]:
    """What people started of a date by hand, newest first; reruns of many dates are among them."""
    alone = runtime.state.query(COLLECTION, [Filter("game_date", "==", day.isoformat())])
    of_many = runtime.state.query(COLLECTION, [Filter("action", "==", MANY)])
    found = [OperatorAction.from_document(each) for each in alone]
    for each in map(OperatorAction.from_document, of_many):
        if any(cell.startswith(f"{day}/") for cell in each.values["cells"]):
            found.append(each)
    return sorted(found, key=lambda each: (each.at, each.path), reverse=True)
