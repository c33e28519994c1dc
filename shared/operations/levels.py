"""What a check says, and how bad it is: one scale for page, command and alert."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, TypeVar

from shared.core.severity import SEVERITIES, Severity
from shared.operations.api.as_json import OF_THE_MOMENT

__all__ = ["LEVELS", "SEVERITIES", "Check", "Figure", "Finding", "Level", "Severity", "worst"]

Figure = int | float | str | bool | None
V = TypeVar("V", contravariant=True)


class Level(StrEnum):
    """How a check ended; RED is the worst."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


# From the least to the worst.
LEVELS: tuple[Level, ...] = (Level.GREEN, Level.YELLOW, Level.RED)


@dataclass(frozen=True)
class Finding:
    """What a check found of one subject."""

    check: str
    """Id of the check, such as batch-opened."""
    subject: str
    """What it is about: a date, a function, a source."""
    level: Level
    says: str
    """One sentence with the value."""
    next_step: str = ""
    """What to do; empty where it is green."""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    severity: Severity = Severity.WARNING
    """Of the incident that it is, where it is not green."""
    game_date: date | None = None
    timings: Mapping[str, float] = field(default_factory=dict, metadata=OF_THE_MOMENT)
    """Seconds that are others at every look, and fine."""

    @property
    def fingerprint(self) -> str:
        """What makes two findings one incident."""
        return f"{self.check}:{self.subject}"


@dataclass(frozen=True)
class Check(Generic[V]):
    """A question about the pipeline, as data; `find` answers it from a view V of what there is."""

    id: str
    asks: str
    find: Callable[[V], Iterable[Finding]]


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level among them; GREEN where there are none."""
    return max((each.level for each in findings), key=LEVELS.index, default=Level.GREEN)
