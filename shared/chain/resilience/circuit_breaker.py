"""Circuit breakers: what five executions in a row failed at is left alone for half an hour, then
tried once.

    closed -- the fifth execution fails --> open -- 30 minutes --> half_open -- one claims --> trial
      ^                                      ^                                                   |
      |                                      +------------------ it fails -----------------------+
      +--------------------------------------------------------- it succeeds --------------------+

Counted are executions, not their attempts: one message that always fails says nothing about the
others.

A breaker is the document breakers/{name}. Absent, without failures or of an earlier epoch of
simulated time it is clean, and a success then writes nothing: many workers share one document only
while something fails.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from shared.chain.resilience import audit_log
from shared.core.errors import PreconditionFailed
from shared.core.events import Event
from shared.core.redaction import what_failed
from shared.core.storable import storable
from shared.stores.ports import Document, Filter, Transaction
from shared.stores.records import ALWAYS_WRITTEN, StoredRecord
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

COLLECTION = "breakers"
THRESHOLD = 5
OPEN_FOR = timedelta(minutes=30)
# Executions that a document names, the latest: more than open it, and few enough for one small
# document.
REMEMBERED = 4 * THRESHOLD
Kind = Literal["processor", "source", "system"]
BreakerState = Literal["closed", "open", "half_open", "trial"]


@dataclass(frozen=True, kw_only=True)
class Breaker(StoredRecord):
    """A breaker's document; one that counts for nothing is read as a clean breaker."""

    kind: str
    failures: int
    """How many executions failed since the last success."""
    # a document of an earlier release counted attempts and named nobody
    executions: tuple[str, ...] = field(default=(), metadata=ALWAYS_WRITTEN)
    """The latest executions that failed."""
    opened_at: datetime | None
    trial_until: datetime | None
    last_error: str
    epoch: int
    updated_at: datetime

    @property
    def name(self) -> str:
        return self.id

    def state(self, now: datetime) -> BreakerState:
        """closed, open, half_open (one may try), trial (one is trying)."""
        if self.opened_at is None:
            return "closed"
        if now < self.opened_at + OPEN_FOR:
            return "open"
        return "trial" if self.trial_until is not None and now < self.trial_until else "half_open"

    def describe(self) -> str:
        """What people are told of work that it stops."""
        until = "" if self.opened_at is None else f" until {self.opened_at + OPEN_FOR:%Y-%m-%dT%H:%M:%SZ}"
        return f"breaker {self.name} is open{until}: {self.failures} failures in a row, the last: {self.last_error}"


@dataclass(frozen=True)
class Permit:
    """What a breaker answered.

    `trial_until` is set where this permit is the one trial of a half-open breaker.
    """

    breaker: Breaker
    granted: bool
    trial_until: datetime | None = None


def name_of(kind: Kind, what: str) -> str:
    """The breaker of a processor (function), source or system."""
    return f"{kind}-{what}"


def read(runtime: Runtime, name: str) -> Breaker:
    return _of(name, runtime.state.get(_path(name)), runtime)


def read_kind(runtime: Runtime, kind: Kind) -> dict[str, Breaker]:
    """Breakers of a kind that are not clean, by name: one query."""
    documents = runtime.state.query(COLLECTION, [Filter("kind", "==", kind)])
    found = (_of(document.id, document, runtime) for document in documents)
    return {breaker.name: breaker for breaker in found if breaker.failures}


def state_of(runtime: Runtime, name: str) -> BreakerState:
    return read(runtime, name).state(runtime.clock.now())


def acquire_permit(runtime: Runtime, name: str, *, trial: timedelta) -> Permit:
    """Ask a breaker whether work may begin.

    A half-open one grants one permit, for as long as `trial`.
    """
    return acquire_permit_of(runtime, read(runtime, name), trial=trial)


def acquire_permit_of(runtime: Runtime, breaker: Breaker, *, trial: timedelta) -> Permit:
    """As `acquire_permit`, of a breaker already read."""
    now = runtime.clock.now()
    state = breaker.state(now)
    if state != "half_open":
        return Permit(breaker, state == "closed")
    until = now + trial
    try:
        runtime.state.update(breaker.path, Breaker.fields(trial_until=until), if_version=breaker.version)
    except PreconditionFailed:
        return Permit(breaker, granted=False)  # another has the trial
    return Permit(breaker, granted=True, trial_until=until)


