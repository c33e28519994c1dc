"""Findings to make incidents of, and the incidents as they are in the store."""

from __future__ import annotations

from collections import Counter
from typing import Any

from shared.core.severity import Severity
from shared.operations.incidents.records import COLLECTION, Incident
from shared.operations.levels import Finding, Level
from shared.stores.ports import State
from shared.stores.runtime import Runtime

CHECK, SUBJECT = "consolidation", "2025-11-14"


def red_finding(
    subject: str = SUBJECT, *, check: str = CHECK, severity: Severity = Severity.ERROR, **more: Any
) -> Finding:
    says = more.pop("says", "0 of 146 rows are in place.")
    return Finding(check, subject, Level.RED, says, severity=severity, **more)


def green_finding(subject: str = SUBJECT, *, check: str = CHECK) -> Finding:
    return Finding(check, subject, Level.GREEN, "146 of 146 rows are in place.")


def incidents(runtime: Runtime) -> list[Incident]:
    """All there are, by id."""
    return [Incident.from_document(each) for each in runtime.state.query(COLLECTION)]


class CountingState:
    """The state port with a count of its calls, and of what transactions write."""

    def __init__(self, inner: State) -> None:
        self._inner = inner
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.calls[name] += 1
            return method(*arguments, **options)

        return call
