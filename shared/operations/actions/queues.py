"""Dead letters published once more: a second press changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from shared.chain.resilience import dead_letters
from shared.chain.resilience.dead_letters import DeadLetter, Redriven
from shared.core.errors import DataError, NotFound
from shared.core.pipeline import Pipeline
from shared.operations.actions.signature import Signature
from shared.operations.queues import waiting_letters
from shared.stores.runtime import Runtime


@dataclass(frozen=True)
class LetterChoice:
    """Which dead letters: by id (of its subscription, or with it), by subscription and reason, or
    all.

    Raises DataError where nothing is chosen: an empty form is not "all".
    """

    ids: Collection[str] = field(default_factory=frozenset)
    subscription: str = ""
    reason: str = ""
    everything: bool = False

    def __post_init__(self) -> None:
        if not (self.ids or self.subscription or self.reason or self.everything):
            raise DataError("Say which dead letters: ids, reason, subscription or all.")


def redrive(runtime: Runtime, pipeline: Pipeline, choice: LetterChoice, signature: Signature) -> list[Redriven]:
    """Publish the chosen dead letters once more.

    Raises NotFound for a subscription or an id that is not there.
    """
    letters = waiting_letters(runtime, pipeline, subscription=choice.subscription, reason=choice.reason)
    chosen = _choose(letters, set(choice.ids))
    return dead_letters.redrive(runtime, chosen, who=signature.who, reason=signature.why)


def _choose(letters: list[DeadLetter], ids: set[str]) -> list[DeadLetter]:
    """Those of the ids; all where there are none. Raises NotFound."""
    chosen = [letter for letter in letters if not ids or ids & {letter.id, letter.key}]
    unknown = sorted(ids - {name for letter in chosen for name in (letter.id, letter.key)})
    if unknown:
        raise NotFound(f"There is no dead letter {', '.join(unknown)}.")
    return chosen
