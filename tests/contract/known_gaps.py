"""Where an emulator does not do what the service does: which tests of the contract therefore fail on it, and why.

Strict: a test that begins to pass is reported, so that its line goes. What is listed here is shown to hold by the
requests that the adapter makes (tests/unit/test_gcp_*.py), and on the service itself at the first deployment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Gap:
    """`tests` is a pattern of test ids as pytest writes them, parameters included."""

    implementation: str
    tests: str
    why: str


GAPS: tuple[Gap, ...] = ()


def gap_of(implementation: str, test_id: str) -> Gap | None:
    """The gap that a test belongs to."""
    found = (gap for gap in GAPS if gap.implementation == implementation and re.search(gap.tests, test_id))
    return next(found, None)


def mark(items: list[pytest.Item]) -> None:
    """Expect the failures that are listed."""
    for item in items:
        for implementation in {gap.implementation for gap in GAPS}:
            gap = gap_of(implementation, item.name) if implementation in item.name else None
            if gap is not None:
                item.add_marker(pytest.mark.xfail(reason=gap.why, strict=True))
