"""Makes the schedule of a failing seed smaller: what is not needed for the violation does not
happen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.simulation.seed import Result

MOST_RUNS = 80


def what_fails(result: Result) -> str:
    """The first violation without the figures and names in it: what makes two of them the same."""
    return re.sub(r"[\d:.]+|'[^']*'|\S*\d\S*", "#", result.violations[0])[:60] if result.violations else ""


def shrink(failing: Result, run: Callable[[frozenset[str]], Result]) -> tuple[Result, int]:
    """A run with the same violation in which as little as possible happens, and how many runs it
    took.

    `run` plays the seed with a set of places of faults and events spared. Parts of the schedule are
    taken out, half of it first, then ever smaller parts, as long as the violation stays.
    """
    wanted = what_fails(failing)
    spared: frozenset[str] = frozenset()
    smallest, runs = failing, 0
    parts = _parts(failing)
    size = max(1, len(parts) // 2)
    while runs < MOST_RUNS:
        removed_any = False
        begin = 0
        while begin < len(parts) and runs < MOST_RUNS:
            without = parts[begin : begin + size]
            tried = run(spared | frozenset(without))
            runs += 1
            if what_fails(tried) == wanted:
                spared |= frozenset(without)
                # what this made superfluous is gone by itself
                left = set(_parts(tried))
                parts = [part for part in parts if part in left and part not in spared]
                smallest, removed_any = tried, True
            else:
                begin += size
        if size == 1 and not removed_any:
            break
        size = max(1, size // 2)
    return smallest, runs


def _parts(result: Result) -> list[str]:
    """Everything of a schedule that can be spared: what happened on purpose, and each fault's
    place.
    """
    events = [f"event {event.name}" for event in result.plan.events if event.name != "same-day-predictions"]
    return list(dict.fromkeys([*events, *(fault.place for fault in result.injected)]))


def lines_of(result: Result) -> Sequence[str]:
    """The story, ready to print."""
    return [*result.story, *(f"VIOLATION: {sentence}" for sentence in result.violations)]
