"""The state store: written and read back, executions that are stuck, schedules that did not
fire.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.chain.execution.abandonment import abandoned_after, stopped_at
from shared.chain.execution.records import Execution, ExecutionStatus
from shared.chain.resilience.dead_letters import DeadLetter
from shared.core.pipeline import BATCH_SWEEP
from shared.operations.checks.outages import find_left_behind
from shared.operations.checks.readings import MOST_EXECUTIONS
from shared.operations.checks.texts import act_text, clock_text, count_text, publish_text, redrive_text, span_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Figure, Finding, Level, Severity
from shared.operations.schedules.fired import Fired
from shared.operations.schedules.firings import Firing

# A write and a read take milliseconds; every message of the chain makes some of both.
SLOW_SECONDS, VERY_SLOW_SECONDS = 2.0, 10.0
# What the sweep ends it ends within a sweep of the moment.
SWEPT_WITHIN = timedelta(minutes=20)
PROBE, STUCK, SCHEDULES = "state-store", "stuck-executions", "schedules"


def find_probe(view: View) -> Iterable[Finding]:
    probe = view.probe
    seconds = probe.write_seconds + probe.read_seconds
    figures = {"write_seconds": round(probe.write_seconds, 3), "read_seconds": round(probe.read_seconds, 3)}
    left_behind = find_left_behind(PROBE, "state", view)
    if left_behind is not None:
        return [left_behind]
    if seconds <= SLOW_SECONDS:
        says = f"written and read back within {SLOW_SECONDS:.0f} s"
        return [Finding(PROBE, "state", Level.GREEN, says, timings=figures)]
    says = f"written in {probe.write_seconds:.2f} s and read back in {probe.read_seconds:.2f} s"
    level, severity = (Level.RED, Severity.ERROR) if seconds > VERY_SLOW_SECONDS else (Level.YELLOW, Severity.WARNING)
    return [Finding(PROBE, "state", level, says, "look at the state store's status and quota", figures, severity)]


def find_stuck(view: View) -> Iterable[Finding]:
    """A finding a function with executions that nobody works on and nobody ended."""
    stuck: dict[str, list[tuple[Execution, datetime]]] = {}
    for execution in view.unwritten:
        since = _stuck_since(view, execution)
        if since is not None:
            stuck.setdefault(execution.function, []).append((execution, since))
    if not stuck:
        open_ = sum(execution.is_open for execution in view.unwritten)
        says = f"{count_text(open_, 'execution')} at work or tried again, none of them stuck"
        return [Finding(STUCK, "pipeline", Level.GREEN, says, figures={"open": open_, "stuck": 0})]
    return [_describe_stuck(view, function, listed) for function, listed in sorted(stuck.items())]


def _stuck_since(view: View, execution: Execution) -> datetime | None:
    """Since when nobody works on it: its lease ended, or its retries are over. What waits for the
    end of a pause is deferred, and counts from there.
    """
    if not execution.is_open:
        return None
    if execution.status == ExecutionStatus.RUNNING:
        # a lease that was voided (its owner had died) ended long ago
        return max(execution.lease_expires_at, execution.taken_at) if execution.lease_expires_at <= view.now else None
    if view.paused is not None:
        return None
    since = execution.ended
    if view.switch is not None and view.switch.resumed_at is not None and view.switch.resumed_at <= view.now:
        since = max(since, view.switch.resumed_at)
    over = since + abandoned_after()
    return over if over + SWEPT_WITHIN <= view.now else None


def _describe_stuck(view: View, function: str, listed: list[tuple[Execution, datetime]]) -> Finding:
    """Yellow while the next delivery may still take it over; red once the sweep should have ended
    it.
    """
    execution, since = min(listed, key=lambda each: each[1])
    ends_by = min(stopped_at(each) for each, _ in listed) + abandoned_after() + SWEPT_WITHIN
    level = Level.RED if ends_by <= view.now and view.paused is None else Level.YELLOW
    what = "its process died or was cut off" if execution.status == ExecutionStatus.RUNNING else "its retries are over"
    more = "at least " if len(view.unwritten) == MOST_EXECUTIONS else ""
    says = (
        f"{function}: {more}{count_text(len(listed), 'execution')} stuck, {execution.id} since {clock_text(since)}"
        f" ({span_text(view.now - since)}): {what}"
    )
    if level is Level.YELLOW:
        step = f"nothing: the next delivery takes it over, or the sweep ends it by {clock_text(ends_by)}"
    else:
        sweep = publish_text(view.pipeline.functions[BATCH_SWEEP].trigger, {"game_date": execution.game_date})
        step = f"{sweep}: the sweep ends it; look whether batch-sweep still fires"
    severity = Severity.ERROR if level is Level.RED else Severity.WARNING
    figures: dict[str, Figure] = {"stuck": len(listed), "execution_id": execution.id}
    return Finding(STUCK, function, level, says, step, figures, severity)


def find_schedules(view: View) -> Iterable[Finding]:
    return [_describe_fired(view, fired) for fired in view.fired.values()]


def _describe_fired(view: View, fired: Fired) -> Finding:
    """A schedule that did not fire is red, with the command that publishes its message."""
    due, name = fired.due, fired.due.schedule.name
    following = f"; next at {clock_text(fired.next_at)}"
    if fired.execution is not None:
        at, status = clock_text(fired.execution.started_at), fired.execution.status.value
        return Finding(SCHEDULES, name, Level.GREEN, f"{name} ran at {at} ({status}){following}")
    if fired.instead is not None:
        run = fired.instead.run_id
        says = f"{name} of {clock_text(due.at)} did not run, {run} did since{following}"
        return Finding(SCHEDULES, name, Level.GREEN, says)
    if not fired.expected:
        return Finding(SCHEDULES, name, Level.GREEN, f"{name} {_describe_unexpected(view, fired)}")
    waiting = [each for each in view.deferred if each.topic == due.schedule.topic and each.deferred_at >= due.at]
    if waiting:
        says = f"{name} of {clock_text(due.at)} is deferred: {waiting[-1].reason}"
        return Finding(SCHEDULES, name, Level.YELLOW, says, f"{act_text('resume')}, or mend what the breaker names")
    late = view.now - due.at
    figures: dict[str, Figure] = {"minutes_late": late // timedelta(minutes=1)}
    letter = _find_letter(view, due)
    if letter is not None:
        says = f"{name} of {clock_text(due.at)} did not run: its message is a dead letter{following}"
        figures |= {"letters": f"{letter.subscription}/{letter.reason}"}
        return Finding(SCHEDULES, name, Level.RED, says, redrive_text(letter), figures, Severity.ERROR, due.day)
    says = f"{name} did not run: due at {clock_text(due.at)}, {span_text(late)} ago{following}"
    step = act_text("fire", name, str(due.day))
    return Finding(SCHEDULES, name, Level.RED, says, step, figures, Severity.ERROR, due.day)


def _find_letter(view: View, due: Firing) -> DeadLetter | None:
    """The firing's own message, where it died."""
    for each in view.letters:
        sent = each.published_at or each.dead_lettered_at
        fired = (each.origin_topic, each.attributes.get("schedule")) == (due.schedule.topic, due.schedule.name)
        if fired and each.redrivable and sent is not None and sent >= due.at:
            return each
    return None


def _describe_unexpected(view: View, fired: Fired) -> str:
    if not view.deployed or view.began is None:
        return "is not fired here"
    return f"was not due yet: nothing ran here before {clock_text(view.began)}; next at {clock_text(fired.next_at)}"


CHECKS: tuple[Check[View], ...] = (
    Check(PROBE, "Does the state store write and read back?", find_probe),
    Check(STUCK, "Is an execution stuck beyond its lease or its retries?", find_stuck),
    Check(SCHEDULES, "Did every schedule fire?", find_schedules),
)
