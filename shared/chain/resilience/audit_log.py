"""What people and recovery functions did on purpose: one create-once document an action."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.stores.ports import State, Transaction

COLLECTION = "audit"


def record(
    state: State | Transaction,
    action: str,
    *,
    who: str,
    reason: str,
    details: Mapping[str, Any] | None = None,
    now: datetime,
    outcome: str | None = None,
) -> str:
    """Write an audit document {action, who, reason, details, at, loaded, outcome}; returns its
    path.

    `loaded` says whether nba_monitoring.audit_log has it, `outcome` what came of it; where that is
    not known yet, there is none, and `note_outcome` adds it.

    Within the transaction of what was done, where there is one.

    The same action with the same details at the same moment is one document. Raises AlreadyExists
    for it.
    """
    facts = {"action": action, "who": who, "reason": reason, "details": dict(details or {}), "at": now}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:8]
    path = f"{COLLECTION}/{now.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{action}-{digest}"
    state.create(path, {**facts, "loaded": False, **({} if outcome is None else {"outcome": outcome})})
    return path


def note_outcome(transaction: Transaction, path: str, outcome: str) -> None:
    """Say what came of an action that was recorded before it was carried out."""
    if transaction.get(path) is not None:
        transaction.update(path, {"outcome": outcome})
