"""Which fault strikes where.

Each place has a name; whether it is struck follows from seed and name alone.

So a fault can be taken out of a schedule and the rest stays as it is: that is how a schedule is
made smaller.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.plan import Plan


@dataclass(frozen=True)
class Injected:
    """A fault that struck: `place` identifies it in every replay."""

    place: str
    kind: str
    at: datetime


class Faults:
    """The dice of a seed. Places in `spared` are never struck."""

    def __init__(self, plan: Plan, spared: frozenset[str] = frozenset()) -> None:
        self.plan = plan
        self.injected: list[Injected] = []
        self._spared = spared
        self._salt = f"{plan.seed}|".encode()

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.kind for each in self.injected)

    def uniform(self, place: str) -> float:
        """A number in [0, 1) that belongs to seed and place."""
        digest = hashlib.blake2b(self._salt + place.encode(), digest_size=6).digest()
        return int.from_bytes(digest, "big") / 2**48

    def draw(self, place: str, now: datetime, chances: Sequence[tuple[str, float]]) -> str | None:
        """The kind that strikes at a place, of those given with their chance in units of the plan's
        rate.
        """
        plan = self.plan
        if not plan.rate or not plan.within(now):
            return None
        number = self.uniform(place) / plan.rate
        for kind, weight in chances:
            if kind in plan.kinds:
                if number < weight:
                    return kind if self.strike(place, kind, now) else None
                number -= weight
        return None

    def strike(self, place: str, kind: str, now: datetime) -> bool:
        """Record a fault, unless its place is spared."""
        if place in self._spared:
            return False
        self.injected.append(Injected(place, kind, now))
        return True

    def pick(self, place: str, choices: Sequence[float]) -> float:
        """One of the choices, by seed and place."""
        return choices[int(self.uniform(f"{place}|how") * len(choices))]
