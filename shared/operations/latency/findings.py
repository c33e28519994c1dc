"""Dates that are graded late, as findings."""

from __future__ import annotations

from datetime import timedelta

from shared.operations.latency.games import DateLatency
from shared.operations.latency.latency import Latency
from shared.operations.levels import Finding, Level, Severity

CHECK = "latency"
# An older date is no news: what is missing of it, its contract says.
RECENT = timedelta(days=3)


def as_findings(latency: Latency) -> tuple[Finding, ...]:
    """One finding for each of the last days that has games to grade, oldest first.

    Red while a grade is missing beyond the target; yellow where it came late, until the next date
    is graded.
    """
    recent = [
        each for each in latency.dates if each.due and each.game_date >= latency.last_date - RECENT
    ]  # fmt: skip
    newest = max((each.game_date for each in recent if each.graded_at), default=None)
    return tuple(_finding(each, latency, is_newest=each.game_date == newest) for each in recent)


def _finding(each: DateLatency, latency: Latency, *, is_newest: bool) -> Finding:
    target = _hours(latency.target_seconds)
    level, severity, next_step = Level.GREEN, Severity.INFO, ""
    if each.seconds is not None:
        says = f"{each.game_date} was graded {_hours(each.seconds)} after its last game; the target is {target}."
        if each.is_over_target and is_newest:
            level, severity = Level.YELLOW, Severity.WARNING
            next_step = _slowest_step(each)
    elif each.waiting_seconds is not None:
        says = (
            f"{each.graded} of {each.due} games of {each.game_date} are graded {_hours(each.waiting_seconds)} after"
            f" the last one; the target is {target}."
        )
        if each.is_over_target:
            level, severity = Level.RED, Severity.ERROR
            next_step = _missing_step(each)
    else:
        says = f"The games of {each.game_date} are not over yet."
    figures = {
        "games": each.games,
        "due": each.due,
        "graded": each.graded,
        "seconds": each.seconds,
        "waiting_seconds": each.waiting_seconds,
        "target_seconds": latency.target_seconds,
    }
    return Finding(CHECK, str(each.game_date), level, says, next_step, figures, severity, each.game_date)


def _missing_step(each: DateLatency) -> str:
    """What to start: the first stage that is missing."""
    if each.loaded_at is None:
        step = f'./nba rerun {each.game_date} phase1 --why "..."'
        return f"results are missing: {step}, and grade once they are loaded."
    return f'results are loaded: ./nba rerun {each.game_date} grading --why "..."'


def _slowest_step(each: DateLatency) -> str:
    """Where the time went: before the results, or between them and the grades."""
    if each.last_end is None or each.loaded_at is None or each.graded_at is None:
        return f"read the runs of {each.game_date}."
    before, after = each.loaded_at - each.last_end, each.graded_at - each.loaded_at
    where = (
        f"{_hours(before.total_seconds())} until its results were loaded,"
        f" {_hours(after.total_seconds())} from there to its grades"
    )
    job = "results-overnight" if before > after else "grading-overnight"
    return f"{where}: see the runs of {each.game_date}, and whether {job} can start earlier (pipeline.yaml)."


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h"
