"""The life of incidents, and what people did, in the warehouse: each row once, in one load per
table and run.

What a load holds is recorded before it, in row_loads/{table}, so that whoever comes after a crash
repeats that very load (its job id counts once):

    recorded (pending) -> loaded -> each document marked -> closed; then the next number
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.chain.resilience import audit_log
from shared.core import failpoints
from shared.core.errors import AlreadyExists, PreconditionFailed
from shared.operations.api.as_json import as_json
from shared.operations.incidents.records import COLLECTION, Incident
from shared.operations.incidents.sightings import cut_text
from shared.stores.ports import Document, Filter, Transaction
from shared.stores.records import Record, StoredRecord
from shared.stores.runtime import Runtime

LOADS = "row_loads"
ALERTS, AUDIT_LOG = "nba_monitoring.alerts", "nba_monitoring.audit_log"
# Documents of one load: what is beyond waits for the next run. A document of the state that names
# them is far smaller than one may be.
MOST_DOCUMENTS = 500


@dataclass(frozen=True, kw_only=True)
class RowLoad(StoredRecord):
    """The latest load of a table."""

    number: int
    pending: bool
    epoch: int
    documents: Sequence[Mapping[str, Any]]
    """{path, first, after}: of each document the rows that it gives, by number."""


@dataclass(frozen=True, kw_only=True)
class _Audit(StoredRecord):
    """What an audit document says (audit_log.record)."""

    action: str
    who: str
    reason: str
    details: Mapping[str, Any]
    at: datetime
    outcome: str | None = None


@dataclass(frozen=True)
class _Kind:
    """How rows of one table are made of documents."""

    table: str
    collection: str
    due: Filter
    count: Callable[[Document], tuple[int, int]]
    """The first row of a document that is not loaded, and how many it gives by now."""
    rows: Callable[[Document], list[dict[str, Any]]]
    mark: Callable[[Document, int], dict[str, Any]]
    """Fields that say that so many of its rows are loaded."""


def load_alerts(runtime: Runtime) -> int:
    """Load each opening and resolution of incidents that is not loaded yet; returns the rows.

    One query, one load, and one transaction for each incident. Raises StoreUnavailable.
    """
    return _load(runtime, _INCIDENTS)


def load_audit(runtime: Runtime) -> int:
    """Load what people did that is not loaded yet; returns the rows. The rest as load_alerts."""
    return _load(runtime, _AUDITS)


def _load(runtime: Runtime, kind: _Kind) -> int:
    path = f"{LOADS}/{kind.table.rpartition('.')[2]}"
    document = runtime.state.get(path)
    last = None if document is None else RowLoad.from_document(document)
    written = 0
    if last is not None and last.pending:
        written = _carry_out(runtime, kind, last)
        document = runtime.state.get(path)
        last = None if document is None else RowLoad.from_document(document)
    recorded = _record(runtime, kind, path, last)
    return written + (0 if recorded is None else _carry_out(runtime, kind, recorded))


def _record(runtime: Runtime, kind: _Kind, path: str, last: RowLoad | None) -> RowLoad | None:
    """Record what the next load holds; None where there is nothing, or another run was first."""
    due = runtime.state.query(kind.collection, [kind.due], limit=MOST_DOCUMENTS)
    if not due or (last is not None and last.pending):
        return None
    documents = []
    for document in due:
        first, after = kind.count(document)
        documents.append({"path": document.path, "first": first, "after": after})
    number = 1 if last is None else last.number + 1
    load = RowLoad(number=number, pending=True, epoch=runtime.epoch, documents=documents)
    try:
        if last is None:
            runtime.state.create(path, load.to_document())
        else:
            runtime.state.update(path, load.to_document(), if_version=last.version)
    except (AlreadyExists, PreconditionFailed):
        return None
    failpoints.reach("rows.recorded")
    found = runtime.state.get(path)
    return None if found is None else RowLoad.from_document(found)


def _carry_out(runtime: Runtime, kind: _Kind, load: RowLoad) -> int:
    """Load what was recorded, and mark its documents; every part of it may be repeated."""
    from shared.stores.warehouse.rows import table_of  # pyarrow takes a part of a cold start

    rows: list[dict[str, Any]] = []
    for each in load.documents:
        document = runtime.state.get(each["path"])
        if document is not None:
            rows += kind.rows(document)[each["first"] : each["after"]]
    if rows:
        digest = hashlib.sha256(f"{kind.table}#{load.epoch}#{load.number}".encode()).hexdigest()[:24]
        job = f"{kind.table.rpartition('.')[2].replace('_', '-')}-{digest}"
        runtime.warehouse.load(kind.table, table_of(kind.table, rows), mode="append", job_id=job)
    failpoints.reach("rows.loaded")
    for each in load.documents:
        _mark(runtime, kind, each)
    try:
        closed = RowLoad.fields(pending=False, documents=[])
        runtime.state.update(load.path, closed, if_version=load.version)
    except PreconditionFailed:
        return 0  # another run carried it out at the same time
    return len(rows)


def _mark(runtime: Runtime, kind: _Kind, loaded: Mapping[str, Any]) -> None:
    def body(transaction: Transaction) -> None:
        document = transaction.get(loaded["path"])
        if document is not None and kind.count(document)[0] < loaded["after"]:
            transaction.update(document.path, kind.mark(document, loaded["after"]))

    runtime.state.transaction(body)


# --- incidents ------------------------------------------------------------------------------------


def _count_turns(document: Document) -> tuple[int, int]:
    incident = Incident.from_document(document)
    return incident.rows_loaded, len(incident.turns)


def _mark_turns(document: Document, after: int) -> dict[str, Any]:
    turns = len(Incident.from_document(document).turns)
    return Incident.fields(rows_loaded=after, rows_due=after < turns)


def _incident_rows(document: Document) -> list[dict[str, Any]]:
    """A row for each turn; what may still change is as it is now."""
    incident = Incident.from_document(document)
    batch = incident.figures.get("batch_id")
    next_step = f"Next: {incident.next_step}" if incident.next_step else ""
    return [
        {
            "raised_on": incident.opened_at.astimezone(UTC).date(),
            "alert_id": incident.id,
            "fingerprint": incident.fingerprint,
            "severity": incident.severity.value,
            "title": incident.says,
            "detail": " ".join(part for part in (incident.detail, next_step) if part) or None,
            "game_date": incident.game_date,
            "batch_id": batch if isinstance(batch, str) else None,
            "raised_at": incident.opened_at,
            "resolved_at": turn["at"] if turn["change"] == "resolved" else None,
            "change": turn["change"],
            "changed_at": turn["at"],
            "resolution": incident.resolution or None if turn["change"] == "resolved" else None,
            "occurrences": incident.count,
            "acknowledged_by": incident.acknowledged_by or None,
        }
        for turn in incident.turns
    ]


_INCIDENTS = _Kind(ALERTS, COLLECTION, Filter("rows_due", "==", True), _count_turns, _incident_rows, _mark_turns)


# --- audit ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Loaded(Record):
    loaded: bool = False


def _count_audit(document: Document) -> tuple[int, int]:
    return int(_Loaded.from_document(document).loaded), 1


def _mark_audit(_document: Document, _after: int) -> dict[str, Any]:
    return _Loaded.fields(loaded=True)


def _audit_row(document: Document) -> list[dict[str, Any]]:
    audit = _Audit.from_document(document)
    return [
        {
            "acted_on": audit.at.astimezone(UTC).date(),
            "audit_id": audit.id,
            "action": audit.action,
            "who": cut_text(audit.who),
            "reason": cut_text(audit.reason),
            "details": json.dumps(as_json(audit.details), sort_keys=True),
            "outcome": None if audit.outcome is None else cut_text(audit.outcome),
            "acted_at": audit.at,
        }
    ]


_AUDITS = _Kind(AUDIT_LOG, audit_log.COLLECTION, Filter("loaded", "==", False), _count_audit, _audit_row, _mark_audit)
