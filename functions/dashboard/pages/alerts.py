"""Alerts: what is open, what was of late, and one with its messages."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, g

from functions.dashboard.pages.page import answer_of, answer_of_query, render_live
from shared.operations.actions.mending import mending_of
from shared.operations.incidents.reading import IncidentDetail
from shared.operations.incidents.records import Incident


def add_routes(pages: Blueprint) -> None:
    """Routes of incidents."""

    @pages.get("/alerts")
    def alerts() -> Response:
        found = answer_of_query("alerts")
        return render_live(
            "alerts",
            open=[(each, mending_of(each), _states(each)) for each in found["open"]],
            lately=found["lately"],
        )

    @pages.get("/alerts/<incident>")
    def alert(incident: str) -> Response:
        found: IncidentDetail = answer_of("alert", incident=incident)
        one = found.incident
        return render_live(
            "alerts",
            "alert.html",
            title=f"{one.check}: {one.subject}",
            detail=found,
            incident=one,
            states=_states(one),
            mending=mending_of(one) if one.is_open else None,
        )


def _states(each: Incident) -> Sequence[str]:
    """What is to be said of it besides, in words."""
    found = []
    if each.is_acknowledged:
        found.append(f"acknowledged by {each.acknowledged_by}")
    if each.is_muted(g.runtime.clock.now()):
        found.append(f"muted by {each.muted_by}")
    if each.is_flapping:
        found.append(f"opened {each.openings} times")
    return found
