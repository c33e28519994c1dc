"""Breaks of what carries messages: handler, ledger, outbox, delivery and deferred messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from shared.chain.execution import handler, run_identity
from shared.chain.execution.ledger import Done, Ledger, Taken
from shared.chain.execution.records import ExecutionFacts, ExecutionStatus, Success
from shared.chain.messages import outbox
from shared.chain.resilience import dead_letters, deferred
from shared.core.errors import Retriable
from shared.stores.ports import Document
from shared.stores.runtime import Runtime
from tests.simulation.patching import Instead, Table, everywhere, patch

TABLE = Table()

Finish = Callable[[Ledger, Taken, Success], None]
_runtime: ContextVar[Runtime] = ContextVar("runtime of the execution")


@contextmanager
def _finishing(instead: Callable[[Finish, Ledger, Taken, Success, Runtime], None]) -> Iterator[None]:
    """Another way to record success, which knows the ports."""
    execute, finish = handler._execute, Ledger.finish

    def broken_execute(of: Any, message: Any, run: Any, runtime: Runtime, passage: Any) -> Any:
        _runtime.set(runtime)
        return execute(of, message, run, runtime, passage)

    def broken_finish(self: Ledger, taken: Taken, success: Success) -> None:
        instead(finish, self, taken, success, _runtime.get())

    with patch(handler, "_execute", broken_execute), patch(Ledger, "finish", broken_finish):
        yield


def _publish(taken: Taken, success: Success, runtime: Runtime) -> None:
    for entry in success.outbox:
        outbox._publish(taken.key.path, entry, runtime.bus, runtime.raw)


@TABLE.add("publish before record", "the outcome's messages are published before it is recorded")
def _publish_before_record() -> Iterator[None]:
    def finish(whole: Finish, ledger: Ledger, taken: Taken, success: Success, runtime: Runtime) -> None:
        _publish(taken, success, runtime)
        whole(ledger, taken, replace(success, outbox_pending=False))

    with _finishing(finish):
        yield


@TABLE.add("record without outbox", "a result is recorded without its messages, which are published right after")
def _record_without_outbox() -> Iterator[None]:
    def finish(whole: Finish, ledger: Ledger, taken: Taken, success: Success, runtime: Runtime) -> None:
        whole(ledger, taken, replace(success, outbox=[], outbox_pending=False))
        _publish(taken, success, runtime)

    with _finishing(finish):
        yield


@contextmanager
def _sending(instead: Callable[[Document, Callable[[], int], Callable[[list[Any]], None]], int]) -> Iterator[None]:
    """Another way to send what a document's outbox holds."""

    def send_pending(path: str, state: Any, bus: Any, raw: Any) -> int:
        document = state.get(path)
        if document is None or not document.data.get("outbox_pending"):
            return 0
        entries = document.data["outbox"]

        def publish() -> int:
            return sum(outbox._publish(path, entry, bus, raw) for entry in entries)

        def mark(left: list[Any]) -> None:
            sent = [*document.data.get("outbox_sent", []), *(json.dumps([e["id"], e["topic"]]) for e in entries)]
            fields = {"outbox": left, "outbox_pending": bool(left), "outbox_sent": sent}
            state.transaction(lambda transaction: transaction.update(path, fields))

        return instead(document, publish, mark)

    with everywhere(outbox.send_pending, send_pending):
        yield


@TABLE.add("marked as sent before publishing", "an outbox is marked as sent, and published after that")
def _mark_before_publishing() -> Iterator[None]:
    def send(document: Document, publish: Callable[[], int], mark: Callable[[list[Any]], None]) -> int:
        mark([])
        return publish()

    with _sending(send):
        yield


@TABLE.add("no lease", "an execution is taken although another's lease stands")
def _no_lease() -> Iterator[None]:
    with patch(Ledger, "_is_free", lambda self, execution, now: True):
        yield


@TABLE.add("no fencing", "a result is recorded whether or not the execution was taken over")
def _no_fencing() -> Iterator[None]:
    def write(self: Ledger, taken: Taken, fields: dict[str, Any]) -> None:
        self._state.update(taken.key.path, fields)

    with patch(Ledger, "_write_fenced", write):
        yield


