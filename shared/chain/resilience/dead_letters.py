"""Dead letters: listed without being dropped, and redriven to the topic they came from, once each.

    bytes kept in the bucket -> redrives/{subscription}.{message_id} created once, with its outbox
    -> audit record -> published (outbox) -> acknowledged, many letters together

Each step is repeatable, so redriving the same letter again, or the sweep, goes on where a crash
stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from shared.chain.messages import outbox
from shared.chain.messages.dead_letter import Facts, is_cut, of_the_message
from shared.chain.messages.outbox import OutboxFile
from shared.chain.resilience import audit_log
from shared.core import concurrency, failpoints
from shared.core.errors import AlreadyExists, Fatal, NotFound, PreconditionFailed, StoreUnavailable
from shared.core.events import Event
from shared.core.pipeline import Pipeline, Subscription
from shared.core.redaction import redact
from shared.stores.document_rules import field_name
from shared.stores.message_limits import check_message
from shared.stores.ports import Bus, Filter, PulledMessage, State
from shared.stores.records import StoredRecord
from shared.stores.runtime import Runtime

COLLECTION = "redrives"
MOST_LETTERS = 1_000  # of one subscription in one listing
# Pub/Sub takes seconds to say that a subscription is empty.
_LISTED_AT_ONCE = 32
# On Pub/Sub an acknowledgement pulls until it has found them, however few they are.
_ACKNOWLEDGED_AT_ONCE = 100
PREVIEW_BYTES = 120
# What is said of a letter of Pub/Sub's that no execution explains.
UNEXPLAINED = "its deliveries failed"
_MISSED = "; it is not waiting now: the sweep looks for it again, unless it was acknowledged before"
# Nobody who pulled a letter keeps it from others for longer.
LONGEST_HELD = timedelta(minutes=10)


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter; `id` is the message id in its subscription, the origin's fields are of the
    message it was.
    """

    id: str
    subscription: str
    reason: str
    error: str
    blames: str
    """`message` where the message itself is to blame; empty where its deliveries were used up by
    what may be mended.
    """
    origin_topic: str
    origin_subscription: str
    origin_message_id: str
    published_at: datetime | None
    """When the original message was first published."""
    dead_lettered_at: datetime | None
    age: timedelta | None
    data: bytes
    attributes: Mapping[str, str]
    not_redrivable: str
    """Why it cannot be redriven; empty where it can."""
    ack_id: str

    @property
    def key(self) -> str:
        """What a person names it by: subscription and id."""
        return f"{self.subscription}.{self.id}"

    @property
    def path(self) -> str:
        return f"{COLLECTION}/{self.key}"

    @property
    def blob(self) -> str:
        return f"redrive/{self.subscription}/{self.id}"

    @property
    def redrivable(self) -> bool:
        return not self.not_redrivable

    @property
    def size(self) -> int:
        """Bytes of data."""
        return len(self.data)

    @property
    def preview(self) -> str:
        """The beginning of the data, in one line."""
        # redacted before it is cut, and of much more than is shown
        text = redact(self.data[: 8 * PREVIEW_BYTES].decode(errors="replace"))
        text = " ".join(text.split())[:PREVIEW_BYTES]
        return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


@dataclass(frozen=True)
class Redriven:
    """What redriving one letter did: published it (or found that it had been), or why not."""

    letter: DeadLetter
    published: bool
    message: str


@dataclass(frozen=True, kw_only=True)
class Redrive(StoredRecord):
    """The document of a redrive: who decided it of which letter, and how far it is."""

    subscription: str
    message_id: str
    origin_topic: str
    origin_message_id: str
    dead_letter_reason: str
    who: str
    reason: str
    at: datetime
    ack_id: str
    acknowledged: bool
    outbox: Sequence[Mapping[str, Any]]
    outbox_pending: bool
    missed_at: datetime | None = None
    """When its letter was first not waiting to be acknowledged."""


