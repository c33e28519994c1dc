"""Health: every check, what it found, and what to do."""

from __future__ import annotations

from flask import Blueprint, Response

from functions.dashboard.pages.page import answer_of_query, render_live
from shared.operations.actions.mending import mending_of
from shared.operations.checks.health import Health
from shared.operations.levels import Level


def add_routes(pages: Blueprint) -> None:
    """The route of the checks."""

    @pages.get("/health")
    def health() -> Response:
        found: Health = answer_of_query("health")
        return render_live(
            "health",
            health=found,
            counts={level: found.counts[level] for level in reversed(Level)},
            mendings={
                each.fingerprint: mending_of(each.check, each.subject, each.game_date, each.severity, each.figures)
                for each in found.findings
                if each.level is not Level.GREEN
            },
        )
