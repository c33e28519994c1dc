"""Read models as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.core.errors import Fatal
from shared.operations.api.as_json import as_json
from shared.operations.levels import Finding, Level, Severity, worst


@dataclass(frozen=True)
class _Holder:
    value: Any


def test_a_finding_has_all_its_fields() -> None:
    finding = Finding(
        "batch-opened",
        "2025-11-14",
        Level.RED,
        "no batch",
        "publish",
        {"units": 0},
        Severity.ERROR,
        date(2025, 11, 14),
    )
    assert json.loads(json.dumps(as_json(finding))) == {
        "check": "batch-opened",
        "subject": "2025-11-14",
        "level": "red",
        "says": "no batch",
        "next_step": "publish",
        "figures": {"units": 0},
        "severity": "error",
        "timings": {},
        "game_date": "2025-11-14",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime(2025, 11, 14, 17, tzinfo=UTC), "2025-11-14T17:00:00+00:00"),
        (timedelta(minutes=2), 120.0),
        (float("nan"), None),
        ((date(2025, 1, 2), 0.5), ["2025-01-02", 0.5]),
        ({date(2025, 1, 2): Level.GREEN}, {"2025-01-02": "green"}),
        (frozenset({"b", "a"}), ["a", "b"]),
    ],
)
def test_plain_fields_have_a_form(value: Any, expected: Any) -> None:
    assert as_json(_Holder(value)) == {"value": expected}


def test_what_is_no_plain_field_is_refused() -> None:
    with pytest.raises(Fatal, match="holds a bytes"):
        as_json(_Holder(b"raw"))


def test_the_worst_finding_decides() -> None:
    levels = (Level.GREEN, Level.RED, Level.YELLOW)
    assert worst(Finding("c", "s", level, "") for level in levels) is Level.RED
    assert worst([]) is Level.GREEN


def test_what_is_of_the_moment_is_no_part_of_what_lasts() -> None:
    def make(seconds: float, says: str = "fine") -> _Holder:
        return _Holder([{"found": Finding("state-store", "state", Level.GREEN, says, timings={"write": seconds})}])

    assert as_json(make(0.1))["value"][0]["found"]["timings"] == {"write": 0.1}
    assert as_json(make(0.1), lasting=True) == as_json(make(0.2), lasting=True)
    assert as_json(make(0.1), lasting=True) != as_json(make(0.1, "slow"), lasting=True)
    assert as_json(make(0.1)) != as_json(make(0.2))