@TABLE.add(
    "taken without precondition", "an execution is taken over without asking whether it changed since it was read"
)
def _unconditional_take() -> Iterator[None]:
    take = Ledger.take

    def broken_take(self: Ledger, *args: Any, **more: Any) -> Taken | Done:
        state = self._state
        careless = Ledger(
            Instead(state, update=lambda path, fields, if_version: state.update(path, fields)),
            self._owner,
            self._epoch,
        )
        return take(careless, *args, **more)

    with patch(Ledger, "take", broken_take):
        yield


@TABLE.add("success forgotten", "an execution that succeeded is carried out again")
def _success_forgotten() -> Iterator[None]:
    take = Ledger.take

    def broken_take(self: Ledger, *args: Any, **more: Any) -> Taken | Done:
        state = self._state

        def get(path: str) -> Document | None:
            found = state.get(path)
            if found is None or found.data["status"] != ExecutionStatus.SUCCEEDED:
                return found
            return replace(found, data={**found.data, "status": ExecutionStatus.FAILED.value})

        return take(Ledger(Instead(state, get=get), self._owner, self._epoch), *args, **more)

    with patch(Ledger, "take", broken_take):
        yield


@TABLE.add("as_of anew at every attempt", "a retry may use what was known later than at the first attempt")
def _as_of_anew() -> Iterator[None]:
    take = Ledger.take

    def broken_take(self: Ledger, key: Any, now: Any, lease: Any, facts: ExecutionFacts, **more: Any) -> Taken | Done:
        found = take(self, key, now, lease, facts, **more)
        if isinstance(found, Done) or not facts.as_of:
            return found
        return replace(found, execution=replace(found.execution, as_of=facts.as_of))

    with patch(Ledger, "take", broken_take):
        yield


@TABLE.add("failure acknowledged", "a failure that a retry would mend is answered with 200")
def _failure_acknowledged() -> Iterator[None]:
    answer = handler.Response
    with patch(handler, "Response", lambda status, body: answer(200 if status == 503 else status, body)):
        yield


@TABLE.add("poison dropped", "poison is acknowledged and no dead letter is written")
def _poison_dropped() -> Iterator[None]:
    def broken_drop(function: Any, envelope: Any, body: bytes, error: Any, runtime: Runtime) -> handler.Response:
        return handler.Response(200, {"status": "dead_lettered", "reason": str(error), "error_type": error.event})

    with patch(handler, "_dead_letter", broken_drop):
        yield


@TABLE.add("deferred without parking", "a message that the pause switch stops is acknowledged and not kept")
def _deferred_without_parking() -> Iterator[None]:
    with patch(handler, "defer", lambda runtime, function, envelope, rejection: None):
        yield


@TABLE.add("deferred for ever", "what was deferred is not released when it would be admitted")
def _deferred_for_ever() -> Iterator[None]:
    with patch(deferred, "release_deferred", lambda runtime: []):
        yield


@TABLE.add("run id of the message", "a scheduler that fires twice makes two runs")
def _run_id_of_the_message() -> Iterator[None]:
    whole = run_identity._run_id

    def run_id(message: Any, envelope: Any, runtime: Runtime) -> str:
        found = whole(message, envelope, runtime)
        return f"{found}-{envelope.message_id}" if message.schedule and not message.run_id else found

    with patch(run_identity, "_run_id", run_id):
        yield


@TABLE.add("errors passed over", "a phase catches what its warehouse raises and goes on")
def _errors_passed_over() -> Iterator[None]:
    execute = handler._execute

    def broken_execute(of: Any, message: Any, run: Any, runtime: Runtime, passage: Any) -> Any:
        warehouse = runtime.warehouse

        def replace_partition(*args: Any, **kwargs: Any) -> int:
            try:
                return warehouse.replace_partition(*args, **kwargs)
            except Retriable:
                return 1

        careless: Any = Instead(warehouse, replace_partition=replace_partition)
        return execute(of, message, run, replace(runtime, warehouse=careless), passage)

    with patch(handler, "_execute", broken_execute):
        yield


@TABLE.add("redrive drops the letter", "a dead letter is acknowledged when it is read, before its redrive is recorded")
def _redrive_drops_the_letter() -> Iterator[None]:
    redrive = dead_letters._redrive

    def broken_drop(runtime: Runtime, letter: dead_letters.DeadLetter, who: str, reason: str) -> dead_letters.Redriven:
        runtime.bus.ack(letter.subscription, [letter.ack_id])
        return redrive(runtime, letter, who, reason)

    with patch(dead_letters, "_redrive", broken_drop):
        yield
