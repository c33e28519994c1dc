"""The slowdown of every function and mode, read from the run history, and as findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.core.pipeline import WORKER, Pipeline
from shared.operations.api.as_json import OF_THE_MOMENT
from shared.operations.levels import LEVELS, Figure, Finding, Level, Severity
from shared.operations.slowdown.executions import Execution, check_function, history_now, read_executions
from shared.operations.slowdown.judging import AT_REST, SPREAD_DAYS, Slowdown, judge
from shared.stores.runtime import Runtime

CHECK = "slowdown"
# The latest run may be a week old; what it is compared with is four weeks older at most.
_DAYS = (AT_REST + SPREAD_DAYS).days
_SEVERITY = {Level.GREEN: Severity.INFO, Level.YELLOW: Severity.WARNING, Level.RED: Severity.ERROR}


@dataclass(frozen=True)
class Slowdowns:
    """Every function and mode that ended an execution lately, in the order of pipeline.yaml."""

    at: datetime = field(metadata=OF_THE_MOMENT)
    """The moment, by the clock of the run history."""
    rows: tuple[Slowdown, ...]


def read_slowdowns(runtime: Runtime, pipeline: Pipeline, function: str | None = None) -> Slowdowns:
    """Judge all functions, or one; one statement.

    Raises DataError for a function that pipeline.yaml does not have, StoreUnavailable.
    """
    if function is not None:
        check_function(pipeline, function)
    now = history_now(runtime)
    groups: dict[tuple[str, str], list[Execution]] = defaultdict(list)
    for each in read_executions(runtime, _DAYS, function or ""):
        if each.function in pipeline.functions:  # one that is gone by now is nobody's concern
            groups[each.function, each.mode].append(each)
    places = {name: place for place, name in enumerate(pipeline.functions)}
    ordered = sorted(groups, key=lambda key: (places[key[0]], key[1]))
    return Slowdowns(now, tuple(judge(groups[key], timeout_of(pipeline, key[0]), now) for key in ordered))


def timeout_of(pipeline: Pipeline, function: str) -> int | None:
    """A function's time-out in seconds; None of the workers, whose row is of a whole batch."""
    return None if function == WORKER else pipeline.functions[function].timeout_seconds


def as_findings(slowdowns: Slowdowns) -> tuple[Finding, ...]:
    """One finding a function: its worst mode. A function that did not get to work is not slow: that
    is other checks' to say.
    """
    worst: dict[str, Slowdown] = {}
    for each in slowdowns.rows:
        before = worst.get(each.function)
        if before is None or _badness(each) > _badness(before):
            worst[each.function] = each
    return tuple(
        Finding(
            check=CHECK,
            subject=each.function,
            level=each.level,
            says=f"{each.function} ({each.mode}): {each.says}",
            next_step=each.next_step,
            figures=_figures(each),
            severity=_SEVERITY[each.level],
            game_date=each.game_date,
        )
        for each in worst.values()
    )


def _badness(each: Slowdown) -> tuple[int, float]:
    return LEVELS.index(each.level), each.times or 0.0


def _figures(each: Slowdown) -> Mapping[str, Figure]:
    return {
        "mode": each.mode,
        "seconds": each.seconds,
        "mean_seconds": each.mean_seconds,
        "runs": each.runs,
        "times": each.times,
        "share": each.share,
        "trend": each.trend,
        "taken_again": each.taken_again,
        "failed": each.failed,
        "died": each.died,
    }