def record_failure(runtime: Runtime, name: str, error: BaseException, *, execution: str) -> Breaker:
    """Count an execution that failed; returns the breaker as it then is.

    A second failure of the same execution changes nothing but the last error, unless it was the
    trial: whoever fails that opens the breaker for another while.
    """
    path, now = _path(name), runtime.clock.now()

    def count(transaction: Transaction) -> Breaker:
        before = _of(name, transaction.get(path), runtime)
        state = before.state(now)
        known = execution in before.executions
        failures = before.failures if known else before.failures + 1
        opens = state in ("half_open", "trial") or (state == "closed" and failures >= THRESHOLD)
        after = replace(
            before,
            failures=failures,
            executions=before.executions if known else (*before.executions, execution)[-REMEMBERED:],
            opened_at=now if opens else before.opened_at,
            trial_until=None,
            last_error=storable(what_failed(error, 500)),
            updated_at=now,
        )
        transaction.set(path, after.to_document())
        return after

    breaker = runtime.state.transaction(count)
    if breaker.opened_at == now:
        logger.error(
            "%s",
            breaker.describe(),
            extra={"fields": {"event": Event.BREAKER_OPENED, "breaker": name, "failures": breaker.failures}},
        )
    return breaker


def record_success(runtime: Runtime, permit: Permit) -> None:
    """The work that a permit let through succeeded: the failures in a row end, a half-open breaker
    closes.

    An open breaker stays open: what succeeds then began before it opened.
    """
    if not permit.breaker.failures:
        return
    name, now = permit.breaker.name, runtime.clock.now()

    def clear(transaction: Transaction) -> bool:
        before = _of(name, transaction.get(_path(name)), runtime)
        if not before.failures or before.state(now) == "open":
            return False
        transaction.set(_path(name), _clean(name, runtime, before.last_error).to_document())
        return before.opened_at is not None

    if runtime.state.transaction(clear):
        logger.info("breaker %s is closed again", name)


def release(runtime: Runtime, permit: Permit) -> None:
    """A trial that ended neither well nor badly (nothing was done) leaves its turn to the next."""
    if permit.trial_until is None:
        return
    path = permit.breaker.path

    def clear(transaction: Transaction) -> None:
        document = transaction.get(path)
        if document is not None and Breaker.from_document(document).trial_until == permit.trial_until:
            transaction.update(path, Breaker.fields(trial_until=None))

    runtime.state.transaction(clear)


def reset(runtime: Runtime, name: str, *, who: str, reason: str) -> None:
    """An operator closes a breaker by hand, once what was broken is mended (audited).

    A clean one stays as it is.
    """
    path, now = _path(name), runtime.clock.now()

    def close(transaction: Transaction) -> None:
        before = _of(name, transaction.get(path), runtime)
        if before.failures:
            transaction.set(path, _clean(name, runtime, before.last_error).to_document())
            details = {"breaker": name, "version": before.version}
            audit_log.record(
                transaction, "reset-breaker", who=who, reason=reason, details=details, now=now, outcome="closed"
            )

    runtime.state.transaction(close)


def _path(name: str) -> str:
    return f"{COLLECTION}/{name}"


def _of(name: str, document: Document | None, runtime: Runtime) -> Breaker:
    """A breaker as its document says; clean where there is none, or one of another epoch of
    simulated time.
    """
    breaker = None if document is None else Breaker.from_document(document)
    return _clean(name, runtime) if breaker is None or breaker.epoch != runtime.epoch else breaker


def _clean(name: str, runtime: Runtime, last_error: str = "") -> Breaker:
    return Breaker(
        kind=name.partition("-")[0],
        failures=0,
        opened_at=None,
        trial_until=None,
        last_error=last_error,
        epoch=runtime.epoch,
        updated_at=runtime.clock.now(),
        path=_path(name),
    )
