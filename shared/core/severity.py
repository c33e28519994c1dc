"""How bad an alert or an incident is: one scale everywhere."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How bad an incident is: who is told, and when."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 is the least."""
        return SEVERITIES.index(self)


# From the least to the worst.
SEVERITIES: tuple[Severity, ...] = (Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
