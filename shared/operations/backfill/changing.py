"""A backfill begun, cancelled, and resumed: each in one write with its audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.chain.resilience import audit_log
from shared.core import failpoints
from shared.operations.actions.signature import Signature
from shared.operations.backfill.advancing import judge_ended
from shared.operations.backfill.following import Ended
from shared.operations.backfill.planning import Planned
from shared.operations.backfill.records import Backfill, Progress, Unit, get_backfill, path_of, with_all
from shared.stores.ports import Transaction
from shared.stores.runtime import Runtime


def begin(runtime: Runtime, planned: Planned, signature: Signature, key: str, *, name: str | None = None) -> bool:
    """Put a backfill on record; whether it was not there before. Nothing is published yet.

    Args:
        name: what its runs' names end with; the key unless said.
    """
    wanted, now = planned.wanted, runtime.clock.now()
    backfill = Backfill(
        first=wanted.first,
        last=wanted.last,
        which=wanted.which,
        order=wanted.order,
        at_once=wanted.at_once,
        who=signature.who,
        why=signature.why,
        at=now,
        stored_units=[each.to_document() for each in planned.units],
        name=key if name is None else name,
        fetch_again=wanted.fetch_again,
        path=path_of(key),
    )

    def body(transaction: Transaction) -> bool:
        if transaction.get(backfill.path) is not None:
            return False
        transaction.create(backfill.path, backfill.to_document())
        dates = {"first": str(wanted.first), "last": str(wanted.last), "which": wanted.which.value}
        details = {"key": key, **dates, "dates": len(planned.dates)}
        _audit(transaction, runtime, "backfill", signature, details, "begun")
        return True

    begun = runtime.state.transaction(body)
    failpoints.reach("backfill.recorded")
    return begun


def cancel(runtime: Runtime, key: str, signature: Signature) -> Backfill:
    """Publish nothing more of it; what runs comes to its end. A second time changes nothing.

    Raises NotFound.
    """

    def body(transaction: Transaction) -> None:
        document = transaction.get(path_of(key))
        if document is None:
            return
        backfill = Backfill.from_document(document)
        if not backfill.is_open or backfill.cancelled_at is not None:
            return
        now = runtime.clock.now()
        fields = Backfill.fields(cancelled_at=now, cancelled_by=signature.who, cancelled_why=signature.why)
        transaction.update(backfill.path, fields)
        details = {"key": key, "version": document.version}
        _audit(transaction, runtime, "cancel-backfill", signature, details, "cancelled")

    get_backfill(runtime.state, key)
    runtime.state.transaction(body)
    return get_backfill(runtime.state, key)


def resume(runtime: Runtime, key: str, signature: Signature) -> Backfill:
    """Let a cancelled one go on, and try what failed again, in runs of their own; what has its rows
    by now is done. Nothing changes where nothing is left. Of one statement. Raises NotFound.
    """
    before = get_backfill(runtime.state, key)
    units = before.units
    failed = {n: (each, Ended()) for n, each in enumerate(units) if each.progress is Progress.FAILED}
    judged = judge_ended(runtime, failed)
    found = [_again(judged.get(n, each)) for n, each in enumerate(units)]

    def body(transaction: Transaction) -> None:
        document = transaction.get(before.path)
        if document is None or document.version != before.version:
            return  # somebody else changed it: what they did stands
        if found == units and before.cancelled_at is None:
            return
        fields = Backfill.fields(
            stored_units=[each.to_document() for each in found],
            is_open=True,
            ended_at=None,
            expires_at=None,
            cancelled_at=None,
            cancelled_by="",
            cancelled_why="",
        )
        transaction.update(before.path, fields)
        left = sum(each.progress is Progress.WAITING for each in found)
        # the version tells two at the same simulated moment apart
        details = {"key": key, "units": left, "version": document.version}
        _audit(transaction, runtime, "resume-backfill", signature, details, "resumed")

    runtime.state.transaction(body)
    return get_backfill(runtime.state, key)


def _again(unit: Unit) -> Unit:
    if unit.progress is not Progress.FAILED:
        return unit
    dates = with_all(unit, Progress.WAITING)
    return replace(unit, progress=Progress.WAITING, attempt=unit.attempt + 1, dates=dates, ended_at=None)


def _audit(
    transaction: Transaction,
    runtime: Runtime,
    action: str,
    signature: Signature,
    details: Mapping[str, Any],
    outcome: str,
) -> None:
    who, why, now = signature.who, signature.why, runtime.clock.now()
    audit_log.record(transaction, action, who=who, reason=why, details=details, now=now, outcome=outcome)
