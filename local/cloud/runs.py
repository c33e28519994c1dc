"""A run followed from its message to its last phase, in the ledger of executions: the state port is
all it asks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.chain.execution.ledger import executions_of
from shared.chain.execution.records import Execution, ExecutionStatus
from shared.chain.resilience import pause_switch
from shared.core.errors import Fatal, PipelineError
from shared.core.pipeline import load_pipeline
from shared.stores.runtime import Runtime

POLL_SECONDS = 10.0
Report = Callable[[str], None]


class NotThrough(PipelineError):
    """The run did not come to its end: it failed for good, or is still under way when waiting
    ended.
    """


@dataclass(frozen=True)
class Waiting:
    """How to wait: at most so many minutes a run, looking every few seconds; `rest` is what passes
    the time.
    """

    minutes: float = 120.0
    rest: Callable[[float], None] = time.sleep


def run_through(
    runtime: Runtime, topic: str, message: Mapping[str, Any], last: str, wait: Waiting, report: Report
) -> None:
    """Publish a message that names its run, and wait until a function of phase `last` has ended for
    that run.

    A run that is through already is not done again: the ledger answers for it. Says each phase as
    it ends.

    Raises NotThrough with the next step, Fatal while the pipeline is paused, and what the ports
    raise.
    """
    check_not_paused(runtime)
    run_id = str(message["run_id"])
    earlier = executions_of(runtime.state, run_id)
    first = load_pipeline().function_of_topic(topic)
    # What failed behind the first phase is begun by its own message alone, and that is a dead
    # letter.
    _raise_failed([each for each in earlier if each.function not in first])
    before = {each.path: each.generation for each in earlier}
    runtime.bus.publish(topic, json.dumps(message).encode())
    until = runtime.clock.now() + timedelta(minutes=wait.minutes)
    reported: set[tuple[str, int]] = set()
    while True:
        executions = executions_of(runtime.state, run_id)
        for execution in executions:
            report_once(execution, reported, report)
        succeeded = {each.phase for each in executions if each.status == ExecutionStatus.SUCCEEDED}
        if last in succeeded:
            return
        _raise_failed([each for each in executions if each.generation > before.get(each.path, 0)])
        if runtime.clock.now() >= until:
            raise not_through(run_id, executions, wait.minutes)
        wait.rest(POLL_SECONDS)


def check_not_paused(runtime: Runtime) -> None:
    """Raises Fatal while the pipeline is paused."""
    switch = pause_switch.read(runtime.state)
    if switch is not None and switch.paused:
        raise Fatal(
            f"The pipeline is paused, by {switch.who}: {switch.reason}. What is published would be held.",
            next_step='./nba resume --why "..." first.',
        )


def not_through(run_id: str, executions: Iterable[Execution], minutes: float) -> NotThrough:
    """What to raise for a run that takes longer than it may."""
    ended = ", ".join(sorted({each.phase for each in executions if each.status == ExecutionStatus.SUCCEEDED})) or "none"
    return NotThrough(
        f"Run {run_id} is not through after {minutes:g} minutes; phases that ended: {ended}.",
        next_step="./nba breakers and ./nba dlq say what holds it; the same command then goes on from here.",
    )


def _raise_failed(executions: Iterable[Execution]) -> None:
    """Raises NotThrough for an execution after which no delivery follows."""
    for execution in executions:
        if execution.status == ExecutionStatus.FAILED and execution.final:
            raise NotThrough(
                f"{execution.function} of run {execution.run_id} failed for good: {execution.error_message}",
                next_step="mend the cause and redrive its dead letter (./nba dlq, ./nba redrive); then the same "
                "command goes on from here.",
            )


def report_once(execution: Execution, reported: set[tuple[str, int]], report: Report) -> None:
    """Say that an execution succeeded, unless that was said."""
    key = (execution.path, execution.generation)
    if execution.status != ExecutionStatus.SUCCEEDED or key in reported:
        return
    reported.add(key)
    result = execution.result
    reason = f"  {result['reason']}" if result.get("reason") else ""
    report(f"  {execution.function:<20}  {result['status']:<10}  {result['record_count']} records{reason}")
