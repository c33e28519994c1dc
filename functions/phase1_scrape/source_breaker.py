"""The circuit breaker of one source, as one execution sees it.

Asked at the first request: what was fetched by an earlier attempt needs none. The answer holds for
all the execution's tasks, so that a half-open breaker's trial is a whole one. What fails counts
once, however many requests, tasks and attempts of the execution it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from shared.chain.resilience import circuit_breaker
from shared.chain.resilience.circuit_breaker import Permit
from shared.core.errors import DataError, Retriable, SourceUnavailable
from shared.stores.runtime import Runtime

logger = logging.getLogger(__name__)

T = TypeVar("T")


class NothingYet(SourceUnavailable):
    """The source answers as it should, but does not have what was asked for: no failure of the
    source.
    """


@dataclass
class _Doing:
    """What a task did: whether the source was really asked."""

    asked: bool = False


# Of the task in whose thread, or a thread that it began (threads get a copy of the context), a
# request is made.
_doing: ContextVar[_Doing | None] = ContextVar("doing", default=None)


class SourceBreaker:
    """Safe to use from many threads. `execution` is its id, `trial` how long it can take."""

    def __init__(self, runtime: Runtime, source: str, execution: str, trial: timedelta) -> None:
        self.name = circuit_breaker.name_of("source", source)
        self._runtime = runtime
        self._execution = execution
        self._trial = trial
        self._turn = threading.Lock()
        self._permit: Permit | None = None

    def before_request(self) -> None:
        """Raises SourceUnavailable, naming the breaker, while the source is to be left alone."""
        with self._turn:
            if self._permit is None:
                self._permit = circuit_breaker.acquire_permit(self._runtime, self.name, trial=self._trial)
            permit = self._permit
        if not permit.granted:
            raise SourceUnavailable(
                f"not asked: {permit.breaker.describe()}.",
                next_step="nothing: one run tries it again after that time.",
            )
        doing = _doing.get()
        if doing is not None:
            doing.asked = True

    def watch(self, task: Callable[[], T]) -> Callable[[], T]:
        """The task, its end recorded on the breaker where it asked the source for anything."""

        def doing() -> T:
            mine = _Doing()
            token = _doing.set(mine)
            try:
                result = task()
            except (NothingYet, DataError):
                # it answered; what it lacks, or what the message asked it for, is not its failure
                self._record(mine, None)
                raise
            except SourceUnavailable as error:
                self._record(mine, error)
                raise
            finally:
                _doing.reset(token)
            self._record(mine, None)
            return result

        return doing

    def _record(self, doing: _Doing, failure: SourceUnavailable | None) -> None:
        permit = self._permit
        if not doing.asked or permit is None:
            return
        try:
            if failure is not None:
                # a task of this execution that succeeds later finds it no longer clean
                failed = circuit_breaker.record_failure(self._runtime, self.name, failure, execution=self._execution)
                self._permit = replace(permit, breaker=failed)
            else:
                circuit_breaker.record_success(self._runtime, permit)
        except Retriable as unrecorded:
            # how the task ended is what matters
            logger.warning("%s: how a task ended was not recorded: %s", self.name, unrecorded)
