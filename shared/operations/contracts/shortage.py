"""What a rule finds missing: the sentence, and how much is there of how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.core.pipeline import Contract
from shared.core.settings import Settings
from shared.operations.contracts.snapshot import Snapshot


@dataclass(frozen=True)
class Short:
    """A contract that is not kept: `have` of `should`, in what the rule counts."""

    reason: str
    have: int
    should: int


@dataclass(frozen=True)
class Shortage:
    """The contract that a date is short of, and how."""

    contract: Contract
    short: Short

    @property
    def reason(self) -> str:
        return self.short.reason


Check = Callable[[Snapshot, Settings], Short | None]