class FailedExecution(Protocol):
    """What a dead letter is explained by: an execution, as far as that is asked for."""

    @property
    def function(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def failure(self) -> str | None:
        """Type and text of its error; None where it did not fail."""
        ...


def list_dead_letters(
    bus: Bus, pipeline: Pipeline, now: datetime, *, subscription: str | None = None, reason: str | None = None
) -> list[DeadLetter]:
    """Every dead letter waiting, by subscription and then oldest first; nothing is acknowledged.

    `subscription` is a dead-letter subscription or the push subscription it belongs to. At most
    MOST_LETTERS of each are listed. Raises NotFound for a subscription that does not exist.
    """
    known = {each.dead_letter_subscription: each for each in pipeline.subscriptions.values()}
    names = sorted(known)
    if subscription is not None:
        names = [name for name in names if subscription in (name, known[name].name)]
        if not names:
            raise NotFound(
                f"There is no dead-letter subscription {subscription!r}.",
                next_step=f"use one of: {', '.join(sorted(known))}.",
            )
    pulled = concurrency.all_of(
        {name: partial(bus.pull, name, MOST_LETTERS) for name in names}, _LISTED_AT_ONCE, name="letters"
    )
    letters = [_letter(message, known[name], pipeline, now) for name in names for message in pulled[name]]
    return [letter for letter in letters if reason is None or letter.reason == reason]


def _letter(message: PulledMessage, subscription: Subscription, pipeline: Pipeline, now: datetime) -> DeadLetter:
    facts = Facts.read(message.attributes, message.message_id, subscription.name)
    source = pipeline.subscriptions.get(facts.origin_subscription)
    dead_at = facts.dead_lettered_at
    letter = DeadLetter(
        id=message.message_id,
        subscription=subscription.dead_letter_subscription,
        reason=facts.reason,
        error=facts.error,
        blames=facts.blames,
        origin_topic=source.topic if source else facts.origin_topic,
        origin_subscription=facts.origin_subscription,
        origin_message_id=facts.origin_message_id,
        published_at=facts.origin_published_at,
        dead_lettered_at=dead_at,
        age=None if dead_at is None else max(now - dead_at, timedelta(0)),
        data=message.data,
        attributes=dict(message.attributes),
        not_redrivable="" if source else f"it came from {facts.origin_subscription}, which the pipeline no longer has",
        ack_id=message.ack_id,
    )
    return letter if letter.not_redrivable else replace(letter, not_redrivable=_unsendable(letter))


def _unsendable(letter: DeadLetter) -> str:
    """Why what is left of a message cannot be published once more: recorded all the same, it is
    tried for ever.
    """
    if letter.reason == Event.NOT_AN_ENVELOPE:
        return "it never was a message of a topic: the request itself could not be read"
    if is_cut(letter.attributes):
        return "it was larger than a dead letter can be: a part of it is cut off"
    attributes = {**_attributes(letter), "outbox_id": f"{letter.key}-0"}
    try:
        for name in attributes:
            field_name("attributes", name)
        check_message(letter.origin_topic, letter.data, attributes)
    except Fatal as refused:
        return refused.message
    return ""


def explain(
    of_run: Callable[[str], Sequence[FailedExecution]], pipeline: Pipeline, letters: Sequence[DeadLetter]
) -> list[DeadLetter]:
    """The same, those that Pub/Sub gave up with how their execution last failed: it says itself
    only that it gave up.

    of_run: a run's executions.

    A run that is named by the first message's id alone is not found: a dead letter of Pub/Sub's has
    another id.
    """
    executions: dict[str, Sequence[FailedExecution]] = {}
    explained = []
    for letter in letters:
        source = pipeline.subscriptions.get(letter.origin_subscription)
        if letter.error or letter.blames or source is None:
            explained.append(letter)
            continue
        run_id, unit = _run_and_unit(letter)
        if run_id and run_id not in executions:
            executions[run_id] = of_run(run_id)
        errors = [
            found.failure
            for found in executions.get(run_id, [])
            if found.failure is not None
            and found.function == source.function
            and found.unit.partition("#")[0].endswith(unit)
        ]
        explained.append(replace(letter, error=errors[0] if errors else f"{UNEXPLAINED}: see {source.function}'s log"))
    return explained


def _run_and_unit(letter: DeadLetter) -> tuple[str, str]:
    """As the message itself says them; empty where it does not."""
    try:
        fields = json.loads(letter.data)
    except (ValueError, RecursionError):
        fields = {}
    fields = {**letter.attributes, **fields} if isinstance(fields, dict) else dict(letter.attributes)
    run_id, unit = fields.get("run_id"), fields.get("unit")
    return run_id if isinstance(run_id, str) else "", f".{unit}" if isinstance(unit, str) else ""


def redrive(runtime: Runtime, letters: Sequence[DeadLetter], *, who: str, reason: str) -> list[Redriven]:
    """Publish letters once more to the topic each came from, then acknowledge them together; one
    audit record each.

    A letter that was redriven before (it could not be acknowledged) is only acknowledged. One that
    fails again comes back as another dead letter, with an id of its own.
    """
    done: list[Redriven] = []
    for first in range(0, len(letters), _ACKNOWLEDGED_AT_ONCE):
        published = [
            _redrive(runtime, letter, who, reason) for letter in letters[first : first + _ACKNOWLEDGED_AT_ONCE]
        ]
        done += _acknowledge_together(runtime, published)
    return done


def _acknowledge_together(runtime: Runtime, done: Sequence[Redriven]) -> list[Redriven]:
    """The same, once those that are published were acknowledged: in one call for each
    subscription.
    """
    letters = [one.letter for one in done if one.letter.redrivable]
    missed: set[str] = set()
    for name in dict.fromkeys(letter.subscription for letter in letters):
        ours = {letter.ack_id: letter.path for letter in letters if letter.subscription == name}
        missed |= _acknowledge(runtime, name, ours)
    return [replace(one, message=f"{one.message}{_MISSED}") if one.letter.path in missed else one for one in done]


def _redrive(runtime: Runtime, letter: DeadLetter, who: str, reason: str) -> Redriven:
    if not letter.redrivable:
        return Redriven(letter, False, letter.not_redrivable)
    with suppress(PreconditionFailed):  # kept before
        runtime.raw.write(letter.blob, letter.data, content_type="application/octet-stream", if_generation=0)
    decided = Redrive(
        subscription=letter.subscription,
        message_id=letter.id,
        origin_topic=letter.origin_topic,
        origin_message_id=letter.origin_message_id,
        dead_letter_reason=letter.reason,
        who=who,
        reason=reason,
        at=runtime.clock.now(),
        ack_id=letter.ack_id,
        acknowledged=False,
        outbox=outbox.entries(letter.key, [OutboxFile(letter.origin_topic, letter.blob, _attributes(letter))]),
        outbox_pending=True,
    )
    with suppress(AlreadyExists):  # recorded before: what was decided then is finished now
        runtime.state.create(letter.path, decided.to_document())
    failpoints.reach("redrive.recorded")
    published = _publish(runtime, letter.path)
    failpoints.reach("redrive.published")
    message = f"published to {letter.origin_topic}" if published else "published before"
    return Redriven(letter, bool(published), message)


def _attributes(letter: DeadLetter) -> dict[str, str]:
    """The original message's attributes, and what keeps its run and its dates what they were."""
    kept = of_the_message(letter.attributes)
    kept |= {"trigger_source": "redrive", "origin_message_id": letter.origin_message_id}
    if letter.published_at is not None:
        kept["origin_published_at"] = letter.published_at.isoformat()
    return kept


def _publish(runtime: Runtime, path: str) -> int:
    """Write the audit record of a recorded redrive and send what its outbox holds; returns the
    messages sent.
    """
    document = runtime.state.get(path)
    if document is None:
        raise StoreUnavailable(f"{path} was written and cannot be read.", next_step="redrive it again.")
    recorded = Redrive.from_document(document)
    details = {
        "subscription": recorded.subscription,
        "message_id": recorded.message_id,
        "origin_topic": recorded.origin_topic,
        "origin_message_id": recorded.origin_message_id,
        "dead_letter_reason": recorded.dead_letter_reason,
    }
    with suppress(AlreadyExists):  # the same redrive, interrupted: one action is one record
        audit_log.record(
            runtime.state,
            "redrive",
            who=recorded.who,
            reason=recorded.reason,
            details=details,
            now=recorded.at,
            outcome=f"published to {recorded.origin_topic}",
        )
    return outbox.send_pending(path, runtime.state, runtime.bus, runtime.raw)


def _acknowledge(runtime: Runtime, subscription: str, paths: Mapping[str, str]) -> set[str]:
    """Acknowledge letters, by ack id the paths of their redrives; returns the paths of those that
    were not waiting.
    """
    missed = {paths[ack_id] for ack_id in runtime.bus.ack(subscription, list(paths))}
    for path in paths.values():
        if path not in missed:
            runtime.state.update(path, Redrive.fields(acknowledged=True))
    return missed


def list_unfinished(state: State) -> list[Redrive]:
    """Redrives that were interrupted: recorded, and not known to be acknowledged."""
    found = state.query(COLLECTION, [Filter("acknowledged", "==", False)])
    return [Redrive.from_document(document) for document in found]


def finish(runtime: Runtime, redrive: Redrive) -> int:
    """Do what is left of an interrupted redrive; returns the messages published.

    A letter that is not waiting is out with somebody else who pulled, or was acknowledged by a
    process that died before it said so. The latter is so where it is missed again when nobody can
    hold it any more.
    """
    published = _publish(runtime, redrive.path)
    now = runtime.clock.now()
    if _acknowledge(runtime, redrive.subscription, {redrive.ack_id: redrive.path}):
        if redrive.missed_at is None:
            runtime.state.update(redrive.path, Redrive.fields(missed_at=now))
        elif now - redrive.missed_at >= LONGEST_HELD:
            runtime.state.update(redrive.path, Redrive.fields(acknowledged=True))
    return published
