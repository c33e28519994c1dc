"""A backfill that a command sees through, as HTTP under /admin of a running runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request

from local.host.bodies import Refusal
from local.host.request_fields import boolean_field, text_field
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.operations.actions.signature import Signature
from shared.operations.api.as_json import as_json
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.by_dates import go_on_by_dates
from shared.operations.backfill.planning import Wanted
from shared.operations.backfill.reading import read_backfill
from shared.operations.backfill.records import Which
from shared.stores.runtime import Runtime


def backfilling(runtime_of: Callable[[], Runtime], pipeline: Pipeline) -> Blueprint:
    """Endpoints: POST /backfill, which begins the one of its dates or goes on with it, and
    /backfill/advance; both answer how far it is.

    `runtime_of` gives the runtime as it is now: a repetition of simulated time replaces it.
    """
    pages = Blueprint("backfilling", __name__)

    @pages.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return _error(refusal, refusal.status)

    @pages.errorhandler(DataError)
    def refuse_input(error: DataError) -> Response:
        return _error(error, 400)

    @pages.errorhandler(NotFound)
    def refuse_name(error: NotFound) -> Response:
        return _error(error, 404)

    @pages.post("/backfill")
    def begin_backfill() -> Response:
        asked = request.get_json()
        days = [date.fromisoformat(text_field(asked, name)) for name in ("first", "last")]
        wanted = Wanted(days[0], days[1], Which.ALL, fetch_again=boolean_field(asked, "anew"))
        signature = Signature(text_field(asked, "who"), text_field(asked, "why"))
        return answer_advanced(go_on_by_dates(runtime_of(), pipeline, wanted, signature))

    @pages.post("/backfill/advance")
    def advance_backfill() -> Response:
        return answer_advanced(text_field(request.get_json(), "backfill"))

    def answer_advanced(key: str) -> Response:
        advance(runtime_of(), pipeline, key)
        return _json(as_json(read_backfill(runtime_of(), key)), 200)

    return pages


def _error(error: Exception, status: int) -> Response:
    return _json({"error": str(error)}, status)


def _json(answer: object, status: int) -> Response:
    return Response(json.dumps(answer, ensure_ascii=False) + "\n", status=status, mimetype="application/json")
