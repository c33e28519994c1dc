"""Health: every check, what it found, and what to do."""

from __future__ import annotations

from flask import Blueprint, Response

from functions.dashboard.pages.page import answer_of_query, render_live
from shared.operations.actions.mending import mending_of
from shared.operations.checks.health import CheckResult, Health
from shared.operations.levels import LEVELS, Finding, Level


def add_routes(pages: Blueprint) -> None:
    """The route of the checks."""

    @pages.get("/health")
    def health() -> Response:
        found: Health = answer_of_query("health")
        return render_live(
            "health",
            health=found,
            rows=_list_worst_first(found),
            counts={level: found.counts[level] for level in reversed(Level)},
            mendings={each.fingerprint: mending_of(each) for each in found.findings if each.level is not Level.GREEN},
        )


def _list_worst_first(health: Health) -> list[tuple[CheckResult, Finding | None]]:
    """A row for each finding; for a check that found nothing one without. Of a level as the checks
    come.
    """
    rows: list[tuple[CheckResult, Finding | None]] = [
        (check, finding) for check in health.checks for finding in check.findings or (None,)
    ]
    return sorted(rows, key=lambda row: -LEVELS.index((row[1] or row[0]).level))
