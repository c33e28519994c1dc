"""What can be asked: each question as data, with its path, its parameters and who answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.chain.resilience import halt_switch, pause_switch
from shared.chain.resilience.dead_letters import DeadLetter
from shared.operations import queues
from shared.operations.actions.action import Parameter, Request
from shared.operations.audit import read_audit

SUBSCRIPTION = Parameter("subscription", "text", "of a dead-letter subscription alone")
REASON = Parameter("reason", "text", "of a reason alone")
LIMIT = Parameter("limit", "integer", "at most so many, the newest first", default=100, bounds=(1, 1_000))


@dataclass(frozen=True)
class Question:
    """A read model under a path below /api/v1; names in braces are parameters."""

    name: str
    path: str
    says: str
    parameters: tuple[Parameter, ...]
    answer: Callable[[Request], Any]


@dataclass(frozen=True)
class Letter:
    """A dead letter as lists show it."""

    id: str
    key: str
    """With its subscription: what redrive takes where ids may repeat."""
    subscription: str
    reason: str
    error: str
    blames: str
    origin_topic: str
    age_seconds: float | None
    bytes: int
    preview: str
    redrivable: bool
    not_redrivable: str


def _letter(letter: DeadLetter) -> Letter:
    return Letter(
        id=letter.id,
        key=letter.key,
        subscription=letter.subscription,
        reason=letter.reason,
        error=letter.error,
        blames=letter.blames,
        origin_topic=letter.origin_topic,
        age_seconds=None if letter.age is None else letter.age.total_seconds(),
        bytes=letter.size,
        preview=letter.preview,
        redrivable=letter.redrivable,
        not_redrivable=letter.not_redrivable,
    )


def _letters(request: Request) -> Mapping[str, Any]:
    filters = {name: request.values[name] or "" for name in ("subscription", "reason")}
    found = queues.explained_letters(request.runtime, request.pipeline, **filters)
    return {"dead_letters": [_letter(each) for each in found]}


def _list_deferred(request: Request) -> Mapping[str, Any]:
    return {"deferred": queues.deferred_messages(request.runtime)}


def _breakers(request: Request) -> Mapping[str, Any]:
    return {"breakers": queues.failing_breakers(request.runtime)}


def _switches(request: Request) -> Mapping[str, Any]:
    state = request.runtime.state
    return {"pause": pause_switch.read(state), "halt": halt_switch.read(state)}


def _audit(request: Request) -> Mapping[str, Any]:
    return {"audit": read_audit(request.runtime, request.values["limit"])}


QUESTIONS: tuple[Question, ...] = (
    Question("dead-letters", "/dead-letters", "what failed for good", (SUBSCRIPTION, REASON), _letters),
    Question("deferred", "/deferred", "messages that a pause or an open breaker keeps back", (), _list_deferred),
    Question("breakers", "/breakers", "circuit breakers with failures, open or not", (), _breakers),
    Question("switches", "/switches", "the pause and the halt, by whom and why", (), _switches),
    Question("audit", "/audit", "what people and recovery functions did on purpose", (LIMIT,), _audit),
)


def question_of(name: str) -> Question:
    """The question of a name; KeyError where there is none."""
    return {each.name: each for each in QUESTIONS}[name]
