"""What operators do with a running runtime, as HTTP under /admin; shared/operations does it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, Response, request

from local.host.bodies import Refusal
from local.host.request_fields import boolean_field, text_field, texts_field
from shared.chain.resilience.dead_letters import DeadLetter
from shared.chain.resilience.pause_switch import Pause
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.operations import queues
from shared.operations.actions import queues as actions
from shared.operations.actions.queues import LetterChoice
from shared.operations.actions.signature import Signature
from shared.operations.api.as_json import as_json as as_plain
from shared.operations.backfill.advancing import advance
from shared.operations.backfill.by_dates import go_on_by_dates
from shared.operations.backfill.planning import Wanted
from shared.operations.backfill.reading import read_backfill
from shared.operations.backfill.records import Which
from shared.stores.runtime import Runtime


def operations(runtime_of: Callable[[], Runtime], pipeline: Pipeline) -> Blueprint:
    """Endpoints: GET /dead-letters, /breakers, /pause; POST /redrive, /reset-breaker, /pause,
    /resume, /backfill, /backfill/advance.

    `runtime_of` gives the runtime as it is now: a repetition of simulated time replaces it.
    """
    pages = Blueprint("operations", __name__)

    @pages.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return _json({"error": str(refusal)}, refusal.status)

    @pages.errorhandler(DataError)
    def refuse_input(error: DataError) -> Response:
        return _json({"error": str(error)}, 400)

    @pages.errorhandler(NotFound)
    def refuse_name(error: NotFound) -> Response:
        return _json({"error": str(error)}, 404)

    @pages.get("/dead-letters")
    def list_dead_letters() -> Response:
        letters = queues.explained_letters(runtime_of(), pipeline, **_filters(request.args))
        deferred = queues.deferred_messages(runtime_of())
        return _json({"dead_letters": [as_json(one) for one in letters], "deferred": [asdict(one) for one in deferred]})

    @pages.post("/redrive")
    def redrive() -> Response:
        asked = request.get_json()
        signature = _signature(asked)
        choice = LetterChoice(set(texts_field(asked, "ids")), **_filters(asked), everything=boolean_field(asked, "all"))
        done = actions.redrive(runtime_of(), pipeline, choice, signature)
        return _json({
            "redriven": [{**as_json(one.letter), "published": one.published, "message": one.message} for one in done]
        })  # fmt: skip

    @pages.get("/breakers")
    def list_breakers() -> Response:
        return _json({"breakers": [asdict(one) for one in queues.failing_breakers(runtime_of())]})

    @pages.post("/reset-breaker")
    def reset_breaker() -> Response:
        asked = request.get_json()
        failing = actions.reset_breaker(runtime_of(), text_field(asked, "name"), _signature(asked))
        return _json({"breakers": [asdict(one) for one in failing]})

    @pages.get("/pause")
    def show_pause() -> Response:
        return _json(_switch(queues.pause_state(runtime_of())))

    @pages.post("/pause")
    def pause() -> Response:
        return _json(_switch(actions.pause(runtime_of(), _signature(request.get_json()))))

    @pages.post("/resume")
    def resume() -> Response:
        return _json(_switch(actions.resume(runtime_of(), _signature(request.get_json()))))

    @pages.post("/backfill")
    def begin_backfill() -> Response:
        asked = request.get_json()
        days = [date.fromisoformat(text_field(asked, name)) for name in ("first", "last")]
        wanted = Wanted(days[0], days[1], Which.ALL, fetch_again=boolean_field(asked, "anew"))
        return answer_advanced(go_on_by_dates(runtime_of(), pipeline, wanted, _signature(asked)))

    @pages.post("/backfill/advance")
    def advance_backfill() -> Response:
        return answer_advanced(text_field(request.get_json(), "backfill"))

    def answer_advanced(key: str) -> Response:
        advance(runtime_of(), pipeline, key)
        return _json(as_plain(read_backfill(runtime_of(), key)))

    return pages


def _signature(asked: dict[str, Any]) -> Signature:
    return Signature(text_field(asked, "who"), text_field(asked, "why"))


def _filters(asked: Any) -> dict[str, str]:
    return {name: text_field(asked, name) for name in ("subscription", "reason")}


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as lists show it; times ISO, age in seconds, size in bytes."""
    return {
        "id": letter.id,
        "subscription": letter.subscription,
        "reason": letter.reason,
        "error": letter.error,
        "blames": letter.blames,
        "origin_topic": letter.origin_topic,
        "origin_subscription": letter.origin_subscription,
        "origin_message_id": letter.origin_message_id,
        "dead_lettered_at": letter.dead_lettered_at.isoformat() if letter.dead_lettered_at else None,
        "age_seconds": letter.age.total_seconds() if letter.age is not None else None,
        "size": letter.size,
        "preview": letter.preview,
        "redrivable": letter.redrivable,
        "not_redrivable": letter.not_redrivable,
    }


def _switch(switch: Pause | None) -> dict[str, Any]:
    if switch is None:
        return {"paused": False}
    return {
        "paused": switch.paused,
        "since": switch.since.isoformat(),
        "resumed_at": switch.resumed_at.isoformat() if switch.resumed_at else None,
        "who": switch.who,
        "reason": switch.reason,
    }


def _json(answer: dict[str, Any], status: int = 200) -> Response:
    return Response(json.dumps(answer, ensure_ascii=False) + "\n", status=status, mimetype="application/json")
