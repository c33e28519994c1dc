"""An action previewed, and carried out once however often its button is pressed.

    planned -> recorded with its outbox and the audit (one write) -> carried out -> published

A process that dies in between leaves the record: the next press goes on, and the sweep sends what
was recorded and not sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.chain.messages import outbox
from shared.chain.messages.outbox import OutboxMessage
from shared.chain.resilience import audit_log
from shared.core import failpoints
from shared.core.errors import AlreadyExists, DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.operations.actions.action import Action, Performed, Plan, Request
from shared.operations.actions.record import COLLECTION, OperatorAction
from shared.operations.actions.signature import Signature
from shared.operations.actions.values import parse_values
from shared.operations.api.as_json import as_json
from shared.stores.ports import Document, Transaction
from shared.stores.runtime import Runtime

_KEY = re.compile(r"[A-Za-z0-9-]{8,64}")


def preview(
    action: Action, runtime: Runtime, pipeline: Pipeline, given: Mapping[str, Any], key: str = "preview"
) -> Plan:
    """What an action would do now. Nothing is written.

    Raises DataError for values that are wrong, NotFound for what is not there.
    """
    return action.plan(Request(runtime, pipeline, parse_values(action.parameters, given), "preview"))


def perform(
    action: Action, runtime: Runtime, pipeline: Pipeline, given: Mapping[str, Any], signature: Signature, key: str
) -> Performed:
    """Carry out an action; the same key again changes nothing and answers the same.

    Raises DataError for values that are wrong or a key that is another action's, NotFound for what
    is not there.
    """
    if not _KEY.fullmatch(key):
        raise DataError(f"The key {key[:80]!r} of an action is 8 to 64 letters, digits and hyphens.")
    values = parse_values(action.parameters, given)
    request = Request(runtime, pipeline, values, key)
    before = runtime.state.get(f"{COLLECTION}/{key}")
    if before is not None:
        return _finish(action, request, _same(before, action, values), repeated=True)
    plan = action.plan(request)
    try:
        recorded = _record(action, request, plan, signature)
    except AlreadyExists:
        # pressed twice at once: the other one was faster
        document = runtime.state.get(f"{COLLECTION}/{key}")
        if document is None:
            raise
        return _finish(action, request, _same(document, action, values), repeated=True)
    failpoints.reach("operator_action.recorded")
    return _finish(action, request, recorded, repeated=False)


def _same(document: Document, action: Action, values: Mapping[str, Any]) -> OperatorAction:
    """The record of an earlier press. Raises DataError where it was of another action."""
    record = OperatorAction.from_document(document)
    if record.action != action.name or dict(record.values) != as_json(values):
        raise DataError(
            f"The key {document.id} is of {record.action} {json.dumps(dict(record.values))}.",
            next_step="ask for a new preview, and press that one's button.",
        )
    return record


def _record(action: Action, request: Request, plan: Plan, signature: Signature) -> OperatorAction:
    """The record and its audit row in one write. Raises AlreadyExists."""
    runtime, now = request.runtime, request.runtime.clock.now()
    messages = [OutboxMessage(each.topic, json.dumps(as_json(each.message))) for each in plan.triggers]
    record = OperatorAction(
        action=action.name,
        values=as_json(request.values),
        who=signature.who,
        why=signature.why,
        at=now,
        says=list(plan.says),
        game_date=None if plan.game_date is None else plan.game_date.isoformat(),
        phase=plan.phase,
        outbox=outbox.entries(f"operator-{request.key}", messages),
        outbox_pending=bool(messages),
        path=f"{COLLECTION}/{request.key}",
    )

    def body(transaction: Transaction) -> None:
        if transaction.get(record.path) is not None:
            raise AlreadyExists(f"{record.path} is there already.")
        audit = "" if action.audits_itself else _audit(transaction, request.key, record, now)
        transaction.create(record.path, replace(record, audit=audit).to_document())

    runtime.state.transaction(body)
    return record


def _audit(transaction: Transaction, key: str, record: OperatorAction, now: datetime) -> str:
    """The audit document of an action that is not carried out yet; returns its path."""
    details = {"key": key, "values": record.values, "game_date": record.game_date, "phase": record.phase}
    return audit_log.record(transaction, record.action, who=record.who, reason=record.why, details=details, now=now)


def _note_outcome(runtime: Runtime, record: OperatorAction, outcome: str) -> None:
    """What an action did, with the action and in the audit."""

    def body(transaction: Transaction) -> None:
        document = transaction.get(record.path)
        audit = "" if document is None else OperatorAction.from_document(document).audit
        if audit:
            audit_log.note_outcome(transaction, audit, outcome)
        transaction.update(record.path, OperatorAction.fields(outcome=outcome))

    runtime.state.transaction(body)


def _finish(action: Action, request: Request, record: OperatorAction, *, repeated: bool) -> Performed:
    """Do what is not done yet: carry out, publish, and note the outcome. What is published may need
    what is carried out: a closed breaker.
    """
    runtime = request.runtime
    if action.carry_out is not None:
        record = _end(action, request, record)
    published = outbox.send_pending(record.path, runtime.state, runtime.bus, runtime.raw)
    record = _end(action, request, record)
    return Performed(
        key=request.key,
        action=action.name,
        says=tuple(record.says),
        outcome=record.outcome or "",
        published=published,
        repeated=repeated,
        values=dict(record.values),
    )


def _end(action: Action, request: Request, record: OperatorAction) -> OperatorAction:
    """The record with its outcome, carried out where it was not yet."""
    if record.outcome is not None:
        return record
    done = _carry_out(action, request, record)
    _note_outcome(request.runtime, record, done)
    return replace(record, outcome=done)


def _carry_out(action: Action, request: Request, record: OperatorAction) -> str:
    if action.carry_out is None:
        return f"published {len(record.outbox)} message{'s' if len(record.outbox) != 1 else ''}"
    try:
        return action.carry_out(request, action.plan(request), Signature(record.who, record.why))
    except NotFound as error:
        # an earlier press, or somebody else, has done it already
        return f"nothing left to do: {error.message}"
