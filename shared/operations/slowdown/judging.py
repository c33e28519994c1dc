"""Whether a function is slow: its latest run beside those of 7 days before, its time-out, and its
last 3 days beside its last 7.

Like is compared with like: runs of one function and mode, and a run that writes more rows than
usual may take more in proportion. What varies a lot by itself is slow only beyond its own limits:
three standard deviations, as in W. A. Shewhart's control charts ("Economic control of quality of
manufactured product", 1931).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from shared.core.pipeline import WORKER
from shared.operations.levels import LEVELS, Level
from shared.operations.slowdown.executions import FAILED, Execution
from shared.operations.slowdown.figures import Usual, spread, usual

WEEK, LAST_DAYS = timedelta(days=7), timedelta(days=3)
# Longer ago than this nothing is said of a run: the function is at rest.
AT_REST = WEEK
# What the spread is taken from: as far as the grid looks back for its usual figures.
SPREAD_DAYS = timedelta(days=28)
LEAST_RUNS = 3
TIMES_YELLOW, TIMES_RED = 2.0, 3.0
SHARE_YELLOW, SHARE_RED = 0.75, 1.0
TREND_YELLOW = 0.25
LIMIT = 3.0
"""Standard deviations."""
# Less than this nobody waits for: of a function that takes a tenth of a second, three times is
# nothing.
LEAST_EXTRA_SECONDS = 1.0


@dataclass(frozen=True)
class Slowdown:
    """How long a function takes in a mode. What could not be told is None."""

    function: str
    mode: str
    level: Level
    says: str
    """In sentences, with the values."""
    next_step: str
    """Empty where it is green."""
    run_id: str | None
    """Of the latest run that did work; the next four are of it, too."""
    game_date: date | None
    started_at: datetime | None
    seconds: float | None
    rows: int | None
    mean_seconds: float | None
    """Of the 7 days before."""
    mean_rows: float | None
    runs: int
    """That the means are of."""
    times: float | None
    """Its seconds beside the usual ones of so many rows; None of fewer than 3 runs."""
    timeout_seconds: int | None
    """None where it is not one execution's: the workers' row is of a whole batch."""
    share: float | None
    """Of the time-out; 1 is all of it."""
    trend: float | None
    """The mean of the last 3 days beside the last 7; 0.25 is 25% slower."""
    taken_again: int
    """Executions of the last 7 days that did their work at a later attempt."""
    seconds_before: float
    """Seconds from the latest one's first take to its last, which are no work."""
    failed: int
    """Executions of the last 7 days that failed for good."""
    died: int
    """Those of them whose process died or was cut off: at the start, by memory, by the time-out."""


@dataclass(frozen=True)
class _Part:
    """One comparison: how bad, and the sentence."""

    level: Level
    says: str


def judge(executions: Sequence[Execution], timeout: int | None, now: datetime) -> Slowdown:
    """Judge the executions of one function and mode, in whatever order.

    Args:
        timeout: the function's time-out in seconds; None where its rows are not one execution's.

    Raises ValueError where there are none.
    """
    if not executions:
        raise ValueError("no executions to judge")
    ordered = sorted(executions, key=lambda each: (each.started_at, each.run_id))
    work = [each for each in ordered if each.is_work]
    lately = [each for each in ordered if each.started_at > ordered[-1].started_at - WEEK]
    latest = work[-1] if work else None
    at_rest = latest is not None and latest.started_at <= now - AT_REST
    if latest is None or at_rest:
        return _summary(lately, latest, None, timeout, (None, None), [_nothing_to_judge(latest)])
    before = [each for each in work[:-1] if each.started_at > latest.started_at - WEEK]
    found = usual(before) if len(before) >= LEAST_RUNS else None
    wide = spread([each for each in work if _is_settled(each, latest)])
    times = None if found is None else latest.seconds / found.fair_seconds(latest.rows)
    recent = [each for each in work if each.started_at > latest.started_at - LAST_DAYS]
    week = [*before, latest]
    trend = _trend(recent, week)
    parts = [
        _of_times(latest, found, times, wide, len(before)),
        _of_share(latest, timeout),
        _of_trend(recent, week, trend, wide),
    ]
    return _summary(lately, latest, found, timeout, (times, trend), parts)


def _is_settled(each: Execution, latest: Execution) -> bool:
    """Whether it is old enough to be no part of what is judged, and young enough to be like it."""
    return latest.started_at - SPREAD_DAYS < each.started_at <= latest.started_at - LAST_DAYS


def _nothing_to_judge(latest: Execution | None) -> _Part:
    if latest is None:
        return _Part(Level.GREEN, "No execution did any work.")
    return _Part(Level.GREEN, f"The latest run with work began at {latest.started_at:%Y-%m-%d %H:%M} UTC.")


