"""How functions did by week and by month, and since when one is slower than it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from statistics import median

from shared.core.clock import new_york_date
from shared.core.errors import DataError
from shared.core.pipeline import Pipeline
from shared.operations.api.as_json import OF_THE_MOMENT
from shared.operations.slowdown.change_points import find_changes
from shared.operations.slowdown.executions import FAILED, Execution, history_now, read_executions
from shared.operations.slowdown.figures import Usual, quantile
from shared.operations.slowdown.judging import LEAST_EXTRA_SECONDS, TREND_YELLOW, in_words
from shared.stores.runtime import Runtime

WEEKS = range(1, 54)
P50, P95 = 0.5, 0.95
Group = tuple[str, str]


@dataclass(frozen=True)
class Period:
    """A week or month of one function and mode. Seconds are of work alone."""

    starts_on: date
    """A Monday, or the first of a month, in New York."""
    function: str
    mode: str
    runs: int
    """Executions that ended for good, whatever they did."""
    worked: int
    failures: int
    taken_again: int
    """Executions that did their work at a later attempt."""
    p50: float | None
    """Seconds; None where none did any work."""
    p95: float | None
    change: float | None = None
    """Of p50 since the week or month before; 0.1 is 10% slower. None without one."""


@dataclass(frozen=True)
class Regression:
    """A function became slower in a mode, and was so for a while."""

    function: str
    mode: str
    began_on: date
    """Day in New York of the first run on the slower level."""
    run_id: str
    """That run."""
    ended_on: date | None
    """Day of the first run that was as fast as before; None: it goes on."""
    before_seconds: float
    """Median of the level before."""
    after_seconds: float
    times: float
    """Beside the level before, its seconds in proportion where there are more rows."""
    says: str


@dataclass(frozen=True)
class Report:
    """Weeks and months by function and mode, newest first, in the order of pipeline.yaml."""

    at: datetime = field(metadata=OF_THE_MOMENT)
    """The moment, by the clock of the run history."""
    first_date: date
    """From this day on executions were read: the first of a month."""
    weeks: tuple[Period, ...]
    months: tuple[Period, ...]
    regressions: tuple[Regression, ...]
    """Newest first."""


def read_report(runtime: Runtime, pipeline: Pipeline, weeks: int) -> Report:
    """The last so many weeks, the running one included, and every month that they touch; one
    statement.

    Raises DataError for a number that is not 1 to 53, StoreUnavailable.
    """
    if weeks not in WEEKS:
        raise DataError(
            f"A report of {weeks} weeks cannot be made.", next_step=f"ask for {WEEKS[0]} to {WEEKS[-1]} weeks."
        )
    now = history_now(runtime)
    today = new_york_date(now)
    first_week = _monday(today) - timedelta(weeks=weeks - 1)
    # the week before is read for the first one's change
    first = _first_of_month(first_week - timedelta(weeks=1))
    found = read_executions(runtime, (today - first).days + 1)
    listed = [each for each in found if each.function in pipeline.functions and _day(each) >= first]
    return make_report(listed, tuple(pipeline.functions), now, first, first_week)


def make_report(
    executions: Sequence[Execution], functions: Sequence[str], now: datetime, first: date, first_week: date
) -> Report:
    """The report of executions that began on `first` or later, oldest first; `functions`: the
    order.
    """
    groups: dict[Group, list[Execution]] = defaultdict(list)
    for each in executions:
        groups[each.function, each.mode].append(each)
    ordered = sorted(groups, key=lambda group: (functions.index(group[0]), group[1]))
    regressions = [one for group in ordered for one in find_regressions(groups[group])]
    weeks = [one for group in ordered for one in _periods(groups[group], _monday) if one.starts_on >= first_week]
    months = [one for group in ordered for one in _periods(groups[group], _first_of_month)]
    return Report(
        at=now,
        first_date=first,
        weeks=_newest_first(weeks),
        months=_newest_first(months),
        regressions=tuple(sorted(regressions, key=lambda one: one.began_on, reverse=True)),
    )


def find_regressions(executions: Sequence[Execution]) -> list[Regression]:
    """Where one function and mode, oldest first, became slower by more than 25% and a second, and
    when that was over.
    """
    work = [each for each in executions if each.is_work]
    if not work:
        return []
    whole = _level(work)
    starts = [0, *find_changes([each.seconds * whole.seconds / whole.fair_seconds(each.rows) for each in work])]
    levels = [_level(work[start:end]) for start, end in zip(starts, [*starts[1:], len(work)], strict=True)]
    found: list[tuple[Regression, Usual]] = []
    for place in range(1, len(levels)):
        first, before, level = work[starts[place]], levels[place - 1], levels[place]
        found = [(one if one.ended_on or _is_slower(level, usual) else _end(one, first), usual) for one, usual in found]
        if _is_slower(level, before):
            found.append((_regression(first, before, level), before))
    return [one for one, _ in found]


def _level(work: Sequence[Execution]) -> Usual:
    """What they took in the middle."""
    return Usual(len(work), median(each.seconds for each in work), median(each.rows for each in work))


def _is_slower(after: Usual, before: Usual) -> bool:
    fair = before.fair_seconds(after.rows)
    return after.seconds - fair >= LEAST_EXTRA_SECONDS and after.seconds > fair * (1 + TREND_YELLOW)


def _regression(first: Execution, before: Usual, after: Usual) -> Regression:
    began_on = _day(first)
    times = after.seconds / before.fair_seconds(after.rows)
    return Regression(
        function=first.function,
        mode=first.mode,
        began_on=began_on,
        run_id=first.run_id,
        ended_on=None,
        before_seconds=before.seconds,
        after_seconds=after.seconds,
        times=times,
        says=f"{first.function} ({first.mode}) takes {in_words(after.seconds)} since {began_on}, {times:.1f} times"
        f" the {in_words(before.seconds)} before.",
    )


def _end(one: Regression, first: Execution) -> Regression:
    ended_on = _day(first)
    says = (
        f"{one.function} ({one.mode}) took {in_words(one.after_seconds)} from {one.began_on} to {ended_on},"
        f" {one.times:.1f} times the {in_words(one.before_seconds)} before."
    )
    return replace(one, ended_on=ended_on, says=says)


def _periods(executions: Sequence[Execution], start_of: Callable[[date], date]) -> list[Period]:
    """Of one function and mode, oldest first, with the change since the period before."""
    by_start: dict[date, list[Execution]] = defaultdict(list)
    for each in executions:
        by_start[start_of(_day(each))].append(each)
    found: list[Period] = []
    for start in sorted(by_start):
        period = _period(start, by_start[start])
        before = found[-1] if found and found[-1].starts_on == start_of(start - timedelta(days=1)) else None
        if before and before.p50 and period.p50 is not None:
            period = replace(period, change=period.p50 / before.p50 - 1)
        found.append(period)
    return found


def _period(start: date, executions: Sequence[Execution]) -> Period:
    seconds = [each.seconds for each in executions if each.is_work]
    return Period(
        starts_on=start,
        function=executions[0].function,
        mode=executions[0].mode,
        runs=len(executions),
        worked=len(seconds),
        failures=sum(each.status == FAILED for each in executions),
        taken_again=sum(each.attempts > 1 and each.status != FAILED for each in executions),
        p50=quantile(seconds, P50) if seconds else None,
        p95=quantile(seconds, P95) if seconds else None,
    )


def _newest_first(periods: Sequence[Period]) -> tuple[Period, ...]:
    """Newest first; of one start in the order given."""
    return tuple(sorted(periods, key=lambda each: each.starts_on, reverse=True))


def _day(execution: Execution) -> date:
    return new_york_date(execution.started_at)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first_of_month(day: date) -> date:
    return day.replace(day=1)
