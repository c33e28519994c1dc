"""Queues (dead letters, deferred messages, breakers, switches) and the audit."""

from __future__ import annotations

from flask import Blueprint, Response

from functions.dashboard.pages.page import answer_of, answer_of_query, render_live


def add_routes(pages: Blueprint) -> None:
    """Routes of what waits and of who did what."""

    @pages.get("/queues")
    def queues() -> Response:
        found = {name: answer_of(name) for name in ("dead-letters", "deferred", "breakers", "switches")}
        return render_live(
            "queues",
            letters=found["dead-letters"]["dead_letters"],
            deferred=found["deferred"]["deferred"],
            breakers=found["breakers"]["breakers"],
            **found["switches"],
        )

    @pages.get("/audit")
    def audit() -> Response:
        return render_live("audit", rows=answer_of_query("audit")["audit"])