def _of_times(latest: Execution, found: Usual | None, times: float | None, wide: float, before: int) -> _Part:
    took = f"The latest run took {in_words(latest.seconds)}"
    if found is None or times is None:
        return _Part(Level.GREEN, f"{took}; {before} runs in the 7 days before are too few to compare.")
    says = f"{took}, {times:.1f} times what {found.runs} runs of the 7 days before took: {in_words(found.seconds)}"
    if found.rows and latest.rows > found.rows:
        says += f" for {found.rows:.0f} rows, this one for {latest.rows}"
    is_felt = latest.seconds - found.fair_seconds(latest.rows) >= LEAST_EXTRA_SECONDS
    if is_felt and times > TIMES_RED:
        return _Part(Level.RED, f"{says}.")
    if is_felt and times > max(TIMES_YELLOW, math.exp(LIMIT * wide)):
        return _Part(Level.YELLOW, f"{says}.")
    return _Part(Level.GREEN, f"{says}.")


def _of_share(latest: Execution, timeout: int | None) -> _Part:
    if timeout is None:
        return _Part(Level.GREEN, "")
    share = latest.seconds / timeout
    level = Level.RED if share > SHARE_RED else Level.YELLOW if share > SHARE_YELLOW else Level.GREEN
    return _Part(level, f"That is {share:.0%} of its time-out of {timeout} s.")


def _trend(recent: Sequence[Execution], week: Sequence[Execution]) -> float | None:
    """The mean of the last days beside the week's, less one; None of too few runs in either
    part.
    """
    if len(recent) < LEAST_RUNS or len(week) - len(recent) < LEAST_RUNS:
        return None
    now = usual(recent)
    return now.seconds / usual(week).fair_seconds(now.rows) - 1


def _of_trend(recent: Sequence[Execution], week: Sequence[Execution], trend: float | None, wide: float) -> _Part:
    """A drift is one of most runs: a single slow one is told by itself, and moves the mean for
    days.
    """
    if trend is None:
        return _Part(Level.GREEN, "")
    found = usual(week)
    # the last days are part of the week: the variance of the difference of the two means
    noise = LIMIT * wide * math.sqrt(1 / len(recent) - 1 / len(week))
    most = median(each.seconds / found.fair_seconds(each.rows) for each in recent) > 1
    is_felt = trend * found.seconds >= LEAST_EXTRA_SECONDS
    if trend > max(TREND_YELLOW, noise) and most and is_felt:
        return _Part(Level.YELLOW, f"The mean of the last 3 days is {trend:.0%} above that of the last 7.")
    return _Part(Level.GREEN, "")


def _summary(
    lately: Sequence[Execution],
    latest: Execution | None,
    found: Usual | None,
    timeout: int | None,
    compared: tuple[float | None, float | None],
    parts: Sequence[_Part],
) -> Slowdown:
    newest = lately[-1]
    level = max((part.level for part in parts), key=LEVELS.index)
    times, trend = compared
    sentences = [part.says for part in parts if part.says] + _of_no_work(lately)
    return Slowdown(
        function=newest.function,
        mode=newest.mode,
        level=level,
        says=" ".join(sentences),
        next_step="" if latest is None or level == Level.GREEN else _next_step(latest),
        run_id=None if latest is None else latest.run_id,
        game_date=None if latest is None else latest.game_date,
        started_at=None if latest is None else latest.started_at,
        seconds=None if latest is None else latest.seconds,
        rows=None if latest is None else latest.rows,
        mean_seconds=None if found is None else found.seconds,
        mean_rows=None if found is None else found.rows,
        runs=0 if found is None else found.runs,
        times=times,
        timeout_seconds=timeout,
        share=None if latest is None or timeout is None else latest.seconds / timeout,
        trend=trend,
        taken_again=sum(each.attempts > 1 and each.status != FAILED for each in lately),
        seconds_before=newest.seconds_before,
        failed=sum(each.status == FAILED for each in lately),
        died=sum(each.died for each in lately),
    )


def _of_no_work(lately: Sequence[Execution]) -> list[str]:
    """What the rows of a week say that looks like slow work and is none."""
    found = _of_attempts(lately[-1])
    died = sum(each.died for each in lately)
    if died:
        found.append(
            f"{died} executions in 7 days died or were cut off: their rows have their lease's length, which is no work."
        )
    failed = sum(each.status == FAILED for each in lately) - died
    if failed:
        found.append(f"{failed} executions in 7 days failed, which is no work.")
    return found


def _of_attempts(newest: Execution) -> list[str]:
    """That the newest execution did its work only at a later attempt."""
    again = newest.attempts - 1
    if not again or newest.status == FAILED:
        return []
    if newest.function == WORKER:
        return [f"The newest batch is not compared: a unit of it was taken {newest.attempts} times."]
    before = "attempt before it" if again == 1 else "attempts before it"
    return [f"{again} {before} failed or died; {in_words(newest.seconds_before)} until the last began are no work."]


def _next_step(latest: Execution) -> str:
    return (
        f"read the log of {latest.function} for the run {latest.run_id} and find its slowest step;"
        " more memory_mb in pipeline.yaml brings more of a processor."
    )


def in_words(seconds: float) -> str:
    """Seconds with about two figures: 0.06 s, 4.1 s, 610 s."""
    digits = 2 if seconds < 1 else 1 if seconds < 100 else 0
    return f"{seconds:.{digits}f} s"
