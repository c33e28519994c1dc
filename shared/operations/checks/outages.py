"""What the state store's outage left behind: messages whose deliveries were used up while it did
not answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from shared.chain.messages.dead_letter import MAX_DELIVERY_ATTEMPTS
from shared.chain.resilience.dead_letters import UNEXPLAINED, DeadLetter
from shared.operations.checks.texts import act_text, clock_text, count_text
from shared.operations.checks.view import View
from shared.operations.incidents.outage_markers import Marker
from shared.operations.levels import Figure, Finding, Level, Severity

# A marker is noted by the first look in an outage, and once an hour from then on; a message may die
# until its last back-off is over.
BEFORE, AFTER = timedelta(minutes=20), timedelta(minutes=75)


def is_of_outage(view: View, letter: DeadLetter) -> bool:
    """Whether a message died of the outage, and of nothing that a person has to mend."""
    died = letter.dead_lettered_at
    if died is None or letter.reason != MAX_DELIVERY_ATTEMPTS:
        return False
    return any(
        each.noted_at - BEFORE <= died <= each.noted_at + AFTER and _is_explained(each, letter) for each in view.outages
    )


def _is_explained(marker: Marker, letter: DeadLetter) -> bool:
    """By the store's own error; Pub/Sub says none of its letters, and no execution could note
    one.
    """
    return letter.error.startswith(UNEXPLAINED) or marker.says.partition(": ")[2].rstrip(". ") in letter.error


def outage_text(view: View) -> str:
    """What findings of one outage have in common."""
    return view.outages[-1].at


def find_left_behind(check: str, subject: str, view: View) -> Finding | None:
    """What the outage left behind is the state store's own finding until it is published again."""
    letters = [each for each in view.letters if is_of_outage(view, each)] if view.outages else []
    if not letters:
        return None
    says = (
        f"the state store answers again; {count_text(len(letters), 'message')} died while it did not, as it was found"
        f" at {clock_text(view.outages[-1].noted_at)}: {_count_by_function(view, letters)}"
    )
    step = f"{act_text('redrive', '--reason', MAX_DELIVERY_ATTEMPTS)}: each goes on as if it came now"
    figures: dict[str, Figure] = {"letters": len(letters), "reason": MAX_DELIVERY_ATTEMPTS, "outage": outage_text(view)}
    return Finding(check, subject, Level.RED, says, step, figures, Severity.ERROR)


def _count_by_function(view: View, letters: Sequence[DeadLetter]) -> str:
    functions = {each.dead_letter_subscription: each.function for each in view.pipeline.subscriptions.values()}
    counted = Counter(functions[each.subscription] for each in letters)
    return ", ".join(f"{number} to {name}" for name, number in sorted(counted.items()))
