"""Who did what, when and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.chain.resilience.audit_log import COLLECTION
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class AuditRow(StoredRecord):
    """One thing that a person or a recovery function did on purpose."""

    action: str
    who: str
    reason: str
    at: datetime
    details: Mapping[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    """What came of it; None where that is not known, as of what an earlier release wrote."""


def read_audit(runtime: Runtime, limit: int) -> list[AuditRow]:
    """The newest rows, newest first."""
    found = [AuditRow.from_document(each) for each in runtime.state.query(COLLECTION, order_by="at")]
    return sorted(found, key=lambda row: (row.at, row.path), reverse=True)[:limit]
