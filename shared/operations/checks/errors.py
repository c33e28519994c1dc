"""No errors: what failed in the window and no later run did, by the state and by the run history.

A function's attempts that fail and are tried again are no news: the state has the latest attempt of
each execution, and what a later one did well is told by neither.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.chain.execution.records import Execution, ExecutionStatus
from shared.core.redaction import excerpt
from shared.operations.checks.readings import MOST_EXECUTIONS
from shared.operations.checks.rows import HistoryRow
from shared.operations.checks.texts import clock_text, count_text, span_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Figure, Finding, Level, Severity

CHECK = "no-errors"
# An execution that is tried again is worth a word from this attempt on.
MANY_ATTEMPTS = 3
_LONGEST = 300


@dataclass(frozen=True)
class _Failure:
    """One thing that failed: an execution of the state, or a row of the run history."""

    execution_id: str
    at: datetime
    reason: str
    final: bool


def find_errors(view: View) -> Iterable[Finding]:
    """A finding a function that failed; one green where none did."""
    failures: dict[str, list[_Failure]] = defaultdict(list)
    repaired = 0
    for row in view.history:
        failure = _of_history(row)
        if failure is None:
            continue
        if row.is_repaired(failure.at):
            repaired += row.failures
        else:
            failures[row.processor_name].append(failure)
    for execution in view.failed:
        if not _is_repaired(execution, view.history):
            failures[execution.function].append(_of_state(execution))
    found = list(_findings(view, failures))
    if not found:
        mended = f" that no later run did; repaired: {count_text(repaired, 'failure')}" if repaired else ""
        says = f"nothing failed in the last {span_text(view.window)}{mended}"
        found.append(Finding(CHECK, "pipeline", Level.GREEN, says, figures={"failed": 0, "repaired": repaired}))
    return found


def _of_history(row: HistoryRow) -> _Failure | None:
    if row.failed_at is None or row.execution_id is None:
        return None
    return _Failure(row.execution_id, row.failed_at, row.reason or "no reason given", final=True)


def _of_state(execution: Execution) -> _Failure:
    return _Failure(execution.id, execution.ended, execution.failure or "no reason given", execution.final)


def _is_repaired(execution: Execution, history: Sequence[HistoryRow]) -> bool:
    """Whether a later run of the function did the date."""
    return any(
        (row.processor_name, row.game_date.isoformat()) == (execution.function, execution.game_date)
        and row.is_repaired(execution.ended)
        for row in history
    )


def _findings(view: View, failures: dict[str, list[_Failure]]) -> Iterator[Finding]:
    attempts = {each.id: each.attempts for each in view.failed if each.status == ExecutionStatus.FAILED}
    for function, listed in sorted(failures.items()):
        by_id = {each.execution_id: each for each in sorted(listed, key=lambda each: each.at)}
        final = [each for each in by_id.values() if each.final]
        retried = [each for each in by_id.values() if not each.final and attempts[each.execution_id] >= MANY_ATTEMPTS]
        if not final and not retried:
            continue
        last = max(final or retried, key=lambda each: each.at)
        more = "at least " if len(view.failed) == MOST_EXECUTIONS else ""
        what = "failed for good" if final else f"failed {MANY_ATTEMPTS} times or more and are tried again"
        says = (
            f"{function}: {more}{count_text(len(final or retried), 'execution')} {what}, the last at"
            f" {clock_text(last.at)}: {excerpt(last.reason, _LONGEST)}"
        )
        figures: dict[str, Figure] = {"failed": len(final), "retried": len(retried), "execution_id": last.execution_id}
        step = f"./nba logs --run {last.execution_id.split('.')[1]}, mend the cause, then ./nba dlq"
        level, severity = (Level.RED, Severity.ERROR) if final else (Level.YELLOW, Severity.WARNING)
        yield Finding(CHECK, function, level, says, step, figures, severity)


CHECKS: tuple[Check[View], ...] = (Check(CHECK, "Did anything fail that no later run did?", find_errors),)
