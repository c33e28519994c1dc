"""What operators do with a running runtime, under /admin: dead letters listed and redriven, the pause switched."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

from flask import Blueprint, Response, request

from local.host.asked import text, texts, yes
from local.host.bodies import Refusal
from shared.chain.execution.ledger import executions_of
from shared.chain.resilience import circuit_breaker, dead_letters, deferred, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.errors import NotFound
from shared.core.pipeline import Pipeline
from shared.stores.ports import Filter
from shared.stores.runtime import Runtime


def operations(runtime_of: Callable[[], Runtime], pipeline: Pipeline) -> Blueprint:
    """Endpoints: GET /dead-letters, /breakers, /pause; POST /redrive, /reset-breaker, /pause, /resume.

    `runtime_of` gives the runtime as it is now: a repetition of simulated time replaces it.
    """
    pages = Blueprint("operations", __name__)

    @pages.errorhandler(Refusal)
    def refuse(refusal: Refusal) -> Response:
        return _json({"error": str(refusal)}, refusal.status)

    def waiting(asked: Any) -> list[DeadLetter]:
        runtime = runtime_of()
        subscription, reason = text(asked, "subscription") or None, text(asked, "reason") or None
        return dead_letters.listed(runtime.bus, pipeline, runtime.clock.now(), subscription=subscription, reason=reason)

    @pages.get("/dead-letters")
    def list_dead_letters() -> Response:
        try:
            letters = dead_letters.explained(
                partial(executions_of, runtime_of().state), pipeline, waiting(request.args)
            )
        except NotFound as unknown:
            return _json({"error": str(unknown)}, 404)
        parked = runtime_of().state.query(deferred.COLLECTION, [Filter("released_at", "==", None)])
        return _json({
            "dead_letters": [as_json(letter) for letter in letters],
            "held": [{"name": d.id, **{k: d.data[k] for k in ("function", "gate", "reason")}} for d in parked],
        })  # fmt: skip

    @pages.post("/redrive")
    def redrive() -> Response:
        asked = request.get_json()
        missing = _unsaid(asked)
        if missing:
            return _json({"error": missing}, 400)
        ids = set(texts(asked, "ids"))
        try:
            letters = waiting(asked)
        except NotFound as unknown:
            return _json({"error": str(unknown)}, 404)
        if not (ids or asked.get("reason") or asked.get("subscription") or yes(asked, "all")):
            return _json({"error": "Say which dead letters: ids, reason, subscription or all."}, 400)
        chosen = [letter for letter in letters if not ids or ids & {letter.id, letter.key}]
        unknown_ids = sorted(ids - {name for letter in chosen for name in (letter.id, letter.key)})
        if unknown_ids:
            return _json({"error": f"There is no dead letter {', '.join(unknown_ids)}."}, 404)
        done = dead_letters.redrive(runtime_of(), chosen, who=asked["who"], reason=asked["why"])
        return _json({
            "redriven": [{**as_json(one.letter), "published": one.published, "said": one.said} for one in done]
        })  # fmt: skip

    @pages.get("/breakers")
    def list_breakers() -> Response:
        return _json({"breakers": _breakers(runtime_of())})

    @pages.post("/reset-breaker")
    def reset_breaker() -> Response:
        asked, runtime = request.get_json(), runtime_of()
        missing = _unsaid(asked)
        if missing:
            return _json({"error": missing}, 400)
        name = text(asked, "name")
        unclean = [one["name"] for one in _breakers(runtime)]
        if name not in unclean:
            return _json(
                {"error": f"No breaker {name!r} has failures; these have: {', '.join(unclean) or 'none'}."}, 404
            )
        circuit_breaker.reset(runtime, name, who=asked["who"], reason=asked["why"])
        return _json({"breakers": _breakers(runtime)})

    @pages.get("/pause")
    def show_pause() -> Response:
        return _json(_switch(runtime_of()))

    @pages.post("/pause")
    def switch_on() -> Response:
        return _turn(pause_switch.pause)

    @pages.post("/resume")
    def switch_off() -> Response:
        return _turn(pause_switch.resume)

    def _turn(turn: Callable[..., None]) -> Response:
        asked = request.get_json()
        missing = _unsaid(asked)
        if missing:
            return _json({"error": missing}, 400)
        runtime = runtime_of()
        turn(runtime.state, who=asked["who"], reason=asked["why"], now=runtime.clock.now())
        return _json(_switch(runtime))

    return pages


def _unsaid(asked: Any) -> str:
    """Every action names who does it and why; what of that is missing."""
    missing = [name for name in ("who", "why") if not text(asked, name).strip()]
    return f"An operator's action says {' and '.join(missing)}." if missing else ""


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


def _breakers(runtime: Runtime) -> list[dict[str, Any]]:
    """Breakers with failures, open or not, by name."""
    now = runtime.clock.now()
    kinds: tuple[circuit_breaker.Kind, ...] = get_args(circuit_breaker.Kind)
    found = [one for kind in kinds for one in circuit_breaker.read_kind(runtime, kind).values()]
    return [
        {"name": one.name, "state": one.state(now), "failures": one.failures, "last_error": one.last_error}
        for one in sorted(found, key=lambda each: each.name)
    ]


def _switch(runtime: Runtime) -> dict[str, Any]:
    switch = pause_switch.read(runtime.state)
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
