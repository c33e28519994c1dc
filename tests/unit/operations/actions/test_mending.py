"""The button beside an alert: an action that exists, with values that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.core.severity import Severity
from shared.operations.actions.mending import mending_of, mending_of_cell
from shared.operations.actions.table import ACTIONS
from shared.operations.actions.values import parse_values
from shared.operations.checks.health import CHECKS
from shared.operations.levels import Finding, Level
from shared.operations.status.model import Cell, Verdict

DAY = date(2025, 11, 14)


def find(check: str, subject: str, severity: Severity, figures: Mapping[str, Any]) -> Finding:
    return Finding(check, subject, Level.RED, "it is short", figures=figures, severity=severity, game_date=DAY)


@pytest.mark.parametrize(
    ("check", "subject", "severity", "figures", "action", "values"),
    [
        ("batch-opened", "2025-11-14", "error", {}, "heal", {"game_date": DAY}),
        ("consolidation", "2025-11-14", "critical", {}, "consolidate", {"game_date": DAY}),
        ("consolidation", "2025-11-14", "critical", {"subscription": "a-dead-letter", "reason": "x"}, "redrive",
         {"subscription": "a-dead-letter", "reason": "x"}),
        ("export-written", "2025-11-14", "error", {}, "export", {"game_date": DAY}),
        ("export-written", "2025-11-14", "critical", {}, "heal", {"game_date": DAY}),
        ("source-fresh", "injury_report", "error", {}, "rerun", {"game_date": DAY, "phase": "phase1"}),
        ("latency", "2025-11-14", "error", {}, "heal", {"game_date": DAY}),
        ("schedules", "overnight", "error", {}, "fire", {"game_date": DAY, "schedule": "overnight"}),
        ("breakers", "source-odds_api", "error", {}, "reset-breakers", {"names": "source-odds_api"}),
        ("dead-letters", "a-dead-letter/not_json", "error", {}, "redrive",
         {"subscription": "a-dead-letter", "reason": "not_json"}),
        ("deferred", "phase4/pause", "warning", {"gate": "pause"}, "resume", {}),
        ("deferred", "phase4/source-x", "error", {"gate": "source-x"}, "release-deferred", {}),
        ("pause", "pause", "error", {}, "resume", {}),
    ],
)  # fmt: skip
def test_what_a_check_finds_has_its_action(
    check: str, subject: str, severity: str, figures: Mapping[str, Any], action: str, values: Mapping[str, Any]
) -> None:
    found = mending_of(find(check, subject, Severity(severity), figures))
    assert found is not None
    assert (found.action, found.values) == (action, values)
    assert parse_values(ACTIONS[action].parameters, found.values) or not values
    assert mending_of(find(check, subject, Severity.INFO, figures)) is None  # it goes with its cause


def test_checks_that_the_table_names_exist() -> None:
    known = {each.id for each in CHECKS} | {"latency"}
    named = {"batch-opened", "predictions-updated", "merge", "phase5-announced", "source-fresh", "schedules"}
    assert named <= known
    for each in known:
        found = mending_of(find(each, "x/y", Severity.ERROR, {}))
        assert found is None or found.action in ACTIONS


@pytest.mark.parametrize(
    ("check", "severity"), [("latency", "warning"), ("schedules", "warning"), ("odds-quota", "error")]
)
def test_what_no_button_mends_has_none(check: str, severity: str) -> None:
    assert mending_of(find(check, "x", Severity(severity), {})) is None
    assert mending_of(replace(find("batch-opened", "x", Severity.ERROR, {}), game_date=None)) is None


def test_a_cell_in_trouble_has_the_rerun_that_mends_it() -> None:
    cell = Cell(DAY, "phase6", Verdict.SHORT, "nothing is exported", rerun="phase4")
    found = mending_of_cell(cell)
    assert found is not None
    assert (found.action, found.values) == ("rerun", {"game_date": DAY, "phase": "phase4"})
    assert mending_of_cell(Cell(DAY, "phase6", Verdict.SHORT, "x")) is None
    assert mending_of_cell(Cell(DAY, "phase6", Verdict.COMPLETE, "x", rerun="phase6")) is None
