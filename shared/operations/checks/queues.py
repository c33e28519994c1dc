"""What waits for a person or for time: dead letters, deferred messages, breakers, the pause and the
halt, and the quota of The Odds API.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import pairwise

from shared.chain.execution.records import Execution
from shared.chain.resilience.dead_letters import DeadLetter
from shared.chain.resilience.deferred import DeferredMessage
from shared.core.pipeline import BATCH_SWEEP
from shared.core.redaction import excerpt
from shared.operations.checks.texts import act_text, clock_text, count_text, publish_text, span_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Figure, Finding, Level, Severity

LETTERS, DEFERRED, BREAKERS, PAUSE, QUOTA = "dead-letters", "deferred", "breakers", "pause", "odds-quota"
# The sweep releases every ten minutes what is let through.
RELEASED_WITHIN = timedelta(minutes=25)
# Half a day lies between two prediction runs of a date.
LONG_PAUSE = timedelta(hours=6)
# Days of use that are left of the odds API's quota.
FEW_DAYS, ONE_DAY = 3.0, 1.0
_LONGEST = 300


def find_letters(view: View) -> Iterable[Finding]:
    """A finding for each subscription and reason."""
    groups: dict[tuple[str, str], list[DeadLetter]] = defaultdict(list)
    for letter in view.letters:
        groups[letter.subscription, letter.reason].append(letter)
    if not groups:
        return [Finding(LETTERS, "pipeline", Level.GREEN, "no dead letters", figures={"letters": 0})]
    functions = {each.dead_letter_subscription: each.function for each in view.pipeline.subscriptions.values()}
    return [_describe_letters(functions[key[0]], *key, listed) for key, listed in sorted(groups.items())]


def _describe_letters(function: str, subscription: str, reason: str, letters: list[DeadLetter]) -> Finding:
    first = letters[0]
    age = "" if first.age is None else f", the oldest {span_text(first.age)} old"
    error = f": {excerpt(first.error, _LONGEST)}" if first.error else ""
    says = f"{count_text(len(letters), 'dead letter')} in {subscription} ({reason}){age}{error}"
    redrivable = [letter for letter in letters if letter.redrivable]
    if first.blames:
        step = f"./nba dlq shows the message; publish it anew, corrected, to {first.origin_topic}"
    elif redrivable:
        step = f"mend the cause, then {act_text('redrive', '--subscription', subscription, '--reason', reason)}"
    else:
        step = f"it cannot be redriven: {first.not_redrivable}"
    figures: dict[str, Figure] = {"letters": len(letters), "redrivable": len(redrivable), "function": function}
    return Finding(LETTERS, f"{subscription}/{reason}", Level.RED, says, step, figures, Severity.ERROR)


def find_deferred(view: View) -> Iterable[Finding]:
    """A finding a function and what stopped its messages."""
    groups: dict[tuple[str, str], list[DeferredMessage]] = defaultdict(list)
    for message in view.deferred:
        groups[message.function, message.gate].append(message)
    if not groups:
        return [Finding(DEFERRED, "pipeline", Level.GREEN, "no messages are deferred", figures={"messages": 0})]
    return [_describe_deferred(view, *key, listed) for key, listed in sorted(groups.items())]


def _describe_deferred(view: View, function: str, gate: str, messages: list[DeferredMessage]) -> Finding:
    """Red where nothing stops them any more and the sweep released none."""
    waited = max(view.now - messages[0].deferred_at, timedelta(0))
    counted = count_text(len(messages), "message")
    says = f"{counted} to {function} deferred for {span_text(waited)}: {excerpt(messages[0].reason, _LONGEST)}"
    figures: dict[str, Figure] = {"messages": len(messages), "gate": gate, "minutes": waited // timedelta(minutes=1)}
    stopped = view.paused is not None or any(each.name == gate and each.state != "closed" for each in view.breakers)
    if stopped or waited <= RELEASED_WITHIN:
        step = act_text("resume") if view.paused is not None else "./nba breakers: what is half open tries one message"
        return Finding(DEFERRED, f"{function}/{gate}", Level.YELLOW, says, step, figures, Severity.WARNING)
    sweep = publish_text(view.pipeline.functions[BATCH_SWEEP].trigger, {"game_date": "TODAY"})
    says += "; nothing stops them any more"
    return Finding(DEFERRED, f"{function}/{gate}", Level.RED, says, f"{sweep} releases them", figures, Severity.ERROR)


def find_breakers(view: View) -> Iterable[Finding]:
    """A finding a breaker with failures: red where it is open, yellow while it tries."""
    found = []
    for breaker in view.breakers:
        state = breaker.state.replace("_", "-")
        says = (
            f"{breaker.name} is {state}: {count_text(breaker.failures, 'failure')} in a row,"
            f" the last: {excerpt(breaker.last_error, _LONGEST)}"
        )
        figures: dict[str, Figure] = {"failures": breaker.failures, "state": breaker.state}
        step = f"mend the cause, then {act_text('reset-breaker', breaker.name)}; it is tried by itself after 30 minutes"
        match breaker.state:
            case "closed":
                found.append(Finding(BREAKERS, breaker.name, Level.GREEN, says, figures=figures))
            case "open":
                found.append(Finding(BREAKERS, breaker.name, Level.RED, says, step, figures, Severity.ERROR))
            case _:
                found.append(Finding(BREAKERS, breaker.name, Level.YELLOW, says, step, figures))
    return found or [Finding(BREAKERS, "pipeline", Level.GREEN, "no breaker has failures", figures={"breakers": 0})]


def find_pause(view: View) -> Iterable[Finding]:
    """The pause stops work, the halt only what exports advise: that is an operator's choice."""
    found = []
    pause = view.paused
    if pause is None:
        found.append(Finding(PAUSE, "pause", Level.GREEN, "not paused"))
    else:
        lasted = max(view.now - pause.since, timedelta(0))
        says = f"paused since {clock_text(pause.since)} ({span_text(lasted)}) by {pause.who}: {pause.reason}"
        level, severity = (Level.RED, Severity.ERROR) if lasted > LONG_PAUSE else (Level.YELLOW, Severity.WARNING)
        figures = {"minutes": lasted // timedelta(minutes=1)}
        found.append(Finding(PAUSE, "pause", level, says, act_text("resume"), figures, severity))
    reason = view.halt_reason
    says = "exports are not halted" if reason is None else f"exports are halted by an operator: {reason}"
    found.append(Finding(PAUSE, "halt", Level.GREEN, says, figures={"halted": reason is not None}))
    return found


def find_quota(view: View) -> Iterable[Finding]:
    """What is left of the odds API's quota, against what the last day's runs used."""
    known = sorted(_with_quota(view), key=lambda each: each.started_at)
    if not known:
        says = "no scheduled run of late asked the odds API, or it told no quota"
        return [Finding(QUOTA, "odds_api", Level.GREEN, says)]
    last = known[-1]
    left, used = [int(_quota(each)["remaining"]) for each in known], 0
    for before, after in pairwise(left):
        used += max(before - after, 0)  # more is left than before: another month began
    says = f"{left[-1]:,} requests left at {clock_text(last.started_at)}, {used:,} used by the runs before it"
    figures = {"remaining": left[-1], "used": used}
    step = "buy more of The Odds API, or set another key: docs/deploy.md, Keys"
    if left[-1] <= ONE_DAY * used or left[-1] == 0:
        return [Finding(QUOTA, "odds_api", Level.RED, says, step, figures, Severity.ERROR)]
    if left[-1] <= FEW_DAYS * used:
        return [Finding(QUOTA, "odds_api", Level.YELLOW, says, step, figures)]
    return [Finding(QUOTA, "odds_api", Level.GREEN, says, figures=figures)]


def _with_quota(view: View) -> list[Execution]:
    """The newest executions of phase 1's schedules that the odds API told its quota."""
    ran = [fired.ran for fired in view.fired.values() if fired.due.function == "phase1_scrape"]
    return [each for each in ran if each is not None and isinstance(_quota(each).get("remaining"), int)]


def _quota(execution: Execution) -> Mapping[str, int]:
    """remaining, used and last, as phase 1 keeps them in its metadata."""
    quota = execution.metadata.get("quota")
    return quota if isinstance(quota, Mapping) else {}


CHECKS: tuple[Check[View], ...] = (
    Check(LETTERS, "Are there dead letters?", find_letters),
    Check(DEFERRED, "Are messages deferred?", find_deferred),
    Check(BREAKERS, "Is a breaker open?", find_breakers),
    Check(PAUSE, "Is the pipeline paused, or its exports halted?", find_pause),
    Check(QUOTA, "How much of the odds API's quota is left?", find_quota),
)
