"""The action that puts a date back as it was."""

from __future__ import annotations

from shared.core.errors import NotFound
from shared.operations.actions.action import GAME_DATE, Action, Parameter, Plan, Request
from shared.operations.actions.signature import Signature
from shared.operations.restore.restoring import PARTS, Comparison, compare, restore
from shared.stores.ports import PastRows

_AFTER = {
    "predictions": "Then export the date, and grade it if it is over. A new run makes the next revision.",
    "grades": "Then export the date.",
    "features": "Predictions that were made stay as they are.",
}


def _compare(request: Request) -> Comparison:
    return compare(request.runtime, request.values["what"], request.day(), request.values["as_of"])


def _plan(request: Request) -> Plan:
    """Raises DataError where it cannot be restored, NotFound where nothing would change: a press
    whose process died after the transaction comes here, too.
    """
    found = _compare(request)
    if not found.changes:
        raise NotFound(f"{found.game_date} is as it was at {found.moment.isoformat()}: nothing would change.")
    says = [_describe(table, rows) for table, rows in found.tables.items()]
    guard = (
        "One transaction for all tables: it is rolled back unless each has the rows of this preview before, and"
        " those of the copy after. Nothing is dropped before that is verified."
    )
    return Plan((*says, guard, _AFTER[request.values["what"]]), targets=tuple(found.tables), game_date=found.game_date)


def _describe(table: str, rows: PastRows) -> str:
    changes = f"{rows.removed} of now go, {rows.added} of then come"
    return f"{table}: {rows.rows_now} rows now, {rows.rows_then} then; {changes}."


def _restore(request: Request, _plan: Plan, _signature: Signature) -> str:
    done = restore(request.runtime, _compare(request))
    return f"restored {request.day()}: " + ", ".join(f"{table} has {rows} rows" for table, rows in done.items())


RESTORES: tuple[Action, ...] = (
    Action(
        "restore",
        "put a date's rows back as they were at a moment of the last seven days (Google Cloud alone)",
        (
            GAME_DATE,
            Parameter("as_of", "moment", "the moment, such as 2025-11-14T17:00:00Z", required=True),
            Parameter("what", "choice", "which tables", choices=tuple(PARTS), default="predictions"),
        ),
        _plan,
        _restore,
    ),
)
